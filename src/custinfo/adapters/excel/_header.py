"""Where the header of a table is, and which columns it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeGuard

import attrs

from custinfo.adapters.excel._grids import Merge
from custinfo.adapters.excel._labels import clean_label, label_text

__all__ = ["Header", "find_header"]

NUMERIC: Final = re.compile(r"\s*[+-]?[\d.,]+%?\s*")
KNOWN_WEIGHT: Final = 4
GOOD_ENOUGH: Final = 0.7
Known = Callable[[str], bool]
Values = Sequence[object]
Labels = Mapping[int, tuple[str, str]]
"""Column → the label, and the text as it stands in the file, with what is above it."""


@attrs.frozen
class Header:
    """Name the columns of a table: the texts, raw and clean, the row below which the data start, the notes above."""

    texts: tuple[str, ...]
    raw: tuple[str, ...]
    row: int
    columns: tuple[int, ...]
    notes: tuple[str, ...]


@attrs.frozen
class _Window:
    """Hold the first rows of a sheet, cleaned, with columns counting from 1."""

    rows: Mapping[int, Mapping[int, object]]
    merges: tuple[Merge, ...]
    known: Known

    def text(self, row: int, column: int) -> str:
        return label_text(self.rows.get(row, {}).get(column))

    def across(self, row: int) -> dict[int, int]:
        """Return, for each column under a horizontal merge in this row, the column that holds its text."""
        return {
            column: merge.left
            for merge in self.merges
            if merge.top == merge.bottom == row and merge.right > merge.left
            for column in range(merge.left, min(merge.right, merge.left + 1024) + 1)
        }


def find_header(rows: Mapping[int, Mapping[int, object]], merges: Sequence[Merge], known: Known) -> Header | None:
    """Return the header among a sheet's first rows, or None when no row looks like one.

    The best row has the most different texts, known labels counting more, and no values of other types above or
    in it. An earlier row that is nearly as good is preferred, since data rows below may be texts, too.

    Args:
        rows: Values by row and column, without blanks.
        merges: The sheet's merged ranges.
        known: Whether a clean label belongs to a field.
    """
    window = _Window(rows, tuple(merges), known)
    scores = _scores(window)
    best = max(scores.values(), default=0)
    if best <= 0:
        return None
    top = next(row for row, score in scores.items() if score >= GOOD_ENOUGH * best)
    return _two_levels(window, top) or _one_level(window, _lowest(window, top))


def _lowest(window: _Window, top: int) -> int:
    """Return the last of the rows of labels that follow each other: keys, say, and what people call them."""
    row = top
    while (below := window.rows.get(row + 1)) and len(below) > 1 and below.keys() == window.rows[top].keys():
        if not all(isinstance(value, str) and window.known(clean_label(value)) for value in below.values()):
            break
        row += 1
    return row


def _scores(window: _Window) -> dict[int, float]:
    scores: dict[int, float] = {}
    other_above, widest = 0, 0
    for row, values in window.rows.items():
        texts = [clean_label(value) for value in values.values() if _is_wording(value)]
        others = len(values) - len(texts)
        distinct = set(texts)
        known = sum(map(window.known, distinct))
        score = len(distinct) + KNOWN_WEIGHT * known - 2 * (others + other_above)
        scores[row] = max(score, known) if known else (score if len(texts) >= widest else 0)
        other_above += others
        widest = max(widest, len(values)) if others else widest
    return scores


def _is_wording(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and not NUMERIC.fullmatch(value)


def _one_level(window: _Window, row: int) -> Header:
    labelled = {column: label_text(value) for column, value in window.rows[row].items()}
    return _header(window, row, row, {column: (text, text) for column, text in labelled.items()})


def _two_levels(window: _Window, row: int) -> Header | None:
    """Return a header of two rows when one stands merged over several of the other's, from either; perhaps of three."""
    before = max((number for number in window.rows if number < row), default=0)
    for upper, lower in ((row, row + 1), (before, row)):
        if lower != upper + 1 or lower not in window.rows or upper not in window.rows:
            continue
        if _stand_above(window, upper, lower):
            joined = _joined(window, upper, lower, window.across(upper))
            third = _third_level(window, lower, joined)
            return _header(window, upper, lower + bool(third), {**joined, **third})
        if _fill_up(window, upper, lower):
            return _header(window, upper, lower, _joined(window, upper, lower, {}))
    return None


def _fill_up(window: _Window, upper: int, lower: int) -> bool:
    """Tell two rows of known labels that have no column in common: a heading whose cells are not merged, as in text.

    Beside its labels the upper one has names of groups, of which each stands over one of the lower one at least.
    """
    above, below = window.rows[upper], window.rows[lower]
    if not all(isinstance(value, str) for value in (*above.values(), *below.values())):
        return False
    known = {column for column in above if window.known(clean_label(window.text(upper, column)))}
    groups = above.keys() - known
    return (
        bool(known)
        and not known & below.keys()
        and all(window.known(clean_label(window.text(lower, column))) for column in below)
        and bool(groups)
        and groups <= below.keys()
    )


def _third_level(window: _Window, second: int, joined: Labels) -> Labels:
    """Return the labels of a further row, of which each is known and stands under a merged one of the second level."""
    across = window.across(second)
    labels = {column: label_text(value) for column, value in window.rows.get(second + 1, {}).items()}
    if not all(column in across and window.known(clean_label(text)) for column, text in labels.items()):
        return {}
    above = {column: joined.get(across[column], ("", ""))[1] for column in labels}
    return {column: (text, f"{above[column]}/{text}") for column, text in labels.items()}


def _stand_above(window: _Window, upper: int, lower: int) -> bool:
    across = window.across(upper)
    labels, parents = window.rows[lower], window.rows[upper]
    under = {column for column in labels if column in across}
    if not under or len(parents) < 2 or not all(isinstance(value, str) for value in labels.values()):
        return False
    return all(column in across or column not in parents for column in labels)


def _joined(window: _Window, upper: int, lower: int, across: Mapping[int, int]) -> dict[int, tuple[str, str]]:
    joined = {}
    for column in sorted({*window.rows[upper], *window.rows[lower]}):
        parent = window.text(upper, across.get(column, column))
        child = window.text(lower, column)
        if not (parent and child):
            joined[column] = (parent or child, parent or child)
        elif window.known(clean_label(child)):
            joined[column] = (child, f"{parent}/{child}")
        else:
            joined[column] = (f"{clean_label(parent)}/{clean_label(child)}", f"{parent}/{child}")
    return joined


def _header(window: _Window, first: int, last: int, labels: Labels) -> Header:
    below = {column for row, values in window.rows.items() if row > last for column in values}
    columns = tuple(sorted({column for column, (text, _) in labels.items() if text.strip()} | below))
    pairs = [labels.get(column, ("", "")) for column in columns]
    notes = tuple(
        value
        for row, values in window.rows.items()
        if row < first
        for _, value in sorted(values.items())
        if isinstance(value, str)
    )
    return Header(tuple(clean_label(text) for text, _ in pairs), tuple(raw for _, raw in pairs), last, columns, notes)
