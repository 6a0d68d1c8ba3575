"""Time, ids and keys: what a pure core has to be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import attrs

from custinfo.core.records import FieldKey, ModuleKey, RecordId, Sealed

__all__ = [
    "BlindIndex",
    "Clock",
    "DataKeys",
    "DataKeysAhead",
    "EvidenceKeys",
    "Ids",
    "IndexKeys",
    "Keyring",
    "ManyDataKeys",
    "ManyIds",
    "SealContext",
]

Clock = Callable[[], datetime]
"""Return the present instant, aware."""

Ids = Callable[[], str]
"""Return a new UUIDv7 in text form; later ones sort after earlier ones. May be `ManyIds` as well."""


@runtime_checkable
class ManyIds(Protocol):
    """Make many ids at once, as an import needs them; what makes them one by one need not have it."""

    def many(self, number: int, /) -> Sequence[str]:
        """Return so many new ids in ascending order, above all that were given before."""


@attrs.frozen
class SealContext:
    """Say whose value is sealed. It is bound into the ciphertext: a token moved elsewhere does not open.

    Args:
        tenant: Key of the tenant.
        module: Key of the record's module.
        field: Key of the field.
        record_id: The record.
        data_key: The wrapped key of the record's field, if it has one; a keyring that knows none takes no notice.
    """

    tenant: str
    module: ModuleKey
    field: FieldKey
    record_id: RecordId
    data_key: str | None = None


class Keyring(Protocol):
    """Encrypt and decrypt values; `custinfo.adapters.crypto.Keyring` is the one to use."""

    def seal(self, text: str, context: SealContext, /) -> Sealed:
        """Return the encrypted form of a text, with a blind index by which equal values of a field are found.

        `context` has the place of the value, and its data key where the keyring gave one. The token differs each time,
        the index does not. Raises: InvalidInputError (`unreadable_value`) for a data key that no key here opens.
        """

    def open(self, sealed: Sealed, context: SealContext, /) -> str:
        """Return the text that was sealed at the place that `context` tells.

        Raises: InvalidInputError (`unreadable_value`) if the key is missing, it was altered, or was sealed elsewhere.
        """


@runtime_checkable
class DataKeys(Protocol):
    """A keyring that encrypts each field of each record with a key of its own, and keeps that key wrapped.

    Destroying the one wrapped key destroys every copy of what it encrypted; and to rotate keys, only the wrapped keys
    are written anew. A keyring without it encrypts with the host's keys themselves.
    """

    @property
    def current(self) -> str:
        """The id of the key that wraps."""

    def new_data_key(self, context: SealContext, /) -> str:
        """Return a new random key for the field of a record, wrapped, to be passed as `SealContext.data_key`."""

    def wrapped_by(self, data_key: str, /) -> str:
        """Return the id of the key that a data key is wrapped by."""

    def rewrapped(self, data_key: str, context: SealContext, /) -> str:
        """Return the same data key wrapped by the current key. Raises: InvalidInputError (`unreadable_value`)."""


@runtime_checkable
class ManyDataKeys(Protocol):
    """Data keys made and wrapped many at once, for a keyring that asks a service elsewhere: bulk work asks once.

    What wraps them one by one need not have it.
    """

    def new_data_keys(self, contexts: Sequence[SealContext], /) -> Sequence[str]:
        """Return a new data key for each field of a record, as `DataKeys.new_data_key` does."""

    def rewrapped_all(self, contexts: Sequence[SealContext], /) -> Sequence[str | None]:
        """Return the data key of each context wrapped by the current key; `None` for one that no key opens."""


@runtime_checkable
class DataKeysAhead(Protocol):
    """Data keys unwrapped many at once, for a keyring that asks a service elsewhere: a page of values asks once.

    It says what is about to be opened; `Keyring.open` follows for each. What unwraps them one by one need not have it.
    """

    def unwrap_ahead(self, contexts: Sequence[SealContext], /) -> None:
        """Make the data keys of these contexts ready for the calls that follow: up to a thousand of them.

        Those that are ready need nothing, and those that no key opens are passed over: `Keyring.open` says so.
        """


@runtime_checkable
class BlindIndex(Protocol):
    """A keyring that tells by what digest equal values are found, without encrypting anything."""

    def index(self, text: str, context: SealContext, /) -> str:
        """Return the blind index of a text; the record plays no part in it."""


@runtime_checkable
class IndexKeys(Protocol):
    """A keyring whose key of blind indexes is replaced while everybody works: the former keys are there meanwhile.

    `Keyring.seal` gives such digests, too, as `Sealed.former`.
    """

    @property
    def index_id(self) -> str:
        """The id of the key that indexes."""

    @property
    def former_index_ids(self) -> tuple[str, ...]:
        """The ids of the keys that are being replaced; none, most of the time."""

    def former_indexes(self, text: str, context: SealContext, /) -> tuple[str, ...]:
        """Return the blind indexes of a text under these keys, in their order."""

    def indexed_by(self, index: str, /) -> str:
        """Return the id of the key that made a blind index."""


@runtime_checkable
class EvidenceKeys(Protocol):
    """A keyring with a key that proves history."""

    @property
    def evidence_key(self) -> str | None:
        """The id of the key that evidence is made with; `None` for no evidence."""

    def authenticate(self, key_id: str, message: bytes, /) -> bytes | None:
        """Return the HMAC-SHA-256 of a message under a key, or `None` where there is no such key."""
