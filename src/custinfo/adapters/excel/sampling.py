"""Checking a migration by samples: rows of the source beside the records that they became (XLS-7)."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import attrs

from custinfo.adapters.excel._output import Target
from custinfo.adapters.excel._phrases import phrase
from custinfo.adapters.excel._styles import BAD_FILL, HEADER_FILL, TEXT, safe_text
from custinfo.adapters.excel._tables_within import TableWithin
from custinfo.adapters.excel._xlsxwriter import new_workbook, print_wide
from custinfo.core.records import CLEAR, FieldKey, RecordId
from custinfo.workspace.context import Context
from custinfo.workspace.importing import ImportPlan, SourceTable
from custinfo.workspace.planned_rows import PlannedRow, RawValues

__all__ = ["SampleReport", "SampledRow", "ValueDifference", "sample"]

SampleResult = Literal["equal", "different", "missing", "left_out"]
_WIDTHS: Final = (8, 12, 38, 18, 30, 30)


@attrs.frozen
class ValueDifference:
    """A value that is not stored as the `source` has it; both as texts, as people read them, empty for a blank.

    `field` is the key of the field, and `label` what people call it. The representation shows neither value.
    """

    field: FieldKey
    label: str
    source: str = attrs.field(repr=False)
    stored: str = attrs.field(repr=False)


@attrs.frozen
class SampledRow:
    """A row of the source and what was found: `equal`, `different`, `missing`, or `left_out` as no row to import.

    `row` is its number in the file, from 1. `result` is one of these; `record_id` names the record that it was compared
    with, and `differences` are its values that are not stored so.
    """

    row: int
    result: SampleResult
    record_id: RecordId | None = None
    differences: tuple[ValueDifference, ...] = ()


@attrs.frozen
class SampleReport:
    """What a check of some rows found: `rows` are these, in the order of the file."""

    rows: tuple[SampledRow, ...]
    _language: str = attrs.field(alias="language", repr=False)
    _now: datetime = attrs.field(alias="now", repr=False)

    @property
    def equal(self) -> int:
        """How many rows are stored as the source has them."""
        return sum(row.result == "equal" for row in self.rows)

    @property
    def holds(self) -> bool:
        """Whether all rows that can be imported are stored as the source has them."""
        return all(row.result in ("equal", "left_out") for row in self.rows)

    def write(self, target: Target) -> None:
        """Write the comparison as a workbook (.xlsx): a line for each row, and for each value that differs.

        Raises: MissingExtraError; OSError where the target cannot be written; ValueError for a path that says another
            format (.csv).
        """
        with new_workbook(target, self._now) as book:
            sheet = book.add_worksheet(phrase(self._language, "sample"))
            heading = book.add_format({"bold": True, "bg_color": HEADER_FILL, "border": 1})
            plain, bad = (book.add_format({"num_format": TEXT, **extra}) for extra in ({}, {"bg_color": BAD_FILL}))
            names = ("source_row", "result", "record", "field", "in_source", "in_store")
            for column, (name, width) in enumerate(zip(names, _WIDTHS, strict=True)):
                sheet.set_column(column, column, width)
                sheet.write_string(0, column, phrase(self._language, name), heading)
            for number, (good, values) in enumerate(self._lines(), start=1):
                for column, value in enumerate(values):
                    sheet.write_string(number, column, safe_text(value), plain if good else bad)
            sheet.freeze_panes(1, 0)
            print_wide(sheet)

    def _lines(self) -> Iterator[tuple[bool, tuple[str, ...]]]:
        for row in self.rows:
            start = (str(row.row), phrase(self._language, f"sample_{row.result}"), row.record_id or "")
            if not row.differences:
                yield row.result in ("equal", "left_out"), (*start, "", "", "")
            for item in row.differences:
                yield False, (*start, item.label, item.source, item.stored)


def sample(
    context: Context,
    table: SourceTable,
    plan: Callable[[SourceTable], ImportPlan],
    number: int,
    seed: int,
    taken: Collection[int] = (),
) -> SampleReport:
    """Compare some rows with the store: planned again, a row that is stored as it stands changes nothing.

    Only values that the actor may read are compared. Rows find their records by the keys of the plan; one that agrees
    with a record in none of them, and is likely about it, is compared with that.

    Args:
        context: The session's.
        table: The source.
        plan: Plans an import of a table.
        number: How many rows; all if there are no more.
        seed: Chooses them; the same one chooses the same rows.
        taken: The rows that an import took over: of these none may be left out.
    """
    chosen = _chosen(table, number, seed)
    planned = plan(TableWithin(table, lambda: iter(chosen)))
    alike = _beside_alike(context, table, plan, chosen, planned)
    rows = [_judged(_compared(context, planned, row), alike.get(row.row), row.row in taken) for row in planned.rows]
    return SampleReport(tuple(rows), context.schema.configuration.language, context.now())


def _beside_alike(
    context: Context,
    table: SourceTable,
    plan: Callable[[SourceTable], ImportPlan],
    chosen: Sequence[tuple[int, RawValues]],
    planned: ImportPlan,
) -> dict[int, SampledRow]:
    """Return what a look at the record finds of rows that agree with it in no key, and are likely about it."""
    ids = {
        row.row: row.record_id
        for row in planned.rows.told
        if row.outcome == "duplicate" and row.record_id is not None and not _is_repetition(row)
    }
    if not ids or "id" in planned.columns.keys:
        return {}
    rows = [(number, (*values, ids[number])) for number, values in chosen if number in ids]
    again = plan(_WithIds(table, lambda: iter(rows)))
    return {row.row: _compared(context, again, row) for row in again.rows}


def _is_repetition(row: PlannedRow) -> bool:
    """Tell whether a row is left out for an earlier one, whatever is stored."""
    return any(problem.code == "duplicate_in_file" for problem in row.problems)


def _judged(found: SampledRow, alike: SampledRow | None, taken: bool) -> SampledRow:
    """Return what is told of a row: one that was taken over is stored, or it is not."""
    if found.result != "left_out":
        return found
    if alike is not None and (taken or alike.result == "equal") and alike.result != "left_out":
        return alike
    return attrs.evolve(found, result="missing") if taken else found


@attrs.frozen
class _WithIds(TableWithin):
    """A table with one column more, of the ids of the records that its rows are about."""

    @property
    def header(self) -> tuple[str, ...]:
        """The headings."""
        return (*self.table.header, "id")

    @property
    def columns(self) -> tuple[int, ...]:
        """The numbers of the columns, from 1."""
        return (*self.table.columns, max(self.table.columns) + 1)


def _chosen(table: SourceTable, number: int, seed: int) -> list[tuple[int, RawValues]]:
    """Return rows chosen at random, in order; the file is read once, and only these are kept."""
    rng = random.Random(seed)  # noqa: S311 - a sample, not a secret
    kept: list[tuple[int, RawValues]] = []
    for seen, row in enumerate(table.rows()):
        if seen < number:
            kept.append(row)
        elif (place := rng.randrange(seen + 1)) < number:
            kept[place] = row
    return sorted(kept, key=lambda row: row[0])


def _compared(context: Context, plan: ImportPlan, row: PlannedRow) -> SampledRow:
    match row.outcome:
        case "unchanged":
            return SampledRow(row.row, "equal", row.record_id)
        case "create" | "duplicate" if row.record_id is None:
            return SampledRow(row.row, "missing" if row.outcome == "create" else "left_out")
        case "update" | "awaiting" | "conflict" if plan.finds(row):
            differences = _differences(context, plan, row)
            return SampledRow(row.row, "different" if differences else "equal", row.record_id, differences)
        case _:
            return SampledRow(row.row, "left_out", row.record_id)


def _differences(context: Context, plan: ImportPlan, row: PlannedRow) -> tuple[ValueDifference, ...]:
    schema, language = context.module(plan.module), context.schema.configuration.language

    def shown(key: FieldKey, value: Any) -> str:
        return "" if value is None or value is CLEAR else schema.render(key, value)

    return tuple(
        ValueDifference(
            item.field, schema.label(item.field, language), shown(item.field, item.new), shown(item.field, item.old)
        )
        for item in plan.changes(row)
    )
