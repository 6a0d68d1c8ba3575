"""What was refused comes back in the user's own rows, with the reasons, ready to be corrected."""

import datetime as dt
import io

import openpyxl
import pytest

from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel.plans import ErrorForm
from tests.adapters.excel.sessions import (
    COMPANY,
    acting_as,
    errors_of,
    filled,
    headings,
    loaded,
    local,
    open_workspace,
    planned,
    rows_of,
    saved,
    table,
)

SECOND = {**COMPANY, "客户名称": "第二家公司", "联系方式": "13912345678", "统一社会信用代码": None}
HEADER = ["公司名称", "客户类别", "联系人", "手机"]
ROW = ["北京示例科技有限公司", "企业客户", "张三", "13812345678"]


def test_the_error_workbook_is_corrected_and_imported_again() -> None:
    """It has the user's headings, values and reasons; corrected, all of its rows are taken over."""
    bad = {**SECOND, "联系方式": "123", "成立时间": dt.date(2008, 8, 8), "客户类型": "公司", "年采购预算": 1234.5}
    with acting_as("sunjiu") as session:
        report = planned(session, filled(session, COMPANY, bad, {**COMPANY, "客户名称": "同码公司"})).apply()
        workbook = errors_of(report)
        sheet = workbook.active
        assert headings(sheet)[:3] == ["错误原因", "原行号", "*客户名称"]
        first, second = rows_of(sheet)
        assert first["错误原因"] == "客户类型：不在“客户类型”字典中；联系方式：不是有效的电话号码"
        assert (first["原行号"], second["原行号"]) == (3, 4)
        assert second["错误原因"] == "统一社会信用代码：第 2 行已有相同的统一社会信用代码"
        assert (first["*客户名称"], first["成立时间"], first["年采购预算"]) == (
            "第二家公司", local(2008, 8, 8), 1234.5
        )  # fmt: skip
        sheet["D2"], sheet["G2"], sheet["J3"] = "企业客户", "13912345678", None
        again = planned(session, saved(workbook))
        assert (again.counts.creates, again.counts.total, again.problems) == (2, 2, ())
        assert (again.columns["错误原因"], again.columns["原行号"]) == (None, None)
        again.apply()
        assert session.customers.count() == 3


def test_offending_cells_are_coloured_and_explained() -> None:
    """A cell that a problem is about has another colour and a comment; a good one has neither."""
    with acting_as("sunjiu") as session:
        sheet = errors_of(planned(session, filled(session, {**COMPANY, "联系方式": "123"})), language="en").active
    phone, name = sheet["G2"], sheet["C2"]
    assert sheet["A1"].value == "Reason"
    assert phone.comment.text == sheet["A2"].value == "Phone: is not a valid phone number"
    assert phone.fill.fgColor.rgb == "FFFFC7CE"
    assert phone.number_format == "@"
    assert name.comment is None
    assert name.fill.fgColor.rgb != "FFFFC7CE"


def test_reasons_can_be_read_in_full() -> None:
    """Reasons wrap, and a row with many of them is as high as they need."""
    bad = {**SECOND, "联系方式": "123", "客户类型": "公司", "邮箱": "无", "成立时间": "去年", "年采购预算": "很多"}
    with acting_as("sunjiu") as session:
        sheet = errors_of(planned(session, filled(session, {**COMPANY, "联系方式": "123"}, bad))).active
    for cell in sheet["A"][1:]:
        assert (cell.alignment.wrap_text, cell.alignment.vertical) == (True, "top")
    few, many = sheet.row_dimensions[2].height, sheet.row_dimensions[3].height
    assert few in (None, 15)
    assert many >= 45


def test_row_numbers_in_both_languages_are_passed_over() -> None:
    """The row number in the user's file comes after the reason, and is no data when the workbook comes back."""
    for language, heading in (("zh", "原行号"), ("en", "Source row")):
        with acting_as("sunjiu") as session:
            workbook = errors_of(
                planned(session, table(HEADER, ROW, [], ["甲", "公司", "张三", "1"])), language=language
            )
            assert rows_of(workbook.active)[0][heading] == 4
            again = planned(session, saved(workbook))
            assert again.columns[heading] is None
            assert "unmapped_column" not in {problem.code for problem in again.problems}


def test_values_come_back_as_they_were() -> None:
    """Dates stay dates, long digits stay text or lost, text that begins like a formula is text."""
    header = [*HEADER, "特殊备注", "生日", "当前需求", "主营业务", "地址", "开户行信息", "职业"]
    moment = local(2024, 3, 5, 10, 30)
    bad = [
        "=1+1", "没有", True, 110105194912310021, "110105194912310021", dt.date(1990, 1, 2), moment, dt.time(8, 30),
        dt.timedelta(hours=30), "****1234", "#DIV/0!",
    ]  # fmt: skip
    workbook = loaded(table(header, bad))
    workbook.active["A2"].data_type = "s"
    with acting_as("sunjiu") as session:
        plan = planned(session, saved(workbook))
        assert plan.counts.rejected == 1
        row = errors_of(plan).active[2][2:]
    assert (row[0].value, row[0].data_type) == ("=1+1", "s")
    assert (row[1].value, row[2].value) == ("没有", True)
    assert (row[3].value > 10**17, row[3].data_type) == (True, "n")
    assert (row[4].value, row[4].data_type, row[4].number_format) == ("110105194912310021", "s", "@")
    assert row[5].value == local(1990, 1, 2)
    assert row[6].value == moment
    assert row[7].value == dt.time(8, 30)
    assert row[8].value == dt.timedelta(hours=30)
    assert row[9].value == "****1234"
    assert row[10].value == "=#DIV/0!"


def test_formulas_in_text_files_come_back_as_text() -> None:
    """What a CSV file has in it is text, and stays so."""
    content = "客户名称,客户类型,联系人,联系方式\n=cmd|' /C calc'!A0,公司,@SUM(A1),+8613812345678\n".encode("gb18030")
    with acting_as("sunjiu") as session:
        plan = planned(session, content)
        sheet = errors_of(plan).active
    assert (sheet.title, plan.sheet) == ("客户", "")
    assert [(cell.value, cell.data_type) for cell in sheet[2]][2::2] == [("=cmd|' /C calc'!A0", "s"), ("@SUM(A1)", "s")]


def test_nothing_refused_makes_a_header_only() -> None:
    """Without rejected rows the error workbook has the headings and no row."""
    with acting_as("sunjiu") as session:
        sheet = errors_of(planned(session, filled(session, COMPANY)).apply()).active
    assert (sheet.max_row, headings(sheet)[:2]) == (1, ["错误原因", "原行号"])


def test_many_errors_are_all_listed() -> None:
    """Comments end where they would slow a spreadsheet down; reasons and colours do not."""
    rows = [[f"客户{number}", "公司", None, "123"] for number in range(1000)]
    with acting_as("sunjiu") as session:
        sheet = errors_of(planned(session, table(HEADER, *rows))).active
    assert sheet.max_row == 1001
    assert sheet["F1001"].fill.fgColor.rgb == "FFFFC7CE"
    assert sheet["F1001"].comment is None
    assert sheet["F2"].comment is not None


def test_headings_of_two_levels_come_back_in_one() -> None:
    """The error workbook has one header row, under which the fields are found again."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["基本信息", None, "联系", None])
    sheet.append(HEADER)
    sheet.append(["甲", "公司", "张三", "13812345678"])
    sheet.merge_cells("A1:B1")
    sheet.merge_cells("C1:D1")
    with acting_as("sunjiu") as session:
        plan = planned(session, saved(workbook))
        errors = errors_of(plan)
        assert headings(errors.active) == ["错误原因", "原行号", *HEADER]
        assert planned(session, saved(errors)).columns == {"错误原因": None, "原行号": None, **plan.columns}


@pytest.mark.parametrize("form", ["rows", "sheet", "marked"])
def test_encrypted_values_are_masked(form: ErrorForm) -> None:
    """What is encrypted in the store is in no file: a mask stands there, which nobody can import by mistake."""
    header = [*HEADER, "证件号码"]
    good = ["王小明", "个人客户", "王小明", "13900139000", "110101194912310016"]
    bad = ["李小红", "个人客户", "李小红", "139", "11010519491231002X"]
    with open_workspace(keyring=Keyring.generate()).acting_as("sunjiu") as session:
        report = planned(session, table(header, good, bad)).apply()
        assert (report.counts.creates, report.counts.rejected) == (1, 1)
        workbook = errors_of(report, form=form)
        sheet = workbook.active
        texts = {cell.value for row in sheet.iter_rows() for cell in row}
        assert "****002X" in texts
        assert not texts & {good[4], bad[4]}
        phone = next(cell for row in sheet.iter_rows() for cell in row if cell.value == "139")
        phone.value = "13900139001"
        again = planned(session, saved(workbook))
        assert {problem.code for row in again.rejected for problem in row.problems} == {"masked_value"}
        sheet.cell(phone.row, phone.column + 1).value = bad[4]
        corrected = planned(session, saved(workbook))
        assert corrected.counts.creates == 1


def test_rows_go_on_on_a_further_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text table may have more rows than a sheet has room for: none of them is lost, in errors or in the plan."""
    for module in ("errors_workbook", "_plan_workbook"):
        monkeypatch.setattr(f"custinfo.adapters.excel.{module}.MOST_ROWS", 3)
    content = (",".join(HEADER) + "\n" + "".join(f"公司{number},x,y,1\n" for number in range(5))).encode()
    with acting_as("sunjiu") as session:
        plan = planned(session, content)
        errors = errors_of(plan)
        target = io.BytesIO()
        plan.write(target)
        whole = loaded(target)
        assert errors.sheetnames == ["客户", "客户 2", "客户 3"]
        assert whole.sheetnames == ["导入计划", "导入计划 2", "导入计划 3"]
        for workbook, name in ((errors, "公司名称"), (whole, "结果")):
            assert [[row["原行号"] for row in rows_of(sheet)] for sheet in workbook] == [[2, 3], [4, 5], [6]]
            assert all(row[name] for sheet in workbook for row in rows_of(sheet))
        again = planned(session, saved(errors), sheet="客户 2")
        assert [row.raw[2] for row in again.rows] == ["公司2", "公司3"]
