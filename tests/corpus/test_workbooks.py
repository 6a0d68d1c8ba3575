"""Every real workbook of the shared collection is read as a person would read it, or refused for a named reason."""

import csv
import functools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from custinfo.adapters.excel._limits import DEFAULT_LIMITS
from custinfo.adapters.excel._workbook import read_book
from custinfo.adapters.excel.reading import CellError
from tests.corpus.expected_workbooks import EXPECTED, Sheet

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("CUSTINFO_SHARED") or ROOT.parent / "shared")
WORKBOOKS = SHARED / "data" / "workbooks"
CHILD = Path(__file__).with_name("read_in_child.py")
PATIENCE_SECONDS = 60
PEAK_MEBIBYTES = 300

pytestmark = pytest.mark.skipif(
    not WORKBOOKS.is_dir(), reason=f"no workbooks in {WORKBOOKS}: set CUSTINFO_SHARED to the shared folder"
)


@functools.cache
def outcomes() -> Mapping[str, dict[str, Any]]:
    """Read all files in child processes; after one that dies, name its file and go on with the rest."""
    pending = [str(WORKBOOKS / name) for name in EXPECTED]
    found: dict[str, dict[str, Any]] = {}
    while pending:
        child = subprocess.run(
            [sys.executable, "-W", "error", str(CHILD), *pending],
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=PATIENCE_SECONDS,
        )
        begun = ""
        for line in child.stdout.splitlines():
            record = json.loads(line)
            begun = record.get("begin", begun)
            if "path" in record:
                found[record["path"]] = record
        if child.returncode:
            found[begun or pending[0]] = {"died": child.returncode, "said": child.stderr[-2000:]}
        pending = [path for path in pending if path not in found]
    return {Path(path).name: record for path, record in found.items()}


def test_every_file_has_an_expectation() -> None:
    """Nobody adds a workbook to the collection without saying what it holds."""
    names = {path.name for path in WORKBOOKS.iterdir() if path.suffix != ".csv"}
    assert names == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_workbook(name: str) -> None:
    """A workbook gives the expected tables or code, in time, within memory, and never ends the process."""
    result = outcomes()[name]
    assert "died" not in result, result
    assert result["seconds"] < 5
    assert result["peak_mebibytes"] < PEAK_MEBIBYTES
    expected = EXPECTED[name]
    if isinstance(expected, str):
        assert result.get("code") == expected
        return
    assert "code" not in result, result["code"]
    assert [table["sheet"] for table in result["tables"]] == [sheet.name for sheet in expected]
    for table, sheet in zip(result["tables"], expected, strict=True):
        check_table(table, sheet)


def check_table(table: dict[str, Any], sheet: Sheet) -> None:
    """Compare header, place, number of rows, and the cells that were looked up by hand."""
    assert tuple(table["header"]) == sheet.header
    assert (table["header_row"], table["count"]) == (sheet.header_row, sheet.count)
    assert table["columns"][0] == sheet.first_column
    for (row, label), value in sheet.cells.items():
        shown = table["rows"][str(row)][sheet.header.index(label)]
        assert (row, label, shown) == (row, label, repr(value))


def test_a_title_is_a_note() -> None:
    """What stands above the header is kept, since it may hold the instructions that came with the template."""
    notes = outcomes()["magicodes__Import__图片导入模板非表头非第一行并且带有不规整的行.xlsx"]["tables"][0]["notes"]
    assert notes == ["介绍"]


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.startswith("poi__poc")])
def test_a_bomb_is_refused_at_once(name: str) -> None:
    """An XML bomb costs less than a second."""
    assert outcomes()[name]["seconds"] < 1


def raw_rows(name: str, sheet: int = 0) -> list[tuple[int, list[object]]]:
    """Return the rows of a harmless workbook as its reader gives them."""
    grid = read_book((WORKBOOKS / name).read_bytes(), DEFAULT_LIMITS).grids[sheet]
    return [(number, [*[None] * (grid.first_column - 1), *values]) for number, values in grid.rows()]


def gold(name: str) -> list[list[str]]:
    """Return the rows that another program wrote for the same workbook."""
    with (WORKBOOKS / name).open(encoding="utf-8", newline="") as file:
        return [row or [""] for row in csv.reader(file)]


@pytest.mark.parametrize("name", ["no_cell_ids", "empty_row", "namespace", "last-column-empty"])
def test_texts_equal_the_gold_file(name: str) -> None:
    """Where a cell is text or a whole number, we read what xlsx2csv shows, in the same place."""
    ours = [
        [str(int(value)) if isinstance(value, float) else str(value or "") for value in values]
        for _, values in raw_rows(f"xlsx2csv__{name}.xlsx")
    ]
    assert ours == gold(f"xlsx2csv__{name}.csv")


def test_both_sheets_equal_the_gold_file() -> None:
    """Two worksheets in one gold file come in the same order with the same texts."""
    name = "xlsx2csv__sheets.xlsx"
    ours = [
        [str(int(value)) if isinstance(value, float) else str(value or "") for value in values]
        for sheet in (0, 1)
        for _, values in raw_rows(name, sheet)
    ]
    assert ours == [row for row in gold("xlsx2csv__sheets.csv") if not row[0].startswith("-----")]


def test_numbers_equal_the_gold_file() -> None:
    """A number has the value that the gold file shows with five decimals, in the same row."""
    ours = ["" if not values[0] else f"{values[0]:.5f}" for _, values in raw_rows("xlsx2csv__float.xlsx")]
    assert ours == [row[0] for row in gold("xlsx2csv__float.csv")]


def test_a_date_of_the_1904_system_equals_the_gold_file() -> None:
    """A date and time in the date system of old Macs is the one that the gold file shows."""
    ((_, [moment]),) = raw_rows("xlsx2csv__datetime.xlsx")
    assert str(moment) == gold("xlsx2csv__datetime.csv")[0][0]


def test_both_date_systems_agree_with_their_texts() -> None:
    """Dates of the 1900 and the 1904 system are what the formula beside them spells out."""
    for name in ("sheetjs__1900.xlsx", "sheetjs__1904.xlsx"):
        rows = raw_rows(name)
        assert len(rows) == 5
        assert all(str(values[1]) == values[2] == values[3] for _, values in rows)


def test_error_cells_are_seen() -> None:
    """An error cell is an error and not a blank."""
    errors = [values[0] for _, values in raw_rows("calamine__errors.xlsx")]
    shown = ["#DIV/0!", "#NAME?", "#VALUE!", "#NULL!", "#REF!", "#NUM!", "#N/A"]
    assert errors == [CellError(error) for error in shown]


def test_escapes_are_decoded_once() -> None:
    """A carriage return written as an escape becomes one, and an escaped escape stays literal."""
    assert raw_rows("calamine__has_x000D_.xlsx") == [(1, ["ABC\r\nDEF"])]
    assert raw_rows("easyexcel__compatibility__t09.xlsx") == [(1, ["SH_x000D_Z002"])]
