"""Planning an import: which column is which field, which row is which record, and what each row comes to.

A plan takes no ids and writes nothing: rows go through the write path up to, but not including, the commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

import attrs

from custinfo.core.errors import InvalidInputError
from custinfo.core.history.changes import ChangeAction
from custinfo.core.problems import Place, Problem
from custinfo.core.records import CLEAR, SYSTEM_FIELDS, FieldKey, ModuleKey
from custinfo.core.validation.engine import Normalised
from custinfo.workspace.collecting import uncollected
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft, Prepared
from custinfo.workspace.importing import Columns, Duplicates, ImportPlan, SourceTable
from custinfo.workspace.matching import Matcher, RowMatch, SourceRows
from custinfo.workspace.planned_rows import Entry, PlannedRow, PlannedRows, RawValues, RowOutcome
from custinfo.workspace.referring import ReferenceReader
from custinfo.workspace.screening import RowScreen, TypedRows
from custinfo.workspace.writing import WritePath

__all__ = ["make_plan", "match_columns"]

_CHUNK: Final = 2_000
_NO_MATCH: Final = RowMatch()

FileRow = tuple[int, RawValues]
"""The row of the file, from 1, and its values."""


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
    return ImportPlan(module, table, columns, planner.run(), digest, context, planner.screen.new_record)


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
    """Turn rows into planned rows, a chunk at a time: the plain ones the short way, the others the long one."""

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
        self.screen = RowScreen(context, module, columns.keys)
        self.write_path = WritePath(context, channel="import")
        self.again = _Again(table)
        self.remarks: dict[int, tuple[Problem, ...]] = {}
        self.notices: dict[Problem, Problem] = {}
        # A plan of many rows keeps of each draft only what the commit asks for, which is the same for all.
        self.kept: dict[ChangeAction, Draft] = {
            action: Draft(action, module, typed=True) for action in ("create", "update")
        }

    def run(self) -> PlannedRows:
        entries: list[Entry] = []
        rows = self.table.rows()
        with uncollected():
            while chunk := list(islice(rows, _CHUNK)):
                entries += self.chunk(chunk)
        return PlannedRows(entries, self.remarks, self.at, self.again)

    def chunk(self, chunk: Sequence[FileRow]) -> list[Entry]:
        numbers = [number for number, _ in chunk]
        typed = self.screen.read([values for _, values in chunk])
        ids = self.ids(chunk)
        odd = sorted(typed.odd.union(place for place, record_id in enumerate(ids) if record_id is not None))
        found = dict(zip(odd, self.found([chunk[place] for place in odd]), strict=True))
        matches = self.matcher.match(SourceRows(numbers, ids, self.merged(typed, found, len(chunk))))
        passing = [place for place in range(len(chunk)) if place not in found and place not in matches]
        entries: dict[int, Entry] = {}
        for place, values in self.screen.sound(typed, passing, self.matcher.held).items():
            entries[place] = (numbers[place], *values)
            if place in typed.remarks:
                self.remarks[numbers[place]] = tuple(map(self.shared, typed.remarks[place]))
        rest = [place for place in range(len(chunk)) if place not in entries]
        read = [place for place in rest if place not in found]
        found.update(zip(read, self.found([chunk[place] for place in read]), strict=True))
        entries.update(zip(rest, self.long_way(chunk, rest, found, matches), strict=True))
        return [entries[place] for place in range(len(chunk))]

    def long_way(
        self,
        chunk: Sequence[FileRow],
        rest: Sequence[int],
        found: Mapping[int, Normalised],
        matches: Mapping[int, RowMatch],
    ) -> Iterator[PlannedRow]:
        """Yield what the write path says of rows."""
        about = [matches.get(place, _NO_MATCH) for place in rest]
        prepared = self.write_path.prepare(
            [self.draft(match, found[place]) for match, place in zip(about, rest, strict=True)]
        )
        for place, match, item in zip(rest, about, prepared, strict=True):
            yield self.planned(*chunk[place], match, item)

    # --- reading

    def raw(self, values: Sequence[object]) -> dict[FieldKey, object]:
        """Return the raw values of a row by field, without the id."""
        pairs = zip(self.keys, values, strict=False)
        return {key: value for key, value in pairs if key is not None and key != "id" and value is not None}

    def ids(self, chunk: Sequence[FileRow]) -> list[object]:
        """Return the id that each row gives."""
        if "id" not in self.keys:
            return [None] * len(chunk)
        place = self.keys.index("id")
        return [values[place] for _, values in chunk]

    def found(self, chunk: Sequence[FileRow]) -> list[Normalised]:
        """Return rows made typed as an edit by hand would be, references by name among them."""
        return [
            self.normalised(raw, problems)
            for raw, problems in self.references.read([self.raw(values) for _, values in chunk])
        ]

    def normalised(self, raw: Mapping[str, object], problems: list[Problem]) -> Normalised:
        found = self.validator.normalise(raw)
        found.problems.extend(problems)
        return found

    def merged(
        self, typed: TypedRows, found: Mapping[int, Normalised], number: int
    ) -> Mapping[FieldKey, Sequence[Any]]:
        """Return the columns with what the long way read."""
        if not found:
            return typed.columns
        columns = {key: list(typed.columns.get(key) or [None] * number) for key in self.keys if key and key != "id"}
        for place, item in found.items():
            for key, column in columns.items():
                value = item.patch.get(key)
                column[place] = None if value is CLEAR else value
        return columns

    def shared(self, problem: Problem) -> Problem:
        """Return one and the same object for equal notices."""
        return self.notices.setdefault(problem, problem)

    # --- telling

    def draft(self, match: RowMatch, found: Normalised) -> Draft:
        """Return the change that a row asks for."""
        problems = tuple(found.problems)
        if match.record_id is None:
            return Draft("create", self.module, raw=found.patch, typed=True, found=problems)
        patch = {key: value for key, value in found.patch.items() if key not in match.agreed}
        return Draft("update", self.module, match.record_id, patch, typed=True, found=problems)

    def planned(self, row: int, values: tuple[object, ...], match: RowMatch, prepared: Prepared) -> PlannedRow:
        problems = self.problems(row, values, prepared)
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
        prepared.problems = []
        kept = prepared if prepared.changed else None
        return PlannedRow(row, outcome, partial(self.again, row), tuple(problems), match.record_id, kept)

    def problems(self, row: int, values: Sequence[object], prepared: Prepared) -> list[Problem]:
        """Return everything that was found, once, with its place; a bad cell says what it holds."""
        items = prepared.problems
        if not items and prepared.error is None:
            return []
        if prepared.error is not None:
            items = [*(item for item in items if item.severity != "error"), *prepared.error.problems]
        raw = self.raw(values)
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


def prepared_errors(prepared: Prepared) -> tuple[Problem, ...]:
    """Return what stops a prepared change."""
    return prepared.error.problems if prepared.error is not None else ()
