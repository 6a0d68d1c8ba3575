"""Sealing and opening the values of encrypted fields, and the digests by which they are found, for one session."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import attrs

from custinfo.core.approval.requests import Request
from custinfo.core.binding import LAST, Tail
from custinfo.core.errors import InvalidInputError
from custinfo.core.fields import FieldDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.kinds import Kind
from custinfo.core.offers import offered
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Sealed
from custinfo.core.schema import Schema
from custinfo.core.text import folded
from custinfo.ports.system import (
    BlindIndex,
    DataKeys,
    DataKeysAhead,
    IndexKeys,
    Keyring,
    ManyDataKeys,
    SealContext,
)
from custinfo.workspace.digests import Digests

__all__ = ["NO_KEYS", "Sealer", "sealed_keys"]

NO_KEYS: Final[FrozenDict[FieldKey, str]] = FrozenDict()
"""The data keys of a record that is not there yet."""

_UNWRAPPED_AT_ONCE: Final = 1000


@attrs.define
class Sealer:
    """Seal and open values by the keyring of a session, if there is one.

    `schema` says of which kinds they are: that of the configuration under which the session works now.
    """

    keyring: Keyring | None
    tenant: str
    schema: Schema
    _data_keys: DataKeys | None = attrs.field(init=False)
    _index: BlindIndex | None = attrs.field(init=False)
    _former: IndexKeys | None = attrs.field(init=False)
    _many: ManyDataKeys | None = attrs.field(init=False)
    _ahead: DataKeysAhead | None = attrs.field(init=False)
    _anew: Digests | None = attrs.field(init=False)
    _made: dict[SealContext, str] = attrs.field(factory=dict)

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

    # --- sealing

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
        text = str((kind or self._kind(module, field.key)).encode(value))
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

    # --- opening

    def unseal(self, record: Record, key: FieldKey, sealed: Sealed, kind: Kind | None = None) -> Any:
        """Return the typed value of a sealed one of a record, whose data keys open it.

        A value of the past is of the kind that the field had then: `kind`, else the present one.
        Raises: InvalidInputError (`unreadable_value`) without its key, or if it is of another kind.
        """
        return self._open(record.id, record.module, key, sealed, kind, record.data_keys)

    def unseal_proposed(
        self, request: Request, key: FieldKey, sealed: Sealed, data_keys: Mapping[FieldKey, str]
    ) -> Any:
        """Return the typed value of a sealed one that a request proposes; `data_keys` are those of its record.

        Raises: as `unseal`.
        """
        return self._open(request.record_id, request.module, key, sealed, None, data_keys)

    def _open(
        self,
        record_id: RecordId,
        module: ModuleKey,
        key: FieldKey,
        sealed: Sealed,
        kind: Kind | None,
        data_keys: Mapping[FieldKey, str],
    ) -> Any:
        if self.keyring is None:
            raise InvalidInputError([Problem("unreadable_value", key, params={"key": "-"})])
        kind = kind or self._kind(module, key)
        data_key = sealed.key if sealed.key is not None else data_keys.get(key)
        text = self.keyring.open(sealed, SealContext(self.tenant, module, key, record_id, data_key))
        try:
            return kind.decode(int(text) if kind.storage == "number" else text)
        except (ValueError, TypeError, ArithmeticError, LookupError):
            failure = InvalidInputError([Problem("unreadable_value", key, params={"key": "-"})])
        raise failure

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

    # --- finding

    def blind_indexes(self, field: FieldDefinition, module: ModuleKey, value: Any) -> tuple[str, ...]:
        """Return the digests by which an encrypted value is found, none where the keyring makes none.

        The first is that of the current key; others are of keys that are being replaced. The caller has made sure that
        there is a keyring.
        """
        if self._index is None:
            return self.seal(field, RecordId(""), module, value).claims
        text = str(self._kind(module, field.key).encode(value))
        place = SealContext(self.tenant, module, field.key, RecordId(""))
        return (self._index.index(text, place), *self._former_indexes(text, place))

    def searched(self, module: ModuleKey, field: FieldDefinition, value: Any) -> tuple[str, ...]:
        """Return the digests by which a value, or the `Tail` of one, is searched.

        Raises: InvalidInputError (`keyring_missing`).
        """
        if self.keyring is None:
            raise InvalidInputError([Problem("keyring_missing", field.key)])
        if not isinstance(value, Tail):
            return self.blind_indexes(field, module, value)
        tail = self._tail(field, module, value)
        return () if tail is None else (tail, *self._former_indexes(value, self._tail_place(field, module)))

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

    # --- inner

    def _kind(self, module: ModuleKey, key: FieldKey) -> Kind:
        return self.schema.module(module).kinds[key]

    def _encrypted(self, module: ModuleKey) -> Iterator[FieldKey]:
        return (field.key for field in self.schema.module(module).encrypted_fields)


def sealed_keys(record: Record, keys: Iterable[FieldKey]) -> list[FieldKey]:
    """Return those of some fields of which a record has a sealed value."""
    return [key for key in keys if type(record.values.get(key)) is Sealed]
