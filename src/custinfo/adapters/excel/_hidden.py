"""Values that are encrypted in the store, in files that go out: a mask stands there, since a file protects nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import attrs

from custinfo.core.kinds.masks import Masker, mask
from custinfo.core.records import FieldKey, Masked
from custinfo.core.schema import ModuleSchema
from custinfo.workspace.planned_rows import PlannedRow

__all__ = ["Hidden", "hidden_columns", "hidden_row"]

Hidden = Mapping[int, Callable[[object], object]]
"""Place of a column, from 0 → what stands in a file in place of a value that is encrypted in the store."""


def hidden_columns(schema: ModuleSchema, keys: Sequence[FieldKey | None], masks: Mapping[str, Masker]) -> Hidden:
    """Return the columns of encrypted fields, with what masks their values; `keys` are the fields of the columns."""
    fields = [schema.definition.fields.get(key) if key is not None else None for key in keys]
    return {
        place: partial(_hidden, field.mask or "full", masks)
        for place, field in enumerate(fields)
        if field is not None and field.encrypted
    }


def hidden_row(row: PlannedRow, hidden: Hidden) -> PlannedRow:
    """Return a row in which the values of encrypted fields are masked."""
    if not hidden:
        return row
    raw = tuple(hidden[place](value) if place in hidden else value for place, value in enumerate(row.raw))
    return attrs.evolve(row, raw=raw)


def _hidden(style: str, masks: Mapping[str, Masker], value: object) -> object:
    return value if value is None or isinstance(value, Masked) else Masked(mask(style, str(value), masks))
