"""Units of work in tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import RLock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from custinfo.adapters.sqlalchemy._approvals import SqlAlchemyApprovals
from custinfo.adapters.sqlalchemy._configurations import SqlAlchemyConfigurations
from custinfo.adapters.sqlalchemy._context import Context, PreparedModule, ensure_transaction
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.adapters.sqlalchemy._failures import storage_error
from custinfo.adapters.sqlalchemy._history import SqlAlchemyHistory
from custinfo.adapters.sqlalchemy._imports import SqlAlchemyImports
from custinfo.adapters.sqlalchemy._queries import SqlAlchemyQueries
from custinfo.adapters.sqlalchemy._records import SqlAlchemyRecords
from custinfo.adapters.sqlalchemy._slots import SlotKeeper
from custinfo.adapters.sqlalchemy.tables import Tables, shared_tables
from custinfo.core.errors import StorageError
from custinfo.core.schema import Schema

__all__ = ["SqlAlchemyUnit", "SqlAlchemyUnits", "SqlAlchemyWork"]

Modules = Mapping[str, PreparedModule]
Host = Session | Connection


@contextmanager
def translated() -> Iterator[None]:
    """Let errors of the database leave as StorageError, without the statement and its parameters."""
    failure: StorageError | None = None
    try:
        yield
    except SQLAlchemyError as error:
        failure = storage_error(error)
    if failure is not None:
        raise failure


def _connection_of(host: Host) -> Connection:
    return host.connection() if isinstance(host, Session) else host


class SqlAlchemyWork:
    """One unit of work: the repositories on one connection."""

    def __init__(self, context: Context, host: Host, *, owned: bool) -> None:
        """Make the repositories.

        Args:
            context: What they share.
            host: The session or connection that holds the transaction.
            owned: Whether `commit` commits it; otherwise it only flushes.
        """
        self._context = context
        self._host = host
        self._owned = owned
        self.records = SqlAlchemyRecords(context)
        self.queries = SqlAlchemyQueries(context)
        self.history = SqlAlchemyHistory(context)
        self.approvals = SqlAlchemyApprovals(context)
        self.imports = SqlAlchemyImports(context)
        self.configurations = SqlAlchemyConfigurations(context)

    def under(self, schema: Schema, /) -> SqlAlchemyWork:
        """Return the same unit as another configuration sees its records.

        Slots are claimed for it, written from now on, and filled when a unit begins under that configuration.
        Raises: ConfigurationError if slots run out; StorageError.
        """
        inner = self._context
        with translated():
            modules = SlotKeeper(inner.connection, inner.tables, schema, inner.tenant, _nothing).prepare(fill=False)
        context = Context(inner.connection, inner.tables, schema, inner.tenant, modules)
        return SqlAlchemyWork(context, self._host, owned=self._owned)

    def atomic(self) -> AbstractContextManager[None]:
        """Take back everything done inside, by a savepoint, if the block raises."""
        return self._context.savepoint()

    def commit(self) -> None:
        """Make permanent what was done so far; only flush in a host's transaction. Raises: StorageError."""
        with translated():
            if self._owned:
                self._host.commit()
                self._context.connection = _connection_of(self._host)
            elif isinstance(self._host, Session):
                self._host.flush()


class SqlAlchemyUnits:
    """Begin units of work that own their transactions.

    Args:
        source: An engine, or what makes a session, such as a `sessionmaker`.
        prefix: What the names of the tables start with.
        schema: The database schema of the tables; the connection's own if `None`.
    """

    def __init__(
        self, source: Engine | Callable[[], Session], *, prefix: str = "custinfo_", schema: str | None = None
    ) -> None:
        """Take the engine or session factory; nothing is connected yet, and no table is created."""
        self._source = source
        self._tables = shared_tables(prefix, schema)
        self._prepared: WeakKeyDictionary[Schema, dict[str, Modules]] = WeakKeyDictionary()
        alone = isinstance(source, Engine) and isinstance(source.pool, StaticPool)
        self._turn: AbstractContextManager[Any] = RLock() if alone else nullcontext()

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

    def create_tables(self) -> None:
        """Create the tables that are missing, in a transaction of its own. Raises: StorageError."""
        with self._turn, self._hosted() as host, translated():
            self._tables.record.metadata.create_all(_connection_of(host))
            host.commit()

    def drop_tables(self) -> None:
        """Delete the tables with everything in them. Raises: StorageError."""
        with self._turn, self._hosted() as host, translated():
            self._tables.record.metadata.drop_all(_connection_of(host))
            host.commit()
        self._prepared.clear()

    def refill(self, schema: Schema, tenant: str) -> None:
        """Fill the slots of a tenant's indexed fields anew from the documents, in transactions of its own.

        For when a field became indexed while another process still saved records under the configuration before: run
        it when all processes have the new one. Raises: ConfigurationError; StorageError.
        """
        self._prepared.setdefault(schema, {}).pop(tenant, None)
        slot = self._tables.slot
        with self._turn:
            with self._hosted() as host, translated():
                _connection_of(host).execute(update(slot).where(slot.c.tenant_id == tenant).values(state="building"))
                host.commit()
            self._modules(schema, tenant)

    def dispose(self) -> None:
        """Close the connections of the engine; nothing happens where the host's sessions are used."""
        if isinstance(self._source, Engine):
            self._source.dispose()

    @contextmanager
    def begin(self, schema: Schema, tenant: str, /) -> Iterator[SqlAlchemyWork]:
        """Return a unit for a `with` block: committed at its end, rolled back if it raises.

        The first one of a configuration and a tenant claims and fills slots for indexed fields, in transactions of
        its own. Raises: ConfigurationError if slots run out; StorageError.
        """
        with self._turn:
            modules = self._modules(schema, tenant)
            with self._hosted() as host:
                with translated():
                    context = Context(_connection_of(host), self._tables, schema, tenant, modules)
                work = SqlAlchemyWork(context, host, owned=True)
                try:
                    yield work
                except BaseException:
                    host.rollback()
                    raise
                with translated():
                    host.commit()

    def _modules(self, schema: Schema, tenant: str) -> Modules:
        """Return the modules with their slots; kept for as long as the schema is."""
        known = self._prepared.setdefault(schema, {})
        modules = known.get(tenant)
        if modules is None:
            with self._hosted() as host, translated():
                connection = _connection_of(host)
                ensure_transaction(connection)
                flush = _nothing if isinstance(host, Session) else host.commit
                modules = SlotKeeper(connection, self._tables, schema, tenant, flush).prepare()
                host.commit()
            known[tenant] = modules
        return modules

    @contextmanager
    def _hosted(self) -> Iterator[Host]:
        """Connect, or make a session; it is closed at the end."""
        with translated():
            host: Host = self._source.connect() if isinstance(self._source, Engine) else self._source()
        try:
            yield host
        finally:
            with translated():
                host.close()


class SqlAlchemyUnit:
    """Begin units of work within a transaction of the host, which alone commits and rolls back.

    Args:
        host: The host's session or connection.
        prefix: What the names of the tables start with.
        schema: The database schema of the tables; the connection's own if `None`.
    """

    def __init__(self, host: Session | Connection, *, prefix: str = "custinfo_", schema: str | None = None) -> None:
        """Take the session or connection; nothing is executed yet."""
        self._host = host
        self._tables = shared_tables(prefix, schema)

    @contextmanager
    def begin(self, schema: Schema, tenant: str, /) -> Iterator[SqlAlchemyWork]:
        """Return a unit for a `with` block, whose end only flushes.

        What an error leaves behind is the host's to roll back; a `save` that raises has taken itself back. Slots
        are claimed in the host's transaction too, and so read anew each time.
        Raises: ConfigurationError if slots run out; StorageError.
        """
        with translated():
            connection = _connection_of(self._host)
            ensure_transaction(connection)
            modules = SlotKeeper(connection, self._tables, schema, tenant, _nothing).prepare()
        work = SqlAlchemyWork(Context(connection, self._tables, schema, tenant, modules), self._host, owned=False)
        yield work
        work.commit()


def _nothing() -> None:
    """Flush nothing: Core statements are sent when they are executed."""
