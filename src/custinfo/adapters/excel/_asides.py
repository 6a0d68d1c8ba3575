"""Rows of a table that are no data: totals and remarks below it, an example or a guide to filling in above.

They are told by their words, and only where the rest of the row agrees: a customer may be called 合计, but then it has
more than numbers. What is told stays in the plan as a row that is skipped, with what it was taken for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Literal

import attrs

from custinfo.adapters.excel._cells import Mark, UncachedFormula
from custinfo.adapters.excel._tables_within import TableWithin
from custinfo.core.problems import Place, Problem
from custinfo.workspace.importing import ImportPlan, SourceTable
from custinfo.workspace.planned_rows import PlannedRow, RawValues

__all__ = ["Asides", "aside_of"]

Aside = Literal["totals", "remark", "section", "blank", "example", "guide", "overlong"]
Row = tuple[int, RawValues]

_SUM: Final = r"(?:[合总小共累]\s*计|总\s*和|汇\s*总|合\s*共|平\s*均(?:值|数)?|(?:grand\s+|sub-?\s*)?totals?)"
_COUNT: Final = r"[\d,.]+\s*(?:条|家|户|个|人|名|行|位|笔|项|元|万元|records?|rows?)?\s*(?:记录|数据|客户)?"
_TOTALS: Final = re.compile(
    rf"\W*(?:本页|本表|本月|本年|当月|全部|\w{{0,12}}(?=[小合总]\s*计)\s*)?{_SUM}\s*"
    rf"(?:[(（][^()（）]*[)）])?\s*(?:[:：]?\s*{_COUNT})?\W*",
    re.IGNORECASE,
)
_COUNTED: Final = re.compile(rf"\W*(?:共计?|总共)\s*[:：]?\s*{_COUNT}\W*", re.IGNORECASE)
_REMARK: Final = re.compile(
    r"[\s*※★(（【\[]*(?:(?:备\s*注|附?\s*注|说\s*明|(?:填表|填写|填报|其他)说明|注意(?:事项)?|温馨提示|提示|数据来源"
    r"|(?:制表|填表|填报|编制|统计|审核|复核|审批|经办|录入)(?:人|日期|时间|单位|部门)?|(?:打印|导出|更新|截止)(?:时间|日期)?"
    r"|notes?|remarks?|sources?|(?:prepared|approved|checked)\s+by|printed(?:\s+on)?)\s*\d*\s*[:：]"
    r"|第\s*\d+\s*页|page\s+\d+|(?:以上|上述|本表)\w{0,8}(?:数据|资料|信息|客户|内容|表)"
    r"|(?:以下|此处)(?:空白|无正文|为空)|\W+(?:完|结束|end)\W*$)",
    re.IGNORECASE,
)
_SECTION: Final = re.compile(r"[\s(（]*[一二三四五六七八九十]{1,3}\s*[)）、.．]\s*\S")
_FILLER: Final = re.compile(r"[-—_/\\.…·*=~\s]+")
_LABELLED: Final = re.compile(r"\s*\w{1,8}\s*[:：]")
_EXAMPLE_WORD: Final = (
    r"(?:填写|填报|数据)?(?:示\s*例|样\s*例|范\s*例|举\s*例|例子?)(?:数据|行)?|examples?|samples?|e\.\s*g\."
)
_EXAMPLE: Final = re.compile(
    rf"\s*(?:[(（【\[]\s*(?:{_EXAMPLE_WORD})[^()（）【】\[\]]*[)）】\]]|(?:{_EXAMPLE_WORD})\s*\d*\s*(?:[:：]|$))",
    re.IGNORECASE,
)
_GUIDE: Final = re.compile(
    r"[\s*(（【\[]*(?:必填|选填|非必填|必须|可选|可不填|可空|选择|请(?:填|输入|选择|按|参照)|格式|例如|例[:：]|如[:：]|示例[:：]"
    r"|不超过|最多|(?:下拉)?选择|(?:文本|数字|日期)(?:格式|型)?[)）】\]]?$|required|mandatory|optional|e\.g\.|format)",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(rf"[¥￥$\s]*[-+(（]?\s*{_COUNT}\s*[)）]?\s*(?:%|％|亿元?|万)?\s*")
_UNIT: Final = re.compile(r"(?:单位\s*[:：]\s*)?(?:[元人个家户台件条年月日天%％]|—+|-+|/|…+|\.{3})")
_MOST_TEXTS: Final = 2
"""In a line of totals, numbers aside."""
_LEAST_DIGITS: Final = 7
"""Of a phone or a number that identifies somebody: a smaller one may be a count."""
_LOOKED_AT: Final = 120
"""Characters of a cell that are looked at: the patterns take their time with long texts."""
_STARTS: Final = frozenset(
    "合总小共累汇平本当全备附注说填其温提数来制编统审复经负录联打导更截以此上示样范举例第一二三四五六七八九十"
    "gstnrpeGSTNRPE*※★(（【[—-_/…·=~.#\n\t \u3000"
)
"""What the words above begin with: other rows are told by one look. A word in front of 小计 is looked for below."""


def aside_of(values: Sequence[object], *, leading: bool) -> Aside | None:
    """Return what a row is that is no data, or None for data.

    Args:
        values: The values of the row.
        leading: Whether no row of data stands above it.

    >>> aside_of(("合计", None, 300), leading=False), aside_of(("备注：截至三月", None), leading=False)
    ('totals', 'remark')
    >>> aside_of(("合计", "企业客户", 300), leading=False), aside_of(("示例：甲公司", "1"), leading=True)
    (None, 'example')
    """
    filled = [value[:_LOOKED_AT] if isinstance(value, str) else value for value in values if value is not None]
    texts = [value for value in filled if isinstance(value, str) and not _NUMBER.fullmatch(value)]
    if not texts:
        return None
    if _is_totals(filled, texts):
        return "totals"
    if all(map(_FILLER.fullmatch, texts)):
        return "blank" if 1 < len(texts) == len(filled) else None
    if _is_remark(filled, texts, len(values)):
        return "remark"
    if len(filled) == 1 < len(values) - 1 and _SECTION.match(texts[0]):
        return "section"
    if not leading:
        return None
    if any(map(_EXAMPLE.match, texts[:2])):
        return "example"
    guides = sum(_GUIDE.match(text) is not None for text in texts)
    enough = guides > 1 or guides == len(filled) < len(values)
    return "guide" if enough and 2 * guides >= len(filled) else None


def _is_full(values: Sequence[object]) -> bool:
    """Tell most rows by a glance: of three texts, totals have too few, and in remarks the third one has a label."""
    texts = 0
    for value in values:
        if type(value) is str and value[:1].isalpha():  # what begins so is no number
            texts += 1
            if texts > _MOST_TEXTS:
                return not _LABELLED.match(value)
    return False


def _is_totals(filled: Sequence[object], texts: Sequence[str]) -> bool:
    """Tell a line of totals: its only text, or the last one of two, names them, and all else is numbers."""
    if len(texts) == len(filled) == 1 and _COUNTED.fullmatch(texts[0]):
        return True
    if len(texts) > _MOST_TEXTS or not _TOTALS.fullmatch(texts[-1]):
        return False
    return all(_is_number(value) for value in filled if value not in texts) and (len(texts) == 1 or len(filled) > 2)


def _is_remark(filled: Sequence[object], texts: Sequence[str], width: int) -> bool:
    """Tell a line of remarks: texts alone, one in few of several columns, or several, each behind a label."""
    if len(texts) < len(filled) or width < 2 or not _REMARK.match(texts[0]):
        return False
    few = 2 * len(filled) <= width + 1 or len(texts) > 1
    return few and all(map(_LABELLED.match, texts[1:]))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Mark)) or (isinstance(value, str) and _NUMBER.fullmatch(value) is not None)


def _may_be(value: object) -> bool:
    return value is None or (type(value) is str and value[0] in _STARTS) or (type(value) is str and "计" in value)


def _only_numbers_columns(row: PlannedRow) -> bool:
    """Tell a row that only numbers the columns, or says plain units.

    A unit such as 万元 stays refused: who leaves it out makes every amount ten thousand times too small.
    """
    texts = [str(value).strip(" ()（）") for value in row.raw if value is not None]
    numbered = len(texts) > 1 and texts == [str(number) for number in range(1, len(row.raw) + 1)]
    return numbered or all(map(_UNIT.fullmatch, texts))


def _sums(value: object, above: Sequence[float]) -> bool:
    """Tell whether a value is the sum of those above it, or a formula that is yet to be calculated."""
    if isinstance(value, UncachedFormula):
        return True
    if len(above) < 2 or not isinstance(value, (int, float)):
        return False
    try:
        return math.isclose(value, math.fsum(above), abs_tol=0.005)
    except (OverflowError, ValueError):  # endless numbers, or such as no float holds
        return False


@attrs.frozen
class Asides:
    """Hold back the rows of a table that are no data, and put them into the plan of the others as skipped.

    Rows that are `overlong`, by how many cells, hold data in wrong columns: they come as rejected.

    A row is blank that has nothing but numbers in columns that mean nothing, `ballast`: people number lines in advance.
    A row is none of totals that has a value where nothing is summed up, `unsummed`: in a column of phones, say.
    """

    _table: SourceTable
    _ballast: frozenset[int] = frozenset()
    _unsummed: frozenset[int] = frozenset()
    _overlong: Mapping[int, int] = attrs.field(factory=dict)
    _found: dict[int, tuple[Aside, RawValues]] = attrs.field(factory=dict, init=False)

    @property
    def data(self) -> TableWithin:
        """The table without them."""
        return TableWithin(self._table, partial(self._rows, self._table.rows))

    def _rows(self, rows: Callable[[], Iterator[Row]]) -> Iterator[Row]:
        leading = True
        for row in rows():
            number, values = row
            if leading or (
                (_may_be(values[0]) or _may_be(values[-1] if len(values) < 2 else values[1])) and not _is_full(values)
            ):
                aside = "blank" if self._is_blank(values) else aside_of(values, leading=leading)
                if aside == "totals" and self._has_unsummed(values):
                    aside = None
                if aside is not None:
                    self._found[number] = aside, values
                    continue
                leading = False
            if number in self._overlong:
                self._found[number] = "overlong", values
                continue
            yield row

    def _is_blank(self, values: RawValues) -> bool:
        return all(
            value is None or (place in self._ballast and _is_number(value)) for place, value in enumerate(values)
        )

    def _has_unsummed(self, values: RawValues) -> bool:
        digits = (sum(map(str.isdigit, str(values[place])[:_LOOKED_AT])) for place in self._unsummed)
        return any(number >= _LEAST_DIGITS for number in digits)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was held back, once the rows are read."""
        return tuple(self._problem(number, aside) for number, (aside, _) in self._found.items())

    def told(self, plan: ImportPlan) -> ImportPlan:
        """Return a plan of the data with what was held back, and with what is no data of that which it refuses."""
        entries = plan.rows.entries
        ends = [row for row in (*entries[:1], *entries[-1:]) if isinstance(row, PlannedRow)]
        refused = [row for row in ends if row.outcome == "rejected"]
        asides: dict[int, Aside] = {row.row: "totals" for row in refused if self._sums_up(row)}
        asides |= {row.row: "guide" for row in refused if row is entries[0] and _only_numbers_columns(row)}
        held = [self._skipped(number, *found) for number, found in self._found.items()]
        told = {row.row: self._skipped(row.row, asides[row.row], row.raw) for row in refused if row.row in asides}
        if not held and not told:
            return plan
        return attrs.evolve(plan, rows=plan.rows.replaced(told).joined(held))

    def _sums_up(self, row: PlannedRow) -> bool:
        """Tell a row of nothing but sums of the columns above it, or their formulas."""
        filled = {place: value for place, value in enumerate(row.raw) if value is not None}
        if 2 * len(filled) > len(row.raw) or not all(
            isinstance(value, (int, float, Mark)) for value in filled.values()
        ):
            return False
        columns: dict[int, list[float]] = {place: [] for place in filled}
        for number, values in self.data.rows():
            for place, numbers in columns.items() if number != row.row else ():
                if isinstance(value := values[place], (int, float)):
                    numbers.append(value)
        return all(_sums(value, columns[place]) for place, value in filled.items())

    def _skipped(self, number: int, aside: Aside, values: RawValues) -> PlannedRow:
        return PlannedRow(
            number, "rejected" if aside == "overlong" else "skip", values, (self._problem(number, aside),)
        )

    def _problem(self, number: int, aside: Aside) -> Problem:
        place, params = Place(self._table.sheet, number), {"what": aside}
        if aside == "overlong":
            return Problem("surplus_cells", place=place, params={"count": self._overlong[number]})
        if aside == "blank":
            return Problem("no_data_row", place=place, params=params, severity="notice")
        return Problem("no_data_row", place=place, params=params, severity="warning")
