"""The patient reader for small files that calamine refuses: openpyxl."""

from __future__ import annotations

import datetime as dt
import io
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from custinfo.adapters.excel._archive import XML_ENDINGS, Archive, open_archive
from custinfo.adapters.excel._cells import CellError, unescape
from custinfo.adapters.excel._grids import Grid, Merge
from custinfo.adapters.excel._limits import Limits, refusal
from custinfo.adapters.excel._parsing import expanded_cells
from custinfo.core.errors import MissingExtraError, UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["TIMES_ITS_SIZE", "check_expanded", "is_bearable", "read_patiently", "without_links"]

DATE_FORMATS: Final = frozenset({*range(27, 37), *range(50, 59)})
TIMES_ITS_SIZE: Final = 64
"""So much more memory openpyxl takes than the unpacked file."""
MOST_EXPANDED: Final = 100_000
LINKS: Final = re.compile(rb"<((?:[\w.-]+:)?)hyperlinks\b[^<>]*(?:/>|>.*?</\1hyperlinks\s*>)", re.DOTALL)


def check_expanded(archive: Archive) -> None:
    """Refuse a workbook with ranges of merged cells, links or comments over very many cells: openpyxl builds each.

    Raises: UnreadableFileError: workbook_too_large, or corrupt_workbook for XML that is not well-formed.
    """
    if sum(_expanded(archive, name) for name in archive.entries) > MOST_EXPANDED:
        raise refusal("workbook_too_large", what="merged cells", limit=MOST_EXPANDED)


def _expanded(archive: Archive, name: str) -> int:
    """Return how many cells the ranges of a part have; a part of comments may have any name."""
    if name.endswith(XML_ENDINGS) and not name.startswith("__MACOSX/"):
        return expanded_cells(archive.chunks(name))
    try:
        return expanded_cells(archive.chunks(name))
    except UnreadableFileError:  # no XML, so that nobody takes it for comments
        return 0


def without_links(archive: Archive, names: Iterable[str]) -> dict[str, bytes]:
    """Return those of some sheets that have links without them: openpyxl puts the address of one into a blank cell."""
    sheets = {name: archive.read(name) for name in names}
    return {name: LINKS.sub(b"", sheet) for name, sheet in sheets.items() if b"hyperlinks" in sheet}


def is_bearable(content: bytes, limits: Limits) -> bool:
    """Tell whether openpyxl can be given a whole workbook, which was read before: what it builds is within limits."""
    try:
        archive = open_archive(content, limits)
        size = sum(entry.file_size for entry in archive.entries.values())
        if size > limits.max_memory // TIMES_ITS_SIZE:
            return False
        check_expanded(archive)
    except UnreadableFileError:
        return False
    return True


def read_patiently(content: bytes, names: Collection[str]) -> dict[str, Grid]:
    """Return the cells of the named sheets that have any, by name.

    Raises: UnreadableFileError (corrupt_workbook) when openpyxl cannot read it either; MissingExtraError.
    """
    try:
        import openpyxl  # noqa: PLC0415 -- an extra, loaded on first use
    except ImportError as error:
        raise MissingExtraError.of("excel", "openpyxl") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            workbook = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
        grids = [_grid(sheet) for sheet in workbook.worksheets if sheet.title in names]
    except MemoryError as error:
        raise refusal("workbook_too_large", what="memory", limit=0) from error
    except Exception:  # its parsers let anything through, and quote the cell that they can't read
        grids = None
    if grids is None:
        raise refusal("corrupt_workbook")
    return {grid.name: grid for grid in grids if grid is not None}


def _grid(sheet: Any) -> Grid | None:
    cells: dict[int, dict[int, object]] = {}
    for (row, column), cell in sheet._cells.items():  # noqa: SLF001 -- the only sparse view it has
        if cell.value is not None:
            cells.setdefault(row, {})[column] = _value(cell)
    merges = tuple(Merge(part.min_row, part.min_col, part.max_row, part.max_col) for part in sheet.merged_cells.ranges)
    last = max((column for values in cells.values() for column in values), default=0)
    return Grid(sheet.title, lambda: _rows(cells), last_column=last, merges=merges) if cells else None


def _value(cell: Any) -> object:
    if cell.data_type == "e":
        return CellError.of(str(cell.value))
    if isinstance(cell.value, str):
        return unescape(cell.value)
    if isinstance(cell.value, (int, float)) and cell._style is not None and _is_cjk_date(cell):  # noqa: SLF001
        return _as_date(cell.value, cell.parent.parent.epoch)
    if isinstance(cell.value, dt.datetime) and cell.value.time() == dt.time():
        return cell.value.date()
    return cell.value


def _is_cjk_date(cell: Any) -> bool:
    return not isinstance(cell.value, bool) and cell._style.numFmtId in DATE_FORMATS  # noqa: SLF001


def _as_date(serial: float, epoch: dt.datetime) -> object:
    from openpyxl.utils.datetime import from_excel  # noqa: PLC0415

    moment = from_excel(serial, epoch)
    return moment.date() if isinstance(moment, dt.datetime) and not serial % 1 else moment


def _rows(cells: dict[int, dict[int, object]]) -> Iterator[tuple[int, Sequence[object]]]:
    for row in sorted(cells):
        values = cells[row]
        yield row, [values.get(column) for column in range(1, max(values) + 1)]
