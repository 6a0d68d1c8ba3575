"""Planning an import: which column is which field, which row is which record, and what each row comes to.

A plan takes no ids and writes nothing: rows go through the write path up to, but not including, the commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

import attrs

from custinfo.core.errors import FieldReservedError, InvalidInputError
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import ChangeAction
from custinfo.core.problems import Place, Problem
from custinfo.core.records import CLEAR, FieldKey, ModuleKey
from custinfo.core.schema import ModuleSchema
from custinfo.core.validation.engine import Normalised
from custinfo.workspace.attached_columns import Attached, AttachedColumns, Related
from custinfo.workspace.awaited_records import AwaitedRecords
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft, Prepared
from custinfo.workspace.import_columns import lettered, match_columns
from custinfo.workspace.importing import Columns, Duplicates, ImportMode, ImportPlan, RelatedSheet, SourceTable
from custinfo.workspace.matching import Matcher, MatchOptions, RowMatch, SourceRows
from custinfo.workspace.planned_rows import Entry, PlannedRow, PlannedRows, RawValues, RowOutcome
from custinfo.workspace.referring import ReferenceReader
from custinfo.workspace.related_sheets import RelatedSheets
from custinfo.workspace.resuming import Interrupted
from custinfo.workspace.screening import RowScreen, TypedRows
from custinfo.workspace.shown_again import without_what_is_shown
from custinfo.workspace.unchanged import UnchangedRows
from custinfo.workspace.writing import WritePath

__all__ = ["make_plan"]

_CHUNK: Final = 2_000

_ID: Final = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

FileRow = tuple[int, RawValues]
"""The row of the file, from 1, and its values."""


def make_plan(  # noqa: PLR0913 - options by name, as a call reads them
    context: Context,
    module: ModuleKey,
    table: SourceTable,
    *,
    digest: str,
    mapping: Mapping[str, str] | None = None,
    duplicates: Duplicates = "report",
    mode: ImportMode = "upsert",
    match: Iterable[str | Iterable[str]] | None = None,
    related: Sequence[RelatedSheet] = (),
    key: str | None = None,
) -> ImportPlan:
    """Return what importing `table` into `module` would do; writes nothing and takes no ids.

    Args:
        context: The session's.
        module: Key of the module.
        table: The rows.
        digest: Identifies the content, so that interrupted work is recognised.
        mapping: Heading, or letter of a column → field name, for headings that say it otherwise; an empty name leaves
            a column out.
        duplicates: `report` leaves out rows that are likely about the same as an earlier row or an existing record;
            `exact` those alone that agree in all fields of a duplicate key of the module; `create` takes them over.
        mode: Whether rows create records, update them, or both; the others are skipped.
        match: By which fields, alone or several together, a row finds the record that it is about; those of the
            module's definition when not given.
        related: Further sheets, whose rows come along with those of the table.
        key: The heading of the column by which further sheets are linked; by the title, if not given.

    Raises: PermissionDeniedError where the actor may not import, or create what comes along; InvalidInputError for
        headings that clash or are ambiguous, match keys that are no columns, and sheets that are not linked.
    """
    if not context.access(module).may("import"):
        raise context.denied("import", module)
    if key is not None and _is_link_alone(context, module, table, key):
        mapping = {key: "", **(mapping or {})}
    columns = match_columns(context, module, table, mapping or {})
    sheets = RelatedSheets(context, module, table, columns, related, key)
    free = [place for place, name in lettered(table, mapping or {}).items() if not name]
    left = [place for place, key in enumerate(columns.keys) if key is None and place not in free]
    attached = AttachedColumns(context, module, table.header, left)
    columns = _with_attached(columns, table, attached.names)
    matcher = Matcher(context, module, MatchOptions(mode, _match_keys(context, module, columns, match), duplicates))
    interrupted = Interrupted.find(context, module, digest)
    planner = _Planner(context, module, table, columns, matcher, attached, sheets if related else None, interrupted)
    rows = planner.run()
    columns = attrs.evolve(columns, problems=(*columns.problems, *sheets.problems()))
    brought = sheets.refused if related else None
    return ImportPlan(module, table, columns, rows, digest, context, planner.screen.new_rows, brought)


def _is_link_alone(context: Context, module: ModuleKey, table: SourceTable, key: str) -> bool:
    """Tell whether a column only links sheets: it names no field, or it is called like the id and holds none."""
    meaning = context.module(module).resolve(key)
    if meaning != "id" or key not in table.header:
        return meaning is None and key in table.header
    first = next(table.rows(), None)
    return first is None or not _ID.fullmatch(str(first[1][table.header.index(key)]).strip())


def _match_keys(
    context: Context, module: ModuleKey, columns: Columns, match: Iterable[str | Iterable[str]] | None
) -> tuple[tuple[FieldKey, ...], ...]:
    """Return the match keys by field. Raises: InvalidInputError for what is no field, or no column."""
    schema = context.module(module)
    if match is None:
        return schema.definition.match_keys
    keys, problems = [], []
    for names in match:
        key = tuple((name, schema.resolve(name)) for name in ((names,) if isinstance(names, str) else names))
        problems += [Problem("unknown_field", name[:100]) for name, field in key if field is None]
        problems += [Problem("missing_column", field) for _, field in key if field and field not in columns.keys]
        keys.append(tuple(field for _, field in key if field is not None))
    if problems:
        raise InvalidInputError(problems)
    return tuple(key for key in keys if key != ("id",))


class _Planner:
    """Turn rows into planned rows, a chunk at a time: the plain ones the short way, the others the long one."""

    def __init__(
        self,
        context: Context,
        module: ModuleKey,
        table: SourceTable,
        columns: Columns,
        matcher: Matcher,
        attached: AttachedColumns,
        sheets: RelatedSheets | None,
        interrupted: Interrupted,
    ) -> None:
        self.context = context
        self.interrupted = interrupted
        self.module = module
        self.table = table
        self.keys = columns.keys
        self.places = {key: column for key, column in zip(columns.keys, table.columns, strict=True) if key}
        self.places |= {name: table.columns[place] for place, name in reversed(attached.names.items())}
        self.attached = attached
        self.sheets = sheets
        self.schema = context.module(module)
        self.validator = context.validator(module)
        self.references = ReferenceReader(context, module)
        self.matcher = matcher
        self.screen = RowScreen(context, module, columns.keys)
        self.unchanged = UnchangedRows(context, module)
        self.write_path = WritePath(context, channel="import")
        self.awaited = AwaitedRecords(context, module)
        self.again = _Again(table)
        self.placing = _Placing(table.sheet, self.places, self.schema)
        self.remarks: dict[int, tuple[Problem, ...]] = {}
        self.notices: dict[Problem, Problem] = {}
        # A plan of many rows keeps of each draft only what the commit asks for, which is the same for all.
        self.kept: dict[ChangeAction, Draft] = {
            action: Draft(action, module, typed=True) for action in ("create", "update")
        }

    def run(self) -> PlannedRows:
        entries: list[Entry] = []
        rows = self.table.rows()
        while chunk := list(islice(rows, _CHUNK)):
            entries += self.chunk(chunk)
        return PlannedRows(entries, self.remarks, self.placing, self.again)  # which lets the planner itself go

    def chunk(self, chunk: Sequence[FileRow]) -> list[Entry]:
        numbers = [number for number, _ in chunk]
        typed = self.screen.read([values for _, values in chunk])
        ids = self.ids(chunk)
        attached = self.brought_along(chunk)
        odd = sorted(typed.odd.union(attached, (place for place, item in enumerate(ids) if item is not None)))
        found = dict(zip(odd, self.found([chunk[place] for place in odd]), strict=True))
        told = self.matcher.match(SourceRows(numbers, ids, self.merged(typed, found, len(chunk)), typed.wrong))
        matches = self.interrupted.told(numbers, told, self.matcher)
        new = self.matcher.unmatched.outcome != "skip"
        passing = [place for place in range(len(chunk)) if new and place not in found and place not in matches]
        entries: dict[int, Entry] = {}
        for place, values in self.screen.sound(typed, passing, self.matcher.held).items():
            entries[place] = (numbers[place], *values)
            if place in typed.remarks:
                self.remarks[numbers[place]] = tuple(map(self.shared, typed.remarks[place]))
        plain = {place: match for place, match in matches.items() if place not in found}
        for place in self.unchanged.among(typed.columns, plain, self.matcher.records):
            entries[place] = self.same(numbers[place], plain[place], typed.remarks.get(place, ()))
        rest = [place for place in range(len(chunk)) if place not in entries]
        read = [place for place in rest if place not in found]
        found.update(zip(read, self.found([chunk[place] for place in read]), strict=True))
        entries.update(zip(rest, self.long_way(chunk, rest, found, matches, attached), strict=True))
        return [entries[place] for place in range(len(chunk))]

    def brought_along(self, chunk: Sequence[FileRow]) -> dict[int, Attached]:
        """Return what rows bring along, in columns of their own and on further sheets."""
        found = self.attached.read_all([values for _, values in chunk])
        if self.sheets is not None:
            for place, (number, values) in enumerate(chunk):
                more = self.sheets.attached(number, values)
                if more is not None:
                    found[place] = found[place].joined(more) if place in found else more
        return found

    def long_way(
        self,
        chunk: Sequence[FileRow],
        rest: Sequence[int],
        found: Mapping[int, Normalised],
        matches: Mapping[int, RowMatch],
        attached: Mapping[int, Attached],
    ) -> Iterator[PlannedRow]:
        """Yield what the write path says of rows."""
        about = {place: matches.get(place, self.matcher.unmatched) for place in rest}
        asked = {**found, **self.without_what_is_shown(chunk, about, found)}
        drafts = {place: self.draft(match, asked[place]) for place, match in about.items()}
        brought = self.attached.brought({place: (drafts[place], attached[place]) for place in attached})
        wanted = [brought[place][0] if place in brought else drafts[place] for place in rest]
        prepared = self.write_path.prepare(wanted, self.matcher.records)
        for place, item in zip(rest, prepared, strict=True):
            row = self.planned(*chunk[place], about[place], item)
            yield _with_related(row, brought[place][1]) if place in brought else row

    def without_what_is_shown(
        self, chunk: Sequence[FileRow], about: Mapping[int, RowMatch], found: Mapping[int, Normalised]
    ) -> dict[int, Normalised]:
        """Return what rows ask for that hold what an export shows in place of a value."""
        return without_what_is_shown(
            self.context,
            self.module,
            {place: (key, found[place]) for place, match in about.items() if (key := match.record_id) is not None},
            lambda place: self.raw(chunk[place][1]),
        )

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

    def matched(self, row: int, values: tuple[object, ...], match: RowMatch, prepared: Prepared) -> PlannedRow:
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
        stopped = any(problem.code != "not_unique" for problem in prepared_errors(prepared))
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
        return self.placing(row, problem)


def _with_related(row: PlannedRow, related: tuple[Related, ...]) -> PlannedRow:
    """Return a row with the records that it brings along, if it is taken over itself."""
    if not related or row.outcome not in ("create", "update", "unchanged", "awaiting"):
        return row
    outcome: RowOutcome = "update" if row.outcome == "unchanged" else row.outcome
    return attrs.evolve(row, outcome=outcome, related=related)


def _with_attached(columns: Columns, table: SourceTable, places: Mapping[int, str]) -> Columns:
    """Return the columns with what those at some places hold, without a warning that these are left out."""
    known = {table.columns[place] for place in places}
    problems = tuple(item for item in columns.problems if item.place is None or item.place.column not in known)
    headings = {table.header[place] for place in places}
    alike = tuple(item for item in columns.suggestions if item.heading not in headings)
    return Columns(columns.keys, problems, alike, FrozenDict(places))


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


def prepared_errors(prepared: Prepared) -> tuple[Problem, ...]:
    """Return what stops a prepared change."""
    return prepared.error.problems if prepared.error is not None else ()
