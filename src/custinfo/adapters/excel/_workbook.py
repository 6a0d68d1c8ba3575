"""From the bytes of a file to the cells of its sheets."""

from __future__ import annotations

from typing import Final

import attrs

from custinfo.adapters.excel import _calamine
from custinfo.adapters.excel._archive import Archive, open_archive
from custinfo.adapters.excel._biff import inspect_biff
from custinfo.adapters.excel._code_pages import with_texts_decoded
from custinfo.adapters.excel._exact_extent import exact_extent
from custinfo.adapters.excel._extent import Extent
from custinfo.adapters.excel._grids import Grid, with_marks
from custinfo.adapters.excel._limits import Limits, other_format, refusal
from custinfo.adapters.excel._openpyxl import TIMES_ITS_SIZE, check_expanded, read_patiently, without_links
from custinfo.adapters.excel._package import Package, SheetPart, inspect
from custinfo.adapters.excel._pictures import WORD, without_pictures
from custinfo.adapters.excel._sniff import format_of, kind_of, without_padding
from custinfo.adapters.excel._styled_cells import seen_numbers
from custinfo.adapters.excel._text import text_grid
from custinfo.core.errors import UnreadableFileError
from custinfo.core.problems import Problem

__all__ = ["Book", "read_book"]

LARGEST_FOR_PATIENCE: Final = 4 * 1024 * 1024


@attrs.frozen
class Book:
    """Give the sheets that hold cells, and name those that were passed over: hidden ones with cells, and charts.

    `of_1904` says whether the numbers of days count from 1904.
    """

    grids: tuple[Grid, ...]
    hidden: tuple[str, ...] = ()
    without_cells: tuple[str, ...] = ()
    of_1904: bool = False


def read_book(content: bytes, limits: Limits, sheet: str | None = None) -> Book:
    """Return the sheets of a file in their order.

    Args:
        content: The file.
        limits: How much it may hold.
        sheet: Only this one, even if it is hidden; all visible worksheets when None.

    Raises: UnreadableFileError, MissingExtraError.
    """
    match kind_of(content):
        case "ooxml":
            return _from_package(content, limits, sheet)
        case "biff":
            return _from_biff(content, limits, sheet)
        case "text" if (text := without_padding(content)).strip():
            grid = text_grid(text, limits)
            _check_chosen([""], sheet)
            return Book((grid,) if grid else ())
        case "text":
            return Book(())
        case _:
            raise other_format(format_of(content))


def _check_chosen(names: list[str], sheet: str | None) -> None:
    if sheet is not None and sheet not in names:
        raise refusal("unknown_sheet", sheets=tuple(filter(None, names)) or "—")


def _wanted(sheet: SheetPart, chosen: str | None) -> bool:
    return sheet.visible if chosen is None else sheet.name == chosen


def _book(grids: tuple[Grid, ...], package: Package, chosen: str | None) -> Book:
    """Return what was read; where a sheet was asked for, nothing was passed over."""
    if chosen is not None:
        return Book(grids, of_1904=package.of_1904)
    sheets = package.sheets
    hidden = tuple(sheet.name for sheet in sheets if not sheet.visible and sheet.extent and sheet.extent.area > 0)
    without_cells = tuple(sheet.name for sheet in sheets if sheet.extent is None)
    return Book(grids, hidden, without_cells, of_1904=package.of_1904)


def _from_package(content: bytes, limits: Limits, chosen: str | None) -> Book:
    archive = open_archive(content, limits)
    package = inspect(archive, limits)
    worksheets = {index: sheet for index, sheet in enumerate(package.sheets) if sheet.extent and _wanted(sheet, chosen)}
    _check_chosen([sheet.name for sheet in package.sheets], chosen)
    if lost := tuple(sheet.name for sheet in package.sheets if sheet.missing and _wanted(sheet, chosen)):
        raise UnreadableFileError([Problem("corrupt_workbook"), Problem("sheets_missing", params={"sheets": lost})])
    if sum(sheet.size for sheet in worksheets.values()) > limits.max_expanded_bytes:
        raise refusal("workbook_too_large", what="bytes", limit=limits.max_expanded_bytes)
    extents = [(sheet.extent, sheet.size) for sheet in worksheets.values() if sheet.extent]
    small = package.size <= min(LARGEST_FOR_PATIENCE, limits.max_memory // TIMES_ITS_SIZE)
    odd = any(extent.odd for extent, _ in extents)
    code = "corrupt_workbook" if odd else "workbook_too_large"
    worksheets = _with_seen(archive, package, worksheets)
    try:
        fits = sum(extent.area for extent, _ in extents) <= limits.most_cells
        if fits and not odd and not (small and any(extent.is_sparse(size) for extent, size in extents)):
            content = archive.moved(package.moved).repacked(package.replaced)
            return _book(_quickly(content, package, worksheets), package, chosen)
    except _calamine.ReaderFailed:
        code = "corrupt_workbook"
    if not small:
        raise refusal(code, what="cells", limit=limits.most_cells)
    return _book(_patiently(archive, package, worksheets), package, chosen)


def _with_seen(archive: Archive, package: Package, worksheets: dict[int, SheetPart]) -> dict[int, SheetPart]:
    """Return the sheets with the cells of numbers that are seen as something else, if there are any."""
    styles = package.seen_styles
    return {
        index: attrs.evolve(part, seen=seen_numbers(archive.chunks(part.part), archive.chunks(part.part), styles))
        if styles
        else part
        for index, part in worksheets.items()
    }


def _quickly(content: bytes, package: Package, worksheets: dict[int, SheetPart]) -> tuple[Grid, ...]:
    workbook = _calamine.open_workbook(content)
    if len(workbook.sheet_names) != len(package.sheets):
        raise _calamine.ReaderFailed
    grids = []
    for index, part in worksheets.items():
        grid = _calamine.grid_of(_calamine.sheet_at(workbook, index), part.name)
        grids.append(_marked(grid, part, part.extent, worded=package.pictures))
    return tuple(grid for grid in grids if grid)


def _patiently(archive: Archive, package: Package, worksheets: dict[int, SheetPart]) -> tuple[Grid, ...]:
    """Read with openpyxl, which expands the ranges of all sheets and passes over what it does not know."""
    check_expanded(archive)
    replaced = {**package.replaced, **without_links(archive, {sheet.part for sheet in worksheets.values()})}
    found = read_patiently(archive.repacked(replaced), [sheet.name for sheet in worksheets.values()])
    grids = []
    for sheet in worksheets.values():
        extent = exact_extent(archive.chunks(sheet.part))
        if extent.area > 0 and sheet.name not in found and not extent.marks:
            raise refusal("corrupt_workbook")
        grids.append(_marked(found.get(sheet.name), sheet, extent, worded=package.pictures))
    return tuple(grid for grid in grids if grid)


def _marked(grid: Grid | None, part: SheetPart, extent: Extent | None, *, worded: bool) -> Grid | None:
    marks = extent.marks if extent else {}
    if grid is None and not marks:
        return None
    hidden = extent.hidden if extent else 0
    worded = worded or (extent is not None and extent.pictures)
    marked = without_pictures(with_marks(grid or Grid(part.name, lambda: iter(())), marks), marks, worded=worded)
    return attrs.evolve(marked, hidden_rows=hidden, hidden_columns=part.hidden_columns, seen=part.seen)


def _from_biff(content: bytes, limits: Limits, chosen: str | None) -> Book:
    old = inspect_biff(content, limits)
    _check_chosen([part.name for part in old.sheets], chosen)
    worksheets = {index: part for index, part in enumerate(old.sheets) if part.extent and _wanted(part, chosen)}
    worded = any(WORD.encode(encoding) in old.stream for encoding in ("ascii", "utf-16-le"))
    package = Package(old.sheets, len(content), of_1904=old.of_1904, pictures=worded)
    try:
        grids = _quickly(old.readable(), package, worksheets)
    except _calamine.ReaderFailed:
        grids = None  # what it says may quote a cell
    if grids is None:
        raise refusal("corrupt_workbook")
    return _book(grids if old.code_page is None else with_texts_decoded(grids, old.code_page), package, chosen)
