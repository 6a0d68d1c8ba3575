"""What rules are made of: the target that they are compiled for, and what their checks may look at."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, tzinfo
from typing import Any, Final, NoReturn, Protocol

import attrs

from custinfo.core.criteria.evaluate import Related
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.errors import ConfigurationError
from custinfo.core.messages import Telling, Translated
from custinfo.core.messages.terms import CHINESE_TERMS
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, Record, Values

__all__ = [
    "CHOICE_KINDS",
    "DATE_KINDS",
    "NUMBER_KINDS",
    "TEXT_KINDS",
    "Check",
    "CheckContext",
    "Condition",
    "Rule",
    "RuleTarget",
    "in_chinese",
]

TEXT_KINDS: Final = frozenset({"text", "long_text", "phone", "email", "url", "uscc", "resident_id"})
"""Kinds whose values are texts that people write."""

CHOICE_KINDS: Final = frozenset({"choice", "multiple_choice", "reference", "user", "department"})
"""Kinds whose values are codes or keys."""

NUMBER_KINDS: Final = frozenset({"integer", "decimal", "money"})
"""Kinds whose values are numbers."""

DATE_KINDS: Final = frozenset({"date", "datetime"})
"""Kinds whose values are days or instants."""

_BUILT_IN: Final = TEXT_KINDS | CHOICE_KINDS | NUMBER_KINDS | DATE_KINDS | {"boolean", "attachment", "computed"}


def in_chinese(*kinds: str) -> str:
    """Return what kinds of fields are called in Chinese; a host's own by its key."""
    return "、".join(CHINESE_TERMS.get(f"kind_{kind}", kind) for kind in sorted(kinds))


@attrs.define
class CheckContext:
    """Hold what a check may look at beside the value; made anew for each record, and not kept.

    `values` are those of the record after the change, `record` is that record, `related` follows its references, and
    `now` is the present instant, for rules that are `relative` (it is of no use to others).
    """

    values: Values
    record: Record
    related: Related
    now: datetime


Check = Callable[[Any, CheckContext], Problem | None]
"""Return the problem that a value has, or `None`. Never raises for a value of a kind that the rule accepted."""


@attrs.frozen
class Condition:
    """A criterion compiled for a module.

    `holds` judges a record, `watches` are the fields that it looks at (`tags` among them), `because` is the criterion
    in words, and `relative` says whether it depends on the present time.
    """

    holds: Callable[[CheckContext], bool] = attrs.field(repr=False)
    watches: frozenset[FieldKey]
    because: Telling
    relative: bool = False


@attrs.define(eq=False)
class RuleTarget:
    """Say for which field a rule is compiled, and take down which other fields it looks at.

    Args:
        module: Key of the module.
        field: Key of the field.
        kind: Key of the field's kind.
        storage: How values of the kind are stored: `text`, `number` or `list`.
        zone: The configured time zone.
        rule: What to call the rule when it is refused.
        watches: The fields on whose change the rule is checked; `watch` and `condition` add to them.
        relative: Whether a check asks for `CheckContext.now`; a rule that does so by itself sets it.
    """

    module: ModuleKey
    field: FieldKey
    kind: str
    storage: str
    zone: tzinfo
    rule: str
    _find: Callable[[str], tuple[FieldKey, str, Translated] | None]
    _condition: Callable[[Criterion], Condition]
    _entries: Callable[[tuple[str, ...]], tuple[str, ...]] = tuple
    watches: set[FieldKey] = attrs.field(init=False)
    relative: bool = attrs.field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        self.watches = {self.field}

    def refuse(self, chinese: str, english: str) -> NoReturn:
        """Say why the rule does not fit this field. Raises: ConfigurationError (`rule_misfit`), always."""
        hint = Translated({"zh": chinese, "en": english}, "en")
        params = {"module": self.module, "rule": self.rule, "hint": hint}
        raise ConfigurationError([Problem("rule_misfit", self.field, params=params)])

    def need_kind(self, kinds: Collection[str], storage: str | None = None) -> None:
        """Refuse the rule unless the field is of one of `kinds`, or of a kind of the host's own stored as `storage`.

        Raises: ConfigurationError.
        """
        if self.kind in kinds or (self.kind not in _BUILT_IN and self.storage == storage):
            return
        names = ", ".join(sorted(kinds))
        chinese = f"该字段类型为“{in_chinese(self.kind)}”，须为：{in_chinese(*kinds)}"
        self.refuse(chinese, f"its kind is {self.kind}, not one of {names}")

    def named(self, values: tuple[str, ...]) -> tuple[str, ...]:
        """Return what people call listed values: of a choice the labels of its entries, in the reader's language."""
        return self._entries(values)

    def watch(self, name: str, kinds: Collection[str] | None = None) -> tuple[FieldKey, Translated]:
        """Return key and label of another field, and have the rule checked when that one changes too.

        Raises: ConfigurationError where there is no such field, or it is of none of `kinds`.
        """
        found = self._find(name)
        if found is None:
            self.refuse(f"没有字段 {name}", f"there is no field {name}")
        key, kind, label = found
        if kinds is not None and kind not in kinds:
            names = ", ".join(sorted(kinds))
            chinese = f"字段 {name} 类型为“{in_chinese(kind)}”，须为：{in_chinese(*kinds)}"
            self.refuse(chinese, f"the field {name} is {kind}, not one of {names}")
        self.watches.add(key)
        return key, Telling.of(label, [(key,)])

    def condition(self, criterion: Criterion) -> Condition:
        """Return a criterion on the record compiled, and have the rule checked when a field that it names changes.

        Raises: ConfigurationError for a criterion that does not fit the module.
        """
        found = self._condition(criterion)
        self.watches |= found.watches
        self.relative = self.relative or found.relative
        return found


class Rule(Protocol):
    """A check of a field as data: an attrs class with defaults or values that read and write as JSON.

    It is compiled once per configuration, checked wherever the field has a value and that, or a field that it watches,
    changes.
    """

    def compile(self, target: RuleTarget, /) -> Check:
        """Return the check for a field. Raises: ConfigurationError, through `target`, where the rule does not fit."""
