"""A plan as a workbook: what every row comes to, to be looked at before it is applied."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from custinfo.adapters.excel._output import Target
from custinfo.adapters.excel._phrases import phrase
from custinfo.adapters.excel._styles import BAD_FILL, HEADER_FILL, TEXT, row_height, safe_text
from custinfo.adapters.excel._xlsxwriter import new_workbook, print_wide
from custinfo.core.history.changes import FieldChange
from custinfo.core.kinds.masks import mask
from custinfo.core.records import FieldKey, Sealed
from custinfo.core.schema import ModuleSchema
from custinfo.workspace.importing import ImportPlan

__all__ = ["write_plan"]

_WIDTHS: Final = (8, 12, 38, 60, 60)
_GOOD: Final = frozenset({"create", "update", "unchanged", "awaiting", "skip"})


def write_plan(target: Target, plan: ImportPlan, schema: ModuleSchema, language: str, now: datetime) -> None:
    """Write a line for each row: its number, what it comes to, the record, what changes, and what was found.

    Raises: MissingExtraError; OSError where the target cannot be written.
    """
    with new_workbook(target, now) as book:
        sheet = book.add_worksheet(phrase(language, "plan"))
        heading = book.add_format({"bold": True, "bg_color": HEADER_FILL, "border": 1})
        plain, bad = (
            book.add_format({"num_format": TEXT, "text_wrap": True, "valign": "top", **extra})
            for extra in ({}, {"bg_color": BAD_FILL})
        )
        for column, (name, width) in enumerate(zip(_NAMES, _WIDTHS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, phrase(language, name), heading)
        for number, row in enumerate(plan.rows, start=1):
            style = plain if row.outcome in _GOOD else bad
            ordered = sorted(row.problems, key=lambda problem: problem.severity != "error")
            found = dict.fromkeys(problem.message(language) for problem in ordered)
            changes = _changes(plan.changes(row), schema, language) if row.outcome == "update" else ""
            texts = (phrase(language, f"outcome_{row.outcome}"), row.record_id or "", changes, "\n".join(found))
            sheet.set_row(number, row_height(zip(texts[2:], _WIDTHS[3:], strict=True)))
            sheet.write_number(number, 0, row.row, style)
            for column, text in enumerate(texts, start=1):
                sheet.write_string(number, column, safe_text(text), style)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(plan.rows), 1), len(_NAMES) - 1)
        print_wide(sheet)


_NAMES: Final = ("source_row", "result", "record", "changes", "findings")


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
