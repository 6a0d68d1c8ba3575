"""Further sheets of a file: their rows become records that refer to those of the main sheet (XLS-3).

A row of a further sheet names the row of the main sheet to which it belongs by a key: the title of the main record, its
id where the main sheet has it, or what stands in a column that both sheets have. It comes with that row, and goes with
it: planned, applied and undone. A row that has the id of a stored record, as an export has it, says what is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from custinfo.core.errors import InvalidInputError
from custinfo.core.problems import Place, Problem
from custinfo.core.records import CLEAR, FieldKey, ModuleKey, Tag
from custinfo.core.text import folded
from custinfo.workspace.attached_columns import Attached, AttachedColumns, Related
from custinfo.workspace.context import Context
from custinfo.workspace.import_columns import match_columns
from custinfo.workspace.importing import Columns, RefusedSheet, RelatedSheet, SourceTable
from custinfo.workspace.planned_rows import PlannedRow, RawValues
from custinfo.workspace.referring import ReferenceReader
from custinfo.workspace.stored_again import known_records, problems_of_stored

__all__ = ["TAGS", "RelatedSheets"]


TAGS: Final = "tags"
"""Stands for the tags of the main records, in place of the module of a further sheet."""


@attrs.frozen
class _Row:
    """A row of a further sheet: the record or the tags that it brings along, and what is wrong with it."""

    number: int
    raw: RawValues = attrs.field(repr=False)
    related: Related | None
    problems: tuple[Problem, ...]
    tags: frozenset[Tag] | None = None


class RelatedSheets:
    """Know the rows of further sheets, by the row of the main sheet to which they belong."""

    def __init__(
        self,
        context: Context,
        module: ModuleKey,
        table: SourceTable,
        columns: Columns,
        sheets: Sequence[RelatedSheet],
        key: str | None,
    ) -> None:
        """Read the further sheets.

        Args:
            context: The session's.
            module: Key of the module that is imported.
            table: The main sheet.
            columns: What its columns mean.
            sheets: The further ones.
            key: The heading of the column by which sheets are linked; the title, and what refers to it, if not given.

        Raises: PermissionDeniedError for records that the actor may not create; InvalidInputError for headings that
            clash or are ambiguous, a module that does not refer to this one, and a sheet without the key.
        """
        self._key_places = _key_places(context, module, table, columns, key) if sheets else ()
        self._sheets = [
            (_TagSheet if sheet.module == TAGS else _Sheet)(context, module, sheet, key) for sheet in sheets
        ]
        self._rows = [sheet.read() for sheet in self._sheets]
        self._brought: dict[int, list[str]] = {}
        self._met: set[str] = set()

    def attached(self, number: int, values: RawValues) -> Attached | None:
        """Return what a row of the main sheet brings along; `None` for nothing. The first row of a key has it all."""
        named = dict.fromkeys(_key_of(values[place]) for place in self._key_places)
        keys = [key for key in named if key and key not in self._met]
        self._met.update(keys)
        rows = [row for by_key in self._rows for key in keys for row in by_key.get(key, ())]
        if not rows:
            return None
        self._brought[number] = keys
        problems = tuple(problem for row in rows for problem in row.problems)
        tags = [row.tags for row in rows if row.tags is not None]
        related = tuple(row.related for row in rows if row.related is not None)
        return Attached(frozenset().union(*tags) if tags else None, related, problems)

    def problems(self) -> list[Problem]:
        """Return what is wrong with whole columns, and the rows that belong to none; call it when all rows are read."""
        found = [problem for sheet in self._sheets for problem in sheet.columns.problems]
        return found + [problem for sheet, row in self._left() for problem in sheet.unlinked(row).problems]

    def refused(self, numbers: Collection[int]) -> list[RefusedSheet]:
        """Return for each further sheet the rows that belong to some rows of the main sheet, or to none."""
        keys = {key for number in numbers for key in self._brought.get(number, ())}
        found = []
        for sheet, by_key in zip(self._sheets, self._rows, strict=True):
            rows = [row for key, rows in by_key.items() if key in keys for row in rows]
            planned = [PlannedRow(row.number, "rejected", row.raw, row.problems) for row in rows]
            planned += [sheet.unlinked(row) for other, row in self._left() if other is sheet]
            ordered = tuple(sorted(planned, key=lambda row: row.row))
            found.append(RefusedSheet(sheet.table, sheet.labels, sheet.columns.keys, ordered))
        return found

    def _left(self) -> Iterator[tuple[_Sheet, _Row]]:
        for sheet, by_key in zip(self._sheets, self._rows, strict=True):
            for key, rows in by_key.items():
                if key not in self._met:
                    yield from ((sheet, row) for row in rows)


class _Sheet:
    """One further sheet."""

    def __init__(self, context: Context, target: ModuleKey, sheet: RelatedSheet, key: str | None) -> None:
        self.module, self.table = sheet.module, sheet.table
        self._context = context
        self._schema = context.module(sheet.module)
        self._validator = context.validator(sheet.module)
        if not context.access(sheet.module).may("create"):
            raise context.denied("create", sheet.module)
        mapping = dict(sheet.mapping)
        if key is not None:
            mapping[key] = ""
        self.columns = match_columns(context, sheet.module, sheet.table, mapping)
        self._reference = _reference(context, sheet.module, target)
        self._key_place = _place_of_key(self.table, key, self.columns.keys, self._reference)
        self._references = ReferenceReader(context, sheet.module)
        self._places = {name: place for name, place in zip(self.columns.keys, self.table.columns, strict=True) if name}

    def read(self) -> dict[str, list[_Row]]:
        """Return the rows by key, in order."""
        rows = list(self.table.rows())
        stored = self._stored(rows)
        raws = self._references.read([self._raw(values, "id", self._reference) for _, values in rows])
        found: dict[str, list[_Row]] = {}
        for place, ((number, values), (raw, problems)) in enumerate(zip(rows, raws, strict=True)):
            row = stored[place] if place in stored else self._row(number, values, raw, problems)
            found.setdefault(_key_of(values[self._key_place]), []).append(row)
        return found

    def _stored(self, rows: Sequence[tuple[int, RawValues]]) -> dict[int, _Row]:
        """Return the rows that are about a stored record, by their place: they bring nothing along."""
        if "id" not in self.columns.keys:
            return {}
        id_place = self.columns.keys.index("id")
        known = known_records(self._context, self.module, [values[id_place] for _, values in rows])
        raws = {place: self._raw(rows[place][1], "id") for place in known}
        about = {}
        for place, (raw, problems) in zip(raws, self._references.read(list(raws.values())), strict=True):
            normalised = self._validator.normalise(raw)
            normalised.problems.extend(problems)
            about[place] = known[place], normalised
        wrong = problems_of_stored(self._context, self.module, about, raws.__getitem__)
        return {
            place: _Row(*rows[place], None, tuple(self.at(rows[place][0], item) for item in problems))
            for place, problems in wrong.items()
        }

    def _raw(self, values: RawValues, *left_out: FieldKey) -> dict[FieldKey, object]:
        pairs = zip(self.columns.keys, values, strict=False)
        return {key: value for key, value in pairs if key is not None and key not in left_out and value is not None}

    def _row(self, number: int, values: RawValues, raw: Mapping[str, object], problems: Sequence[Problem]) -> _Row:
        normalised = self._validator.normalise(raw)
        found = [*normalised.problems, *problems]
        patch = {key: value for key, value in normalised.patch.items() if value is not CLEAR}
        wrong = {problem.field for problem in found}
        given = patch.keys() | self._validator.defaults.keys() | {self._reference}
        required = (key for key in self._validator.required if key not in given and key not in wrong)
        found += [Problem("required", key) for key in required]
        placed = tuple(self.at(number, _better(problem, raw)) for problem in found if problem.severity == "error")
        related = None if placed else self._related(patch)
        return _Row(number, values, related, placed)

    def _related(self, patch: Mapping[FieldKey, Any]) -> Related:
        fields = self._schema.definition.fields
        same = tuple(key for key in patch if key in fields and not fields[key].encrypted)
        return Related(self.module, self._reference, same[0] if same else "", patch, same)

    def at(self, number: int, problem: Problem) -> Problem:
        """Return a problem with its place on this sheet, and the labels of its field."""
        place = Place(self.table.sheet, number, self._places.get(problem.field or ""))
        return self._schema.labelled(problem).at(place)

    @property
    def labels(self) -> ModuleKey:
        """The module whose labels the columns have."""
        return self.module

    def unlinked(self, row: _Row) -> PlannedRow:
        """Return a row whose key no row of the main sheet has."""
        place = Place(self.table.sheet, row.number, self.table.columns[self._key_place])
        problem = self._schema.labelled(Problem("related_without_row", self._reference)).at(place)
        return PlannedRow(row.number, "rejected", row.raw, (*row.problems, problem))


class _TagSheet(_Sheet):
    """A further sheet of tags: a column 标签 (Tags), or one for each dimension, as on the main sheet."""

    def __init__(self, context: Context, target: ModuleKey, sheet: RelatedSheet, key: str | None) -> None:
        self.module, self.table = target, sheet.table
        self._schema = context.module(target)
        title = self._schema.definition.title_field
        header = sheet.table.header
        place = _place_of_key(sheet.table, key, [self._schema.resolve(heading) for heading in header], title)
        self._reference, self._key_place = title or "id", place
        free = [number for number in range(len(header)) if number != place]
        self._tags = AttachedColumns(context, target, header, free)
        self._places = {}
        self.columns = Columns((None,) * len(header), ())
        if not self._tags.places:
            raise InvalidInputError([Problem("no_header", place=Place(self.table.sheet, self.table.header_row))])
        self._places = {TAGS: self.table.columns[min(self._tags.places)]}

    def read(self) -> dict[str, list[_Row]]:
        """Return the rows by key, in order."""
        found: dict[str, list[_Row]] = {}
        for number, values in self.table.rows():
            attached = self._tags.read(values)
            problems = tuple(self.at(number, item) for item in attached.problems if item.severity == "error")
            row = _Row(number, values, None, problems, attached.tags)
            found.setdefault(_key_of(values[self._key_place]), []).append(row)
        return found


def _better(problem: Problem, raw: Mapping[str, object]) -> Problem:
    """Return what a cell says of itself, where it has no usable value."""
    told = getattr(raw.get(problem.field or ""), "problem", None)
    return attrs.evolve(told(), field=problem.field) if callable(told) else problem


def _reference(context: Context, module: ModuleKey, target: ModuleKey) -> FieldKey:
    """Return the field by which a module refers to another one. Raises: InvalidInputError where none does, or two."""
    keys = [key for key, to in context.related.fields(module) if to == target]
    if len(keys) != 1:
        raise InvalidInputError([Problem("not_related", params={"module": context.named(module)})])
    return keys[0]


def _key_places(
    context: Context, module: ModuleKey, table: SourceTable, columns: Columns, key: str | None
) -> tuple[int, ...]:
    """Return the places of what names a row of the main sheet. Raises: InvalidInputError where nothing does."""
    title = context.module(module).definition.title_field
    places = () if key is not None else (columns.keys.index(name) for name in (title, "id") if name in columns.keys)
    return tuple(places) or (_place_of_key(table, key, columns.keys, title),)


def _place_of_key(table: SourceTable, key: str | None, keys: Sequence[FieldKey | None], field: FieldKey | None) -> int:
    """Return the place of the column headed `key`, or of that of a field. Raises: InvalidInputError for none."""
    names: Sequence[str | None] = keys if key is None else table.header
    wanted = field if key is None else key
    if wanted is None or wanted not in names:
        raise InvalidInputError([Problem("missing_column", wanted, Place(table.sheet, table.header_row))])
    return names.index(wanted)


def _key_of(value: object) -> str:
    return "" if value is None else folded(str(value))
