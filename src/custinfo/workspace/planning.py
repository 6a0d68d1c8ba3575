"""Planning an import: which column is which field, which row is which record, and what each row comes to.

A plan takes no ids and writes nothing: rows go through the write path up to, but not including, the commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

import attrs

from custinfo.core.errors import InvalidInputError
from custinfo.core.frozen import FrozenDict
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.schema import ModuleSchema
from custinfo.core.validation.engine import Normalised
from custinfo.workspace.attached_columns import Attached, AttachedColumns
from custinfo.workspace.context import Context
from custinfo.workspace.import_columns import lettered, match_columns
from custinfo.workspace.importing import Columns, Duplicates, ImportMode, ImportPlan, RelatedSheet, SourceTable
from custinfo.workspace.matching import Matcher, MatchOptions, RowMatch, SourceRows
from custinfo.workspace.mistakes import one_of
from custinfo.workspace.planned_rows import Entry, PlannedRow, PlannedRows
from custinfo.workspace.related_sheets import RelatedSheets
from custinfo.workspace.resuming import Interrupted, earlier_imports
from custinfo.workspace.row_outcomes import RowTeller, with_related
from custinfo.workspace.row_reading import FileRow, RowReader
from custinfo.workspace.screening import RowScreen
from custinfo.workspace.shown_again import without_what_is_shown
from custinfo.workspace.unchanged import UnchangedRows
from custinfo.workspace.writing import WritePath

__all__ = ["make_plan"]

_CHUNK: Final = 2_000

_ID: Final = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


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
        headings that clash or are ambiguous, match keys that are no columns, and sheets that are not linked;
        ValueError for another mode.
    """
    one_of("mode", mode, ImportMode)
    one_of("duplicates", duplicates, Duplicates)
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
    earlier = earlier_imports(context, module, digest)
    interrupted = Interrupted.find(context, earlier)
    planner = _Planner(context, module, table, columns, matcher, attached, sheets if related else None, interrupted)
    rows = planner.run()
    columns = attrs.evolve(columns, problems=(*columns.problems, *sheets.problems()))
    brought = sheets.refused if related else None
    return ImportPlan(module, table, columns, rows, digest, context, planner.screen.new_rows, brought, earlier)


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
    """Return the match keys by field.

    Raises: InvalidInputError for what is no field, no column, or no field by which records are found; ValueError for
        a key without fields.
    """
    schema = context.module(module)
    if match is None:
        return schema.definition.match_keys
    keys, problems = [], []
    for names in match:
        key = tuple((name, schema.resolve(name)) for name in ((names,) if isinstance(names, str) else names))
        if not key:
            raise ValueError("match has a key without fields")
        problems += [Problem("unknown_field", name[:100]) for name, field in key if field is None]
        problems += [Problem("missing_column", field) for _, field in key if field and field not in columns.keys]
        problems += [problem for _, field in key if field and (problem := _unfit(schema, field, len(key)))]
        keys.append(tuple(field for _, field in key if field is not None))
    if problems:
        raise InvalidInputError(map(schema.labelled, problems))
    return tuple(key for key in keys if key != ("id",))


def _unfit(schema: ModuleSchema, key: FieldKey, number: int) -> Problem | None:
    """Return why a field can't be one of so many of a match key, as the check of a configuration says of its own."""
    field = schema.definition.fields.get(key)
    if key == "id" and number == 1:
        return None
    if field is not None and (not field.encrypted or (field.unique and number == 1)):
        return None
    kind = "encrypted" if field is not None else schema.kind_of(key).key
    return Problem("unknown_operator", key, params={"kind": kind, "operator": "match"})


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
        self.attached = attached
        self.sheets = sheets
        self.matcher = matcher
        self.screen = RowScreen(context, module, columns.keys)
        self.unchanged = UnchangedRows(context, module)
        self.write_path = WritePath(context, channel="import")
        self.reader = RowReader(context, module, columns.keys)
        places = {key: column for key, column in zip(columns.keys, table.columns, strict=True) if key}
        places |= {name: table.columns[place] for place, name in reversed(attached.names.items())}
        self.teller = RowTeller(context, module, table, places, self.reader)
        self.remarks: dict[int, tuple[Problem, ...]] = {}
        self.notices: dict[Problem, Problem] = {}

    def run(self) -> PlannedRows:
        entries: list[Entry] = []
        rows = self.table.rows()
        while chunk := list(islice(rows, _CHUNK)):
            entries += self.chunk(chunk)
        # This lets the planner itself go.
        return PlannedRows(entries, self.remarks, self.teller.at, self.teller.again)

    def chunk(self, chunk: Sequence[FileRow]) -> list[Entry]:
        numbers = [number for number, _ in chunk]
        typed = self.screen.read([values for _, values in chunk])
        ids = self.reader.ids(chunk)
        attached = self.brought_along(chunk)
        odd = sorted(typed.odd.union(attached, (place for place, item in enumerate(ids) if item is not None)))
        found = self.reader.found(chunk, odd, typed)
        columns = self.reader.merged(typed, found, len(chunk))
        told = self.matcher.match(SourceRows(numbers, ids, columns, typed.wrong))
        matches = self.interrupted.told(numbers, told, self.matcher)
        new = self.matcher.unmatched.outcome != "skip"
        passing = [place for place in range(len(chunk)) if new and place not in found and place not in matches]
        entries: dict[int, Entry] = {**self.screen.sound(typed, numbers, passing, self.matcher.held)}
        for place in typed.remarks.keys() & entries.keys():
            self.remarks[numbers[place]] = tuple(map(self.shared, typed.remarks[place]))
        plain = {place: match for place, match in matches.items() if place not in found}
        for place in self.unchanged.among(typed.columns, plain, self.matcher.records):
            entries[place] = self.teller.same(numbers[place], plain[place], typed.remarks.get(place, ()))
        rest = [place for place in range(len(chunk)) if place not in entries]
        found |= self.reader.found(chunk, [place for place in rest if place not in found], typed)
        entries.update(zip(rest, self.long_way(chunk, rest, found, matches, attached), strict=True))
        return [entries[place] for place in range(len(chunk))]

    def shared(self, problem: Problem) -> Problem:
        """Return one and the same object for equal notices."""
        return self.notices.setdefault(problem, problem)

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
        drafts = {place: self.teller.draft(match, asked[place]) for place, match in about.items()}
        brought = self.attached.brought({place: (drafts[place], attached[place]) for place in attached})
        wanted = [brought[place][0] if place in brought else drafts[place] for place in rest]
        prepared = self.write_path.prepare(wanted, self.matcher.records)
        for place, item in zip(rest, prepared, strict=True):
            row = self.teller.planned(*chunk[place], about[place], item)
            yield with_related(row, brought[place][1]) if place in brought else row

    def without_what_is_shown(
        self, chunk: Sequence[FileRow], about: Mapping[int, RowMatch], found: Mapping[int, Normalised]
    ) -> dict[int, Normalised]:
        """Return what rows ask for that hold what an export shows in place of a value."""
        return without_what_is_shown(
            self.context,
            self.module,
            {place: (key, found[place]) for place, match in about.items() if (key := match.record_id) is not None},
            lambda place: self.reader.raw(chunk[place][1]),
        )


def _with_attached(columns: Columns, table: SourceTable, places: Mapping[int, str]) -> Columns:
    """Return the columns with what those at some places hold, without a warning that these are left out."""
    known = {table.columns[place] for place in places}
    problems = tuple(item for item in columns.problems if item.place is None or item.place.column not in known)
    headings = {table.header[place] for place in places}
    alike = tuple(item for item in columns.suggestions if item.heading not in headings)
    return Columns(columns.keys, problems, alike, FrozenDict(places))
