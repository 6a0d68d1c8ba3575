"""The workspace: a configuration, an organisation and a store, ready to act in."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from custinfo.core.anchors import Anchor
from custinfo.core.approval.calendars import EVERY_DAY, WorkingCalendar
from custinfo.core.configuration import Configuration
from custinfo.core.kinds import Kind
from custinfo.core.kinds.masks import Masker
from custinfo.core.organisation import Directory, Organisation
from custinfo.core.outbox import Event
from custinfo.core.records import MemberKey, ModuleKey
from custinfo.core.rules import RuleTypes
from custinfo.core.validation.whole import checked_schema
from custinfo.ports.system import Clock, Ids, Keyring
from custinfo.ports.units import Units
from custinfo.workspace.access_logging import ReadingLog
from custinfo.workspace.anchoring import make_anchor
from custinfo.workspace.backups import Source, Target, TenantSummary
from custinfo.workspace.beginning import Beginnings
from custinfo.workspace.compiled import Compiled
from custinfo.workspace.defaults import Uuid7, system_clock
from custinfo.workspace.delivering import DeliveryReport, Handler, Relay
from custinfo.workspace.feed import ChangePage
from custinfo.workspace.integrity import IntegrityReport
from custinfo.workspace.mistakes import (
    Beginning,
    checked_limit,
    checked_tenant,
    refuse_mistaken,
    refuse_units,
    storable,
    text_id,
    zoned,
)
from custinfo.workspace.proving import log_of, prover_of
from custinfo.workspace.reindexing import IndexRotationReport, Reindexer
from custinfo.workspace.rotation import RotationReport, Rotor
from custinfo.workspace.session import Session
from custinfo.workspace.timing import SYSTEM, DueReport, run_due
from custinfo.workspace.trying import tried_again
from custinfo.workspace.undoing import UndoReport, undo
from custinfo.workspace.upkeep import upkeep_of
from custinfo.workspace.verification import AttestationReport, VerificationReport, attest, verify
from custinfo.workspace.versions import Versions

__all__ = ["Workspace"]

T = TypeVar("T")

_LEASE: Final = timedelta(minutes=5)
_PAUSE: Final = timedelta(seconds=30)


class Workspace:
    """Put a configuration to work on a store.

    Args:
        configuration: The data model, policy and flows.
        units: Where it is stored: `SqlAlchemyUnits(…)`, `MemoryUnits()`, or a host's own.
        organisation: The people: an `Organisation`, or a host's own `Directory`.
        keyring: Encrypts and decrypts; without one, values of encrypted fields are refused.
        clock: Returns the present instant, aware.
        ids: Returns new UUIDv7 texts.
        tenant: Whose data, by a name that you give; tenants in one store are strictly apart.
        kinds: The host's own kinds of fields, by key.
        rule_types: The host's own classes of rules, by the name that JSON gives them.
        masks: The host's own styles of masks, by key: functions of the text of a value.
        calendar: By which the time limits of approvals go; every hour of every day if not given.

    The configuration counts until somebody changes it at run time (`Session.configuration`): from then on the store has
    the one in force, and every session begins under it, in whatever process.

    A workspace may be shared between threads; a session may not.
    Raises: ConfigurationError with everything that is wrong with the configuration, as `check_configuration` says it;
        TypeError and ValueError for another setting that can't be meant.
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
        masks: Mapping[str, Masker] | None = None,
        calendar: WorkingCalendar = EVERY_DAY,
    ) -> None:
        refuse_mistaken(configuration, organisation, keyring, clock)
        refuse_units("units", units)
        clock = clock if clock is system_clock else zoned(clock)
        directory = organisation if organisation is not None else Organisation((), (), ())
        self.tenant: str = checked_tenant(tenant)
        given = Compiled(checked_schema(configuration, directory, dict(kinds or {}), masks), rule_types)
        ids = ids if ids is not None else Uuid7(clock)
        self._begin = Beginnings(tenant, units, given, keyring, clock, ids, calendar)

    def __repr__(self) -> str:
        return f"Workspace(tenant={self.tenant!r})"

    @property
    def configuration(self) -> Configuration:
        """The configuration under which the latest session began."""
        return self._begin.compiled.schema.configuration

    @classmethod
    def open(cls, url: str, configuration: Configuration, **settings: Any) -> Self:
        """Return a workspace on a database, with the tables created where they are missing.

        Args:
            url: `sqlite:///customers.db`, `postgresql+psycopg://…`, `mysql+pymysql://…`, or `memory://`.
            configuration: The data model, policy and flows.
            settings: As for `Workspace`: organisation, keyring, clock, ids, tenant, kinds, rule_types, masks, calendar.

        Raises: MissingExtraError where a library is not installed; StorageError where the database can't be opened, and
            for a URL that is none, or of a database that is not supported; ConfigurationError as the class says;
            TypeError for what is no text.

        Close it, or use it as a context manager, to give its connections back.
        """
        if not isinstance(url, str):
            raise TypeError(f"url must be a text: not {type(url).__name__}")
        # Adapters stand outside: they are found by name, and only when they are asked for.
        if url.startswith("memory:"):
            units: Units = importlib.import_module("custinfo.adapters.memory").MemoryUnits()
        else:
            units = importlib.import_module("custinfo.adapters.sqlalchemy").SqlAlchemyUnits.open(url)
        return cls(configuration, units=units, **settings)

    def acting_as(
        self,
        actor: MemberKey,
        *,
        on_behalf_of: MemberKey | None = None,
        purpose: str | None = None,
        unit: Units | None = None,
    ) -> AbstractContextManager[Session]:
        """Return a session for a `with` block; it is one transaction, committed at the end and rolled back on error.

        What the actor may do is judged as of the session: that of a module as of its first use. A share or a deputy's
        rule that ends meanwhile counts until the session does. So sessions are short: whoever works through a queue
        begins one for each piece of work.

        Args:
            actor: Key of the member who acts; the host has authenticated them.
            on_behalf_of: Key of another member for whom they deputise (`Deputy`): what that one may do counts, as far
                as the rule goes, and the history keeps both.
            purpose: Why, for the access log (`Session.access_log`).
            unit: The host's own transaction, such as `SqlAlchemyUnit(session)`: then it is only flushed.

        Raises: PermissionDeniedError for an unknown member or one who has left, and where no rule in force says that
            they may act on behalf of the other; InvalidInputError for a purpose with control characters;
            TypeError for a unit that is none, such as the host's session itself.
        """
        return Beginning(self._session(actor, on_behalf_of, purpose, unit))

    @contextmanager
    def _session(
        self,
        actor: MemberKey,
        on_behalf_of: MemberKey | None,
        purpose: str | None,
        unit: Units | None,
        *,
        writing: bool = False,
    ) -> Iterator[Session]:
        if unit is not None:
            refuse_units("unit", unit)
        storable("purpose", purpose)
        begin = self._begin
        deputy = begin.deputy(actor, on_behalf_of)
        principal, for_whom = (actor, None) if deputy is None else (deputy.principal, deputy.principal)
        readings = ReadingLog(actor, begin.clock, begin.ids, purpose=purpose, on_behalf_of=for_whom)
        try:
            with begin.context(principal, unit, readings, writing=writing) as context:
                context.deputy = deputy
                yield Session(context)
        except BaseException:
            if unit is None and readings.written:  # what was seen was seen, whatever is taken back
                begin.keep(readings.written)
            raise

    def reorganise(self, organisation: Directory) -> None:
        """Go on with `organisation`, other people and departments: sessions that begin from now on know these.

        An `Organisation` is a value; when somebody joins, moves or leaves, the host makes another one and gives it to
        the workspace of each of its processes. What records say of owners and departments stays: see `plan_hand_over`.

        Raises: ConfigurationError where the configuration does not fit them; the workspace stays as it was.
        """
        self._begin.reorganise(organisation)

    def run(self, actor: MemberKey, function: Callable[[Session], T], *, attempts: int = 3) -> T:
        """Return what a function returns that acts in a session of its own, tried again where others were in the way.

        A `with` block can't be run twice; a function can. It is called anew, with a new session and after a short
        pause, if the database gave its transaction up in favour of another (deadlock, serialization failure), if
        somebody changed a record after the function read it, or if the configuration was replaced meanwhile. A version
        that the function did not read itself, such as one from a web page, stays stale: that is raised at once. What it
        did to the records is taken back by then; anything else that it does, it does twice. In a transaction of the
        host's own, the host does this: see `StorageError.retryable`.

        SQLite lets one write at a time, and whoever has read by then can't wait: that attempt fails. Further ones wait
        for their turn before they begin, and let no other session write until they end.

        >>> from custinfo.standard import sample_organisation, standard_configuration
        >>> workspace = Workspace.open("memory://", standard_configuration(), organisation=sample_organisation())
        >>> workspace.run("lisi", lambda session: session.customers.count())
        0

        Args:
            actor: Key of the member who acts.
            function: Takes the session; read inside it what it decides upon.
            attempts: How often it is called at most, 1 or more.

        Raises: What the function raises, the last time. An error that trying again does not mend is raised at once.
        """
        versions = Versions()

        def once(again: bool) -> T:
            with Beginning(self._session(actor, None, None, None, writing=again)) as session:
                versions.shown, versions.brought = {}, None
                session.context.versions = versions
                return function(session)

        return tried_again(once, attempts, versions.is_in_vain)

    def build_indexes(self, progress: Callable[[ModuleKey, int, int], None] | None = None) -> None:
        """Make the index of every field that is indexed complete, and free what fields no longer need.

        A field that becomes indexed is searched in the records themselves until its index is complete. Small modules
        see to that at once. For a large one, run this beside the work that goes on: it takes many short transactions,
        and where it was interrupted, even killed, it goes on the next time. Where there is nothing to do, it is quick.

        If the configuration comes from code alone, run it when all processes have the new one.

        Args:
            progress: Called after each step with the module, how many of its records are done, and how many it has.

        Raises: StorageError: what is done by then stays so.
        """
        build = getattr(self._begin.units, "build_indexes", None)
        if build is not None:
            with self._begin.context("") as context:
                schema = context.schema
            build(schema, self.tenant, progress)

    def deliver(
        self, handler: Handler, *, limit: int = 100, lease: timedelta = _LEASE, pause: timedelta = _PAUSE
    ) -> DeliveryReport:
        """Hand events that are due to a handler, oldest first, and return what came of it (AUT-3).

        Call it again and again: from a thread, a cron job, after a request. Several processes may do so at once; none
        gets an event that another one is delivering. Each event is handed on outside any transaction, and deleted in
        one of its own when the handler returns. So it comes at least once: again, with the same id and key, if the
        process dies in between. If the handler raises, the event stays for a later call, and the others go on.

        >>> from custinfo.standard import sample_organisation, standard_configuration
        >>> workspace = Workspace.open("memory://", standard_configuration(), organisation=sample_organisation())
        >>> workspace.deliver(print)
        DeliveryReport(delivered=(), failed=())

        Args:
            handler: Takes an `Event`.
            limit: How many events at most.
            lease: For how long they belong to this call, which delivers none after that; others may then.
            pause: How long an event waits after its first failure; twice as long after each further one, a day at most.

        Raises: StorageError: what the handler took without its being noted comes again. What the handler raises that is
            no `Exception`, such as KeyboardInterrupt; the rest is given back. ValueError for a limit below 1.
        """
        return Relay(self._begin.unit, self._begin.clock, lease, pause).run(handler, checked_limit(limit))

    def undelivered(self, limit: int = 100) -> tuple[Event, ...]:
        """Return events that are not delivered yet, oldest first, for an eye on what waits or fails (`attempts`).

        Raises: ValueError for a limit below 1.
        """
        most = checked_limit(limit)
        with self._begin.unit() as unit:
            return tuple(unit.outbox.pending(most))

    def export_tenant(self, target: Target) -> TenantSummary:
        """Write everything that the tenant has to a backup, as it is at one instant, and return what that is.

        Values are written as they are stored: encrypted ones stay so, and all others can be read by whoever has the
        file. Nobody acts here and no grant is asked: it is for the host, like `delete_tenant` and the others around it.

        Args:
            target: A path, compressed if it ends in `.gz`, or a binary file. A path takes its name when all is written.

        Raises: StorageError where something in the store can't be read (see `check_integrity`); OSError; TypeError for
            a store without `custinfo.ports.Upkeep`. Nothing in the store changes.
        """
        with self._begin.maintenance(snapshot=True) as maintenance:
            return maintenance.export(target)

    def import_tenant(self, source: Source) -> TenantSummary:
        """Put everything of a backup into the tenant, which is empty, and return what that is.

        Ids, versions, times and history are as they were; the configuration in force is the one that was. It is one
        transaction, which ends well only if the backup is found to be whole. The store may be of another kind than the
        one that was backed up, and the tenant of another name if the backup has neither encrypted values nor evidence.

        Args:
            source: A path, compressed or not, or a binary file.

        Raises: ConflictError (`tenant_not_empty`); UnreadableFileError (`not_a_backup`, `backup_newer`,
            `backup_damaged`); InvalidInputError (`backup_of_other_tenant`, or `backup_misfit` where the configuration
            in the host's code is too different); ConfigurationError; StorageError; TypeError for a store without
            `custinfo.ports.Upkeep`. The tenant is empty then as before.
        """
        with self._begin.maintenance() as maintenance:
            return maintenance.restore(source)

    def delete_tenant(self, *, confirm: str) -> int:
        """Delete everything that the tenant has, part by part, and return the number of rows.

        Nobody may work in the tenant meanwhile, and other processes are to open their workspaces on it anew. When it is
        interrupted, a second call goes on.

        Args:
            confirm: The name of the tenant, so that none is deleted by mistake.

        Raises: ValueError if `confirm` is another name; StorageError; TypeError for a store without
            `custinfo.ports.Upkeep`.
        """
        if confirm != self.tenant:
            raise ValueError(f"to delete the tenant {self.tenant!r}, confirm its name")
        with self._begin.maintenance() as maintenance:
            deleted = maintenance.delete()
        forget = getattr(self._begin.units, "forget", None)
        if forget is not None:
            forget(self.tenant)
        return deleted

    def check_integrity(self, *, repair: bool = False) -> IntegrityReport:
        """Compare records, history, requests, configuration, and what the store keeps beside them, at one instant.

        With a keyring it tells, too, which digests are under another index key than its current one (`digests_left`).

        Args:
            repair: Write what stands beside the records and requests (tags, unique values, index columns, tasks,
                reservations) anew where it differs. Records, history and requests themselves stay as they are.

        Raises: StorageError, which with `repair` may mean that others worked meanwhile: nothing is repaired then;
            TypeError for a store without `custinfo.ports.Upkeep`.
        """
        with self._begin.maintenance(snapshot=True) as maintenance:
            return maintenance.check(self._begin.keyring, repair=repair)

    def changes_since(
        self, cursor: str | None = None, *, actor: MemberKey, limit: int = 1000, modules: Sequence[ModuleKey] = ()
    ) -> ChangePage:
        """Return the changes behind a cursor, as `Session.changes_since` does, and let the cursor count.

        >>> from custinfo.standard import sample_organisation, standard_configuration
        >>> workspace = Workspace.open("memory://", standard_configuration(), organisation=sample_organisation())
        >>> workspace.changes_since(actor="sunjiu").changes
        ()

        Args:
            cursor: `ChangePage.cursor` of the page before; `None` for the beginning.
            actor: Key of the member as whom the other system reads.
            limit: At most so many changes.
            modules: Keys of modules; all if empty.

        Raises: as `Session.changes_since`; PermissionDeniedError for an unknown member.
        """
        with self._begin.context("") as context:
            log_of(context.unit).number()
        with self.acting_as(actor) as session:
            return session.changes_since(cursor, limit=limit, modules=modules)

    def anchor(self) -> Anchor:
        """Return an anchor of the history as it is now, which is kept, too; the last one where nothing came since.

        Keep `anchor.to_json()` where nobody writes who may write to the database: whatever is done to the history that
        it covers is then found by `verify`. Only changes that came since the last anchor are read.

        Raises: ConfigurationError (`evidence_key_missing`) without a keyring that has a key for evidence; StorageError;
            TypeError for a store without `custinfo.ports.ChangeLog` and `AnchorRepository`.
        """
        with self._begin.maintenance() as maintenance:
            compiled, unit = maintenance.compiled, maintenance.unit
            return make_anchor(unit, self.tenant, self._begin.keyring, compiled.documents, self._begin.clock)

    def verify(self, *anchors: Anchor) -> VerificationReport:
        """Compare every change with its evidence, and all of them with every anchor, at one instant (HIS-3).

        Found is whatever was altered, removed, added or put in another order since, but for this: what came after the
        last anchor can be removed again together with the record's own state of then, and whoever may write to the
        database can remove the anchors in it, too. Those that were kept elsewhere are what finds that.

        Args:
            anchors: Those that were kept elsewhere.

        Raises: ConfigurationError (`evidence_key_missing`); StorageError; TypeError for what is no anchor, and for a
            store without `custinfo.ports.Upkeep`, `ChangeLog` and `AnchorRepository`. Nothing in the store changes.
        """
        with self._begin.maintenance(snapshot=True) as maintenance:
            unit, documents = maintenance.unit, maintenance.compiled.documents
            return verify(unit, upkeep_of(unit), self.tenant, self._begin.keyring, documents, anchors)

    def attest(self, *anchors: Anchor) -> AttestationReport:
        """Give changes that were made without the key evidence of how they are now, so that `verify` has no doubt left.

        It says that whoever has the key found them like this, and nothing of the time before: look at what `verify`
        told of first (`history_unproven`). Nothing is attested where anything else is wrong: somebody who took evidence
        away and altered a change is found by what was chained to it, and by anchors, up to the last of them. All is one
        transaction. Anchors hold, those of before and those to come count such changes as unproven.

        Args:
            anchors: Those that were kept elsewhere.

        Raises: ConfigurationError (`evidence_key_missing`); StorageError, which may mean that somebody wrote meanwhile;
            TypeError for what is no anchor, and for a store without `custinfo.ports.Upkeep`, `ChangeLog`,
            `AnchorRepository` and `Rewriting`.
        """
        with self._begin.maintenance(snapshot=True) as maintenance:
            unit, documents = maintenance.unit, maintenance.compiled.documents
            return attest(
                unit, upkeep_of(unit), self.tenant, self._begin.keyring, documents, anchors, self._begin.clock()
            )

    def rotate_keys(self, progress: Callable[[ModuleKey, int], None] | None = None) -> RotationReport:
        """Wrap every data key of the tenant by the keyring's current key, while everybody works (FLD-7).

        Give every process the keyring with the new key first (`Keyring.rotated`), so that all of them read what is
        written by it. When the report says so, the old key may be destroyed. Values and history are not written again.
        It takes short transactions; interrupted, even killed, it goes on the next time, and nothing is lost.

        Args:
            progress: Called after each page of records with the module, and how many of its records are done.

        Raises: ConfigurationError (`keyring_missing`) without a keyring that has data keys; StorageError: what is done
            by then stays so; TypeError for a store without `custinfo.ports.Rewriting` and `Upkeep`.
        """
        rotor = Rotor(self._begin.keyring, self.tenant)
        with self._begin.maintenance() as maintenance:
            unit = maintenance.unit
            return rotor.run(unit, maintenance.compiled.schema, upkeep_of(unit), progress)

    def rotate_index(self, progress: Callable[[ModuleKey, int], None] | None = None) -> IndexRotationReport:
        """Make the digest of every encrypted value of the tenant by the current index key, while everybody works.

        Give every process the keyring with the new key first (`Keyring.with_index_key`): from then on values are found
        by digests under both, and stay unique. When the report says so, give every process the keyring without the old
        key (`Keyring.without_index_key`), and call this again: nothing under it is left then. It takes short
        transactions; interrupted, even killed, it goes on the next time, and nothing is lost. Values are not encrypted
        again; the history, which has digests, too, is written anew, with evidence of that.

        Args:
            progress: Called after each page of records with the module, and how many of its records are done.

        Raises: ConfigurationError (`keyring_missing`) without a keyring that is a `custinfo.ports.IndexKeys`, or
            (`evidence_key_missing`) without the key for a history that is proven; StorageError: what is done by then
            stays so; TypeError for a store without `custinfo.ports.Reindexing`, `ChangeLog` and `Upkeep`.
        """
        with self._begin.maintenance() as maintenance:
            unit, compiled = maintenance.unit, maintenance.compiled
            prover = prover_of(self._begin.keyring, self.tenant, compiled.documents)
            reindexer = Reindexer(self._begin.keyring, self.tenant, prover)
            return reindexer.run(unit, compiled.schema, upkeep_of(unit), progress)

    def run_due(self, *, limit: int = 200) -> DueReport:
        """Carry out what passed time limits of approvals ask for: remind, escalate, expire.

        For the host's scheduler, as often as it likes: each limit acts once, whoever else runs this at the same time.
        Nobody acts here; the trail names `system`.

        Args:
            limit: At most so many requests at a time, the longest overdue first; `more` says that others wait.

        Raises: ValueError for a limit below 1; TypeError for a store without `custinfo.ports.ApprovalQueries`.
        """
        most = checked_limit(limit)
        with self._begin.context(SYSTEM) as context:
            return run_due(context, most)

    def undo_import(self, batch_id: str, *, actor: MemberKey, unit: Units | None = None) -> UndoReport:
        """Take back what an import did: records that it created go, records that it changed become as before.

        Records that somebody changed since stay as they are and are listed, and so do those that can't go back because
        of what there is by now. The history keeps both.

        Args:
            batch_id: `ImportReport.batch_id`.
            actor: Who undoes it: the member who imported, one who may import all records that it changed, and create
                those of other modules that came along, or one who may configure the module.
            unit: The host's own transaction.

        Raises: NotFoundError for an unknown import, and to anybody else; ConflictError and StorageError where others
            work on the import or its records at the same moment: nothing is undone then.
        """
        with self.acting_as(actor, unit=unit) as session:
            return undo(session.context, text_id(batch_id))

    def close(self) -> None:
        """Give the connections back to the system, where the workspace opened them."""
        dispose = getattr(self._begin.units, "dispose", None)
        if dispose is not None:
            dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
