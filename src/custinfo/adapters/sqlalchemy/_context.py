"""What the repositories of one unit of work share: the connection, the tables, and the schema prepared for them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from json import loads
from typing import Any, Final, TypeVar

import attrs
from sqlalchemy import Connection, CursorResult, Executable, Table
from sqlalchemy import insert as insert_into
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from custinfo.adapters.sqlalchemy._dialects import JsonReader, json_reader
from custinfo.adapters.sqlalchemy._driver import ClashError, Run, afresh, copied, is_watched, many, once, run
from custinfo.adapters.sqlalchemy._failures import raised_by, storage_error
from custinfo.adapters.sqlalchemy._hosts import translating
from custinfo.adapters.sqlalchemy._inserts import Rows, bulk_insert, insert_or_not, texts_of, unwritten, without_blanks
from custinfo.adapters.sqlalchemy._isolation import locking, shows_what_was
from custinfo.adapters.sqlalchemy._memory import Memory
from custinfo.adapters.sqlalchemy._prepared import PreparedModule
from custinfo.adapters.sqlalchemy._ready import Question, Ready, make_ready
from custinfo.adapters.sqlalchemy._rows import Loaded
from custinfo.adapters.sqlalchemy._transactions import Standing, ensure_transaction
from custinfo.adapters.sqlalchemy.tables import Tables
from custinfo.core.errors import StorageError
from custinfo.core.records import ModuleKey, RecordId
from custinfo.core.schema import Schema

__all__ = ["CHUNK", "ClashError", "Context", "chunked", "memory_of"]

CHUNK: Final = 500
"""Greatest number of values in one `IN` list."""

_MANY: Final = 50
"""From so many rows on, copying them is worth its while, and looking for columns that are blank."""

_MUCH: Final = 1e9

T = TypeVar("T")


def chunked(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield `items` in parts that fit an `IN` list."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def _single(parameters: Any) -> Any:
    """Return the one row of a list of one, which drivers execute faster, or the list."""
    return parameters[0] if isinstance(parameters, list) and len(parameters) == 1 else parameters


def _whole(ready: Ready) -> Executable:
    """Return the statement that was made for a connection which translates names of schemas."""
    if ready.statement is None:
        raise RuntimeError("the statement was made for another connection")
    return ready.statement


def memory_of(connection: Connection, tables: Tables) -> Memory:
    """Return what is remembered with a connection of the host's for as long as it is pooled."""
    memory: Memory = connection.info.setdefault(("custinfo", tables), Memory())
    return memory


@attrs.define(slots=False, eq=False)
class Context:
    """Run statements for one unit of work, and translate what fails.

    `loaded` are records as they were read, with their documents, where it `remembers` them: where the transaction is
    custinfo's own, and nobody else takes back what was done. `standing` is that of the transaction.
    """

    connection: Connection
    tables: Tables
    schema: Schema
    tenant: str
    modules: Mapping[ModuleKey, PreparedModule]
    memory: Memory = attrs.field(factory=Memory)
    remembers: bool = False
    loaded: dict[RecordId, Loaded] = attrs.field(factory=dict)
    standing: Standing = attrs.field(factory=Standing)

    @cached_property
    def reader(self) -> JsonReader:
        """What looks into documents."""
        return json_reader(self.connection.dialect)

    def module(self, key: ModuleKey) -> PreparedModule:
        """Return a module prepared. Raises: InvalidInputError for an unknown one."""
        self.schema.module(key)
        return self.modules[key]

    def ask(self, question: Question) -> list[Any]:
        """Return the rows of a statement, as the driver gives them. Raises: StorageError."""
        return self.fetch(self._ready(question), question.values, how=once if question.steady else self._afresh)

    def estimate(self, question: Question) -> float:
        """Return what PostgreSQL's planner expects a statement to cost, in its own units. Raises: StorageError.

        Where names of schemas are translated, it can't be asked, and very much is returned.
        """
        return self._planned(question, "Total Cost")

    def expected(self, question: Question) -> float:
        """Return how many rows PostgreSQL's planner expects of a statement; else as `estimate`."""
        return self._planned(question, "Plan Rows")

    def _planned(self, question: Question, what: str) -> float:
        if self._is_translated():
            return _MUCH
        text, parameters = self._ready(question).given(question.values)
        [[plan]] = self.run(f"EXPLAIN (FORMAT JSON) {text}", parameters, how=self._afresh)
        found = loads(plan) if isinstance(plan, str) else plan
        return float(found[0]["Plan"][what])

    def _ready(self, question: Question) -> Ready:
        # A part that came to nothing may have taken values before: the number of all is no matter of the shape.
        return self.ready(question.key, question.build, len(question.values), question.hint)

    def ready(self, key: Hashable, build: Callable[[], Any], count: int, hint: str | None = None) -> Ready:
        """Return the statement of a shape that is given so many values, made if it isn't known."""
        dialect, translated = self.connection.dialect, self._is_translated()

        def make() -> Ready:
            return make_ready(self._looking(build()), dialect, count, hint, translated=translated)

        return self.memory.ready((dialect, translated, key, hint, count, self.standing.looks), make)

    def look(self) -> None:
        """Read what is there by now, to the end of the savepoint; something is about to be decided by it.

        Wherever each statement does so anyhow, nothing changes. Raises: StorageError.
        """
        if self.standing.hosted and not self.standing.looks:
            self.standing.looks = translating(lambda: shows_what_was(self.connection))

    def _looking(self, statement: Any) -> Any:
        return locking(statement) if self.standing.looks else statement

    @property
    def _afresh(self) -> Run:
        dialect = self.connection.dialect
        prepares = dialect.name == "postgresql" and dialect.driver == "psycopg" and not dialect.is_async
        return afresh if prepares else once

    def fetch(self, ready: Ready, values: Sequence[Any], *, how: Run = once) -> list[Any]:
        """Return the rows of a statement, as the driver gives them. Raises: StorageError."""
        if self._is_translated():
            return list(self.execute(_whole(ready), ready.by_name(values)))
        text, parameters = ready.given(values)
        rows: list[Any] = self.run(text, parameters, how=how)
        return rows

    def run(self, text: str, parameters: Any, *, how: Run = once) -> Any:
        """Run a statement of the driver's: once, for each of many rows of parameters, or by copying them.

        Returns: Its rows, or how many it changed.
        Raises: ClashError for a key that is taken; StorageError.
        """
        try:
            return run(self.connection, text, parameters, how, watched=self._is_watched)
        except StorageError as error:
            self.standing.fail(error)
            raise

    @cached_property
    def _is_watched(self) -> bool:
        return is_watched(self.connection)

    def _is_translated(self) -> bool:
        """Tell whether names of schemas are translated, which SQLAlchemy does for its own statements only."""
        return "schema_translate_map" in self.connection.get_execution_options()

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement, for each row if a list is given. Raises: StorageError."""
        try:
            return self.connection.execute(self._looking(statement), _single(parameters))
        except raised_by(self.connection.dialect) as error:
            failure = storage_error(error)
        self.standing.fail(failure)
        raise failure

    def attempt(self, statement: Executable, parameters: Any) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement that may meet a key that is taken. Raises: ClashError, StorageError."""
        try:
            return self.connection.execute(statement, _single(parameters))
        except IntegrityError:
            pass
        except raised_by(self.connection.dialect) as error:
            failure = storage_error(error)
            self.standing.fail(failure)
            raise failure from None
        raise ClashError

    def insert(self, table: Table, names: tuple[str, ...], rows: Rows) -> None:
        """Insert rows, their values in the order of the columns `names`. Raises: ClashError, StorageError."""
        rows = list(rows)
        if len(rows) >= _MANY:
            names, rows = without_blanks(names, rows)
        self._insert(table, names, rows)

    def insert_columns(
        self, table: Table, columns: Mapping[str, Iterable[Any]], *, written: frozenset[str] = frozenset()
    ) -> None:
        """Insert rows that are given by their columns. Raises: ClashError, StorageError.

        Args:
            table: Where.
            columns: Name → values; those that repeat one have no end.
            written: Columns that are given as the text that is stored.
        """
        names = tuple(column.name for column in table.columns if column.name in columns)  # as SQLAlchemy orders them
        rows = zip(*map(columns.__getitem__, names), strict=False)
        bulk = bulk_insert(table, names, self.connection.dialect, written)
        if bulk.streams and not (self._is_watched or self._is_translated()):
            self.run(bulk.text, rows, how=many)
        else:
            self._insert(table, names, list(rows), written)

    def _insert(
        self, table: Table, names: tuple[str, ...], rows: list[Sequence[Any]], written: frozenset[str] = frozenset()
    ) -> None:
        if self._is_translated():
            data = [dict(zip(names, row, strict=True)) for row in rows]
            texts = texts_of(table, written)
            self.attempt(insert_into(table), [unwritten(row, texts) for row in data])
            return
        bulk = bulk_insert(table, names, self.connection.dialect, written)
        if bulk.copy is not None and len(rows) >= _MANY and not self._is_watched:
            self.run(bulk.copy, bulk.rows(rows), how=copied)
        elif rows:
            given = bulk.parameters(rows)
            self.run(bulk.text, given if len(given) > 1 else given[0], how=many if len(given) > 1 else once)

    def insert_one(
        self, table: Table, names: tuple[str, ...], row: Sequence[Any], *, written: frozenset[str] = frozenset()
    ) -> None:
        """Insert a row; where its key is taken, nothing is done, and the transaction goes on.

        Columns that are `written` are given as the text that is stored. Raises: ClashError, StorageError.
        """
        if self.connection.dialect.name != "postgresql":
            self._insert(table, names, [row], written)  # whose failure would end no transaction
            return
        if self._is_translated():
            data = unwritten(dict(zip(names, row, strict=True)), texts_of(table, written))
            inserted: int = self.execute(insert_or_not(table), data).rowcount
        else:
            bulk = bulk_insert(table, names, self.connection.dialect, written, or_not=True)
            inserted = self.run(bulk.text, bulk.parameters([row])[0])
        if not inserted:
            raise ClashError

    def change(self, ready: Ready, rows: Sequence[Sequence[Any]]) -> int:
        """Run a statement for each row of values, and return how many rows of the table it changed.

        Not every driver counts what it did for many rows at once; those that don't are given one after another.

        Raises: ClashError, StorageError.
        """
        batches = [rows] if self.connection.dialect.supports_sane_multi_rowcount else [[row] for row in rows]
        return sum(self._changed(ready, batch) for batch in batches)

    def _changed(self, ready: Ready, rows: Sequence[Sequence[Any]]) -> int:
        if self._is_translated():
            return self.attempt(_whole(ready), [ready.by_name(row) for row in rows]).rowcount
        given = [ready.parameters(row) for row in rows]
        changed: int = self.run(ready.text, given if len(given) > 1 else given[0], how=many if len(given) > 1 else once)
        return changed

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Take back what is done inside if the block raises. Raises: StorageError, and what the block raises."""
        standing = self.standing
        name, failure, looks = standing.name(self.connection.dialect.name), standing.failure, standing.looks
        if not standing.depth:
            self._begin()
        self.run(f"SAVEPOINT {name}", ())
        standing.depth += 1
        try:
            yield
        except BaseException:
            standing.failure = failure
            self._take_back(name)
            raise
        finally:
            standing.depth -= 1
            standing.looks = looks
        self.run(f"RELEASE SAVEPOINT {name}", ())

    def _begin(self) -> None:
        try:
            ensure_transaction(self.connection)
        except SQLAlchemyError as error:
            failure = storage_error(error)
        else:
            return
        raise failure

    def _take_back(self, name: str) -> None:
        """Roll back to a savepoint; a deadlock has taken back the whole transaction already, savepoints included."""
        self.loaded.clear()
        with suppress(StorageError):
            self.run(f"ROLLBACK TO SAVEPOINT {name}", ())
            self.run(f"RELEASE SAVEPOINT {name}", ())
