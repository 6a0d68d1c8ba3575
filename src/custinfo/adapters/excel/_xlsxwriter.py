"""XlsxWriter, which writes what people fill in: validations, comments, colours."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from custinfo.adapters.excel._output import Target, check_target, written
from custinfo.core.errors import MissingExtraError

__all__ = ["AUTHOR", "new_workbook", "print_wide"]

AUTHOR: Final = "custinfo"


@contextmanager
def new_workbook(target: Target, now: datetime) -> Iterator[Any]:
    """Give a workbook of XlsxWriter that is written to `target` when the block ends well.

    Raises: MissingExtraError where XlsxWriter is not installed; OSError where the target cannot be written; ValueError
        for a path that says another format.
    """
    check_target(target)
    try:
        import xlsxwriter  # noqa: PLC0415 -- an extra, loaded on first use
    except ImportError as error:
        raise MissingExtraError.of("excel", "xlsxwriter") from error
    content = io.BytesIO()
    workbook = xlsxwriter.Workbook(content, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    workbook.set_properties({"author": AUTHOR, "created": now.astimezone(UTC).replace(tzinfo=None, microsecond=0)})
    yield workbook
    workbook.close()
    with written(target) as file:
        file.write(content.getbuffer())


def print_wide(sheet: Any) -> None:
    """Make a worksheet print on A4, landscape, all of its columns on one page."""
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
