"""What the rows of an import come to, with every problem at its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import attrs

from custinfo.core.errors import FieldReservedError
from custinfo.core.history.changes import ChangeAction
from custinfo.core.problems import Place, Problem
from custinfo.core.records import ModuleKey
from custinfo.core.schema import ModuleSchema
from custinfo.core.validation.engine import Normalised
from custinfo.workspace.attached_columns import Related
from custinfo.workspace.awaited_records import AwaitedRecords
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft, Prepared
from custinfo.workspace.importing import SourceTable
from custinfo.workspace.matching import RowMatch
from custinfo.workspace.planned_rows import PlannedRow, RawValues, RowOutcome
from custinfo.workspace.row_reading import RowReader

__all__ = ["RowTeller", "with_related"]


class RowTeller:
    """Tell what rows come to, once the write path has said what it makes of them."""

    def __init__(
        self, context: Context, module: ModuleKey, table: SourceTable, places: Mapping[str, int], reader: RowReader
    ) -> None:
        """Set up.

        Args:
            context: The session's.
            module: Key of the module.
            table: The rows.
            places: Field, or what else a column holds → the column.
            reader: What read them.
        """
        self.module = module
        self.reader = reader
        self.awaited: AwaitedRecords = AwaitedRecords(context, module)
        self.again: _Again = _Again(table)
        self.at: _Placing = _Placing(table.sheet, places, context.module(module))
        # A plan of many rows keeps of each draft only what the commit asks for, which is the same for all.
        self.kept: dict[ChangeAction, Draft] = {
            action: Draft(action, module, typed=True) for action in ("create", "update")
        }

    def draft(self, match: RowMatch, found: Normalised) -> Draft:
        """Return the change that a row asks for."""
        problems = tuple(found.problems)
        if match.record_id is None:
            return Draft("create", self.module, raw=found.patch, typed=True, found=problems)
        patch = {key: value for key, value in found.patch.items() if key not in match.agreed}
        return Draft("update", self.module, match.record_id, patch, typed=True, found=problems)

    def planned(self, row: int, values: RawValues, match: RowMatch, prepared: Prepared) -> PlannedRow:
        """Return what a row comes to, as the write path prepared it."""
        waits = match.outcome == "unchanged" and match.similar is None and prepared.path and not prepared.error
        if match.problems and not waits:  # rows that wait for approval are submitted at the end of an import
            return self.matched(row, values, match, prepared)
        problems = self.problems(row, values, prepared)
        if prepared.path is not None and prepared.before is None:
            self.refuse_awaited(prepared)
            problems = self.problems(row, values, prepared)
        if prepared.error is not None:
            outcome: RowOutcome = "conflict" if isinstance(prepared.error, FieldReservedError) else "rejected"
            return PlannedRow(row, outcome, values, tuple(problems), match.record_id)
        if not prepared.changed:
            outcome = "unchanged"
        elif prepared.path is not None:
            outcome = "awaiting"
        else:
            outcome = "create" if match.record_id is None else "update"
        prepared.draft = self.kept[prepared.draft.action]
        prepared.problems = []
        kept = prepared if prepared.changed else None
        return PlannedRow(row, outcome, partial(self.again, row), tuple(problems), match.record_id, kept)

    def same(self, row: int, match: RowMatch, remarks: Sequence[Problem]) -> PlannedRow:
        """Return a row that changes nothing in its record."""
        problems = tuple(self.at(row, problem) for problem in remarks)
        return PlannedRow(row, "unchanged", partial(self.again, row), problems, match.record_id)

    def refuse_awaited(self, prepared: Prepared) -> None:
        """Refuse a new record that the actor has submitted already."""
        if prepared.after is not None and (request_id := self.awaited.request_for(prepared.after)) is not None:
            prepared.error = FieldReservedError([Problem("awaits_already", params={"request_id": request_id})])

    def matched(self, row: int, values: RawValues, match: RowMatch, prepared: Prepared) -> PlannedRow:
        """Return a row of which its match says all that there is to say, unless it is wrong as well."""
        record_id = match.record_id or match.similar
        told = [self.at(row, problem) for problem in match.problems]
        if match.outcome == "skip":
            return PlannedRow(row, "skip", partial(self.again, row), tuple(told), record_id)
        # Where a row repeats another, that its unique value is taken is the same news twice.
        repeated = {problem.field for problem in match.problems}
        problems = [
            item
            for item in self.problems(row, values, prepared)
            if item.code != "not_unique" or (match.outcome == "duplicate" and item.field not in repeated)
        ]
        stopped = any(problem.code != "not_unique" for problem in _errors(prepared))
        outcome: RowOutcome = "rejected" if stopped else match.outcome
        return PlannedRow(
            row, outcome, values, (*problems, *told), record_id, resemblance=None if stopped else match.resemblance
        )

    def problems(self, row: int, values: Sequence[object], prepared: Prepared) -> list[Problem]:
        """Return everything that was found, once, with its place; a bad cell says what it holds."""
        items = prepared.problems
        if not items and prepared.error is None:
            return []
        if prepared.error is not None:
            items = [*(item for item in items if item.severity != "error"), *prepared.error.problems]
        raw = self.reader.raw(values)
        placed = []
        for item in items:
            cell = raw.get(item.field or "")
            better = getattr(cell, "problem", None)
            if callable(better) and item.severity == "error":
                item = attrs.evolve(better(), field=item.field)  # noqa: PLW2901
            placed.append(self.at(row, item))
        return placed


def with_related(row: PlannedRow, related: tuple[Related, ...]) -> PlannedRow:
    """Return a row with the records that it brings along, if it is taken over itself."""
    if not related or row.outcome not in ("create", "update", "unchanged", "awaiting"):
        return row
    outcome: RowOutcome = "update" if row.outcome == "unchanged" else row.outcome
    return attrs.evolve(row, outcome=outcome, related=related)


@attrs.frozen
class _Placing:
    """Give problems of rows their place and their labels."""

    sheet: str
    places: Mapping[str, int]
    schema: ModuleSchema

    def __call__(self, row: int, problem: Problem) -> Problem:
        """Return a problem of a row with its place."""
        if problem.place is not None and problem.place.sheet != self.sheet:
            return problem  # of a row that comes along from a further sheet
        place = Place(self.sheet, row, self.places.get(problem.field or ""))
        return self.schema.labelled(problem).at(place)


class _Again:
    """Read the rows of a table again when somebody asks for one: few do, and a file may be long."""

    def __init__(self, table: SourceTable) -> None:
        self._table = table
        self._rows: dict[int, RawValues] | None = None

    def __call__(self, row: int) -> RawValues:
        """Return the values of a row."""
        if self._rows is None:
            self._rows = dict(self._table.rows())
        return self._rows[row]


def _errors(prepared: Prepared) -> tuple[Problem, ...]:
    """Return what stops a prepared change."""
    return prepared.error.problems if prepared.error is not None else ()
