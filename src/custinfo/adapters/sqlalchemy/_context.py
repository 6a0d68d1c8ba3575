"""What the repositories of one unit of work share: the connection, the tables, and the schema prepared for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final, TypeVar

import attrs
from sqlalchemy import Connection, CursorResult, Executable, Table
from sqlalchemy import insert as insert_into
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from custinfo.adapters.sqlalchemy._dialects import JsonReader, json_reader
from custinfo.adapters.sqlalchemy._failures import storage_error
from custinfo.adapters.sqlalchemy._inserts import Rows, bulk_insert
from custinfo.adapters.sqlalchemy.tables import NUMBER_SLOTS, TEXT_SLOTS, Tables
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.core.stored import ValueCodec

__all__ = ["CHUNK", "ClashError", "Context", "PreparedModule", "chunked", "ensure_transaction"]

CHUNK: Final = 500
"""Greatest number of values in one `IN` list."""

T = TypeVar("T")


class ClashError(Exception):
    """Say that a statement met a primary key that is taken; the repository knows what that means."""


def chunked(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield `items` in parts that fit an `IN` list."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


@attrs.frozen(slots=False, eq=False)
class PreparedModule:
    """Hold what reading and writing the records of a module needs, made once for a configuration.

    Args:
        schema: The module compiled.
        slots: Field key → the column of `record` that repeats its stored value.
        unfilled: Fields whose slots are written, but can't be read yet.
    """

    schema: ModuleSchema
    slots: Mapping[FieldKey, str]
    unfilled: frozenset[FieldKey] = frozenset()

    @cached_property
    def readable_slots(self) -> Mapping[FieldKey, str]:
        """The slots by which fields may be asked for."""
        return {key: slot for key, slot in self.slots.items() if key not in self.unfilled}

    @cached_property
    def codec(self) -> ValueCodec:
        """The codec of its values."""
        return ValueCodec(self.schema)

    @cached_property
    def columns(self) -> tuple[FieldKey, ...]:
        """The field that each slot column of `record` repeats, text slots first; empty for none."""
        fields = {slot: key for key, slot in self.slots.items()}
        return tuple(fields.get(slot, "") for slot in (*TEXT_SLOTS, *NUMBER_SLOTS))

    @cached_property
    def unique_fields(self) -> tuple[FieldKey, ...]:
        """The fields of which no two live records may have the same value."""
        return tuple(field.key for field in self.schema.definition.fields.values() if field.unique)


def _single(parameters: Any) -> Any:
    """Return the one row of a list of one, which drivers execute faster, or the list."""
    return parameters[0] if isinstance(parameters, list) and len(parameters) == 1 else parameters


def ensure_transaction(connection: Connection) -> None:
    """Begin the transaction that SQLite's driver would begin late.

    Without it, a savepoint that comes first would be the transaction, and releasing it would commit.
    """
    if connection.dialect.name != "sqlite":
        return
    if not connection.in_transaction():
        connection.begin()
    pooled = connection.connection
    for candidate in (pooled.dbapi_connection, pooled.driver_connection):
        active = getattr(candidate, "in_transaction", None)
        if active is not None:
            if not active:
                connection.exec_driver_sql("BEGIN")
            return


@attrs.define(slots=False, eq=False)
class Context:
    """Run statements for one unit of work, and translate what fails."""

    connection: Connection
    tables: Tables
    schema: Schema
    tenant: str
    modules: Mapping[ModuleKey, PreparedModule]

    @cached_property
    def reader(self) -> JsonReader:
        """What looks into documents."""
        return json_reader(self.connection.dialect)

    def module(self, key: ModuleKey) -> PreparedModule:
        """Return a module prepared. Raises: InvalidInputError for an unknown one."""
        self.schema.module(key)
        return self.modules[key]

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement, for each row if a list is given. Raises: StorageError."""
        try:
            return self.connection.execute(statement, _single(parameters))
        except (SQLAlchemyError, UnicodeError, OverflowError) as error:
            failure = storage_error(error)
        raise failure

    def attempt(self, statement: Executable, parameters: Any) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement that may meet a key that is taken. Raises: ClashError, StorageError."""
        failure: Exception
        try:
            return self.connection.execute(statement, _single(parameters))
        except IntegrityError:
            failure = ClashError()
        except (SQLAlchemyError, UnicodeError, OverflowError) as error:
            failure = storage_error(error)
        raise failure

    def insert(self, table: Table, names: tuple[str, ...], rows: Rows) -> None:
        """Insert rows, their values in the order of the columns `names`. Raises: ClashError, StorageError."""
        failure: Exception
        try:
            self._insert(table, names, rows)
        except IntegrityError:
            failure = ClashError()
        except (SQLAlchemyError, UnicodeError, OverflowError) as error:
            failure = storage_error(error)
        else:
            return
        raise failure

    def _insert(self, table: Table, names: tuple[str, ...], rows: Rows) -> None:
        connection = self.connection
        if "schema_translate_map" in connection.get_execution_options():  # only SQLAlchemy's own statements heed it
            connection.execute(insert_into(table), [dict(zip(names, row, strict=True)) for row in rows])
            return
        bulk = bulk_insert(table, names, connection.dialect)
        connection.exec_driver_sql(bulk.text, _single(bulk.parameters(rows)))

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Take back what is done inside if the block raises. Raises: StorageError, and what the block raises."""
        savepoint = self._begin_savepoint()
        try:
            yield
        except BaseException:
            self._take_back(savepoint)
            raise
        failure = None
        try:
            savepoint.commit()
        except SQLAlchemyError as error:
            failure = storage_error(error)
        if failure is not None:
            raise failure

    def _begin_savepoint(self) -> Any:
        try:
            ensure_transaction(self.connection)
            return self.connection.begin_nested()
        except SQLAlchemyError as error:
            failure = storage_error(error)
        raise failure

    def _take_back(self, savepoint: Any) -> None:
        """Roll back to a savepoint; a deadlock has taken back the whole transaction already, savepoints included."""
        try:
            savepoint.rollback()
        except SQLAlchemyError:
            return
