"""Which columns of a table mean which fields, by their headings and by what somebody says that they mean."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

import attrs

from custinfo.adapters.excel._phrases import every_phrase
from custinfo.adapters.excel.reading import Table
from custinfo.core.records import FieldKey
from custinfo.core.schema import ModuleSchema
from custinfo.core.suggesting import Headings, bare
from custinfo.workspace.import_columns import lettered

__all__ = ["MeantColumns", "passed_over"]

_PASSED_OVER: Final = frozenset(text for key in ("reason", "source_row") for text in every_phrase(key))
"""Headings that the error workbook and the export write, and that are no fields."""

_IDENTIFYING: Final = frozenset({"phone", "email", "uscc", "resident_id"})
"""Kinds of fields whose values no line of totals has."""


def passed_over(schema: ModuleSchema, table: Table) -> dict[str, str]:
    """Return the headings that the library's own workbooks have beside fields, as a mapping leaves them out."""
    return {label: "" for label in table.header if label in _PASSED_OVER and not schema.resolve(label)}


@attrs.frozen
class MeantColumns:
    """Know the fields that columns mean.

    Args:
        schema: The module that is imported.
        names: Heading, or letter of a column → field name, for those that say it otherwise; an empty one for none.
    """

    schema: ModuleSchema
    names: Mapping[str, str]

    def meaning(self, label: str) -> FieldKey | None:
        """Return the field that a heading means."""
        if label in self.names:
            return self.schema.resolve(self.names[label])
        return self.schema.resolve(label) or self.schema.resolve(bare(label))

    def known(self, label: str) -> bool:
        """Tell whether a heading means something."""
        return bool(self.names[label]) if label in self.names else self.meaning(label) is not None

    def of_headings(self, table: Table, given: Collection[str]) -> MeantColumns:
        """Return what is known of a table: what a template says is of its headings, and of no letter of a column.

        Letters are for the names that were `given` with the call.
        """
        names = {label: name for label, name in self.names.items() if label in given or label in table.header}
        return attrs.evolve(self, names=names)

    def free(self, table: Table) -> frozenset[int]:
        """Return the places of the columns that mean no field."""
        named, headings = lettered(table, self.names), Headings(self.schema)
        return frozenset(
            place
            for place, label in enumerate(table.header)
            if not (named[place] if place in named else headings.meanings(label) or self.schema.resolve(label))
        )

    def unsummed(self, table: Table) -> frozenset[int]:
        """Return the places of the columns whose digits are no amounts: a line with one is about somebody."""
        fields = self.schema.definition.fields
        return self._places_of(table, lambda key: fields[key].kind in _IDENTIFYING)

    def numbered(self, table: Table) -> Table:
        """Return the table in which columns of amounts have their numbers, as cells hold them and nobody sees them."""
        kinds = self.schema.kinds
        return table.with_numbers(self._places_of(table, lambda key: kinds[key].storage == "number"))

    def _places_of(self, table: Table, wanted: Callable[[FieldKey], bool]) -> frozenset[int]:
        """Return the places of the columns that may mean a field as it is wanted."""
        schema, named, headings = self.schema, lettered(table, self.names), Headings(self.schema)
        fields, found = schema.definition.fields, set()
        for place, label in enumerate(table.header):
            meanings = (schema.resolve(named[place]),) if named.get(place) else headings.meanings(label)
            if any(key is not None and key in fields and wanted(key) for key in meanings):
                found.add(place)
        return frozenset(found)
