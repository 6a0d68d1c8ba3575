"""What saved records refer to, looked at once more where the transaction shows it as it was."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from custinfo.adapters.sqlalchemy._context import Context, chunked
from custinfo.core.records import Record
from custinfo.core.store_errors import overtaken

__all__ = ["refuse_past"]


def refuse_past(context: Context, records: Iterable[Record]) -> None:
    """Refuse to refer to what others removed or put away since the transaction began; what they refer to is locked.

    Nothing is asked where each statement shows what is there. Raises: StorageError (`storage_retryable`).
    """
    if not context.standing.looks:
        return
    targets: set[str] = set()
    for record in records:
        fields = context.module(record.module).schema.reference_fields
        targets.update(record.values[key] for key, _ in fields if key in record.values)
    shown = _live(context, targets, looks=False)
    if not shown <= _live(context, targets, looks=True):
        raise overtaken()


def _live(context: Context, record_ids: Iterable[str], *, looks: bool) -> set[str]:
    """Return those of the records that are there and live, as they were or as they are by now."""
    columns, found = context.tables.record.c, set[str]()
    context.standing.looks = looks
    try:
        for part in chunked(sorted(record_ids)):
            there = (columns.tenant_id == context.tenant) & columns.id.in_(part) & columns.archived_at.is_(None)
            found.update(context.execute(select(columns.id).where(there)).scalars())
    finally:
        context.standing.looks = True
    return found
