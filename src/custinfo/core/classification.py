"""Classification by rule and saved segments: what follows from the data, as data (TAG-3, TAG-4)."""

from __future__ import annotations

import attrs

from custinfo.core.criteria.nodes import Criterion
from custinfo.core.fields import Labels
from custinfo.core.frozen import FrozenDict, freeze_labels, label_in
from custinfo.core.records import FieldKey, ModuleKey

__all__ = ["Case", "Classification", "Segment"]


@attrs.frozen
class Case:
    """Give `value` to the records that meet `criterion`."""

    criterion: Criterion
    value: str


@attrs.frozen
class Classification:
    """Keep a tag or a grade in step with the data: people do not set what a rule decides.

    Args:
        key: Immutable name.
        module: Whose records.
        cases: In order. In a dimension that takes several tags, all that hold count; in one that takes one tag, and
            in a field, the first.
        dimension: The tag dimension in which the values are tags. The rule owns these tags, and no others.
        field: Or the choice field that takes the value; the rule owns the field.
        otherwise: The value where no case holds; none when not given.
        label: What people call it, by language.

    Exactly one of `dimension` and `field` is given.
    """

    key: str
    module: ModuleKey
    cases: tuple[Case, ...]
    dimension: str | None = None
    field: FieldKey | None = None
    otherwise: str | None = None
    label: Labels = attrs.field(factory=FrozenDict, converter=freeze_labels)

    def values(self) -> tuple[str, ...]:
        """Return every value that it may give, as written."""
        return (*(case.value for case in self.cases), *((self.otherwise,) if self.otherwise is not None else ()))


@attrs.frozen
class Segment:
    """Name a criterion, to be used like one: `InSegment("high_value")` (TAG-4).

    `key` names it in criteria, `module` is the key of the module whose records it is about, `criterion` says which, and
    `label` is what people call it, by language; a plain text is Chinese, and names it, too.
    """

    key: str
    module: ModuleKey
    criterion: Criterion
    label: Labels = attrs.field(factory=FrozenDict, converter=freeze_labels)

    def label_in(self, language: str) -> str:
        """Return its label in `language`, else in English or Chinese, else its key."""
        return label_in(self.label, language, self.key)
