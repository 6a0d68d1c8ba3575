"""The user's own sheet comes back: with its styles, only the rows that were refused or all of them, marked."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
from openpyxl.styles import Font, PatternFill

from custinfo.adapters.excel import ExcelPlan, plan_import
from tests.adapters.excel.sessions import acting_as, loaded

GOOD = ["北京示例科技有限公司", "企业客户", "张三", "13812345678", None]
BAD = ["上海样品贸易有限公司", "公司", "王芳", "123", "=老客户"]


def own() -> bytes:
    """Return a workbook as people make them: notes, colours, widths, a second sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "我的客户"
    sheet.append(["客户登记表（请勿修改表头）"])
    sheet.merge_cells("A1:E1")
    sheet.append(["*客户名称", "客户类型", "联系人", "电话", "备注"])
    for row in (GOOD, BAD, ["第三家公司", *GOOD[1:3], "13900139000", None]):
        sheet.append(row)
    sheet["E4"].data_type = "s"
    sheet["A4"].font, sheet["C4"].fill = Font(bold=True, color="FF0000FF"), PatternFill("solid", fgColor="FFFFFF00")
    sheet.column_dimensions["A"].width = 33
    book.create_sheet("说明").append(["别动"])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def written(plan: ExcelPlan, form: Any) -> Any:
    """Return the error workbook of a plan."""
    target = io.BytesIO()
    plan.write_errors(target, form=form)
    return loaded(target)


def test_rejected_rows_in_the_own_sheet() -> None:
    """Notes, headings, styles and widths are the user's; corrected, it is imported on."""
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", own())
        assert [row.outcome for row in plan.rows] == ["create", "rejected", "create"]
        book = written(plan, "sheet")
        assert book.sheetnames == ["我的客户"]
        sheet = book.active
        assert [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)] == [
            ["*客户名称", "客户类型", "联系人", "电话", "备注", "错误原因"],
            [*BAD, "客户类型：不在“客户类型”字典中；联系方式：不是有效的电话号码"],
        ]
        assert sheet["A1"].value == "客户登记表（请勿修改表头）"
        assert [str(item) for item in sheet.merged_cells.ranges] == ["A1:E1"]
        assert (sheet["A3"].font.b, sheet["C3"].fill.fgColor.rgb) == (True, "FFFFFF00")
        assert sheet.column_dimensions["A"].width == 33
        assert sheet["D3"].fill.fgColor.rgb.endswith("FFC7CE")
        assert sheet["D3"].comment.text == "联系方式：不是有效的电话号码"
        plan.apply()
        sheet["B3"], sheet["D3"] = "企业客户", "13912345678"
        corrected = io.BytesIO()
        book.save(corrected)
        again = plan_import(session, "customer", corrected.getvalue())
        assert ([row.outcome for row in again.rows], again.columns["错误原因"]) == (["create"], None)


def test_the_whole_workbook_marked() -> None:
    """Everything stays where it is; the row that was refused has its reason, and a second time it is not repeated."""
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", own())
        book = written(plan, "marked")
        assert book.sheetnames == ["我的客户", "说明"]
        sheet = book["我的客户"]
        assert [sheet.cell(row, 6).value for row in range(2, 6)] == [
            "错误原因", None, "客户类型：不在“客户类型”字典中；联系方式：不是有效的电话号码", None
        ]  # fmt: skip
        assert sheet["D4"].comment is not None
        assert sheet["E4"].value == "=老客户"
        plan.apply()
        content = io.BytesIO()
        book.save(content)
        again = plan_import(session, "customer", content.getvalue())
        assert [row.outcome for row in again.rows] == ["unchanged", "rejected", "unchanged"]
        assert written(again, "marked")["我的客户"].max_column == 6


def test_other_files_are_written_plainly() -> None:
    """A text file has no sheet of its own: its rows come in a new workbook."""
    text = "客户名称,客户类型,联系人,电话\n某公司,企业客户,张三,123\n"
    with acting_as("sunjiu") as session:
        sheet = written(plan_import(session, "customer", text.encode("gb18030")), "sheet").active
        assert [cell.value for cell in sheet[1]][:3] == ["错误原因", "原行号", "客户名称"]
