"""How long records are kept, as data: what becomes of them when the time is over."""

from __future__ import annotations

from typing import Literal

import attrs

from custinfo.core.criteria.nodes import Criterion, Everything
from custinfo.core.fields import Labels
from custinfo.core.frozen import FrozenDict, freeze_labels, label_in
from custinfo.core.records import FieldKey, ModuleKey

__all__ = ["RetentionAction", "RetentionRule"]

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
        """The reason that stands in the history of what it did."""
        return f"retention rule {self.key}"
