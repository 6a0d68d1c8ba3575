"""The matrix of a policy as a workbook: what stands where, how it looks, and that labels are texts."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import attrs
import openpyxl
import pytest

from custinfo import ALL_FIELDS, Configuration, FieldDefinition, Grant, ModuleDefinition, Role, policy_matrix
from custinfo.adapters.excel import write_policy_matrix
from custinfo.standard import sample_organisation, standard_configuration

NOW = datetime(2024, 3, 15, tzinfo=UTC)


def written(configuration: Configuration, language: str) -> Any:
    """Write the matrix of a configuration, and return the workbook."""
    file = io.BytesIO()
    matrix = policy_matrix(configuration, organisation=sample_organisation())
    write_policy_matrix(matrix, file, language=language, now=NOW)
    return openpyxl.load_workbook(file)


def cells(sheet: Any) -> dict[tuple[str, str], Any]:
    """Return row and column heading → cell."""
    titles = [cell.value for cell in sheet[1]]
    rows = sheet.iter_rows(min_row=2)
    return {(row[0].value, title): cell for row in rows for title, cell in zip(titles, row, strict=True)}


@pytest.mark.parametrize(
    ("language", "sheets", "expected"),
    [
        (
            "zh",
            ["图例", "客户", "跟进记录", "全部权限"],
            {
                ("查看", "财务"): "全部，仅限客户状态 = 成交",
                ("联系方式", "客服"): "脱敏查看（手机样式）：全部",
                ("证件号码", "销售专员"): "修改：本人",
                ("开户行信息", "财务"): "—",
            },
        ),
        (
            "en",
            ["Legend", "Customer", "Follow-up", "All rights"],
            {
                ("view", "Finance"): "all, where Status = Won",
                ("Phone", "Customer service"): "view masked (as a phone number): all",
                ("Identity number", "Sales"): "edit: own",
                ("Bank account", "Finance"): "—",
            },
        ),
    ],
)
def test_the_standard_policy(language: str, sheets: list[str], expected: dict[tuple[str, str], str]) -> None:
    """A legend, a sheet for each module with frozen headings, and a list that can be filtered."""
    book = written(standard_configuration(), language)
    assert book.sheetnames == sheets
    found = cells(book.worksheets[1])
    assert {place: found[place].value for place in expected} == expected
    assert [sheet.freeze_panes for sheet in book.worksheets] == [None, "B2", "B2", "A2"]
    rights = book.worksheets[-1]
    assert rights.auto_filter.ref == f"A1:F{rights.max_row}"
    assert rights.max_row > 400
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_colours_say_what_cells_say() -> None:
    """Each colour of the legend is used for what it stands for."""
    book = written(standard_configuration(), "zh")
    legend = {row[1].value: row[0].fill.fgColor.rgb for row in book.worksheets[0].iter_rows(min_row=5)}
    found = cells(book.worksheets[1])
    expected = {
        "可查看，并可修改或填写": ("客户名称", "销售专员"),
        "可查看；允许的操作": ("客户名称", "销售组长"),
        "只能脱敏查看": ("联系方式", "客服"),
        "可修改或填写，但看不到": ("证件号码", "客服"),
        "不允许": ("证件号码", "财务"),
    }
    assert {meaning: found[place].fill.fgColor.rgb for meaning, place in expected.items()} == legend
    assert len(set(legend.values())) == len(legend)


def test_labels_are_texts_and_sheets_have_names() -> None:
    """A label that looks like a formula is none, and one that no sheet may have is put right."""
    module = ModuleDefinition("m", (FieldDefinition("f", "text", "=1+1"),), {"zh": "a/b:[c]"})
    grant = Grant("r", "m", frozenset({"view"}), "all", view=ALL_FIELDS)
    modules = (module, attrs.evolve(module, key="n"))
    book = written(Configuration(modules, roles=(Role("r", "=2+2"),), grants=(grant,)), "zh")
    assert book.sheetnames[1:3] == ["a b  c", "a b  c 2"]
    sheet = book.worksheets[1]
    assert [cell.value for cell in sheet[1]] == ["a/b:[c]", "=2+2"]
    assert {cell.data_type for cell in sheet[1]} == {"s"}
    assert "=1+1" in [row[0].value for row in sheet.iter_rows()]
    assert book.worksheets[2]["A2"].value == "没有任何角色可以操作。"
