"""The access log in tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Select, insert, or_, select

from custinfo.adapters.sqlalchemy._context import Context, chunked
from custinfo.core.access_log import MOST_NAMED, AccessEntry, AccessQuery, is_meant
from custinfo.core.documents import Documents
from custinfo.core.stored import instant_to_text

__all__ = ["SqlAlchemyAccesses", "access_row", "accessed_rows"]

_PAGE: Final = 500


class SqlAlchemyAccesses:
    """Keep entries in `access_log`, and the records that they name in `access_record`."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context
        self._documents = Documents(context.schema)

    def append(self, entries: Sequence[AccessEntry], /) -> None:
        """Add entries that are not there yet."""
        table, tenant = self._context.tables.access, self._context.tenant
        wanted = [entry.id for entry in entries]
        same = (table.c.tenant_id == tenant) & table.c.id.in_(wanted)
        known = {row.id for row in self._context.execute(select(table.c.id).where(same))}
        new = [entry for entry in entries if entry.id not in known]
        if new:
            self._context.execute(insert(table), [access_row(entry, tenant, self._documents) for entry in new])
            for part in chunked([row for entry in new for row in accessed_rows(entry, tenant)]):
                self._context.execute(insert(self._context.tables.accessed), part)

    def find(self, query: AccessQuery, /) -> Sequence[AccessEntry]:
        """Return the entries that are meant, the newest first; the fields of an entry are looked at here."""
        return list(islice((entry for entry in self._entries(query) if is_meant(entry, query)), query.limit))

    def _entries(self, query: AccessQuery) -> Iterator[AccessEntry]:
        after = query.after
        while rows := self._context.execute(self._page(query, after)).all():
            yield from (self._documents.decode(AccessEntry, row.data) for row in rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1].id

    def _page(self, query: AccessQuery, after: str | None) -> Select[Any]:
        table, named = self._context.tables.access, self._context.tables.accessed
        columns, tenant = table.c, self._context.tenant
        statement = select(columns.id, columns.data).where(columns.tenant_id == tenant)
        statement = statement.where(columns.module.in_(sorted(query.modules)))
        if after is not None:
            statement = statement.where(columns.id < after)
        if query.actor is not None:
            statement = statement.where(columns.actor == query.actor)
        if query.since is not None:
            statement = statement.where(columns.at >= instant_to_text(query.since))
        if query.until is not None:
            statement = statement.where(columns.at < instant_to_text(query.until))
        if query.record_id is not None:
            mine = (named.c.tenant_id == tenant) & (named.c.record_id == query.record_id)
            about = columns.id.in_(select(named.c.access_id).where(mine))
            statement = statement.where(or_(about, columns.count > MOST_NAMED))
        return statement.order_by(columns.id.desc()).limit(_PAGE)


def access_row(entry: AccessEntry, tenant: str, documents: Documents) -> dict[str, Any]:
    """Return the row of an entry."""
    return {
        "tenant_id": tenant,
        "id": entry.id,
        "module": entry.module,
        "actor": entry.actor,
        "at": instant_to_text(entry.at),
        "count": entry.count,
        "data": documents.encode(entry),
    }


def accessed_rows(entry: AccessEntry, tenant: str) -> list[dict[str, Any]]:
    """Return a row for each record that an entry names."""
    return [{"tenant_id": tenant, "record_id": key, "access_id": entry.id} for key in entry.record_ids]
