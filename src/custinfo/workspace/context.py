"""What one session works with: the actor, the compiled configuration, the unit of work, time, ids and keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final

import attrs

from custinfo.core.approval.calendars import EVERY_DAY, WorkingCalendar
from custinfo.core.binding import LAST, Tail, bind
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.errors import InvalidInputError, NotFoundError, PermissionDeniedError, SessionEndedError
from custinfo.core.fields import FieldDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change
from custinfo.core.kinds import Kind
from custinfo.core.messages import Translated
from custinfo.core.offers import offered
from custinfo.core.organisation import Deputy
from custinfo.core.outbox import Event, EventId
from custinfo.core.policy.access import Access, Verdict
from custinfo.core.policy.grants import Action
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, Record, RecordId, Sealed
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.core.text import folded
from custinfo.core.validation.engine import Validator
from custinfo.ports.system import (
    BlindIndex,
    Clock,
    DataKeys,
    DataKeysAhead,
    Ids,
    IndexKeys,
    Keyring,
    ManyDataKeys,
    ManyIds,
    SealContext,
)
from custinfo.ports.units import UnitOfWork
from custinfo.workspace.access_logging import ReadingLog
from custinfo.workspace.announcing import remember
from custinfo.workspace.compiled import Compiled
from custinfo.workspace.digests import Digests
from custinfo.workspace.proving import Prover, prover_of
from custinfo.workspace.references import References

__all__ = ["NO_KEYS", "Context", "sealed_keys"]

NO_KEYS: Final[FrozenDict[FieldKey, str]] = FrozenDict()
"""The data keys of a record that is not there yet."""


_UNWRAPPED_AT_ONCE: Final = 1000


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
    _ended: bool = False
    _validated_at: datetime | None = None
    _data_keys: DataKeys | None = attrs.field(init=False)
    _index: BlindIndex | None = attrs.field(init=False)
    _former: IndexKeys | None = attrs.field(init=False)
    _many: ManyDataKeys | None = attrs.field(init=False)
    _ahead: DataKeysAhead | None = attrs.field(init=False)
    _anew: Digests | None = attrs.field(init=False)
    _made: dict[SealContext, str] = attrs.field(factory=dict)
    _provers: dict[Compiled, Prover | None] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Find out once what the keyring can do; asking a protocol takes longer than sealing."""
        keyring = self.keyring
        self._data_keys = offered(keyring, DataKeys)
        self._index = offered(keyring, BlindIndex)
        self._many = offered(keyring, ManyDataKeys)
        self._ahead = offered(keyring, DataKeysAhead)
        self._anew = Digests.of(keyring)
        keys = offered(keyring, IndexKeys)
        self._former = keys if keys is not None and keys.former_index_ids else None

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
        return Translated({"key": key, **(module.label if module is not None else {})}, "key")

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
        return bind(criterion, module, self.schema, self.now(), self._digests)

    def _digests(self, module: ModuleKey, field: FieldDefinition, value: Any) -> tuple[str, ...]:
        if self.keyring is None:
            raise InvalidInputError([Problem("keyring_missing", field.key)])
        if not isinstance(value, Tail):
            return self.blind_indexes(field, module, value)
        tail = self._tail(field, module, value)
        return () if tail is None else (tail, *self._former_indexes(value, self._tail_place(field, module)))

    def _tail(self, field: FieldDefinition, module: ModuleKey, tail: Tail) -> str | None:
        """Return the digest by which a value is found by its end, apart from that of any whole value."""
        place = self._tail_place(field, module)
        if self._index is not None:
            return self._index.index(tail, place)
        return None if self.keyring is None else self.keyring.seal(tail, place).index

    def _tail_place(self, field: FieldDefinition, module: ModuleKey) -> SealContext:
        return SealContext(self.tenant, module, f"{field.key}:tail", RecordId(""))

    def _former_indexes(self, text: str, place: SealContext) -> tuple[str, ...]:
        return () if self._former is None else self._former.former_indexes(text, place)

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

    def seal(
        self,
        field: FieldDefinition,
        record_id: RecordId,
        module: ModuleKey,
        value: Any,
        data_keys: Mapping[FieldKey, str] = NO_KEYS,
        kind: Kind | None = None,
    ) -> Sealed:
        """Return the encrypted form of a value.

        It brings a data key along if the record has none for the field: see `Record.keeping_keys`.
        Raises: InvalidInputError (`keyring_missing`).
        """
        if self.keyring is None:
            raise InvalidInputError([Problem("keyring_missing", field.key)])
        text = str((kind or self.module(module).kinds[field.key]).encode(value))
        tail = self._tail(field, module, Tail.of(text)) if field.last_four and len(folded(text)) > LAST else None
        known = data_keys.get(field.key)
        place = SealContext(self.tenant, module, field.key, record_id, known)
        if known is not None or self._data_keys is None:
            sealed = self.keyring.seal(text, place)
            return sealed if tail is None else Sealed(sealed.token, sealed.index, None, tail, sealed.former)
        made = self._made.pop(place, None) or self._data_keys.new_data_key(place)
        sealed = self.keyring.seal(text, SealContext(self.tenant, module, field.key, record_id, made))
        return Sealed(sealed.token, sealed.index, made, tail, sealed.former)

    def make_data_keys(self, records: Iterable[Record], keys: Collection[FieldKey] | None = None) -> None:
        """Make the data keys at once that `seal` is about to ask for, if the keyring can: of values not sealed yet.

        They are for the fields that are encrypted now, or for those of `keys`, which are going to be.
        """
        if self._many is None:
            return
        places = [
            SealContext(self.tenant, record.module, key, record.id)
            for record in records
            for key in (self._encrypted(record.module) if keys is None else keys)
            if key not in record.data_keys and type(record.values.get(key)) not in (Sealed, type(None))
        ]
        if places:
            self._made = dict(zip(places, self._many.new_data_keys(places), strict=True))

    @property
    def unwraps_ahead(self) -> bool:
        """Whether the keyring unwraps many data keys at once."""
        return self._ahead is not None

    def unwrap_ahead(self, opening: Iterable[tuple[Record, Iterable[FieldKey]]]) -> None:
        """Tell the keyring, if it can use that, of which fields of which records `unseal` is about to open a value."""
        if self._ahead is None:
            return
        wanted = []
        for record, keys in opening:
            for key in keys:
                value = record.values.get(key)
                data_key = (value.key if type(value) is Sealed else None) or record.data_keys.get(key)
                if data_key is not None:
                    wanted.append(SealContext(self.tenant, record.module, key, record.id, data_key))
        if len(wanted) > 1:  # a single one is as well asked for when it is opened
            for start in range(0, len(wanted), _UNWRAPPED_AT_ONCE):
                self._ahead.unwrap_ahead(wanted[start : start + _UNWRAPPED_AT_ONCE])

    def _encrypted(self, module: ModuleKey) -> Iterator[FieldKey]:
        return (field.key for field in self.module(module).encrypted_fields)

    def indexed_now(self, record: Record, values: Mapping[FieldKey, Any]) -> dict[FieldKey, Any]:
        """Return values of a record's past with the digests that they would get now.

        Whoever read them before the index key was rotated would save them under a key that finds nothing any more: the
        store knows digests of now of what the record has, and of nothing that it had. One that can't be opened stays.
        """
        found, digests = dict(values), self._anew
        for key, value in values.items():
            if digests is not None and type(value) is Sealed and not digests.is_current(value):
                data_key = value.key if value.key is not None else record.data_keys.get(key)
                with suppress(InvalidInputError):
                    found[key] = digests.anew(value, SealContext(self.tenant, record.module, key, record.id, data_key))
        return found

    def blind_indexes(self, field: FieldDefinition, module: ModuleKey, value: Any) -> tuple[str, ...]:
        """Return the digests by which an encrypted value is found, none where the keyring makes none.

        The first is that of the current key; others are of keys that are being replaced. The caller has made sure that
        there is a keyring.
        """
        if self._index is None:
            return self.seal(field, RecordId(""), module, value).claims
        text = str(self.module(module).kinds[field.key].encode(value))
        place = SealContext(self.tenant, module, field.key, RecordId(""))
        return (self._index.index(text, place), *self._former_indexes(text, place))

    def unseal(
        self,
        record_id: RecordId,
        module: ModuleKey,
        key: FieldKey,
        sealed: Sealed,
        kind: Kind | None = None,
        *,
        data_keys: Mapping[FieldKey, str],
    ) -> Any:
        """Return the typed value of a sealed one, which the record's data keys open.

        A value of the past is of the kind that the field had then: `kind`, else the present one.
        Raises: InvalidInputError (`unreadable_value`) without its key, or if it is of another kind.
        """
        if self.keyring is None:
            raise InvalidInputError([Problem("unreadable_value", key, params={"key": "-"})])
        kind = kind or self.module(module).kinds[key]
        data_key = sealed.key if sealed.key is not None else data_keys.get(key)
        text = self.keyring.open(sealed, SealContext(self.tenant, module, key, record_id, data_key))
        try:
            return kind.decode(int(text) if kind.storage == "number" else text)
        except (ValueError, TypeError, ArithmeticError, LookupError):
            failure = InvalidInputError([Problem("unreadable_value", key, params={"key": "-"})])
        raise failure


def sealed_keys(record: Record, keys: Iterable[FieldKey]) -> list[FieldKey]:
    """Return those of some fields of which a record has a sealed value."""
    return [key for key in keys if type(record.values.get(key)) is Sealed]
