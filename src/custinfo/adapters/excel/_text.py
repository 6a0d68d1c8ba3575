"""Tables in text files: commas, semicolons or tabs between cells."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Final

from custinfo.adapters.excel._backslashes import with_usual_quotes
from custinfo.adapters.excel._cells import CellError
from custinfo.adapters.excel._encodings import decoded
from custinfo.adapters.excel._grids import Grid
from custinfo.adapters.excel._limits import Limits, refusal
from custinfo.adapters.excel._pictures import WORD, without_pictures
from custinfo.core.errors import UnreadableFileError
from custinfo.core.problems import Problem

__all__ = ["delimiter_of", "text_grid"]

DELIMITERS: Final = (",", "\t", ";", "|")
OTHER_DELIMITERS: Final = ("，", "；", "、", "｜", "^", "~")
"""What a Chinese keyboard writes, and a few programs; they stand in texts, too: they count where they split all rows
alike."""
IDLE_TAB: Final = re.compile(r'\t"?[,;|\r\n]|[,;|]"?\t')
DECLARED: Final = frozenset(",;|\t^~:!#$%&*+-./<>?@_")
"""Separators that a first line `sep=^` may name."""
APOSTROPHES: Final = re.compile(r"\s*'[^']*'\s*")
RARE_LINE_ENDS: Final = ("\u2028", "\x85")
QUOTED: Final = re.compile('="(.*)"', re.DOTALL)
SHOWN_ERROR: Final = re.compile(r"#(?:N/A|REF!|DIV/0!|VALUE!|NAME\?|NUM!|NULL!|SPILL!|CALC!|#{2,})")
"""What a spreadsheet shows in place of a value; ### where a column is too narrow for a number or date."""
NOTHING: Final = r"\N"
"""What databases write for a value that there is not."""
HASH: Final = re.compile(r"(?<!\w)#[A-Z#]")
SAMPLED_ROWS: Final = 50
END: Final = "\0"
"""A last line that no text has: it comes as a row of its own, unless a quote that is never closed swallows it."""
_DECODED: Final = 5
"""Bytes that a byte of a text file takes at most: itself, and a character of four."""


def text_grid(content: bytes, limits: Limits) -> Grid | None:
    """Return the cells of a text file, or None when it is blank.

    Raises: UnreadableFileError (not_a_workbook, workbook_too_large).
    """
    if len(content) > limits.max_memory // _DECODED:
        raise refusal("workbook_too_large", what="memory", limit=limits.max_memory)
    if len(content) > limits.most_text_bytes:
        raise refusal("workbook_too_large", what="text", limit=limits.most_text_bytes)
    text = _with_usual_ends(decoded(content).rstrip("\x1a"))  # the end of a file, as old programs mark it
    if not text.strip():
        return None
    start, delimiter = _declared_delimiter(text)
    if delimiter is None:
        delimiter = delimiter_of(text)
        if delimiter is None and len(text.split("\n", 2)) < 3 and "\n" not in text.strip():
            raise refusal("not_a_workbook")
    grid = _grid(text[start:], delimiter or ",", 1 if start else 0, limits)
    return without_pictures(grid, {}, worded=True) if WORD in text else grid


def _with_usual_ends(text: str) -> str:
    r"""Return a text with line ends as most programs write them.

    >>> _with_usual_ends("a,b\u2028"), _with_usual_ends("a\u2028b\n")
    ('a,b\n', 'a\u2028b\n')
    """
    if "\n" not in text and "\r" not in text:
        for end in RARE_LINE_ENDS:
            text = text.replace(end, "\n")
    return text


def _quote(text: str, delimiter: str) -> str:
    r"""Return the mark around cells: an apostrophe where each cell of the first line stands between two of them.

    >>> _quote("'a','b'\n", ","), _quote("'a',b\n", ","), _quote("'a'\n", ",")
    ("'", '"', '"')
    """
    cells = text[:65536].lstrip().partition("\n")[0].split(delimiter)
    return "'" if len(cells) > 1 and all(map(APOSTROPHES.fullmatch, cells)) else '"'


def _declared_delimiter(text: str) -> tuple[int, str | None]:
    """Return where the table starts and the delimiter that a first line `sep=;` names."""
    line, newline, _ = text[:16].partition("\n")
    mark = line.rstrip("\r")
    if newline and len(mark) == 5 and mark.lower().startswith("sep=") and mark[4] in DECLARED:
        return len(line) + 1, mark[4]
    return 0, None


def delimiter_of(text: str) -> str | None:
    r"""Return the delimiter that splits the first rows most evenly, or None when none splits them.

    >>> delimiter_of("a;b\n1,5;2\n"), delimiter_of("a,b\n"), delimiter_of("a\n1\n")
    (';', ',', None)
    >>> delimiter_of("甲，乙\n1，2\n"), delimiter_of("地址\n东路，1号\n")
    ('，', None)
    """
    best, best_score = None, (0.0, 0)
    for delimiter in (mark for mark in DELIMITERS if mark != "\t" or not _has_idle_tabs(text[:65536])):
        widths = Counter(len(row) for row in _sample(text, delimiter) if row)
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        score = (count / max(widths.total(), 1), width)
        if width > 1 and score > best_score:
            best, best_score = delimiter, score
    if best_score[0] < 1:
        return next((delimiter for delimiter in OTHER_DELIMITERS if _splits_alike(text, delimiter)), best)
    return best


def _has_idle_tabs(text: str) -> bool:
    r"""Tell tabs that only stand beside other delimiters: behind a long number, they keep a spreadsheet from it.

    >>> _has_idle_tabs("138\t,110\t\r\n"), _has_idle_tabs("138\t110\r\n")
    (True, False)
    """
    return 2 * len(IDLE_TAB.findall(text)) > text.count("\t")


def _splits_alike(text: str, delimiter: str) -> bool:
    """Tell whether a delimiter splits all of the first rows into as many cells."""
    widths = {len(row) for row in _sample(text, delimiter) if row}
    return len(widths) == 1 and max(widths) > 1


def _sample(text: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text[:65536], newline=""), delimiter=delimiter)
    try:
        return list(islice(reader, SAMPLED_ROWS))
    except csv.Error:
        return []


def _grid(text: str, delimiter: str, before: int, limits: Limits) -> Grid:
    """Return the cells of a table with so many lines before it."""
    quote, spaced = _quote(text, delimiter), _has_spaced_quotes(text[:65536], delimiter)
    table = text if quote == "'" else with_usual_quotes(text, delimiter, spaced=spaced)

    def rows() -> Iterator[tuple[int, Sequence[object]]]:
        lines = chain(io.StringIO(table, newline=""), (END,))
        read = csv.reader(lines, delimiter=delimiter, quotechar=quote, skipinitialspace=spaced)
        spelled = '="' in table or NOTHING in table or HASH.search(table) is not None
        return _numbered(read, before, limits, spelled=spelled)

    return Grid("", rows, ragged=True)


def _numbered(
    rows: Iterator[list[str]], before: int, limits: Limits, *, spelled: bool
) -> Iterator[tuple[int, Sequence[object]]]:
    """Yield the rows with their numbers. Raises: UnreadableFileError: workbook_too_large, corrupt_workbook."""
    cells = 0
    values: list[str] = []
    number = before
    try:
        for number, values in enumerate(rows, start=before + 1):
            if values == [END]:
                return
            cells += len(values)
            if cells > limits.most_cells:
                raise refusal("workbook_too_large", what="cells", limit=limits.most_cells)
            yield number, list(map(_told, values)) if spelled else values
    except csv.Error as error:
        raise _open_quote(number + 1) from error
    raise _open_quote(number)


def _has_spaced_quotes(text: str, delimiter: str) -> bool:
    """Return whether quotes stand behind blanks, as people type them; to the letter they belong to the text.

    >>> _has_spaced_quotes('"a", "b, c"', ","), _has_spaced_quotes('a, 5" pipe', ",")
    (True, False)
    """
    mark = re.escape(delimiter)
    return re.search(rf'{mark} +"[^"\r\n]{{0,200}}" *(?:{mark}|[\r\n]|\Z)', text) is not None


def _told(value: str) -> object:
    r"""Return what a program meant by a text: `="0571"` is a text, #N/A an error, ### a narrow column, `\N` nothing.

    >>> _told('="0571"'), _told("#N/A"), _told("######"), _told("# 5"), _told("\\N")
    ('0571', CellError(error='#N/A'), CellError(error='######'), '# 5', '')
    """
    if value == NOTHING:
        return ""
    if value.startswith("#") and SHOWN_ERROR.fullmatch(value):
        return CellError(value)
    return QUOTED.sub(r"\1", value)


def _open_quote(row: int) -> UnreadableFileError:
    """Return the error for a cell that goes on to the end of the file, or longer than any program writes one."""
    return UnreadableFileError([Problem("corrupt_workbook"), Problem("open_quote", params={"row": row})])
