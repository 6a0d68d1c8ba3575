"""The records of a request for many, one by one (XLS-5)."""

from __future__ import annotations

from typing import Any, Literal

import attrs

from custinfo.core.approval.flows import GatedAction
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import FieldKey, ModuleKey, RecordId

__all__ = ["Companion", "Item", "ItemOutcome"]

ItemOutcome = Literal["applied", "conflict", "refused"]


@attrs.frozen
class Companion:
    """A new record of another module that an item brings along, such as a follow-up in a row of an import.

    It is made when the item is applied, or not at all. `values` are in the form of JSON, as `ValueCodec` encodes them.
    """

    module: ModuleKey
    record_id: RecordId
    values: FrozenDict[FieldKey, Any] = attrs.field(repr=False)


@attrs.frozen
class Item:
    """One record of a request for many, or what remains of it: the outcome when the request was applied.

    Args:
        record_id: The record; of a new one, the id that it will have.
        patch: As that of `Request`.
        base: As that of `Request`.
        outcome: What became of it.
        problem: The code of what stopped it.
        action: What happens to the record, where the request itself says something else.
        row: The row of the file that it comes from, from 1.
        companions: Records that it brings along.
        takes: Of a record that goes into another one, the fields in which its value counts.
    """

    record_id: RecordId
    patch: FrozenDict[FieldKey, Any] = attrs.field(repr=False)
    base: FrozenDict[FieldKey, Any] = attrs.field(repr=False)
    outcome: ItemOutcome | None = None
    problem: str | None = None
    action: GatedAction | None = None
    row: int | None = None
    companions: tuple[Companion, ...] = ()
    takes: tuple[FieldKey, ...] = ()
