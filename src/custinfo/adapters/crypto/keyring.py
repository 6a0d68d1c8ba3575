"""A keyring: keys by id, one of them current, and a separate key for blind indexes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from typing import Final

from custinfo.core.errors import ConfigurationError, InvalidInputError, MissingExtraError
from custinfo.core.frozen import FrozenDict
from custinfo.core.problems import Problem
from custinfo.core.records import Sealed
from custinfo.ports.system import SealContext

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ModuleNotFoundError as error:
    raise MissingExtraError.of("crypto", "cryptography") from error

__all__ = ["Keyring"]

_FORMAT: Final = "v1"
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class Keyring:
    """Encrypt and decrypt field values; implements `custinfo.ports.Keyring`.

    Each value is encrypted by AES-256-GCM (NIST SP 800-38D) with a random nonce; tenant, module, field and record
    are bound in as associated data, so that a token copied to another place does not open. Equal values are
    found by a blind index: HMAC-SHA-256 of the value with a key of its own, apart for every tenant, module and field.

    Args:
        keys: Key id → 32 bytes. Ids are letters, digits, `-` and `_`. All of them decrypt.
        current: Id of the key that encrypts.
        index_key: 32 bytes for the blind indexes; it can't be replaced without indexing anew.

    Keep the keys apart from the database. The representation shows ids only.

    >>> from custinfo.core.records import RecordId
    >>> from custinfo.ports import SealContext
    >>> keyring = Keyring.generate()
    >>> place = SealContext("default", "customer", "id_number", RecordId("0190"))
    >>> keyring.open(keyring.seal("11010519491231002X", place), place)
    '11010519491231002X'
    """

    def __init__(self, keys: Mapping[str, bytes], *, current: str, index_key: bytes) -> None:
        if current not in keys:
            raise ConfigurationError([_invalid(f"the current key {current!r} is not among the keys")])
        for key_id, key in (*keys.items(), ("index_key", index_key)):
            if len(key) != _KEY_BYTES or not key_id.replace("-", "").replace("_", "").isalnum():
                raise ConfigurationError([_invalid(f"key {key_id!r} needs {_KEY_BYTES} bytes and an id of letters")])
        self._keys = FrozenDict(keys)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._index_key = index_key
        self.current = current

    @classmethod
    def generate(cls, key_id: str = "k1") -> Keyring:
        """Return a keyring with new random keys; keep `to_json()` of it in a safe place."""
        return cls({key_id: os.urandom(_KEY_BYTES)}, current=key_id, index_key=os.urandom(_KEY_BYTES))

    @classmethod
    def from_json(cls, text: str) -> Keyring:
        """Return the keyring that `to_json` wrote. Raises: ConfigurationError for anything else."""
        try:
            data = json.loads(text)
            keys = {key_id: base64.b64decode(key, validate=True) for key_id, key in data["keys"].items()}
            index_key = base64.b64decode(data["index_key"], validate=True)
            current = str(data["current"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError([_invalid("not a keyring")]) from error
        return cls(keys, current=current, index_key=index_key)

    def to_json(self) -> str:
        """Return the keys themselves as JSON text, for the host's secret store."""
        keys = {key_id: base64.b64encode(key).decode() for key_id, key in self._keys.items()}
        index_key = base64.b64encode(self._index_key).decode()
        return json.dumps({"current": self.current, "keys": keys, "index_key": index_key})

    def seal(self, text: str, context: SealContext, /) -> Sealed:
        """Return the encrypted form of `text`, with its blind index."""
        nonce = os.urandom(_NONCE_BYTES)
        encrypted = nonce + self._ciphers[self.current].encrypt(nonce, text.encode(), _bound(context))
        token = f"{_FORMAT}.{self.current}.{base64.urlsafe_b64encode(encrypted).decode()}"
        return Sealed(token, self.index(text, context))

    def open(self, sealed: Sealed, context: SealContext, /) -> str:
        """Return the text. Raises: InvalidInputError (`unreadable_value`) if its key is missing or it was altered."""
        version, _, rest = sealed.token.partition(".")
        key_id, _, body = rest.partition(".")
        cipher = self._ciphers.get(key_id)
        try:
            encrypted = base64.urlsafe_b64decode(body)
            if cipher is not None and version == _FORMAT:
                return cipher.decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], _bound(context)).decode()
        except (InvalidTag, ValueError):
            pass
        raise InvalidInputError([Problem("unreadable_value", context.field, params={"key": key_id})])

    def index(self, text: str, context: SealContext, /) -> str:
        """Return the blind index of `text`: equal texts of one tenant, module and field have equal ones."""
        message = json.dumps([context.tenant, context.module, context.field, text], ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(hmac.digest(self._index_key, message, hashlib.sha256)).decode()

    def __repr__(self) -> str:
        return f"Keyring(current={self.current!r}, keys={sorted(self._keys)})"

    def __reduce__(self) -> str:
        raise TypeError("a keyring does not pickle: pass it to each process from the host's secret store")


def _bound(context: SealContext) -> bytes:
    """Return the place of a value as bytes, unambiguous."""
    parts = [_FORMAT, context.tenant, context.module, context.field, context.record_id]
    return json.dumps(parts, ensure_ascii=False).encode()


def _invalid(hint: str) -> Problem:
    return Problem("configuration_invalid", params={"hint": hint})
