"""The fast reader: python-calamine, kept on a short lead."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from custinfo.adapters.excel._grids import Grid, Merge
from custinfo.adapters.excel._limits import refusal
from custinfo.core.errors import MissingExtraError, UnreadableFileError

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

__all__ = ["ReaderFailed", "grid_of", "open_workbook", "sheet_at"]

Result = TypeVar("Result")


class ReaderFailed(Exception):  # noqa: N818 -- never leaves the adapter
    """Say that calamine cannot read a file that looked sound; another reader may."""


def open_workbook(content: bytes) -> CalamineWorkbook:
    """Return the workbook.

    Raises: UnreadableFileError (password_protected, workbook_too_large), ReaderFailed, MissingExtraError.
    """
    try:
        import python_calamine  # noqa: PLC0415 -- an extra, loaded on first use
    except ImportError as error:
        raise MissingExtraError.of("excel", "python-calamine") from error
    try:
        return _guarded(lambda: python_calamine.load_workbook(io.BytesIO(content)))
    except ReaderFailed as error:
        if isinstance(error.__cause__, python_calamine.PasswordError):
            raise refusal("password_protected") from error
        raise


def sheet_at(workbook: CalamineWorkbook, index: int) -> CalamineSheet:
    """Return a sheet by its place in the workbook. Raises: the same as `open_workbook`."""
    return _guarded(lambda: workbook.get_sheet_by_index(index))


def _guarded(call: Callable[[], Result]) -> Result:
    """Call into Rust, whose panics are neither Exception nor documented."""
    try:
        return call()
    except (KeyboardInterrupt, SystemExit, GeneratorExit, UnreadableFileError):
        raise
    except MemoryError as error:
        raise refusal("workbook_too_large", what="memory", limit=0) from error
    except BaseException as error:
        raise ReaderFailed from error


def grid_of(sheet: CalamineSheet, name: str) -> Grid | None:
    """Return the cells of a sheet, or None when it has none; numbers are floats, blanks are empty texts."""
    if sheet.start is None or sheet.end is None:
        return None
    merges = tuple(
        Merge(top + 1, left + 1, bottom + 1, right + 1)
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()
    )
    return Grid(name, lambda: _rows(sheet), sheet.start[1] + 1, sheet.end[1] + 1, merges)


def _rows(sheet: CalamineSheet) -> Iterator[tuple[int, Sequence[object]]]:
    """Yield the rows with their numbers.

    Raises: UnreadableFileError (corrupt_workbook) for a day that no calendar has, over which the reader stumbles.
    """
    try:
        yield from enumerate(sheet.iter_rows(), start=1)
    except (KeyboardInterrupt, SystemExit, GeneratorExit, UnreadableFileError):
        raise
    except MemoryError:
        failed = refusal("workbook_too_large", what="memory", limit=0)
    except BaseException:  # what it says may quote a cell
        failed = refusal("corrupt_workbook")
    else:
        return
    raise failed
