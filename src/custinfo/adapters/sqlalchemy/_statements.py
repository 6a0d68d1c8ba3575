"""The statements that get and change records by id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, Text, cast, delete, select, update

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._ready import TENANT, Given, Ready, given_parameter
from custinfo.adapters.sqlalchemy._rows import RECORD_COLUMNS, record_columns

__all__ = ["RecordStatements"]


class RecordStatements:
    """Statements that are ready to be given values; the tenant comes first."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context
        self._record = context.tables.record
        self._document = context.tables.document

    def get(self, count: int) -> Ready:
        """Read records: their module, and so many ids."""

        def build() -> Select[Any]:
            record, document = self._record.c, self._document.c
            same = (document.tenant_id == record.tenant_id) & (document.record_id == record.id)
            ids = self._given(record.id, *range(2, count + 2))
            return (
                select(*record_columns(self._record, self._document))
                .select_from(self._record.join(self._document, same))
                .where(record.tenant_id == TENANT, record.module == self._given(record.module, 1)[0])
                .where(record.id == ids[0] if count == 1 else record.id.in_(ids))
            )

        return self._ready(("get", count), build, count + 2)

    def versions(self, count: int) -> Ready:
        """Read the id, module and version of records as they are in this very moment: so many ids."""

        def build() -> Select[Any]:
            columns = self._record.c
            ids = self._given(columns.id, *range(1, count + 1))
            statement = select(columns.id, columns.module, columns.version)
            return statement.where(columns.tenant_id == TENANT, columns.id.in_(ids)).with_for_update(read=True)

        return self._ready(("versions", count), build, count + 1)

    def narrow(self, count: int) -> Ready:
        """Read the narrow rows of records, but for the tenant: so many ids."""

        def build() -> Select[Any]:
            columns = self._record.c
            ids = self._given(columns.id, *range(1, count + 1))
            statement = select(*(columns[name] for name in RECORD_COLUMNS[1:]))
            return statement.where(columns.tenant_id == TENANT, columns.id.in_(ids))

        return self._ready(("narrow", count), build, count + 1)

    def sealed(self, count: int) -> Ready:
        """Read the id, document and data keys of records as they are in this very moment: so many ids."""

        def build() -> Select[Any]:
            columns = self._document.c
            ids = self._given(columns.record_id, *range(1, count + 1))
            statement = select(columns.record_id, columns.data, columns.data_keys)
            return statement.where(columns.tenant_id == TENANT, columns.record_id.in_(ids)).with_for_update()

        return self._ready(("sealed", count), build, count + 1)

    def update_record(self, names: tuple[str, ...]) -> Ready:
        """Change a record at a version: its id, module and version, and the values of the columns `names`."""

        def build() -> Any:
            columns = self._record.c
            values = {name: self._given(columns[name], place)[0] for place, name in enumerate(names, 4)}
            return self._at_version(update(self._record)).values(values)

        return self._ready(("update_record", names), build, 4 + len(names))

    @property
    def delete_record(self) -> Ready:
        """Delete a record at a version: its id, module and version."""
        return self._ready("delete_record", lambda: self._at_version(delete(self._record)), 4)

    @property
    def update_document(self) -> Ready:
        """Replace a document: its record's id, the values, the tags and the keys, all as JSON text."""
        return self._ready("update_document", lambda: self._documents("tags", "data_keys"), 5)

    @property
    def update_data(self) -> Ready:
        """Replace the values of a document: its record's id, and the values as JSON text."""
        return self._ready("update_data", self._documents, 3)

    def _documents(self, *beside: str) -> Any:
        columns = self._document.c
        data: Any = given_parameter(Given(2), Text())
        if self._context.connection.dialect.name == "postgresql":
            data = cast(data, columns.data.type)
        others = {name: given_parameter(Given(place), Text()) for place, name in enumerate(beside, 3)}
        mine = (columns.tenant_id == TENANT) & (columns.record_id == self._given(columns.record_id, 1)[0])
        return update(self._document).where(mine).values(data=data, **others)

    def _ready(self, key: Any, build: Callable[[], Any], count: int) -> Ready:
        return self._context.ready(key, build, count)

    def _given(self, column: Any, *places: int) -> list[Any]:
        return [given_parameter(Given(place), column.type) for place in places]

    def _at_version(self, statement: Any) -> Any:
        columns = self._record.c
        return statement.where(
            columns.tenant_id == TENANT,
            columns.id == self._given(columns.id, 1)[0],
            columns.module == self._given(columns.module, 2)[0],
            columns.version == self._given(columns.version, 3)[0],
        )
