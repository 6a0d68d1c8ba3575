"""Where in a configuration something is wrong, and the words for what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from custinfo.core.frozen import FrozenDict
from custinfo.core.messages import Translated
from custinfo.core.problems import ParamValue, Problem, Severity
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.text import folded

__all__ = ["WORDS", "Names", "Spot", "repeated", "text_in"]


def text_in(chinese: str, english: str) -> Translated:
    """Return a text that is read in either language."""
    return Translated({"zh": chinese, "en": english})


WORDS: Final[FrozenDict[str, Translated]] = FrozenDict(
    {
        english: text_in(chinese, english)
        for chinese, english in (
            ("模块", "module"),
            ("字段", "field"),
            ("字段类型", "kind"),
            ("字典", "dictionary"),
            ("字典条目", "entry"),
            ("标签维度", "tag dimension"),
            ("标签", "tag"),
            ("角色", "role"),
            ("成员", "member"),
            ("部门", "department"),
            ("岗位", "position"),
            ("细分", "segment"),
            ("脱敏方式", "mask style"),
            ("时区", "time zone"),
            ("公式", "formula"),
            ("名称", "label"),
            ("代码", "code"),
            ("审批步骤", "step"),
            ("审批人", "approver"),
            ("投票规则", "quorum"),
            ("判断条件", "case"),
        )
    }
)
"""What the parts of a configuration are called."""


@attrs.frozen
class Spot:
    """Name a place in a configuration by its path, as errors in its JSON do: `$.modules['customer'].fields['name']`."""

    path: str = "$"
    module: ModuleKey | None = None
    field: FieldKey | None = None
    labels: FrozenDict[str, str] | None = attrs.field(default=None, eq=False)

    def dot(self, name: str) -> Spot:
        """Return the spot of an attribute."""
        return Spot(f"{self.path}.{name}", self.module, self.field, self.labels)

    def at(self, key: str | int) -> Spot:
        """Return the spot of an item of a mapping or a tuple."""
        return Spot(f"{self.path}[{key!r}]", self.module, self.field, self.labels)

    def problem(self, code: str, *, severity: Severity = "error", **params: ParamValue) -> Problem:
        """Return a problem of this spot."""
        where = {"path": self.path} if self.module is None else {"path": self.path, "module": self.module}
        return Problem(code, self.field, params=FrozenDict({**where, **params}), severity=severity, labels=self.labels)

    def unknown(self, what: str, key: str, *, severity: Severity = "error") -> Problem:
        """Return the problem that there is no such part."""
        return self.problem("unknown_part", severity=severity, what=WORDS[what], key=key)

    def missing(self, what: str, *, severity: Severity = "error") -> Problem:
        """Return the problem that a part is missing."""
        return self.problem("missing_part", severity=severity, what=WORDS[what])

    def misfit(self, chinese: str, english: str, *, severity: Severity = "error") -> Problem:
        """Return the problem that a setting makes no sense here."""
        return self.problem("setting_misfit", severity=severity, hint=text_in(chinese, english))


class Names:
    """Remember what each name means, where spellings that fold alike are one name."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def other(self, name: str, meaning: str) -> str | None:
        """Return what else `name` means already, or `None`; the first meaning stays."""
        known = self._known.setdefault(folded(name), meaning)
        return known if known != meaning else None


def repeated(items: Iterable[tuple[Spot, str, str]], severity: Severity = "error") -> Iterator[Problem]:
    """Yield a problem for each name that means something else already.

    Args:
        items: Spot, name and meaning; a meaning may have several names.
        severity: Of the problems.
    """
    names = Names()
    for spot, name, meaning in items:
        other = names.other(name, meaning)
        if other is not None:
            yield spot.problem("name_taken", severity=severity, name=name, other=other)
