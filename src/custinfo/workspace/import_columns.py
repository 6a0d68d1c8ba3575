"""Which column of a file means which field; what is not plain is asked, never guessed (XLS-2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NoReturn

from custinfo.core.cells import column_letters
from custinfo.core.errors import InvalidInputError
from custinfo.core.problems import Place, Problem
from custinfo.core.records import SYSTEM_FIELDS, FieldKey, ModuleKey
from custinfo.core.schema import ModuleSchema
from custinfo.core.suggesting import Headings, Suggestion, suggestions
from custinfo.workspace.context import Context
from custinfo.workspace.importing import Columns, SourceTable

__all__ = ["lettered", "match_columns"]

_LETTERED: Final = re.compile("[A-Z]{1,3}")


def match_columns(context: Context, module: ModuleKey, table: SourceTable, mapping: Mapping[str, str]) -> Columns:
    """Return which field each heading means.

    Args:
        context: The session's.
        module: Key of the module.
        table: The table.
        mapping: Heading, or letter of a column → field name; an empty name leaves the column out.

    Raises: InvalidInputError where two headings mean the same, one may mean several fields, or a mapping names none.
    """
    return _Matching(context, module, table, lettered(table, mapping)).run()


def lettered(table: SourceTable, mapping: Mapping[str, str]) -> dict[int, str]:
    """Return a mapping by the place of the column, from one by heading or by letter of the column."""
    found = {}
    for place, (heading, column) in enumerate(zip(table.header, table.columns, strict=True)):
        name = mapping.get(heading) if heading in mapping else _by_letter(column, mapping, table.header)
        if name is not None:
            found[place] = name
    return found


def _by_letter(column: int, mapping: Mapping[str, str], header: tuple[str, ...]) -> str | None:
    letters = column_letters(column)
    return mapping.get(letters) if letters not in header and _LETTERED.fullmatch(letters) else None


class _Matching:
    """Find the meaning of each heading of a table."""

    def __init__(self, context: Context, module: ModuleKey, table: SourceTable, mapping: Mapping[int, str]) -> None:
        self.schema: ModuleSchema = context.module(module)
        self.headings = Headings(self.schema)
        self.derived = context.compiled.derivation(module).fields
        self.table = table
        self.mapping = mapping
        self.errors: list[Problem] = []

    def run(self) -> Columns:
        keys: list[FieldKey | None] = []
        for place, heading in enumerate(self.table.header):
            key = self.meant(place, heading)
            if key is not None and key in keys:
                columns = tuple(column_letters(self.table.columns[item]) for item in (keys.index(key), place))
                problem = Problem("duplicate_column", key, self.at(place), {"columns": columns})
                self.errors.append(self.schema.labelled(problem))
            keys.append(key if key is not None and self.is_written(key) else None)
        if self.errors:
            raise InvalidInputError(self.errors)
        if not any(keys):
            self.refuse()
        left = [
            (place, heading)
            for place, (heading, key) in enumerate(zip(self.table.header, keys, strict=True))
            if key is None and self.mapping.get(place, heading or "?")
        ]
        problems = [
            Problem("unmapped_column", heading or self.letters(place), self.at(place), severity="warning")
            for place, heading in left
        ]
        taken = [key for key in keys if key]
        alike = [item for _, heading in left if heading for item in self.alike(heading, taken)]
        return Columns(tuple(keys), tuple(problems), tuple(alike))

    def refuse(self) -> NoReturn:
        """Refuse a table of which no heading is known, with what each may mean."""
        problems = [Problem("no_header", place=Place(self.table.sheet, self.table.header_row))]
        for place, heading in enumerate(self.table.header):
            labels = [self.schema.named(item.field) for item in self.alike(heading, [])]
            if labels and self.mapping.get(place, heading):
                params = {"candidates": tuple(labels)}
                problems.append(Problem("ambiguous_column", heading, self.at(place), params))
        raise InvalidInputError(problems)

    def meant(self, place: int, heading: str) -> FieldKey | None:
        """Return the field that a heading means; where there are several, that is an error."""
        if place in self.mapping:
            name = self.mapping[place]
            key = self.schema.resolve(name) if name else None
            if key is None and name:
                self.errors.append(Problem("unknown_field", name, self.at(place)))
            return key
        candidates = self.headings.meanings(heading) if heading else ()
        if len(candidates) > 1:
            labels = tuple(map(self.schema.named, candidates))
            self.errors.append(Problem("ambiguous_column", heading, self.at(place), {"candidates": labels}))
            return None
        return candidates[0] if candidates else self.schema.resolve(heading) if heading else None

    def is_written(self, key: FieldKey) -> bool:
        """Tell whether people write a field; the others are looked after by the system."""
        system = key in SYSTEM_FIELDS and key not in self.schema.definition.fields
        return key not in self.derived and (not system or key in ("id", "owner"))

    def alike(self, heading: str, taken: list[FieldKey]) -> tuple[Suggestion, ...]:
        found = suggestions(self.schema, heading, taken)
        return tuple(item for item in found if self.is_written(item.field))

    def letters(self, place: int) -> str:
        return column_letters(self.table.columns[place])

    def at(self, place: int) -> Place:
        return Place(self.table.sheet, self.table.header_row, self.table.columns[place])
