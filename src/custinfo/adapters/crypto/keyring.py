"""A keyring: keys by id, one of them current, and separate keys for blind indexes and for evidence."""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from custinfo.adapters.crypto._ciphers import authenticated, bound, decrypt, digest, encrypt
from custinfo.adapters.crypto._data_keys import WrappedKeys, wrapped_by
from custinfo.adapters.crypto._keys import (
    KEY_BYTES,
    decoded_parts,
    encoded,
    invalid,
    refuse_misfits,
    told,
    unreadable,
)
from custinfo.core.errors import InvalidInputError
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import Sealed
from custinfo.ports.system import SealContext

__all__ = ["Keyring"]

_DIRECT: Final = "v1"
_BY_DATA_KEY: Final = "v2"


class Keyring:
    """Encrypt and decrypt field values; implements each port of a keyring in `custinfo.ports`.

    Each field of each record has a data key of its own, which is stored wrapped by the current key. Values are
    encrypted by it with AES-256-GCM (NIST SP 800-38D) and a random nonce; tenant, module, field and record are bound in
    as associated data, so that a token copied to another place does not open. Equal values are found by a blind index:
    HMAC-SHA-256 of the value with a key of its own, apart for every tenant, module and field. A third kind of key
    proves the history.

    Args:
        keys: Key id → 32 bytes. Ids are letters, digits, `-` and `_`. All of them decrypt.
        current: Id of the key that encrypts.
        index_key: 32 bytes for the blind indexes.
        index_id: Id of that key, which digests begin with; those of a first key without an id have none.
        former_index_keys: Key id → 32 bytes of keys that are being replaced: values are still found under them.
        evidence_keys: Key id → 32 bytes for evidence of the history; without any, none is made.
        evidence_key: Id of the key that makes evidence; the last one if not given.

    Keep the keys apart from the database. The representation shows ids only. Ids are no secrets: they stand in the open
    in every token, data key and digest that is stored, and errors name them, so that people know which key is missing.
    Choose ids that tell nothing. What is too long for a name, and may be a key in the place of an id, no error quotes.

    Raises: ConfigurationError for a key that is no 32 bytes, an id with other characters, a current key that is not
    among the keys, and an index key that is current and former at once.

    >>> from custinfo.core.records import RecordId
    >>> from custinfo.ports import SealContext
    >>> keyring = Keyring.generate()
    >>> place = SealContext("default", "customer", "id_number", RecordId("0190"))
    >>> keyring.open(keyring.seal("11010519491231002X", place), place)
    '11010519491231002X'
    """

    def __init__(
        self,
        keys: Mapping[str, bytes],
        *,
        current: str,
        index_key: bytes,
        index_id: str = "",
        former_index_keys: Mapping[str, bytes] | None = None,
        evidence_keys: Mapping[str, bytes] | None = None,
        evidence_key: str | None = None,
    ) -> None:
        proving = FrozenDict(evidence_keys or {})
        self.evidence_key: str | None = evidence_key if evidence_key is not None else next(reversed(proving), None)
        if current not in keys or (self.evidence_key is not None and self.evidence_key not in proving):
            missing = current if current not in keys else self.evidence_key
            zh, en = "当前密钥 {} 不在密钥之中", "the current key {} is not among the keys"
            raise invalid(zh.format(told(missing)), en.format(told(missing)))
        former = FrozenDict(former_index_keys or {})
        if index_id in former:
            zh, en = "索引密钥 {} 不能既是当前密钥又是旧密钥", "the index key {} is current and former at once"
            raise invalid(zh.format(told(index_id)), en.format(told(index_id)))
        indexing = [(key_id or "index_key", key) for key_id, key in ((index_id, index_key), *former.items())]
        refuse_misfits((*keys.items(), *indexing, *proving.items()))
        self._keys = FrozenDict(keys)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._index_key = index_key
        self._former_index_keys = former
        self.index_id = index_id
        self.former_index_ids: tuple[str, ...] = tuple(former)
        self._evidence_keys = proving
        self._proving = {key_id: hmac.new(key, digestmod="sha256") for key_id, key in proving.items()}
        self.current = current
        self._data_keys = WrappedKeys(self._ciphers, current)

    @classmethod
    def generate(cls, key_id: str = "k1") -> Keyring:
        """Return a keyring with new random keys, the first one by the id `key_id`; keep `to_json()` in a safe place."""
        key, index_key, evidence = (os.urandom(KEY_BYTES) for _ in range(3))
        return cls({key_id: key}, current=key_id, index_key=index_key, evidence_keys={f"{key_id}-evidence": evidence})

    @classmethod
    def from_json(cls, text: str) -> Keyring:
        """Return the keyring that `to_json` wrote as `text`. Raises: ConfigurationError for anything else."""
        found: dict[str, Any] | None
        try:
            found = decoded_parts(json.loads(text))
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
        ):  # a parser's error holds the text, and so the keys
            found = None
        if found is None:
            raise invalid("不是密钥环", "not a keyring")
        return cls(**found)

    def to_json(self) -> str:
        """Return the keys themselves as JSON text, for the host's secret store."""
        data: dict[str, Any] = {"current": self.current, "keys": encoded(self._keys)}
        data["index_key"] = base64.b64encode(self._index_key).decode()
        if self.index_id:
            data["index_id"] = self.index_id
        if self._former_index_keys:
            data["former_index_keys"] = encoded(self._former_index_keys)
        if self._evidence_keys:
            data |= {"evidence_key": self.evidence_key, "evidence_keys": encoded(self._evidence_keys)}
        return json.dumps(data)

    def rotated(self, key_id: str, key: bytes | None = None) -> Keyring:
        """Return the keyring with one key more, which is the current one from now on; the others still decrypt.

        Args:
            key_id: Id of the new key.
            key: Its 32 bytes; random if not given.

        Raises: ConfigurationError for an id that is there already.
        """
        if key_id in self._keys:
            zh, en = f"已有密钥 {told(key_id)}", f"there is a key {told(key_id)} already"
            raise invalid(zh, en)
        keys = self._keys.set(key_id, key if key is not None else os.urandom(KEY_BYTES))
        return self._like(keys=keys, current=key_id)

    def without(self, key_id: str) -> Keyring:
        """Return the keyring without the key `key_id`, which nothing needs any more; without more ado if it has none.

        Raises: ConfigurationError for the current key.
        """
        return self._like(keys=self._keys.without(key_id))

    def with_index_key(self, index_id: str, key: bytes | None = None) -> Keyring:
        """Return the keyring with another key for blind indexes; values are still found under the one that it replaces.

        Args:
            index_id: Id of the new key, which no index key has or had.
            key: Its 32 bytes; random if not given.

        Raises: ConfigurationError for an id that is there already.
        """
        former = self._former_index_keys.set(self.index_id, self._index_key)
        new = key if key is not None else os.urandom(KEY_BYTES)
        return self._like(index_key=new, index_id=index_id, former_index_keys=former)

    def without_index_key(self, index_id: str) -> Keyring:
        """Return the keyring without the former index key `index_id`, whose digests claim and find nothing any more.

        Where it has no such former key, and for the current one, it is the same keyring.
        """
        return self._like(former_index_keys=self._former_index_keys.without(index_id))

    def _like(self, **other: Any) -> Keyring:
        known: dict[str, Any] = {
            "keys": self._keys,
            "current": self.current,
            "index_key": self._index_key,
            "index_id": self.index_id,
            "former_index_keys": self._former_index_keys,
            "evidence_keys": self._evidence_keys,
            "evidence_key": self.evidence_key,
        }
        return Keyring(**{**known, **other})

    # --- values

    def seal(self, text: str, context: SealContext, /) -> Sealed:
        """Return the encrypted form of `text`, with its blind index."""
        index = self.index(text, context)
        former = self.former_indexes(text, context) if self._former_index_keys else ()
        if context.data_key is None:
            body = encrypt(self._ciphers[self.current], text.encode(), bound(_DIRECT, context))
            return Sealed(f"{_DIRECT}.{self.current}.{body}", index, None, None, former)
        body = encrypt(self._data_keys.cipher_of(context), text.encode(), bound(_BY_DATA_KEY, context))
        return Sealed(f"{_BY_DATA_KEY}.{body}", index, None, None, former)

    def open(self, sealed: Sealed, context: SealContext, /) -> str:
        """Return the text. Raises: InvalidInputError (`unreadable_value`) if its key is missing or it was altered."""
        version, _, rest = sealed.token.partition(".")
        if version == _BY_DATA_KEY:
            if context.data_key is None:
                raise unreadable(context, "-")
            opened = decrypt(self._data_keys.cipher_of(context), rest, bound(_BY_DATA_KEY, context))
        else:
            key_id, _, body = rest.partition(".")
            cipher = self._ciphers.get(key_id) if version == _DIRECT else None
            opened = None if cipher is None else decrypt(cipher, body, bound(_DIRECT, context))
        if opened is None:
            raise unreadable(context, self._key_id(sealed, context))
        return opened.decode()

    def index(self, text: str, context: SealContext, /) -> str:
        """Return the blind index of `text`: equal texts of one tenant, module and field have equal ones."""
        return digest(self.index_id, self._index_key, text, context)

    def former_indexes(self, text: str, context: SealContext, /) -> tuple[str, ...]:
        """Return the blind indexes of `text` under the keys that are being replaced, in the order of their ids here."""
        return tuple(digest(index_id, key, text, context) for index_id, key in self._former_index_keys.items())

    def indexed_by(self, index: str, /) -> str:
        """Return the id of the key that made a blind index."""
        return index.rpartition(".")[0]

    # --- data keys

    def new_data_key(self, context: SealContext, /) -> str:
        """Return a new random data key for the field of a record, wrapped by the current key."""
        return self._data_keys.new(context)

    def new_data_keys(self, contexts: Sequence[SealContext], /) -> list[str]:
        """Return a new random data key for each field of a record."""
        return [self.new_data_key(context) for context in contexts]

    def wrapped_by(self, data_key: str, /) -> str:
        """Return the id of the key that a data key is wrapped by."""
        return wrapped_by(data_key)

    def rewrapped(self, data_key: str, context: SealContext, /) -> str:
        """Return the same data key wrapped by the current key. Raises: InvalidInputError (`unreadable_value`)."""
        return self._data_keys.rewrapped(data_key, context)

    def rewrapped_all(self, contexts: Sequence[SealContext], /) -> list[str | None]:
        """Return the data key of each context wrapped by the current key; `None` for one that no key opens."""
        return [self._rewrapped(context) for context in contexts]

    def _rewrapped(self, context: SealContext) -> str | None:
        try:
            return self._data_keys.rewrapped(str(context.data_key), context)
        except InvalidInputError:
            return None

    def _key_id(self, sealed: Sealed, context: SealContext) -> str:
        if context.data_key is not None and sealed.token.startswith(f"{_BY_DATA_KEY}."):
            return wrapped_by(context.data_key)
        version, key_id, *rest = f"{sealed.token}..".split(".")
        return key_id if version == _DIRECT and rest[0] else "-"  # of what is no token, nothing is told

    # --- evidence

    def authenticate(self, key_id: str, message: bytes, /) -> bytes | None:
        """Return the HMAC-SHA-256 of a message under an evidence key, or `None` where there is no such key."""
        keyed = self._proving.get(key_id)
        return None if keyed is None else authenticated(keyed, message)

    def __repr__(self) -> str:
        return f"Keyring(current={self.current!r}, keys={sorted(self._keys)})"

    def __reduce__(self) -> str:
        raise TypeError("a keyring does not pickle: pass it to each process from the host's secret store")
