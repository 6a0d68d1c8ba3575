"""Units of work in tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from threading import Lock, RLock
from typing import Any, Self
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, MetaData, update
from sqlalchemy.orm import Session, scoped_session
from sqlalchemy.pool import StaticPool

from custinfo.adapters.sqlalchemy._context import Context, memory_of
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.adapters.sqlalchemy._filling import HOSTED_FILL, SMALL_FILL, Filler, Told
from custinfo.adapters.sqlalchemy._hosts import connection_of, translated, translating, tried
from custinfo.adapters.sqlalchemy._isolation import Source
from custinfo.adapters.sqlalchemy._memory import Memory
from custinfo.adapters.sqlalchemy._slots import Prepared, SlotKeeper
from custinfo.adapters.sqlalchemy._titling import TitleFiller
from custinfo.adapters.sqlalchemy._transactions import Standing, ensure_transaction, ensure_writing, refuse_autocommit
from custinfo.adapters.sqlalchemy._work import SqlAlchemyWork
from custinfo.adapters.sqlalchemy.tables import Tables, make_tables, shared_tables
from custinfo.core.schema import Schema

__all__ = ["SqlAlchemyUnit", "SqlAlchemyUnits", "SqlAlchemyWork"]


class SqlAlchemyUnits:
    """Begin units of work that own their transactions: `READ COMMITTED`, where they would be `REPEATABLE READ`.

    Args:
        source: An engine, or what makes a session, such as a `sessionmaker`.
        prefix: What the names of the tables start with.
        schema: The database schema of the tables; the connection's own if `None`.
    """

    def __init__(
        self, source: Engine | Callable[[], Session], *, prefix: str = "custinfo_", schema: str | None = None
    ) -> None:
        """Take the engine or session factory; nothing is connected yet, and no table is created."""
        if not (isinstance(source, Engine) or callable(source)):
            raise TypeError(f"source must be an Engine, or what makes a Session: not {type(source).__name__}")
        self._source = source
        self._hosts = Source(source)
        self._tables = shared_tables(prefix, schema)
        self._names: dict[str, Any] = {"prefix": prefix, "schema": schema}
        self._memory = Memory()
        self._prepared: WeakKeyDictionary[Schema, dict[str, Prepared]] = WeakKeyDictionary()
        self._lock = Lock()  # of `_prepared`: one thread may go through it while another begins under a new schema
        alone = isinstance(source, Engine) and isinstance(source.pool, StaticPool)
        self._turn: AbstractContextManager[Any] = RLock() if alone else nullcontext()
        self._writes = False

    def __repr__(self) -> str:
        source = self._source.dialect.name if isinstance(self._source, Engine) else type(self._source).__name__
        return f"SqlAlchemyUnits({source}, prefix={self._names['prefix']!r}, schema={self._names['schema']!r})"

    @classmethod
    def open(cls, url: str, *, prefix: str = "custinfo_", schema: str | None = None) -> SqlAlchemyUnits:
        """Open a database by its URL and create the tables that are missing.

        Args:
            url: `sqlite:///path`, `sqlite://` (in memory), `postgresql+psycopg://…` or `mysql+pymysql://…`.
            prefix: What the names of the tables start with.
            schema: The database schema of the tables.

        Raises:
            MissingExtraError: If the driver is not installed.
            StorageError: If the database does not answer.
        """
        units = cls(open_engine(url), prefix=prefix, schema=schema)
        units.create_tables()
        return units

    @property
    def tables(self) -> Tables:
        """The tables."""
        return self._tables

    def within(self, host: Session | scoped_session[Session] | Connection) -> SqlAlchemyUnit:
        """Return what begins units on the same tables within a transaction of the host.

        Args:
            host: The host's session or connection.

        Raises: TypeError for what is neither.
        """
        return SqlAlchemyUnit(host, **self._names)

    def writing(self) -> Self:
        """Return units on the same tables that may write from their beginning.

        In SQLite, a unit that has read can't wait for its turn to write: it fails at once if another one is writing, or
        has written since. One of these waits for its turn when it begins, up to the busy timeout, and then lets no
        other one write until it ends. Other databases take no notice.
        """
        units = copy(self)  # with the same memory
        units._writes = True  # noqa: SLF001
        return units

    def create_tables(self, *, partitions: int | None = None) -> None:
        """Create the tables that are missing, in a transaction of its own.

        Args:
            partitions: Into how many partitions PostgreSQL spreads each new table by a hash of the tenant; other
                databases take no notice.

        Raises: ValueError for a number below 1; StorageError.
        """
        tables = self._tables if partitions is None else make_tables(MetaData(), partitions=partitions, **self._names)
        with self._transaction() as connection:
            tables.record.metadata.create_all(connection)

    def drop_tables(self) -> None:
        """Delete the tables with everything in them. Raises: StorageError."""
        with self._transaction() as connection:
            self._tables.record.metadata.drop_all(connection)
        with self._lock:
            self._prepared.clear()

    def build_indexes(self, schema: Schema, tenant: str, told: Told | None = None, /) -> None:
        """Fill the slots of a tenant's indexed fields where that is not done yet, and free those of other fields.

        It works in many short transactions, while others read and write, and goes on where it was interrupted. Until
        a field is done, queries read it from the documents. Two processes may do it at once and share the work.

        Run it when all processes have the configuration: where one still saves records under another that came from
        code, what it saves may be missing from the index (then `refill`), and where one still searches by a field that
        is not indexed any more, it finds too little.

        Args:
            schema: The configuration that says which fields are indexed.
            tenant: Whose records.
            told: Called after each batch with the module, how many of its records are done, and how many there are.

        Raises: ConfigurationError if slots run out; StorageError: what is filled by then stays so.
        """
        filler = self._filler(schema, tenant, gentle=True)
        filler.free()
        filler.fill(sorted(self._claim(schema, tenant).building), told=told)
        self._titles(schema, tenant).fill(told=told)
        self.forget(tenant)

    def refill(self, schema: Schema, tenant: str, told: Told | None = None, /) -> None:
        """Fill the slots of a tenant's indexed fields anew from the documents, as `build_indexes` does.

        For when a field became indexed by a configuration from code while another process still saved records under
        the one before: run it when all processes have the new one. `told` is called as there.
        Raises: ConfigurationError; StorageError.
        """
        slot = self._tables.slot
        filled = (slot.c.tenant_id == tenant) & (slot.c.state == "ready")
        with self._transaction() as connection:
            connection.execute(update(slot).where(filled).values(state="building", filled_to=None))
        self._titles(schema, tenant).reset()
        self.build_indexes(schema, tenant, told)

    def forget(self, tenant: str) -> None:
        """Forget the slots of a tenant that was deleted; its rows are gone already, and it may begin anew."""
        with self._lock:
            for known in self._prepared.values():
                known.pop(tenant, None)

    def dispose(self) -> None:
        """Close the connections of the engine; nothing happens where the host's sessions are used."""
        if isinstance(self._source, Engine):
            self._source.dispose()

    @contextmanager
    def begin(self, schema: Schema, tenant: str, /) -> Iterator[SqlAlchemyWork]:
        """Return a unit for a `with` block: committed at its end, rolled back if it raises.

        The first one of a configuration and a tenant claims slots for indexed fields, and fills those of modules with
        at most 10 000 records, in transactions of its own; `build_indexes` fills the others.
        Where a statement failed, and no savepoint took it back, the end of the block rolls back and raises as well.
        Raises: ConfigurationError if slots run out; StorageError; ValueError where each statement commits by itself.
        """
        with self._turn:
            modules = self._ready(schema, tenant).modules
            host = translating(self._hosts.host)
            try:
                connection = translating(lambda: connection_of(host))
                if self._writes:
                    translating(lambda: ensure_writing(connection, self._tables.record))
                context = Context(connection, self._tables, schema, tenant, modules, self._memory, remembers=True)
                try:
                    yield SqlAlchemyWork(context, host, owned=True)
                except BaseException:
                    host.rollback()
                    raise
                if context.standing.failure is not None:
                    host.rollback()
                context.standing.check()
                translating(host.commit)
            finally:
                translating(host.close)

    def _ready(self, schema: Schema, tenant: str) -> Prepared:
        """Return the modules with their slots; kept for as long as the schema is, once all slots are filled."""
        known = self._prepared.get(schema)
        if known is None:
            with self._lock:
                known = self._prepared.setdefault(schema, {})
        prepared = known.get(tenant)
        if prepared is None:
            prepared = self._claim(schema, tenant)
            self._titles(schema, tenant).fill(most=SMALL_FILL)
            if prepared.building:
                self._filler(schema, tenant).fill(sorted(prepared.building), most=SMALL_FILL)
                prepared = self._claim(schema, tenant)
        elif prepared.building:
            prepared = self._claim(schema, tenant)
        known[tenant] = prepared
        return prepared

    def _claim(self, schema: Schema, tenant: str) -> Prepared:
        def claim() -> Prepared:
            with self._transaction() as connection:
                return SlotKeeper(connection, self._tables, schema, tenant).prepare()

        return tried(claim)

    def _titles(self, schema: Schema, tenant: str) -> TitleFiller:
        return TitleFiller(self._transaction, self._tables, schema, tenant)

    def _filler(self, schema: Schema, tenant: str, *, gentle: bool = False) -> Filler:
        return Filler(self._transaction, self._tables, schema, tenant, gentle=gentle)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Begin a transaction for a `with` block: committed at its end, rolled back if it raises."""
        with self._turn, translated():
            host = self._hosts.host()
            try:
                connection = connection_of(host)
                refuse_autocommit(connection)
                ensure_transaction(connection)
                yield connection
                host.commit()
            finally:
                host.close()


class SqlAlchemyUnit:
    """Begin units of work within a transaction of the host, which alone commits and rolls back.

    Args:
        host: The host's session, also that of a `scoped_session`, or connection.
        prefix: What the names of the tables start with, as in the workspace's own units, whose `within` sees to it.
        schema: The database schema of the tables; the connection's own if `None`.
    """

    def __init__(
        self,
        host: Session | scoped_session[Session] | Connection,
        *,
        prefix: str = "custinfo_",
        schema: str | None = None,
    ) -> None:
        """Take the session or connection; nothing is executed yet. Raises: TypeError for what is neither."""
        if isinstance(host, scoped_session):
            host = host()
        if not isinstance(host, Session | Connection):
            raise TypeError(f"host must be a Session or a Connection: not {type(host).__name__}")
        self._host = host
        self._names = {"prefix": prefix, "schema": schema}
        self._tables = shared_tables(prefix, schema)

    def __repr__(self) -> str:
        names = self._names
        return f"SqlAlchemyUnit({type(self._host).__name__}, prefix={names['prefix']!r}, schema={names['schema']!r})"

    @contextmanager
    def begin(self, schema: Schema, tenant: str, /) -> Iterator[SqlAlchemyWork]:
        """Return a unit for a `with` block, whose end only flushes.

        What an error leaves behind is the host's to roll back; a `save` that raises has taken itself back. Slots
        are claimed in the host's transaction too, and so read anew each time; those of modules with at most 1 000
        records are filled in it, `SqlAlchemyUnits.build_indexes` fills the others. Where MariaDB would show what was
        there when the transaction began, what a change is decided by is read with locks, as it is by now.
        Raises: ConfigurationError if slots run out; StorageError; ValueError where each statement commits by itself.
        """
        with translated():
            connection = connection_of(self._host)
            refuse_autocommit(connection)
            ensure_transaction(connection)
            keeper = SlotKeeper(connection, self._tables, schema, tenant)
            prepared = keeper.prepare()
            if prepared.building:
                filler = Filler(lambda: nullcontext(connection), self._tables, schema, tenant, hosted=True)
                filler.fill(sorted(prepared.building), most=HOSTED_FILL)
                prepared = keeper.prepare()
            titles = TitleFiller(lambda: nullcontext(connection), self._tables, schema, tenant, hosted=True)
            titles.fill(most=HOSTED_FILL)
        memory, standing = memory_of(connection, self._tables), Standing(hosted=True)
        context = Context(connection, self._tables, schema, tenant, prepared.modules, memory, standing=standing)
        work = SqlAlchemyWork(context, self._host, owned=False)
        yield work
        work.commit()
