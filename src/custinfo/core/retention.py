"""How long records are kept, as data: what becomes of them when the time is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import attrs

from custinfo.core.criteria.nodes import Criterion, Everything
from custinfo.core.fields import Labels
from custinfo.core.frozen import FrozenDict, freeze_labels, label_in
from custinfo.core.messages import Translated
from custinfo.core.records import FieldKey, ModuleKey

__all__ = ["RetentionAction", "RetentionRule", "told_reason"]

_REASON: Final = "retention rule "

RetentionAction = Literal["archive", "erase"]


@attrs.frozen
class RetentionRule:
    """Say that records are kept for some months from a date on, and what becomes of them then.

    It proposes: nothing happens until somebody applies it, with `Session.retention`.

    >>> from custinfo import F
    >>> lost = RetentionRule("lost", "customer", "updated_at", 36, "archive", F.status == "流失")
    >>> lost.reason
    'retention rule lost'

    Args:
        key: Immutable name.
        module: Whose records.
        since: The date from which the time runs: a field of the module, or `created_at` or `updated_at`.
        months: How long, from 1. A year is twelve. What has no date is kept.
        action: `archive` puts records into the archive; `erase` erases `fields` for good, of archived records, too.
        criterion: Which records; all when not given. A condition on time looks at the moment when it is applied.
        fields: What is erased; none for `archive`.
        label: What people call it, by language.
    """

    key: str
    module: ModuleKey
    since: FieldKey
    months: int
    action: RetentionAction
    criterion: Criterion = Everything()
    fields: tuple[FieldKey, ...] = ()
    label: Labels = attrs.field(factory=FrozenDict, converter=freeze_labels)

    def label_in(self, language: str) -> str:
        """Return its label in `language`, else in English or Chinese, else its key."""
        return label_in(self.label, language, self.key)

    @property
    def reason(self) -> str:
        """The reason that stands in the history of what it did; views tell it in the reader's language."""
        return f"{_REASON}{self.key}"


def told_reason(reason: str | None, rules: Mapping[str, RetentionRule]) -> str | None:
    """Return a reason as people are told it: one that a rule gave reads in their language, any other as it is."""
    rule = None if reason is None else rules.get(reason.removeprefix(_REASON))
    if reason is None or rule is None or reason != rule.reason:
        return reason
    chinese, english = (label_in(rule.label, language, rule.key) for language in ("zh", "en"))
    return Translated.named({"zh": f"保留规则“{chinese}”", "en": f"{_REASON}“{english}”"}, reason)
