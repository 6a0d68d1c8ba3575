"""A plan as a workbook: what every row comes to, to be looked at before it is applied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from custinfo.adapters.excel._output import Target
from custinfo.adapters.excel._phrases import phrase
from custinfo.adapters.excel._styles import BAD_FILL, HEADER_FILL, TEXT, row_height, safe_text, sheet_name
from custinfo.adapters.excel._writer import MOST_ROWS
from custinfo.adapters.excel._xlsxwriter import new_workbook, print_wide
from custinfo.core.history.changes import FieldChange
from custinfo.core.kinds.masks import mask
from custinfo.core.records import FieldKey, Sealed
from custinfo.core.schema import ModuleSchema
from custinfo.workspace.importing import ImportPlan

__all__ = ["write_plan"]

_WIDTHS: Final = (8, 12, 38, 60, 60)
_NAMES: Final = ("source_row", "result", "record", "changes", "findings")
_GOOD: Final = frozenset({"create", "update", "unchanged", "awaiting", "skip"})


def write_plan(target: Target, plan: ImportPlan, schema: ModuleSchema, language: str, now: datetime) -> None:
    """Write a line for each row: its number, what it comes to, the record, what changes, and what was found.

    Rows for which a sheet has no room stand on a further one.

    Raises: MissingExtraError; OSError where the target cannot be written.
    """
    with new_workbook(target, now) as book:
        pages = _Pages(book, language)
        for row in plan.rows:
            ordered = sorted(row.problems, key=lambda problem: problem.severity != "error")
            found = dict.fromkeys(problem.message(language) for problem in ordered)
            changes = _changes(plan.changes(row), schema, language) if row.outcome == "update" else ""
            outcome = phrase(language, f"outcome_{row.outcome}")
            pages.add(row.row, (outcome, row.record_id or "", changes, "\n".join(found)), good=row.outcome in _GOOD)
        pages.end()


class _Pages:
    """Write lines of a number and texts, sheet after sheet."""

    def __init__(self, book: Any, language: str) -> None:
        self._book = book
        self._language = language
        self._heading = book.add_format({"bold": True, "bg_color": HEADER_FILL, "border": 1})
        self._bad, self._plain = (
            book.add_format({"num_format": TEXT, "text_wrap": True, "valign": "top", **extra})
            for extra in ({"bg_color": BAD_FILL}, {})
        )
        self._names: list[str] = []
        self._begin()

    def _begin(self) -> None:
        self._names.append(sheet_name(phrase(self._language, "plan"), self._names))
        self._sheet = self._book.add_worksheet(self._names[-1])
        self._lines = 1
        for column, (name, width) in enumerate(zip(_NAMES, _WIDTHS, strict=True)):
            self._sheet.set_column(column, column, width)
            self._sheet.write_string(0, column, phrase(self._language, name), self._heading)

    def add(self, number: int, texts: Sequence[str], *, good: bool) -> None:
        """Write a line, in the colour of what is not taken over unless it is good."""
        if self._lines == MOST_ROWS:
            self.end()
            self._begin()
        style = self._plain if good else self._bad
        self._sheet.set_row(self._lines, row_height(zip(texts[2:], _WIDTHS[3:], strict=True)))
        self._sheet.write_number(self._lines, 0, number, style)
        for column, text in enumerate(texts, start=1):
            self._sheet.write_string(self._lines, column, safe_text(text), style)
        self._lines += 1

    def end(self) -> None:
        """Finish a sheet."""
        self._sheet.freeze_panes(1, 0)
        self._sheet.autofilter(0, 0, max(self._lines - 1, 1), len(_NAMES) - 1)
        print_wide(self._sheet)


def _changes(changes: Iterable[FieldChange], schema: ModuleSchema, language: str) -> str:
    return "\n".join(
        f"{schema.label(key, language)}: {_text(schema, key, old)} → {_text(schema, key, new)}"
        for key, old, new in changes
    )


def _text(schema: ModuleSchema, key: FieldKey, value: Any) -> str:
    """Return the text of a value; that of an encrypted one is masked, since a file protects nothing."""
    text = "" if value is None else str(value) if isinstance(value, Sealed) else schema.render(key, value)
    field = schema.definition.fields.get(key)
    if field is not None and field.encrypted and text:
        text = mask(field.mask or "full", text)
    return text or "—"
