"""Cells as they are meant: amounts in the unit of their heading, numbers of days, and masks that are no values."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from custinfo.adapters.excel._days import with_days
from custinfo.adapters.excel._masks import guarded
from custinfo.adapters.excel._tables import Table
from custinfo.adapters.excel._units import scaled_columns, unread_units, with_units
from custinfo.core.configuration import Configuration
from custinfo.core.problems import Problem
from custinfo.core.schema import ModuleSchema
from custinfo.workspace.importing import SourceTable

__all__ = ["Meanings"]


@attrs.frozen
class Meanings:
    """Know what cells of a table mean beyond what they hold.

    Args:
        schema: The module that is imported.
        configuration: Says which fields somebody sees masked.
        mapping: Heading, or letter of a column → field name.
        of_1904: Whether days count from 1904.
    """

    schema: ModuleSchema
    configuration: Configuration
    mapping: Mapping[str, str]
    of_1904: bool

    def read(self, table: SourceTable) -> SourceTable:
        """Return the table with its cells as they are meant."""
        scaled = with_units(table, self.schema, self.mapping)
        dated = with_days(scaled, self.schema, self.mapping, of_1904=self.of_1904)
        return guarded(dated, self.schema, self.configuration, self.mapping)

    def problems(self, table: Table) -> list[Problem]:
        """Return what people should know of how columns are read."""
        units = (table, self.schema, self.mapping)
        return [*scaled_columns(*units), *unread_units(*units)]
