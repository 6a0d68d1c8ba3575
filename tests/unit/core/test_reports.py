"""Reports: problems counted, grouped and shown, in any language and without values."""

from __future__ import annotations

import json
import pickle
import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custinfo.core.cells import cell_name
from custinfo.core.errors import ConfigurationError, CustinfoError, InvalidInputError, StaleVersionError
from custinfo.core.frozen import FrozenDict
from custinfo.core.messages import DEFAULT_MESSAGES, Messages, Translated
from custinfo.core.problems import Place, Problem
from custinfo.core.reports import Report, display_width
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace import Workspace

NAME = FrozenDict({"zh": "客户名称", "en": "Customer name"})
REQUIRED = Problem("required", "name", Place("客户", 3, 2), labels=NAME)
PHONE = Problem("normalised", "phone", Place("客户", 4, 28), severity="notice")
REGION = Problem("unknown_region", "uscc", Place("客户", 5), severity="warning")
STALE = Problem("stale_version", params={"actual": 3, "expected": 2})
REPORT = Report([REQUIRED, PHONE, REGION, STALE])


def test_a_report_is_a_collection_of_problems() -> None:
    """It iterates and counts in the order found, compares by its problems, and an empty one is false."""
    assert list(REPORT) == [REQUIRED, PHONE, REGION, STALE]
    assert len(REPORT) == 4
    assert Report(iter(REPORT)) == REPORT
    assert hash(Report(iter(REPORT))) == hash(REPORT)
    assert (bool(REPORT), bool(Report()), bool(Report([PHONE]))) == (True, False, True)
    assert pickle.loads(pickle.dumps(REPORT)) == REPORT


def test_problems_by_severity() -> None:
    """Each severity gives its own problems."""
    assert REPORT.errors == (REQUIRED, STALE)
    assert REPORT.warnings == (REGION,)
    assert REPORT.notices == (PHONE,)


@pytest.mark.parametrize(
    ("problems", "ok"), [([], True), ([PHONE], True), ([REGION, PHONE], True), ([PHONE, REQUIRED], False)]
)
def test_only_errors_stand_in_the_way(problems: list[Problem], ok: bool) -> None:
    """A report with warnings and notices only is in order."""
    assert Report(problems).ok is ok


def test_by_field() -> None:
    """Problems of one field stand together, fields in the order in which they turn up, `None` for those of none."""
    again = Problem("too_long", "name", params={"limit": 3})
    grouped = Report([REQUIRED, STALE, PHONE, again]).by_field()
    assert list(grouped.items()) == [("name", (REQUIRED, again)), (None, (STALE,)), ("phone", (PHONE,))]


def test_raising_the_errors() -> None:
    """The error has the errors only; it is the plain one for wrong data."""
    with pytest.raises(InvalidInputError) as caught:
        REPORT.raise_if_errors()
    assert type(caught.value) is InvalidInputError
    assert caught.value.problems == (REQUIRED, STALE)
    Report([PHONE, REGION]).raise_if_errors()
    Report().raise_if_errors()


@attrs.frozen
class Row:
    """Something else that has problems."""

    problems: tuple[Problem, ...]


@pytest.mark.parametrize("kind", [CustinfoError, ConfigurationError, StaleVersionError])
def test_the_report_of_an_error(kind: type[CustinfoError]) -> None:
    """Whatever has problems gives a report, and several things give one report."""
    assert Report.of(kind([REQUIRED, STALE])) == Report([REQUIRED, STALE])
    assert Report.of(Row((PHONE,)), kind([STALE])) == Report([PHONE, STALE])
    assert Report.of() == Report()


def test_summaries() -> None:
    """The counts are told in words; nothing is told as nothing."""
    assert REPORT.summary() == "错误 2，警告 1，提示 1"
    assert REPORT.summary("en") == "errors: 2, warnings: 1, notices: 1"
    assert (Report().summary(), Report().summary("en")) == ("没有发现问题", "nothing was found")
    assert repr(REPORT) == "Report('errors: 2, warnings: 1, notices: 1')"


def test_as_a_dict() -> None:
    """Every problem with all that a user interface needs; what is not known is `None`."""
    assert Report([REQUIRED, REGION, STALE]).to_dict() == {
        "ok": False,
        "counts": {"error": 2, "warning": 1, "notice": 0},
        "problems": [
            {
                "code": "required",
                "field": "name",
                "label": "客户名称",
                "severity": "error",
                "text": "必填",
                "message": "客户名称：必填",
                "place": {"sheet": "客户", "row": 3, "column": 2, "cell": "B3"},
                "params": {},
            },
            {
                "code": "unknown_region",
                "field": "uscc",
                "label": "uscc",
                "severity": "warning",
                "text": "地区代码不在名录中",
                "message": "uscc：地区代码不在名录中",
                "place": {"sheet": "客户", "row": 5, "column": None, "cell": None},
                "params": {},
            },
            {
                "code": "stale_version",
                "field": None,
                "label": None,
                "severity": "error",
                "text": "记录已是第 3 版，而不是第 2 版：请重新读取",
                "message": "记录已是第 3 版，而不是第 2 版：请重新读取",
                "place": None,
                "params": {"actual": 3, "expected": 2},
            },
        ],
    }


def test_parameters_as_json() -> None:
    """Lists stay lists, translated texts are in the language asked for, and anything else is a text."""
    params = {
        "allowed": ("a", "b"),
        "because": Translated({"zh": "成交", "en": "Won"}),
        "limit": 3,
        "odd": Place("s"),
        "nothing": None,
    }
    (problem,) = Report([Problem("x", params=params)]).to_dict("en")["problems"]  # type: ignore[arg-type]
    assert problem["params"] == {
        "allowed": ["a", "b"],
        "because": "Won",
        "limit": 3,
        "odd": "Place(sheet='s', row=None, column=None)",
        "nothing": None,
    }
    assert type(problem["params"]["because"]) is str


def test_as_a_table_in_chinese() -> None:
    """Columns are aligned where a Chinese character is two wide."""
    assert REPORT.to_text().splitlines() == [
        "级别  位置          字段      问题",
        "错误  客户!B3       客户名称  必填",
        "提示  客户!AB4      phone     已转换为规范格式",
        "警告  客户 第 5 行  uscc      地区代码不在名录中",
        "错误                          记录已是第 3 版，而不是第 2 版：请重新读取",
        "错误 2，警告 1，提示 1",
    ]


def test_as_a_table_in_english() -> None:
    """The same in English, with the English labels."""
    assert REPORT.to_text("en").splitlines() == [
        "Severity  Place       Field          Problem",
        "error     客户!B3     Customer name  a value is required",
        "notice    客户!AB4    phone          was brought into the usual form",
        "warning   客户 row 5  uscc           has a region code that is not on the list",
        "error                                the record is at version 3, not 2: read it again",
        "errors: 2, warnings: 1, notices: 1",
    ]


def test_as_markdown() -> None:
    """A table, and the counts below it."""
    assert Report([REQUIRED, PHONE]).to_markdown().splitlines() == [
        "| 级别 | 位置 | 字段 | 问题 |",
        "| --- | --- | --- | --- |",
        "| 错误 | 客户!B3 | 客户名称 | 必填 |",
        "| 提示 | 客户!AB4 | phone | 已转换为规范格式 |",
        "",
        "错误 1，警告 0，提示 1",
    ]


def test_nothing_is_shown_as_one_line() -> None:
    """An empty report has no headings over nothing."""
    assert Report().to_text("en") == Report().to_markdown("en") == "nothing was found"
    assert Report().to_dict() == {"ok": True, "counts": {"error": 0, "warning": 0, "notice": 0}, "problems": []}


@pytest.mark.parametrize(
    ("place", "cell", "text"),
    [
        (Place(), None, ""),
        (Place("客户"), None, "客户"),
        (Place("客户", 3), None, "客户 row 3"),
        (Place(None, 3), None, "row 3"),
        (Place("客户", None, 27), None, "客户 column AA"),
        (Place("客户", 3, 1), "A3", "客户!A3"),
        (Place("", 3, 26), "Z3", "Z3"),
        (Place(None, 7, 16384), "XFD7", "XFD7"),
    ],
)
def test_places(place: Place, cell: str | None, text: str) -> None:
    """A place is told as a spreadsheet names it, as far as it is known."""
    assert cell_name(place) == cell
    shown = Report([Problem("required", place=place)]).to_text("en").splitlines()[1]
    assert shown.removeprefix("error").removesuffix("a value is required").strip() == text


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("abc", 3), ("客户", 4), ("Ａb", 3), ("ｱ", 1), ("한", 2), ("，", 2), ("“”", 2), ("e\u0301", 1), ("ñ", 1)],
)
def test_display_width(text: str, width: int) -> None:
    """Wide and full-width characters are two columns wide, marks none, ambiguous ones one."""
    assert display_width(text) == width


def test_markup_in_names_is_shown() -> None:
    """A heading that somebody wrote into a workbook breaks neither a table nor the page around it."""
    heading = "a|b\n<script>*c*_d_`e`[f](g)\\#\x1b[31m\u202e"
    problem = Problem("unmapped_column", heading, severity="warning")
    assert Report([problem]).to_text("en").splitlines()[1] == (
        "warning          a|b <script>*c*_d_`e`[f](g)\\# [31m  the column matches no field and is left out"
    )
    escaped = r"a\|b \<script\>\*c\*\_d\_\`e\`\[f\](g)\\\# \[31m"
    assert Report([problem]).to_markdown("en").splitlines()[2] == (
        f"| warning |  | {escaped} | the column matches no field and is left out |"
    )


@given(st.lists(st.builds(Problem, st.text(max_size=8), st.none() | st.text(max_size=12)), min_size=1, max_size=5))
def test_every_problem_is_one_line(problems: list[Problem]) -> None:
    """Whatever stands in a name or a code, a table has a line for each problem, and Markdown four cells in each."""
    report = Report(problems)
    assert len(report.to_text("en").splitlines()) == len(problems) + 2
    rows = report.to_markdown("en").splitlines()[2:-2]
    assert len(rows) == len(problems)
    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 5 for row in rows)
    assert json.loads(json.dumps(report.to_dict("zh")))["counts"]["error"] == len(problems)


@given(st.lists(st.text(st.characters(categories=["Lo", "Ll", "Nd"]), min_size=1, max_size=9), min_size=1, max_size=5))
def test_columns_are_aligned(fields: list[str]) -> None:
    """The last column begins at the same place in every line."""
    lines = Report([Problem("required", field) for field in fields]).to_text("en").splitlines()[1:-1]
    assert len({display_width(line.removesuffix("a value is required")) for line in lines}) == 1


FRENCH = DEFAULT_MESSAGES.with_language(
    "fr",
    {
        "required": "valeur obligatoire",
        "report_sentence": "{field} : {text}",
        "report_problem": "Problème",
        "report_error": "erreur",
        "report_row": "ligne {row}",
        "report_nothing": "rien",
    },
)


def test_a_language_of_the_hosts() -> None:
    """Texts, headings and punctuation come from the host's mapping, the rest is English."""
    problem = Problem("required", "name", Place(row=3), labels=NAME.set("fr", "Nom"))
    report = Report([problem, Problem("not_whole", "seats", labels=NAME)])
    assert report.to_text("fr", messages=FRENCH).splitlines() == [
        "Severity  Place    Field          Problème",
        "erreur    ligne 3  Nom            valeur obligatoire",
        "erreur             Customer name  must be a whole number",
        "errors: 2, warnings: 0, notices: 0",
    ]
    assert report.to_markdown("fr", messages=FRENCH).splitlines()[2] == (
        "| erreur | ligne 3 | Nom | valeur obligatoire |"
    )
    assert [item["message"] for item in report.to_dict("fr", messages=FRENCH)["problems"]] == [
        "Nom : valeur obligatoire",
        "Customer name : must be a whole number",
    ]
    assert Report().summary("fr", messages=FRENCH) == "rien"
    assert CustinfoError(report).message("fr", messages=FRENCH) == (
        "ligne 3 : Nom : valeur obligatoire\nCustomer name : must be a whole number"
    )


def test_a_catalogue_without_the_words_of_reports() -> None:
    """A catalogue that a host made from nothing gives its own texts, and a report still has its headings."""
    own = Messages(FrozenDict({"de": FrozenDict({"required": "Pflichtfeld"})}))
    report = Report([Problem("required", "name"), Problem("not_whole", "seats")])
    assert report.to_text("de", messages=own).splitlines() == [
        "Severity  Place  Field  Problem",
        "error            name   Pflichtfeld",
        "error            seats  not_whole",
        "errors: 2, warnings: 0, notices: 0",
    ]
    assert report.errors[0].message("de", messages=own) == "name: Pflichtfeld"


def test_hints_in_a_further_language() -> None:
    """A hint in Chinese and English reads in English elsewhere, until the catalogue has a text for its code."""
    odd = Problem("odd", "n", params={"hint": Translated({"zh": "须为偶数", "en": "must be even"})})
    told = FRENCH.with_language("fr", {"odd": "doit être pair"})
    assert odd.text("fr", messages=FRENCH) == "must be even"
    assert odd.text("fr", messages=told) == "doit être pair"
    assert Report([odd]).to_dict("zh", messages=told)["problems"][0]["text"] == "须为偶数"


def test_gaps_of_a_language() -> None:
    """A translator is told what is missing, and what asks for a parameter that is not given."""
    assert DEFAULT_MESSAGES.gaps("zh") == DEFAULT_MESSAGES.gaps("en") == ()
    of_several = [code for code in DEFAULT_MESSAGES.languages["en"] if not code.endswith(".one")]
    assert DEFAULT_MESSAGES.gaps("fr") == tuple(of_several)
    texts = {"required": "x", "too_long": "{limit}", "too_short": "{limite}", "too_small": "{", "too_large": ""}
    gaps = DEFAULT_MESSAGES.with_language("fr", texts).gaps("fr")
    assert {"too_short", "too_small", "too_large"} <= set(gaps)
    assert set(gaps).isdisjoint({"required", "too_long"})


SECRET = "xyzzy4711"
"""Wrong for every kind of field that checks anything, and in none of the texts."""


def test_no_report_shows_a_value() -> None:
    """With a wrong value in every field, neither the tables nor the dict nor any text of the error holds it."""
    fields = standard_configuration().modules["customer"].active_fields()
    values = {field.key: (SECRET * 300 if field.kind in ("text", "long_text") else SECRET) for field in fields}
    with (
        Workspace.open("memory://", standard_configuration(), organisation=sample_organisation()) as workspace,
        workspace.acting_as("lisi") as session,
        pytest.raises(InvalidInputError) as caught,
    ):
        session.customers.create(values)
    report = Report.of(caught.value)
    assert len(report) >= 15
    for language in ("zh", "en", "fr"):
        shown = [report.to_text(language), report.to_markdown(language), json.dumps(report.to_dict(language))]
        assert not [text for text in (*shown, repr(report), repr(report.problems), str(caught.value)) if SECRET in text]
