"""The command line says what it sees in a file, and by its exit code whether all is well."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from custinfo.adapters.excel.__main__ import main

GOOD = "客户名称,客户类型,联系人,联系方式\n甲公司,企业客户,张三,13812345678\n"
BAD = GOOD + "乙公司,企业客户,李四,123\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to write."""
    return tmp_path / "客户.csv"


def test_a_template_is_filled_in_and_planned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It writes a template, which it recognises."""
    target = tmp_path / "模板.xlsx"
    assert main(["template", str(target)]) == 0
    assert main(["check", str(target)]) == 0
    assert "客户名称  →  name 客户名称" in capsys.readouterr().out


def test_plan(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Good rows give 0, bad ones 1 with their reasons and a workbook of them; nothing is saved."""
    file.write_text(GOOD, encoding="gb18030")
    assert main(["plan", str(file)]) == 0
    assert capsys.readouterr().out == "客户.csv：1 行，新增 1\n"
    file.write_text(BAD, encoding="utf-8-sig")
    errors, book = tmp_path / "错误.xlsx", tmp_path / "计划.xlsx"
    assert main(["plan", str(file), "--errors", str(errors), "--workbook", str(book), "--language", "en"]) == 1
    assert "3: Phone: is not a valid phone number" in capsys.readouterr().out
    assert errors.exists()
    assert book.exists()


def test_check(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Columns that are not understood come with suggestions, and can be told."""
    file.write_text(GOOD.replace("客户名称", "客户名"), encoding="utf-8")
    assert main(["check", str(file)]) == 0
    assert "客户名  →  —   可能是：name" in capsys.readouterr().out
    assert main(["check", str(file), "--map", "客户名=name"]) == 0
    assert "客户名  →  name" in capsys.readouterr().out


def test_what_goes_wrong(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that can't be read gives 3, a wrong command 2, one without rights 1; each says why."""
    file.write_bytes(b"\x00\x01")
    assert main(["plan", str(file)]) == 3
    assert main(["plan", str(file) + "x"]) == 3
    file.write_text(GOOD, encoding="utf-8")
    assert main(["plan", str(file), "--as", "lisi"]) == 1
    assert main(["plan", str(file), "--configuration", "no_such_module:name"]) == 2
    assert main(["plan", str(file), "--configuration", "custinfo.standard:standard_configuration"]) == 0
    with pytest.raises(SystemExit) as ended:
        main(["nonsense"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "不是" in told
    assert "no_such_module" in told


def test_further_sheets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A further sheet is planned along; what belongs to no row is told."""
    workbook = openpyxl.Workbook()
    workbook.active.title = "客户"
    follow_ups = workbook.create_sheet("跟进")
    workbook.active.append(("客户号", "客户名称", "客户类型", "联系人", "联系方式"))
    workbook.active.append(("K1", "甲公司", "企业客户", "张三", "13812345678"))
    for row in (("客户号", "跟进时间", "跟进内容"), ("K1", "2024-03-01", "电话"), ("K2", "2024-03-08", "拜访")):
        follow_ups.append(row)
    file = tmp_path / "客户.xlsx"
    workbook.save(file)
    assert main(["plan", str(file), "--related", "跟进=follow_up", "--key", "客户号", "--language", "en"]) == 1
    told = capsys.readouterr().out
    assert "1 rows, create 1" in told
    assert "3: Customer: no row of the main sheet has this key" in told


def test_what_comes_along_is_no_column_left_out(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tags and follow-ups in columns of their own are named; a plan tells which columns are left out."""
    file.write_text(GOOD.replace("联系方式\n", "联系方式,标签,跟进记录,天气\n"), encoding="utf-8")
    assert main(["check", str(file)]) == 0
    told = capsys.readouterr().out
    assert "标签  →  tags\n" in told
    assert "跟进记录  →  follow_up\n" in told
    assert "天气  →  —\n" in told
    assert main(["plan", str(file), "--language", "en"]) == 0
    assert "天气: the column matches no field and is left out" in capsys.readouterr().out


def test_which_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Hidden sheets are read when they are named; who names a wrong one is told which there are."""
    workbook = openpyxl.Workbook()
    workbook.active.title = "华东"
    for title, state in (("华北", "visible"), ("历史", "hidden"), ("深藏", "veryHidden")):
        workbook.create_sheet(title).sheet_state = state
    for sheet in workbook.worksheets:
        sheet.append(("客户名称", "客户类型", "联系人", "联系方式"))
        sheet.append(("甲公司", "企业客户", "张三", "13812345678"))
    file = tmp_path / "客户.xlsx"
    workbook.save(file)
    assert main(["plan", str(file)]) == 3
    assert capsys.readouterr().err == "有多个工作表含有数据，请选择（sheet=…）：华东、华北\n"
    assert main(["plan", str(file), "--sheet", "历史"]) == 0
    assert main(["plan", str(file), "--sheet", "华南"]) == 3
    assert capsys.readouterr().err == "没有这个工作表；文件中有：华东、华北、历史、深藏\n"


def test_rows_that_are_no_data_are_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line of totals is well, but said with its row; a file of another format says which."""
    file.write_text(GOOD + "合计,,,1\n", encoding="utf-8")
    assert main(["plan", str(file)]) == 0
    assert "3: 看起来是合计行，不是数据：该行未导入" in capsys.readouterr().out
    file.write_text("<html><table></table></html>", encoding="utf-8")
    assert main(["plan", str(file)]) == 3
    assert "文件内容是网页（HTML）" in capsys.readouterr().err


def test_a_store_or_a_name_that_is_none(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A store that cannot be opened gives 1, a name that says another format 2; neither is an error of Python."""
    file.write_text(GOOD, encoding="utf-8")
    assert main(["plan", str(file), "--url", f"sqlite:///{file}/x.db"]) == 1
    assert capsys.readouterr().err != ""
    with pytest.raises(SystemExit) as ended:
        main(["template", str(file)])
    assert (ended.value.code, "may not end in .csv" in capsys.readouterr().err) == (2, True)


def test_a_terminal_without_chinese(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it cannot show is marked, and the rest is said."""
    file.write_text(GOOD, encoding="utf-8")
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr("sys.stdout", screen)
    assert main(["plan", str(file), "--language", "en"]) == 0
    assert screen.buffer.getvalue() == b"??.csv: 1 rows, create 1\n"
