"""The streaming writer keeps every text, and leaves nothing half-written."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custinfo.adapters.excel import ExportReport, _writer, export, read_tables
from custinfo.adapters.excel._output import written
from custinfo.adapters.excel._styles import safe_text
from tests.adapters.excel.sessions import COMPANY, acting_as, loaded

KEY = bytes(range(32))


@pytest.mark.parametrize("text", ["a & b < c > d", "_x0041_", "_x005F_x0041_", "一行\n二行", "]]>\"'", "😀", "a  b"])
def test_any_text_arrives(text: str) -> None:
    """Markup, escapes, breaks and characters beyond the basic plane are read back as they were."""
    file = io.BytesIO()
    with acting_as("lisi") as session:
        session.customers.create({**COMPANY, "特殊备注": text})
        export(session, "customer", file, fields=["name", "special_notes"])
    (table,) = read_tables(file.getvalue())
    assert list(table.rows()) == [(2, ("北京示例科技有限公司", text))]


@given(st.lists(st.text(max_size=40), min_size=1, max_size=20))
def test_cells_are_read_as_they_were_written(texts: list[str]) -> None:
    """Whatever text a cell is given, reading the sheet gives its safe form."""
    file = io.BytesIO()
    text, other = _writer.TextCell(1, 2), _writer.TextCell(2, 2)
    with _writer.TableWriter(file, "a", [_writer.Column("标题", 10), _writer.Column("编号", 10)]) as writer:
        for number, value in enumerate(texts):
            writer.write([text(value), other(f"n{number}")])
    (table,) = read_tables(file.getvalue())
    read = [values[0] for _, values in table.rows()]
    assert read == [None if not (safe := safe_text(value)) or safe.isspace() else safe for value in texts]


def test_what_no_cell_can_hold() -> None:
    """Control characters go, lone surrogates are replaced, and a text ends where a cell does."""
    assert safe_text("a\x00\x1bb\ud800\r\nc\uffff") == "ab\ufffd\nc"
    assert len(safe_text("😀" * 20_000).encode("utf-16-le")) == 2 * 32_766
    assert safe_text("x" * 40_000) == "x" * 32_767


def test_further_sheets_when_one_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows beyond what a worksheet holds go on in the next one, under the same header."""
    monkeypatch.setattr(_writer, "MOST_ROWS", 3)
    file = io.BytesIO()
    with acting_as("lisi") as session:
        for number in range(5):
            session.customers.create({**COMPANY, "客户名称": f"客户{number}", "统一社会信用代码": None})
        assert export(session, "customer", file, fields=["name"]) == ExportReport(5)
    workbook = loaded(file)
    assert workbook.sheetnames == ["客户", "客户 2", "客户 3"]
    assert [sheet.max_row for sheet in workbook] == [3, 3, 2]
    assert {sheet["A1"].value for sheet in workbook} == {"客户名称"}


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When reading fails on the way, the file that was there is as before, and nothing lies beside it."""
    target = tmp_path / "导出.xlsx"
    target.write_bytes(b"before")
    with acting_as("lisi") as session:
        session.customers.create(COMPANY)

        def fail(*_: object) -> None:
            raise RuntimeError("store gone")

        with monkeypatch.context() as patch:
            patch.setattr(_writer.TableWriter, "write", fail)
            with pytest.raises(RuntimeError, match="store gone"):
                export(session, "customer", target)
        assert target.read_bytes() == b"before"
        with monkeypatch.context() as patch:
            patch.setattr(_writer, "_parts", fail)
            with pytest.raises(RuntimeError, match="store gone"):
                export(session, "customer", target)
        assert [path.name for path in tmp_path.iterdir()] == ["导出.xlsx"]
        assert export(session, "customer", target) == ExportReport(1)
    assert loaded(target.read_bytes()).active.max_row == 2


def test_a_failing_disk_is_reported() -> None:
    """An error while the data are written reaches the caller, from whichever thread."""

    class Full(io.BytesIO):
        def write(self, _: object, /) -> int:
            raise OSError("disk full")

    columns = [_writer.Column("a", 10)]
    text = _writer.TextCell(1, 2)
    with pytest.raises(OSError, match="disk full"), _writer.TableWriter(Full(), "a", columns) as writer:
        for number in range(100_000):
            writer.write([text(f"{number} {hash(str(number))}")])


def test_the_same_records_give_the_same_bytes() -> None:
    """No clock and no chance is in the file."""
    with acting_as("lisi") as session:
        session.customers.create(COMPANY)
        files = [io.BytesIO(), io.BytesIO()]
        for file in files:
            export(session, "customer", file)
    assert files[0].getvalue() == files[1].getvalue()


def test_a_missing_folder_is_named_by_the_path_that_was_given(tmp_path: Path) -> None:
    """Who mistypes a folder reads their own path, and not the name of the file that is written first."""
    target = tmp_path / "nowhere" / "导出.xlsx"
    with pytest.raises(FileNotFoundError) as refused, written(target):
        pass
    assert refused.value.filename == str(target)
