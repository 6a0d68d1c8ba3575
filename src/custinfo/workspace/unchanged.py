"""Rows of an import that ask for what their records hold already: most of a file that is imported again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from custinfo.core.policy.access import Verdict
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Sealed
from custinfo.workspace.context import Context
from custinfo.workspace.matching import RowMatch

__all__ = ["UnchangedRows"]


class UnchangedRows:
    """Tell which rows change nothing, by a look at their records; what may change something goes the long way."""

    def __init__(self, context: Context, module: ModuleKey) -> None:
        """Work for one import into a module."""
        self._context = context
        self._sealed = tuple(field.key for field in context.module(module).encrypted_fields)
        self._compares = not context.compiled.derivation(module)  # what is derived is not asked for

    def among(
        self,
        columns: Mapping[FieldKey, Sequence[Any]],
        matches: Mapping[int, RowMatch],
        records: Mapping[RecordId, Record],
    ) -> Iterator[int]:
        """Yield the places of rows that are about a record which the actor may edit, and of which they change nothing.

        Args:
            columns: The typed values of all rows, `None` for a blank.
            matches: Place of a row → what it is about.
            records: Those that rows are about.
        """
        if not self._compares or not matches:
            return
        keys = tuple(columns)
        rows = list(zip(*columns.values(), strict=True))
        for place, match in matches.items():
            record = None if match.problems or match.record_id is None else records.get(match.record_id)
            if record is None or record.archived_at is not None or self._is_to_be_sealed(record):
                continue
            verdict = self._context.verdict(record)
            if "edit" in verdict.actions and _is_held(record, verdict, keys, rows[place], match.agreed):
                yield place

    def _is_to_be_sealed(self, record: Record) -> bool:
        """Tell whether a field is encrypted since the record was saved: it can't be saved again without a key."""
        return any(type(record.values[key]) is not Sealed for key in self._sealed if key in record.values)


def _is_held(
    record: Record, verdict: Verdict, keys: Sequence[FieldKey], values: Sequence[Any], agreed: Sequence[FieldKey]
) -> bool:
    """Tell whether a record has the values of a row, where it has any, and the actor may know that."""
    held, readable = record.values.get, verdict.readable
    for key, value in zip(keys, values, strict=True):
        if value is None or key in agreed:
            continue
        if key not in readable or value != (record.owner if key == "owner" else held(key)):
            return False
    return True
