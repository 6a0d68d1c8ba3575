"""What one session works with: the actor, the compiled configuration, the unit of work, time, ids and keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import attrs

from custinfo.core.approval.calendars import EVERY_DAY, WorkingCalendar
from custinfo.core.binding import LAST, Tail, bind
from custinfo.core.configuration import Configuration
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.documents import Documents
from custinfo.core.errors import InvalidInputError, NotFoundError, PermissionDeniedError, SessionEndedError
from custinfo.core.fields import FieldDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change
from custinfo.core.kinds import Kind
from custinfo.core.messages import Translated
from custinfo.core.organisation import Deputy, Directory
from custinfo.core.outbox import Event, EventId
from custinfo.core.permission import Policy
from custinfo.core.policy.access import Access, Verdict
from custinfo.core.policy.grants import Action
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, Record, RecordId, Sealed
from custinfo.core.revisions import Revision
from custinfo.core.rules import RuleTypes
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.core.stored import ValueCodec
from custinfo.core.text import folded
from custinfo.core.validation.conditions import Conditions
from custinfo.core.validation.derivation import Derivation
from custinfo.core.validation.engine import Validator
from custinfo.core.validation.whole import checked_schema, configuration_problems
from custinfo.ports.system import BlindIndex, Clock, DataKeys, Ids, Keyring, ManyIds, SealContext
from custinfo.ports.units import UnitOfWork
from custinfo.workspace.access_logging import ReadingLog, logged_fields
from custinfo.workspace.announcing import remember
from custinfo.workspace.proving import Prover, prover_of

__all__ = ["NO_KEYS", "Compiled", "Context", "References"]

NO_KEYS: Final[FrozenDict[FieldKey, str]] = FrozenDict()
"""The data keys of a record that is not there yet."""


class Compiled:
    """Hold what is compiled once per configuration: the schema, and each module's validator and derivation.

    `revision` is the version of the configuration as the store has it, 0 for one that only the host's code gives.
    """

    def __init__(self, schema: Schema, rule_types: RuleTypes | None = None, revision: int = 0) -> None:
        self.schema = schema
        self.revision = revision
        self._rule_types = rule_types
        self.policy = Policy(schema)
        self._validators: dict[ModuleKey, Validator] = {}
        self._derivations: dict[ModuleKey, Derivation] = {}
        self._documents = Documents(schema)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is worth a look in the configuration."""
        return tuple(item for item in configuration_problems(self.schema) if item.severity != "error")

    @cached_property
    def logged(self) -> dict[ModuleKey, frozenset[FieldKey]]:
        """The fields of each module of which it is logged who reads them; modules without such are left out."""
        return logged_fields(self.schema)

    @property
    def version(self) -> int:
        """The version of the configuration."""
        return self.schema.configuration.version

    @cached_property
    def documents(self) -> Documents:
        """What writes changes as they are digested."""
        return Documents(self.schema)

    def to_json(self) -> str:
        """Return the configuration as it is stored."""
        from custinfo.core.converter import configuration_to_json  # noqa: PLC0415 - cattrs, for live configurations only

        return configuration_to_json(self.schema.configuration, rule_types=self._rule_types)

    def from_json(self, text: str) -> Configuration:
        """Return a configuration that was stored."""
        from custinfo.core.converter import configuration_from_json  # noqa: PLC0415 - as in `to_json`

        return configuration_from_json(text, rule_types=self._rule_types)

    def revised(self, configuration: Configuration, revision: int = 0) -> Compiled:
        """Return another configuration compiled for the same people and kinds. Raises: ConfigurationError."""
        schema = checked_schema(configuration, self.schema.directory, self.schema.extra_kinds, self.schema.masks)
        return Compiled(schema, self._rule_types, revision)

    def among(self, directory: Directory) -> Compiled:
        """Return the same configuration compiled for other people. Raises: ConfigurationError."""
        known = self.schema
        schema = checked_schema(known.configuration, directory, known.extra_kinds, known.masks)
        return Compiled(schema, self._rule_types, self.revision)

    def as_stored(self, revision: Revision) -> Compiled:
        """Return the configuration of a revision compiled. Raises: ConfigurationError."""
        return self.revised(self.from_json(revision.data), revision.version)

    def codec(self, module: ModuleKey) -> ValueCodec:
        """Return what encodes the values of a module."""
        return self._documents.codec(module)

    def derivation(self, module: ModuleKey) -> Derivation:
        """Return what follows from the records of a module."""
        known = self._derivations.get(module)
        if known is None:
            known = self._derivations[module] = Derivation(self.schema, self.schema.module(module))
        return known

    def validator(self, module: ModuleKey, now: datetime) -> Validator:
        """Return the validator of a module, at an instant. Raises: ConfigurationError for rules that do not fit."""
        known = self._validators.get(module)
        if known is None:
            compiled = self.schema.module(module)
            known = self._validators[module] = Validator(compiled, Conditions(self.schema, compiled))
        return known.at(now)


class References:
    """Follow references within a session, each record loaded once."""

    def __init__(self, unit: UnitOfWork, schema: Schema) -> None:
        self._unit = unit
        self._schema = schema
        self._known: dict[tuple[ModuleKey, RecordId], Record | None] = {}

    def __call__(self, record: Record, key: FieldKey) -> Record | None:
        """Return the record to which the reference field `key` of `record` points, or `None`."""
        target = record.values.get(key)
        if target is None:
            return None
        module = self.target(record.module, key)
        if (module, target) not in self._known:
            self.load(module, [target])
        return self._known[module, target]

    def fields(self, module: ModuleKey) -> tuple[tuple[FieldKey, ModuleKey], ...]:
        """Return the reference fields of a module, each with the module to which it points."""
        return self._schema.module(module).reference_fields

    def target(self, module: ModuleKey, key: FieldKey) -> ModuleKey:
        """Return the module to which a reference field points."""
        return dict(self.fields(module))[key]

    def load(self, module: ModuleKey, record_ids: Collection[RecordId]) -> None:
        """Load records that are about to be followed, in one go."""
        wanted = [key for key in record_ids if (module, key) not in self._known]
        if wanted:
            found = self._unit.records.get(module, wanted)
            self._known |= {(module, key): found.get(key) for key in wanted}

    def prefetch(self, records: Iterable[Record]) -> None:
        """Load everything to which `records` refer."""
        wanted: dict[ModuleKey, set[RecordId]] = {}
        for record in records:
            for key, module in self.fields(record.module):
                if (target := record.values.get(key)) is not None:
                    wanted.setdefault(module, set()).add(target)
        for module, ids in wanted.items():
            self.load(module, ids)

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Forget at the end of the block what was loaded inside, so that memory does not grow with long lists."""
        before = set(self._known)
        try:
            yield
        finally:
            self._known = {key: record for key, record in self._known.items() if key in before}

    def forget(self, records: Iterable[Record]) -> None:
        """Drop records that changed."""
        for record in records:
            self._known.pop((record.module, record.id), None)


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
    _provers: dict[Compiled, Prover | None] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Find out once what the keyring can do; asking a protocol takes longer than sealing."""
        keyring: object = self.keyring
        self._data_keys = keyring if isinstance(keyring, DataKeys) else None
        self._index = keyring if isinstance(keyring, BlindIndex) else None

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
        ids: object = self.ids
        if number > 1 and isinstance(ids, ManyIds):
            return list(map(RecordId, ids.many(number)))
        return [RecordId(self.ids()) for _ in range(number)]

    def instant(self, time: datetime | None) -> datetime | None:
        """Return an aware time; one without a zone is in the configured time zone."""
        return time if time is None or time.tzinfo is not None else time.replace(tzinfo=self.schema.zone)

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
        return bind(criterion, module, self.schema, self.now(), self._digest)

    def _digest(self, module: ModuleKey, field: FieldDefinition, value: Any) -> str | None:
        if self.keyring is None:
            raise InvalidInputError([Problem("keyring_missing", field.key)])
        return self._tail(field, module, value) if isinstance(value, Tail) else self.blind_index(field, module, value)

    def _tail(self, field: FieldDefinition, module: ModuleKey, tail: Tail) -> str | None:
        """Return the digest by which a value is found by its end, apart from that of any whole value."""
        place = SealContext(self.tenant, module, f"{field.key}:tail", RecordId(""))
        if self._index is not None:
            return self._index.index(tail, place)
        return None if self.keyring is None else self.keyring.seal(tail, place).index

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
        """Return the encrypted form of a value; the caller has made sure that there is a keyring.

        It brings a data key along if the record has none for the field: see `Record.keeping_keys`.
        """
        if self.keyring is None:
            raise RuntimeError("no keyring")
        text = str((kind or self.module(module).kinds[field.key]).encode(value))
        tail = self._tail(field, module, Tail.of(text)) if field.last_four and len(folded(text)) > LAST else None
        known = data_keys.get(field.key)
        place = SealContext(self.tenant, module, field.key, record_id, known)
        if known is not None or self._data_keys is None:
            sealed = self.keyring.seal(text, place)
            return sealed if tail is None else Sealed(sealed.token, sealed.index, None, tail)
        made = self._data_keys.new_data_key(place)
        sealed = self.keyring.seal(text, SealContext(self.tenant, module, field.key, record_id, made))
        return Sealed(sealed.token, sealed.index, made, tail)

    def blind_index(self, field: FieldDefinition, module: ModuleKey, value: Any) -> str | None:
        """Return the digest by which an encrypted value is found; the caller has made sure that there is a keyring."""
        if self._index is None:
            return self.seal(field, RecordId(""), module, value).index
        text = str(self.module(module).kinds[field.key].encode(value))
        return self._index.index(text, SealContext(self.tenant, module, field.key, RecordId("")))

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
