"""Changes in tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Row, Select, func, select

from custinfo.adapters.sqlalchemy._context import ClashError, Context
from custinfo.adapters.sqlalchemy._creating import insert_creations
from custinfo.adapters.sqlalchemy._types import dump_json
from custinfo.core.documents import Documents
from custinfo.core.history.changes import Change
from custinfo.core.history.proven import ProvenChanges
from custinfo.core.new_records import Creations
from custinfo.core.records import ModuleKey, RecordId
from custinfo.core.store_errors import stale_version
from custinfo.core.stored import ValueCodec, instant_from_text, instant_to_text, instant_writer

__all__ = ["SqlAlchemyHistory"]

_SHARED: Final = (
    "module",
    "at",
    "actor",
    "action",
    "channel",
    "on_behalf_of",
    "approval",
    "batch",
    "configuration_version",
    "reason",
)
"""What the changes of a batch have in common, in most."""

_COLUMNS: Final = ("tenant_id", "record_id", "version", *_SHARED, "fields", "evidence")
_WRITTEN: Final = frozenset({"fields"})

_shared: Final = attrgetter(*_SHARED)


class SqlAlchemyHistory:
    """Keep changes in `change`."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context
        self._documents = Documents(context.schema)

    def append(self, changes: Sequence[Change], /) -> None:
        """Add changes, all or none. Raises: StaleVersionError if a version of a record has one already."""
        if not changes:
            return
        clash = False
        try:
            if len(changes) == 1 and not isinstance(changes, Creations):
                self._context.insert_one(self._context.tables.change, _COLUMNS, self._row(changes), written=_WRITTEN)
            else:
                with self._context.savepoint():
                    self._insert(changes)
        except ClashError:
            clash = True
        if clash:
            raise stale_version(changes[0].version - 1, self._latest(changes[0].record_id))

    def _insert(self, changes: Sequence[Change]) -> None:
        if isinstance(changes, Creations):
            insert_creations(self._context, changes)
            return
        contents, evidence = self._contents(changes), _evidence(changes)
        changes = _bare(changes)
        columns: dict[str, Iterable[Any]] = {
            "tenant_id": repeat(self._context.tenant),
            "record_id": [change.record_id for change in changes],
            "version": [change.version for change in changes],
            "fields": contents,
        }
        columns |= _shared_columns(changes)
        if any(evidence):
            columns["evidence"] = evidence
        self._context.insert_columns(self._context.tables.change, columns, written=_WRITTEN)

    def of_record(self, module: ModuleKey, record_id: RecordId, /) -> Sequence[Change]:
        """Return all changes of a record, oldest first."""
        columns = self._context.tables.change.c
        statement = self.select().where(columns.record_id == record_id, columns.module == module)
        return self.changes(statement.order_by(columns.version))

    def of_batch(self, batch_id: str, /) -> Sequence[Change]:
        """Return all changes that an import made, in order of record and version."""
        columns = self._context.tables.change.c
        return self.changes(self.select().where(columns.batch == batch_id).order_by(columns.record_id, columns.version))

    def select(self) -> Select[Any]:
        """Return the statement that reads the tenant's changes."""
        table = self._context.tables.change
        return select(table).where(table.c.tenant_id == self._context.tenant)

    def changes(self, statement: Select[Any]) -> list[Change]:
        """Return the changes that a statement finds."""
        rows: Iterable[Row[*tuple[Any, ...]]] = self._context.execute(statement)
        return [self._change(row) for row in rows]

    def _latest(self, record_id: RecordId) -> int:
        columns = self._context.tables.change.c
        same = (columns.tenant_id == self._context.tenant) & (columns.record_id == record_id)
        return self._context.execute(select(func.max(columns.version)).where(same)).scalar() or 0

    def _codec(self, module: ModuleKey) -> ValueCodec:
        """Return what encodes the values of a module; of one that is no longer defined, they stay as they are."""
        prepared = self._context.modules.get(module)
        return prepared.codec if prepared is not None else self._documents.codec(module)

    def _contents(self, changes: Sequence[Change]) -> Sequence[str]:
        """Return what changes did as JSON text; that of proven ones is the text that was proven."""
        if isinstance(changes, ProvenChanges):
            return changes.contents
        return [dump_json(self._codec(change.module).encode_change(change)) for change in changes]

    def _row(self, changes: Sequence[Change]) -> tuple[Any, ...]:
        """Return the row of a single change."""
        [change], [content], [evidence] = _bare(changes), self._contents(changes), _evidence(changes)
        module, at, *others = _shared(change)
        head = (self._context.tenant, change.record_id, change.version)
        return (*head, module, instant_to_text(at), *others, content, evidence)

    def _change(self, row: Any) -> Change:
        codec = self._codec(row.module)
        return Change(
            module=row.module,
            record_id=row.record_id,
            version=row.version,
            at=instant_from_text(row.at),
            actor=row.actor,
            action=row.action,
            fields=codec.decode_change(row.fields, row.channel, row.configuration_version),
            channel=row.channel,
            reason=row.reason,
            on_behalf_of=row.on_behalf_of,
            approval=row.approval,
            batch=row.batch,
            configuration_version=row.configuration_version,
            evidence=row.evidence,
            position=row.position,
        )


def _bare(changes: Sequence[Change]) -> Sequence[Change]:
    """Return changes whose evidence is beside them, if they are such."""
    return changes.changes if isinstance(changes, ProvenChanges) else changes


def _evidence(changes: Sequence[Change]) -> Sequence[str | None]:
    if isinstance(changes, ProvenChanges):
        return changes.evidence
    return [change.evidence for change in changes]


def _shared_columns(changes: Sequence[Change]) -> dict[str, Iterable[Any]]:
    """Return the columns of which the changes of a batch have one value, in most; none where no change has one."""
    rows = list(map(_shared, changes))
    if rows.count(rows[0]) == len(rows):
        module, at, *others = rows[0]
        same = zip(_SHARED, (module, instant_to_text(at), *others), strict=True)
        return {name: repeat(value) for name, value in same if value is not None}
    columns: dict[str, Iterable[Any]] = dict(zip(_SHARED, zip(*rows, strict=True), strict=True))
    return {**columns, "at": map(instant_writer(), columns["at"])}
