"""Deleting a record for good, and what stands in the way (CUS-1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from custinfo.core.approval.requests import RequestId
from custinfo.core.criteria.nodes import OneOf
from custinfo.core.errors import FieldReservedError, InvalidInputError
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey, Record, RecordId
from custinfo.core.store_errors import overtaken
from custinfo.ports.repositories import Query
from custinfo.workspace.context import Context

__all__ = ["references_to", "refuse_newcomers", "refuse_pending", "refuse_referenced"]

_LIST: Final = 500
"""Ids that the store is asked about at once."""


def references_to(context: Context, module: ModuleKey) -> list[tuple[ModuleKey, str]]:
    """Return the modules and fields that refer to records of a module."""
    return [
        (other, key)
        for other in context.schema.configuration.modules
        for key, target in context.related.fields(other)
        if target == module
    ]


def refuse_referenced(context: Context, record: Record) -> None:
    """Refuse to delete a record to which another one refers. Raises: InvalidInputError (`still_referenced`)."""
    for module, key in references_to(context, record.module):
        if context.unit.queries.count(Query(module, OneOf((key,), (record.id,)))):
            raise InvalidInputError([Problem("still_referenced", params={"module": context.named(module)})])


def refuse_newcomers(context: Context, gone: Iterable[Record]) -> None:
    """Refuse to have removed records to which somebody let another one refer since that was looked at.

    Raises: StorageError (`storage_retryable`): whoever begins anew is told what refers to them.
    """
    ids: dict[ModuleKey, list[RecordId]] = {}
    for record in gone:
        ids.setdefault(record.module, []).append(record.id)
    for target, keys in ids.items():
        for module, key in references_to(context, target):
            parts = (tuple(keys[start : start + _LIST]) for start in range(0, len(keys), _LIST))
            if any(context.unit.queries.count(Query(module, OneOf((key,), part))) for part in parts):
                raise overtaken()


def refuse_pending(context: Context, records: Iterable[Record], own: RequestId | None = None) -> None:
    """Refuse to take away records about which a request, other than `own`, is open. Raises: FieldReservedError."""
    for record in records:
        for request in context.unit.approvals.open_for(record.module, [record.id]):
            if request.id == own:
                continue
            field = min(request.patch, default=None)
            problem = Problem("field_reserved", field, params={"request_id": request.id})
            raise FieldReservedError([context.module(record.module).labelled(problem)])
