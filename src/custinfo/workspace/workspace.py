"""The workspace: a configuration, an organisation and a store, ready to act in."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from custinfo.core.configuration import Configuration
from custinfo.core.converter import RuleTypes
from custinfo.core.errors import PermissionDeniedError
from custinfo.core.kinds import Kind
from custinfo.core.organisation import Directory, Organisation
from custinfo.core.problems import Problem
from custinfo.core.records import MemberKey
from custinfo.core.validation.whole import checked_schema
from custinfo.ports.system import Clock, Ids, Keyring
from custinfo.ports.units import UnitOfWork, Units
from custinfo.workspace.context import Compiled, Context, References
from custinfo.workspace.defaults import Uuid7, system_clock
from custinfo.workspace.session import Session
from custinfo.workspace.undoing import UndoReport, undo

__all__ = ["Workspace"]


class Workspace:
    """Put a configuration to work on a store.

    Args:
        configuration: The data model, policy and flows.
        units: Where it is stored: `SqlAlchemyUnits(…)`, `MemoryUnits()`, or a host's own.
        organisation: The people: an `Organisation`, or a host's own `Directory`.
        keyring: Encrypts and decrypts; without one, values of encrypted fields are refused.
        clock: Returns the present instant, aware.
        ids: Returns new UUIDv7 texts.
        tenant: Whose data; tenants in one store are strictly apart.
        kinds: The host's own kinds of fields, by key.
        rule_types: The host's own classes of rules, by the name that JSON gives them.

    The configuration counts until somebody changes it at run time (`Session.configuration`): from then on the store has
    the one in force, and every session begins under it, in whatever process.

    A workspace may be shared between threads; a session may not.
    Raises: ConfigurationError with everything that is wrong with the configuration, as `check_configuration` says it.
    """

    def __init__(  # noqa: PLR0913 - what a host may replace, each with a default
        self,
        configuration: Configuration,
        *,
        units: Units,
        organisation: Directory | None = None,
        keyring: Keyring | None = None,
        clock: Clock = system_clock,
        ids: Ids | None = None,
        tenant: str = "default",
        kinds: Mapping[str, Kind] | None = None,
        rule_types: RuleTypes | None = None,
    ) -> None:
        directory = organisation if organisation is not None else Organisation((), (), ())
        self.tenant = tenant
        self._units = units
        self._keyring = keyring
        self._clock = clock
        self._ids = ids if ids is not None else Uuid7(clock)
        self._given = Compiled(checked_schema(configuration, directory, dict(kinds or {})), rule_types)
        self._compiled = self._given

    @property
    def configuration(self) -> Configuration:
        """The configuration under which the latest session began."""
        return self._compiled.schema.configuration

    @classmethod
    def open(cls, url: str, configuration: Configuration, **settings: Any) -> Self:
        """Return a workspace on a database, with the tables created where they are missing.

        Args:
            url: `sqlite:///customers.db`, `postgresql+psycopg://…`, `mysql+pymysql://…`, or `memory://`.
            configuration: The data model, policy and flows.
            settings: As for `Workspace`: organisation, keyring, clock, ids, tenant, kinds, rule_types.

        Raises: MissingExtraError where a library is not installed; StorageError where the database can't be opened.
        Close it, or use it as a context manager, to give its connections back.
        """
        # Adapters stand outside: they are found by name, and only when they are asked for.
        if url.startswith("memory:"):
            units: Units = importlib.import_module("custinfo.adapters.memory").MemoryUnits()
        else:
            units = importlib.import_module("custinfo.adapters.sqlalchemy").SqlAlchemyUnits.open(url)
        return cls(configuration, units=units, **settings)

    @contextmanager
    def acting_as(self, actor: MemberKey, *, unit: Units | None = None) -> Iterator[Session]:
        """Return a session for a `with` block; it is one transaction, committed at the end and rolled back on error.

        Args:
            actor: Key of the member who acts; the host has authenticated them.
            unit: The host's own transaction, such as `SqlAlchemyUnit(session)`: then it is only flushed.

        Raises: PermissionDeniedError for an unknown member or one who has left.
        """
        member = self._compiled.schema.directory.member(actor)
        if member is None or not member.active:
            raise PermissionDeniedError([Problem("unknown_actor", params={"actor": str(actor)})])
        with self._context(actor, unit) as context:
            yield Session(context)

    @contextmanager
    def _context(self, actor: MemberKey, units: Units | None) -> Iterator[Context]:
        compiled = self._compiled
        while True:
            with (units or self._units).begin(compiled.schema, self.tenant) as unit:
                version = unit.configurations.version()
                if version == compiled.revision:
                    self._compiled = compiled
                    yield from self._within(actor, compiled, unit)
                    return
                revision = unit.configurations.get(version)
            compiled = self._given if revision is None else compiled.as_stored(revision)

    def _within(self, actor: MemberKey, compiled: Compiled, unit: UnitOfWork) -> Iterator[Context]:
        related = References(unit, compiled.schema)
        context = Context(actor, self.tenant, compiled, unit, self._clock, self._ids, self._keyring, related)
        try:
            yield context
        finally:
            context.end()

    def undo_import(self, batch_id: str, *, actor: MemberKey, unit: Units | None = None) -> UndoReport:
        """Take back what an import did: records that it created go, records that it changed become as before.

        Records that somebody changed since stay as they are and are listed. The history keeps both.

        Args:
            batch_id: `ImportReport.batch_id`.
            actor: Who undoes it: the member who imported, one who may import into the module, or one who may
                configure it.
            unit: The host's own transaction.

        Raises: NotFoundError for an unknown import; PermissionDeniedError.
        """
        with self.acting_as(actor, unit=unit) as session:
            return undo(session.context, batch_id)

    def close(self) -> None:
        """Give the connections back to the system, where the workspace opened them."""
        dispose = getattr(self._units, "dispose", None)
        if dispose is not None:
            dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
