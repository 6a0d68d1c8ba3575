"""Planning an import: which column is which field, which row is which record, and what each row comes to.

A plan takes no ids and writes nothing: rows go through the write path up to, but not including, the commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

import attrs

from custinfo.core.errors import InvalidInputError
from custinfo.core.history.changes import ChangeAction
from custinfo.core.problems import Place, Problem
from custinfo.core.records import SYSTEM_FIELDS, FieldKey, ModuleKey
from custinfo.core.validation.engine import Normalised
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft, Prepared
from custinfo.workspace.importing import Columns, Duplicates, ImportPlan, PlannedRow, RowOutcome, SourceTable
from custinfo.workspace.matching import Matcher, RowMatch, SourceRow
from custinfo.workspace.referring import ReferenceReader
from custinfo.workspace.writing import WritePath

__all__ = ["make_plan", "match_columns"]

_CHUNK: Final = 500


def make_plan(
    context: Context,
    module: ModuleKey,
    table: SourceTable,
    *,
    digest: str,
    mapping: Mapping[str, str] | None = None,
    duplicates: Duplicates = "report",
) -> ImportPlan:
    """Return what importing `table` into `module` would do; writes nothing and takes no ids.

    Args:
        context: The session's.
        module: Key of the module.
        table: The rows.
        digest: Identifies the content, so that interrupted work is recognised.
        mapping: Heading → field name, for headings that say it otherwise; an empty name leaves a column out.
        duplicates: Whether rows that look like an existing record of another key are only reported, or created.

    Raises: PermissionDeniedError where the actor may not import; InvalidInputError for headings that clash.
    """
    if not context.access(module).may("import"):
        raise context.denied("import", module)
    columns = match_columns(context, module, table, mapping or {})
    planner = _Planner(context, module, table, columns, duplicates)
    return ImportPlan(module, table, columns, list(planner.run()), digest, context)


def match_columns(context: Context, module: ModuleKey, table: SourceTable, mapping: Mapping[str, str]) -> Columns:
    """Return which field each heading means. Raises: InvalidInputError where two mean the same, or a mapping none."""
    schema = context.module(module)
    derived = context.compiled.derivation(module).fields
    keys: list[FieldKey | None] = []
    problems: list[Problem] = []
    errors: list[Problem] = []
    for heading, column in zip(table.header, table.columns, strict=True):
        place = Place(table.sheet, table.header_row, column)
        name = mapping.get(heading, heading)
        key = schema.resolve(name) if name else None
        if key is None and heading in mapping and name:
            errors.append(Problem("unknown_field", name, place))
        if key is not None and key in keys:
            errors.append(Problem("duplicate_column", key, place))
        if key in SYSTEM_FIELDS and key not in schema.definition.fields and key not in ("id", "owner"):
            key = None
        if key in derived:
            key = None
        if key is None and heading and name:
            problems.append(Problem("unmapped_column", heading, place, severity="warning"))
        keys.append(key)
    if errors:
        raise InvalidInputError(errors)
    if not any(keys):
        raise InvalidInputError([Problem("no_header", place=Place(table.sheet, table.header_row))])
    return Columns(tuple(keys), tuple(problems))


class _Planner:
    """Turn rows into planned rows, a chunk at a time."""

    def __init__(
        self, context: Context, module: ModuleKey, table: SourceTable, columns: Columns, duplicates: Duplicates
    ) -> None:
        self.context = context
        self.module = module
        self.table = table
        self.keys = columns.keys
        self.places = {key: column for key, column in zip(columns.keys, table.columns, strict=True) if key}
        self.schema = context.module(module)
        self.validator = context.validator(module)
        self.references = ReferenceReader(context, module)
        self.matcher = Matcher(context, module, duplicates)
        self.write_path = WritePath(context, channel="import")
        # A plan of many rows keeps of each draft only what the commit asks for, which is the same for all.
        self.kept: dict[ChangeAction, Draft] = {
            action: Draft(action, module, typed=True) for action in ("create", "update")
        }

    def run(self) -> Iterator[PlannedRow]:
        rows = self.table.rows()
        while chunk := list(islice(rows, _CHUNK)):
            yield from self.chunk(chunk)

    def chunk(self, chunk: Sequence[tuple[int, tuple[object, ...]]]) -> Iterator[PlannedRow]:
        keys = self.keys
        raws = [
            {key: value for key, value in zip(keys, values, strict=False) if key is not None and value is not None}
            for _, values in chunk
        ]
        ids = [raw.pop("id", None) for raw in raws]
        found = [self.normalised(raw, problems) for raw, problems in self.references.read(raws)]
        matches = self.matcher.match(
            [SourceRow(row, record_id, item.patch) for (row, _), record_id, item in zip(chunk, ids, found, strict=True)]
        )
        prepared = self.write_path.prepare(list(map(self.draft, matches, found)))
        for (row, values), raw, match, item in zip(chunk, raws, matches, prepared, strict=True):
            yield self.planned(row, values, raw, match, item)

    def normalised(self, raw: Mapping[str, object], problems: list[Problem]) -> Normalised:
        found = self.validator.normalise(raw)
        found.problems.extend(problems)
        return found

    def draft(self, match: RowMatch, found: Normalised) -> Draft:
        """Return the change that a row asks for."""
        problems = tuple(found.problems)
        if match.record_id is None:
            return Draft("create", self.module, raw=found.patch, typed=True, found=problems)
        patch = {key: value for key, value in found.patch.items() if key not in match.agreed}
        return Draft("update", self.module, match.record_id, patch, typed=True, found=problems)

    def planned(
        self, row: int, values: tuple[object, ...], raw: Mapping[str, object], match: RowMatch, prepared: Prepared
    ) -> PlannedRow:
        problems = self.problems(row, raw, prepared)
        if match.problems:
            # Where a row repeats another, that its unique value is taken is the same news twice.
            repeated = {problem.field for problem in match.problems}
            problems = [item for item in problems if item.code != "not_unique" or item.field not in repeated]
            problems.extend(self.at(row, problem) for problem in match.problems)
            stopped = any(problem.code != "not_unique" for problem in prepared_errors(prepared))
            outcome: RowOutcome = "rejected" if stopped else "duplicate"
            return PlannedRow(row, outcome, values, tuple(problems), match.similar)
        if prepared.error is not None:
            return PlannedRow(row, "rejected", values, tuple(problems), match.record_id)
        if not prepared.changed:
            outcome = "unchanged"
        elif prepared.path is not None:
            outcome = "awaiting"
        else:
            outcome = "create" if match.record_id is None else "update"
        prepared.draft = self.kept[prepared.draft.action]
        return PlannedRow(row, outcome, values, tuple(problems), match.record_id, prepared)

    def problems(self, row: int, raw: Mapping[str, object], prepared: Prepared) -> list[Problem]:
        """Return everything that was found, once, with its place; a bad cell says what it holds."""
        items = prepared.problems
        if not items and prepared.error is None:
            return []
        if prepared.error is not None:
            items = [*(item for item in items if item.severity != "error"), *prepared.error.problems]
        placed = []
        for item in items:
            cell = raw.get(item.field or "")
            better = getattr(cell, "problem", None)
            if callable(better) and item.severity == "error":
                item = attrs.evolve(better(), field=item.field)  # noqa: PLW2901
            placed.append(self.at(row, item))
        return placed

    def at(self, row: int, problem: Problem) -> Problem:
        place = Place(self.table.sheet, row, self.places.get(problem.field or ""))
        return self.schema.labelled(problem).at(place)


def prepared_errors(prepared: Prepared) -> tuple[Problem, ...]:
    """Return what stops a prepared change."""
    return prepared.error.problems if prepared.error is not None else ()
