"""What an unknown heading of a file may mean: fields with similar names, each with a score."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import attrs

from custinfo.core.names import grams, searchable
from custinfo.core.records import FieldKey
from custinfo.core.schema import ModuleSchema
from custinfo.core.text import folded

__all__ = ["Headings", "Suggestion", "bare", "noted_unit", "suggestions"]

_LEAST: Final = 0.4
_MOST: Final = 3
_NUMBERED: Final = re.compile(r"\s*(?:[(（]\s*\d{1,2}\s*[)）]|\d{1,2}\s*[.．、)）:：])\s*(?=[^\d\s])")
_HINT: Final = re.compile(
    r"\s*[(（\[【〔]\s*(?:(?:格式|例如|例|如|示例|比如|format|e\.g\.)\s*[:：为]?\s*[^)）\]】〕]+"
    r"|y{4}\s*[-/.年]?\s*m{1,2}\s*[-/.月]?\s*d{1,2}\s*日?|年\s*[-/.]?\s*月\s*[-/.]?\s*日|\d{1,2}\s*位(?:数字?)?)\s*[)）\]】〕]\s*",
    re.IGNORECASE,
)
_POWERS: Final = {"千": 3, "万": 4, "十万": 5, "百万": 6, "千万": 7, "亿": 8}
_UNIT: Final = r"(?:十万|百万|千万|[千万亿])"
_CURRENCY: Final = r"(?:元|人民币|RMB|CNY|[¥￥])"
_IN_YUAN: Final = (
    rf"(?:[(（\[【]\s*(?:单位\s*[:：为]?\s*)?(?:人民币\s*)?(?:(?P<unit>{_UNIT})\s*{_CURRENCY}?|{_CURRENCY})\s*[)）\]】]"
    rf"|/\s*(?P<behind>{_UNIT})?\s*元)"
)
_YUAN: Final = re.compile(rf"\s*{_IN_YUAN}\s*$", re.IGNORECASE)
_ANYWHERE: Final = re.compile(
    rf"{_IN_YUAN}|(?<![\d.一二三四五六七八九十百千万亿两几])(?P<among>{_UNIT})\s*{_CURRENCY}+(?!\w)", re.IGNORECASE
)
"""A unit in a heading that somebody mapped, whatever stands beside it: `预算（万元/年）`, not `10万元以上`."""

_NOTED: Final = re.compile(
    rf"单位 ?[:：为]? ?[(（]? ?(?:人民币 ?)?(?P<unit>{_UNIT}) ?{_CURRENCY}?(?:$|[ )）\]】,，;；.。])", re.IGNORECASE
)


@attrs.frozen
class Suggestion:
    """A field that a heading may mean; `score` is from 0 to 1, for names that are the same but for blanks and marks."""

    heading: str
    field: FieldKey
    score: float


_BETWEEN: Final = re.compile(
    r"[/|,，、;；()（）\[\]【】\r\n]+|(?<=[\u3400-\u9fff])\s+(?=[A-Za-z])|(?<=[A-Za-z])\s+(?=[\u3400-\u9fff])"
)
"""What stands between two names in one heading, among them a blank between Chinese and English."""


def _names(schema: ModuleSchema) -> Iterator[tuple[FieldKey, str]]:
    definition = schema.definition
    for field in definition.active_fields():
        yield from ((field.key, name) for name in (field.key, *field.label.values(), *field.aliases))
    yield from (("owner", name) for name in ("owner", *definition.owner_label.values(), *definition.owner_aliases))


def bare(heading: str) -> str:
    """Return a heading without its number in a form, and without hints in brackets of how to write values.

    A unit in brackets stays: it is part of what the values mean (`Headings.power`).

    >>> bare("3、成立时间（格式：2024-01-01）"), bare("（4）预算（万元）"), bare("2024.5")
    ('成立时间', '预算（万元）', '2024.5')
    """
    numbered = _NUMBERED.match(heading)
    return _HINT.sub("", heading[numbered.end() :] if numbered else heading).strip(" :：") or heading


class Headings:
    """Know what headings mean in a module.

    >>> from custinfo.standard import sample_organisation, standard_configuration
    >>> from custinfo.core.validation.whole import checked_schema
    >>> schema = checked_schema(standard_configuration(), sample_organisation(), {}).module("customer")
    >>> headings = Headings(schema)
    >>> headings.meanings("联系方式"), headings.meanings("天气"), headings.meanings("联系方式（Phone）")
    (('phone',), (), ('phone',))
    """

    def __init__(self, schema: ModuleSchema) -> None:
        self._fields = schema.definition.fields
        self._known = [(form, _by_form(schema, form)) for form in (folded, searchable)]

    def meanings(self, heading: str) -> tuple[FieldKey, ...]:
        """Return the active fields that a heading names by key, label or alias.

        If there is none, those with a name that differs in blanks and punctuation only; these may be several. If there
        is none of these either, those that the `bare` heading names, without 元 or 万元 where amounts are in yuan, and
        then the one that each of several names in it names: in two languages, say.
        """
        if heading in self._fields:
            return (heading,)
        for text in dict.fromkeys((heading, bare(heading))):
            for form, known in self._known:
                if found := known.get(form(text)):
                    return tuple(found)
        plain = bare(heading)
        if (amount := _YUAN.sub("", plain)) != plain:
            meant = self.meanings(amount)
            return meant if all(map(self._is_in_yuan, meant)) else ()
        parts = [part for part in _BETWEEN.split(heading) if part.strip()]
        if not 1 < len(parts) < 4:
            return ()
        keys = [self.meanings(part) for part in parts]
        return keys[0] if len(keys[0]) == 1 and len(set(keys)) == 1 else ()

    def power(self, heading: str, key: FieldKey) -> int:
        """Return by which power of ten numbers below a heading have to be multiplied, to be as a field counts.

        It is 0 where the field is not in yuan, and where the heading says no unit, or that of the field's own label.
        """
        said = _power_of(heading) if self._is_in_yuan(key) else None
        return 0 if said is None else said - (self._own_power(key) or 0)

    def lacks_unit(self, heading: str, key: FieldKey) -> bool:
        """Tell whether a heading leaves open in which unit of yuan the numbers of a field are."""
        return self._is_in_yuan(key) and not self._own_power(key) and not _ANYWHERE.search(heading)

    def _own_power(self, key: FieldKey) -> int | None:
        """Return the power of the unit that a label says, in which the field counts then."""
        return next(filter(None, map(_power_of, self._fields[key].label.values())), None)

    def _is_in_yuan(self, key: FieldKey) -> bool:
        """Tell whether the amounts of a field are in yuan, so that 元 in a heading says nothing new."""
        field = self._fields.get(key)
        return field is not None and field.kind == "money" and field.options.get("currency", "CNY") == "CNY"


def noted_unit(notes: Iterable[str]) -> str:
    """Return the unit of amounts that a note beside a table says; empty if none does.

    >>> noted_unit(["客户台账", "金额单位：人民币万元"]), noted_unit(["填报单位：万达公司", "单位：元"])
    ('万元', '')
    """
    found = next(filter(None, (_NOTED.search(" ".join(note.split())) for note in notes)), None)
    return f"{found['unit']}元" if found else ""


def _power_of(heading: str) -> int | None:
    """Return the power of the unit that a heading says, 0 for 元; `None` where it says none."""
    found = _ANYWHERE.search(heading)
    if found is None:
        return None
    return _POWERS.get(found["unit"] or found["behind"] or found["among"], 0)


def _by_form(schema: ModuleSchema, form: Callable[[str], str]) -> dict[str, dict[FieldKey, None]]:
    """Return the fields by a form of their names, in order."""
    known: dict[str, dict[FieldKey, None]] = {}
    for key, name in _names(schema):
        if wanted := form(name):
            known.setdefault(wanted, {})[key] = None
    return known


def suggestions(schema: ModuleSchema, heading: str, taken: Iterable[FieldKey] = ()) -> tuple[Suggestion, ...]:
    """Return the fields whose names are most like a heading, best first; none where nothing is alike.

    Args:
        schema: The module.
        heading: What stands above the column.
        taken: Fields that other columns have already.
    """
    best: dict[FieldKey, float] = {}
    form, left = searchable(heading), frozenset(taken)
    for key, name in _names(schema):
        if key not in left:
            best[key] = max(best.get(key, 0.0), _likeness(form, searchable(name)))
    ordered = sorted(best.items(), key=lambda item: -item[1])
    return tuple(Suggestion(heading, key, round(score, 2)) for key, score in ordered[:_MOST] if score >= _LEAST)


def _likeness(one: str, other: str) -> float:
    """Return how alike two names are: the pairs of characters that they share, and whether one is part of the other."""
    if not one or not other:
        return 0.0
    if one == other:
        return 1.0
    first, second = grams(one), grams(other)
    shared = 2 * len(first & second) / (len(first) + len(second))
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) > 1 and shorter in longer:
        return max(shared, 0.5 + 0.45 * len(shorter) / len(longer))
    return 0.95 * shared
