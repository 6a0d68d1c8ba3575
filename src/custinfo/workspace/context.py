"""What one session works with: the actor, the compiled configuration, the unit of work, time, ids and keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import attrs

from custinfo.core.approval.calendars import EVERY_DAY, WorkingCalendar
from custinfo.core.binding import bind
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.errors import NotFoundError, PermissionDeniedError, SessionEndedError
from custinfo.core.history.changes import Change
from custinfo.core.messages import Translated
from custinfo.core.offers import offered
from custinfo.core.organisation import Deputy
from custinfo.core.outbox import Event, EventId
from custinfo.core.policy.access import Access, Verdict
from custinfo.core.policy.grants import Action
from custinfo.core.problems import Problem
from custinfo.core.records import MemberKey, ModuleKey, Record, RecordId
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.core.validation.engine import Validator
from custinfo.ports.system import (
    Clock,
    Ids,
    Keyring,
    ManyIds,
)
from custinfo.ports.units import UnitOfWork
from custinfo.workspace.access_logging import ReadingLog
from custinfo.workspace.announcing import remember
from custinfo.workspace.compiled import Compiled
from custinfo.workspace.proving import Prover, prover_of
from custinfo.workspace.references import References
from custinfo.workspace.sealing import Sealer
from custinfo.workspace.versions import Versions

__all__ = ["Context"]


class _TakenBackError(Exception):
    """What was tried is taken back."""


@attrs.define
class Context:
    """Carry a session's actor, unit of work and surroundings to the write path and the read path.

    `actor` is the member whose grants count; `deputy` is the rule under which another one acts on their behalf.
    """

    actor: MemberKey
    tenant: str
    compiled: Compiled
    _unit: UnitOfWork
    clock: Clock
    ids: Ids
    keyring: Keyring | None
    related: References
    readings: ReadingLog
    calendar: WorkingCalendar = EVERY_DAY
    _accesses: dict[tuple[MemberKey, ModuleKey], Access] = attrs.field(factory=dict)
    _earlier: dict[int, Compiled] = attrs.field(factory=dict)
    deputy: Deputy | None = None
    versions: Versions = attrs.field(factory=Versions)
    _ended: bool = False
    _validated_at: datetime | None = None
    sealer: Sealer = attrs.field(init=False)
    _provers: dict[Compiled, Prover | None] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Seal and open values by the keyring, under the configuration."""
        self.sealer = Sealer(self.keyring, self.tenant, self.schema)

    @property
    def unit(self) -> UnitOfWork:
        """The unit of work. Raises: SessionEndedError after the end of the session."""
        if self._ended:
            raise SessionEndedError([Problem("session_ended")])
        return self._unit

    @property
    def author(self) -> MemberKey:
        """Who acts in person: the deputy, where somebody acts on behalf of the actor."""
        return self.actor if self.deputy is None else self.deputy.member

    @property
    def on_behalf_of(self) -> MemberKey | None:
        """The actor, where somebody else acts on their behalf."""
        return None if self.deputy is None else self.actor

    def compiled_at(self, version: int) -> Compiled:
        """Return the configuration as it was at a version; the present one where that was not kept."""
        if version == self.compiled.version:
            return self.compiled
        if version not in self._earlier:
            revision = self.unit.configurations.get(version)
            self._earlier[version] = self.compiled if revision is None else self.compiled.as_stored(revision)
        return self._earlier[version]

    def adopt(self, compiled: Compiled) -> None:
        """Go on under another configuration, in the same transaction."""
        self._unit = self.unit.under(compiled.schema)
        self.readings.adopt(self._unit, compiled.logged)
        self.compiled = compiled
        self.related = References(self._unit, compiled.schema)
        self.sealer.schema = compiled.schema
        self._accesses.clear()

    def end(self) -> None:
        """Refuse all further work."""
        self._ended = True

    @property
    def schema(self) -> Schema:
        """The compiled configuration."""
        return self.compiled.schema

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Do all of a block or nothing of it; what was read of records inside is not as it was read, if it fails."""
        try:
            with self.unit.atomic():
                yield
        except BaseException:
            self.related.clear()
            raise

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Do a block, and take back what it did."""
        with suppress(_TakenBackError), self.atomic():
            yield
            raise _TakenBackError

    def hold_configuration(self) -> None:
        """Keep the configuration from being replaced while something is saved under it, to the end of the transaction.

        Raises: ConflictError (`configuration_changed`) if it was replaced since the session began.
        """
        self.unit.configurations.hold(self.compiled.revision)

    def remember(self, changes: Sequence[Change]) -> None:
        """Add changes to the history, and announce those of modules that ask for it."""
        remember(self.unit, self.schema, self.ids, changes, self.prover_under(self.compiled))

    def prover_under(self, compiled: Compiled) -> Prover | None:
        """Return what makes evidence of changes that are kept under a configuration, `None` without a key for it."""
        if compiled not in self._provers:
            self._provers[compiled] = prover_of(self.keyring, self.tenant, compiled.documents)
        return self._provers[compiled]

    def announce(self, kind: str, key: str, **payload: Any) -> None:
        """Write down an event, to be delivered once the transaction is committed, and not if it is taken back.

        Args:
            kind: The type, such as `approval.decided`.
            key: The same for the same fact, such as `request/{id}/{version}`.
            payload: Ids, keys and names of fields, as JSON data; never a value of a record.
        """
        self.unit.outbox.append([Event(EventId(self.ids()), key, self.now(), kind, payload)])

    def now(self) -> datetime:
        """Return the present instant."""
        return self.clock()

    def new_ids(self, number: int) -> list[RecordId]:
        """Return so many new ids of records, in ascending order."""
        ids = offered(self.ids, ManyIds) if number > 1 else None
        if ids is not None:
            return list(map(RecordId, ids.many(number)))
        return [RecordId(self.ids()) for _ in range(number)]

    def instant(self, time: object) -> datetime | None:
        """Return an aware time; one without a zone is in the configured time zone. Raises: TypeError."""
        if time is None:
            return None
        if not isinstance(time, datetime):
            raise TypeError(f"an instant must be a datetime: not {type(time).__name__}")
        return time if time.tzinfo is not None else time.replace(tzinfo=self.schema.zone)

    def named(self, key: ModuleKey) -> Translated:
        """Return a module's key that reads as its label, for problems."""
        module = self.schema.configuration.modules.get(key)
        return Translated.named({} if module is None else module.label, key)

    def denied(self, action: Action, module: ModuleKey) -> PermissionDeniedError:
        """Return the error for what no grant allows the actor anywhere in a module."""
        return PermissionDeniedError(
            [Problem("action_denied", params={"action": action, "module": self.named(module)})]
        )

    def missing(self, module: ModuleKey) -> NotFoundError:
        """Return the one answer for a record that does not exist and for one that the actor may not know of."""
        return NotFoundError([Problem("not_found", params={"what": self.named(module)})])

    def module(self, key: ModuleKey) -> ModuleSchema:
        """Return a module compiled. Raises: InvalidInputError for an unknown one."""
        return self.schema.module(key)

    def validator(self, module: ModuleKey) -> Validator:
        """Return a module's validator, as of the session's first use of it."""
        if self._validated_at is None:
            self._validated_at = self.now()
        return self.compiled.validator(module, self._validated_at)

    def bind(self, criterion: Criterion, module: ModuleKey) -> Criterion:
        """Return a criterion bound to a module at the present time."""
        return bind(criterion, module, self.schema, self.now())

    def bind_search(self, criterion: Criterion, module: ModuleKey) -> Criterion:
        """Return a criterion bound for somebody who searches: encrypted values are compared by their blind index.

        The caller has made sure that the actor may read the fields. What a configuration or a policy holds is bound by
        `bind` alone: it would hold the value in the open.
        """
        return bind(criterion, module, self.schema, self.now(), self.sealer.searched)

    def access(self, module: ModuleKey, actor: MemberKey | None = None) -> Access:
        """Return what the actor (or another member) may do in a module, compiled once per session."""
        who = self.actor if actor is None else actor
        known = self._accesses.get((who, module))
        if known is None:
            known = self.compiled.policy.access(who, module, self.now(), self.deputy if who == self.actor else None)
            self._accesses[who, module] = known
        return known

    def verdict(self, record: Record) -> Verdict:
        """Return what the actor may do with a record."""
        return self.access(record.module).verdict(record, self.related)
