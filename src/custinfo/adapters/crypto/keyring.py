"""A keyring: keys by id, one of them current, and separate keys for blind indexes and for evidence."""

from __future__ import annotations

import base64
import hmac
import json
import os
from binascii import a2b_base64, b2a_base64
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, Final

from custinfo.core.errors import ConfigurationError, InvalidInputError, MissingExtraError
from custinfo.core.frozen import FrozenDict
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.records import Sealed
from custinfo.ports.system import SealContext

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ModuleNotFoundError as error:
    raise MissingExtraError.of("crypto", "cryptography") from error

__all__ = ["Keyring"]

_DIRECT: Final = "v1"
_BY_DATA_KEY: Final = "v2"
_WRAPPED: Final = "w1"
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_LONGEST_TOLD: Final = 40
"""Longest id that an error quotes: a UUID has 36 characters, and 32 bytes as text have 43 at least."""

_CIPHERS: Final = 4096
"""So many data keys are kept unwrapped, the latest."""

_TO_URLS: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URLS: Final = bytes.maketrans(b"-_", b"+/")
_quoted: Final = json.encoder.encode_basestring


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
        self.evidence_key = evidence_key if evidence_key is not None else next(reversed(proving), None)
        if current not in keys or (self.evidence_key is not None and self.evidence_key not in proving):
            missing = current if current not in keys else self.evidence_key
            zh, en = "当前密钥 {} 不在密钥之中", "the current key {} is not among the keys"
            raise ConfigurationError([_invalid(zh.format(_told(missing)), en.format(_told(missing)))])
        former = FrozenDict(former_index_keys or {})
        if index_id in former:
            zh, en = "索引密钥 {} 不能既是当前密钥又是旧密钥", "the index key {} is current and former at once"
            raise ConfigurationError([_invalid(zh.format(_told(index_id)), en.format(_told(index_id)))])
        indexing = [(key_id or "index_key", key) for key_id, key in ((index_id, index_key), *former.items())]
        for key_id, key in (*keys.items(), *indexing, *proving.items()):
            if len(key) != _KEY_BYTES or not key_id.replace("-", "").replace("_", "").isalnum():
                zh = f"密钥 {_told(key_id)} 须为 {_KEY_BYTES} 字节，其标识只能用字母、数字、- 和 _"
                en = f"key {_told(key_id)} needs {_KEY_BYTES} bytes, and an id of letters, digits, - and _"
                raise ConfigurationError([_invalid(zh, en)])
        self._keys = FrozenDict(keys)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._index_key = index_key
        self._former_index_keys = former
        self.index_id = index_id
        self.former_index_ids = tuple(former)
        self._evidence_keys = proving
        self._proving = {key_id: hmac.new(key, digestmod="sha256") for key_id, key in proving.items()}
        self.current = current
        self._unwrapped: OrderedDict[SealContext, AESGCM] = OrderedDict()  # a dict looks long for its first key
        self._lock = Lock()

    @classmethod
    def generate(cls, key_id: str = "k1") -> Keyring:
        """Return a keyring with new random keys, the first one by the id `key_id`; keep `to_json()` in a safe place."""
        key, index_key, evidence = (os.urandom(_KEY_BYTES) for _ in range(3))
        return cls({key_id: key}, current=key_id, index_key=index_key, evidence_keys={f"{key_id}-evidence": evidence})

    @classmethod
    def from_json(cls, text: str) -> Keyring:
        """Return the keyring that `to_json` wrote as `text`. Raises: ConfigurationError for anything else."""
        found: dict[str, Any] | None
        try:
            found = _parts(json.loads(text))
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
        ):  # a parser's error holds the text, and so the keys
            found = None
        if found is None:
            raise ConfigurationError([_invalid("不是密钥环", "not a keyring")])
        return cls(**found)

    def to_json(self) -> str:
        """Return the keys themselves as JSON text, for the host's secret store."""
        data: dict[str, Any] = {"current": self.current, "keys": _encoded(self._keys)}
        data["index_key"] = base64.b64encode(self._index_key).decode()
        if self.index_id:
            data["index_id"] = self.index_id
        if self._former_index_keys:
            data["former_index_keys"] = _encoded(self._former_index_keys)
        if self._evidence_keys:
            data |= {"evidence_key": self.evidence_key, "evidence_keys": _encoded(self._evidence_keys)}
        return json.dumps(data)

    def rotated(self, key_id: str, key: bytes | None = None) -> Keyring:
        """Return the keyring with one key more, which is the current one from now on; the others still decrypt.

        Args:
            key_id: Id of the new key.
            key: Its 32 bytes; random if not given.

        Raises: ConfigurationError for an id that is there already.
        """
        if key_id in self._keys:
            zh, en = f"已有密钥 {_told(key_id)}", f"there is a key {_told(key_id)} already"
            raise ConfigurationError([_invalid(zh, en)])
        keys = self._keys.set(key_id, key if key is not None else os.urandom(_KEY_BYTES))
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
        new = key if key is not None else os.urandom(_KEY_BYTES)
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
            body = _encrypt(self._ciphers[self.current], text.encode(), _bound(_DIRECT, context))
            return Sealed(f"{_DIRECT}.{self.current}.{body}", index, None, None, former)
        body = _encrypt(self._cipher_of(context), text.encode(), _bound(_BY_DATA_KEY, context))
        return Sealed(f"{_BY_DATA_KEY}.{body}", index, None, None, former)

    def open(self, sealed: Sealed, context: SealContext, /) -> str:
        """Return the text. Raises: InvalidInputError (`unreadable_value`) if its key is missing or it was altered."""
        version, _, rest = sealed.token.partition(".")
        if version == _BY_DATA_KEY:
            if context.data_key is None:
                raise _unreadable(context, "-")
            opened = _decrypt(self._cipher_of(context), rest, _bound(_BY_DATA_KEY, context))
        else:
            key_id, _, body = rest.partition(".")
            cipher = self._ciphers.get(key_id) if version == _DIRECT else None
            opened = None if cipher is None else _decrypt(cipher, body, _bound(_DIRECT, context))
        if opened is None:
            raise _unreadable(context, self._key_id(sealed, context))
        return opened.decode()

    def index(self, text: str, context: SealContext, /) -> str:
        """Return the blind index of `text`: equal texts of one tenant, module and field have equal ones."""
        return _digest(self.index_id, self._index_key, text, context)

    def former_indexes(self, text: str, context: SealContext, /) -> tuple[str, ...]:
        """Return the blind indexes of `text` under the keys that are being replaced, in the order of their ids here."""
        return tuple(_digest(index_id, key, text, context) for index_id, key in self._former_index_keys.items())

    def indexed_by(self, index: str, /) -> str:
        """Return the id of the key that made a blind index."""
        return index.rpartition(".")[0]

    # --- data keys

    def new_data_key(self, context: SealContext, /) -> str:
        """Return a new random data key for the field of a record, wrapped by the current key."""
        key = os.urandom(_KEY_BYTES)
        wrapped = self._wrap(key, context)
        made = SealContext(context.tenant, context.module, context.field, context.record_id, wrapped)
        self._keep(made, AESGCM(key))  # what it is made for comes next
        return wrapped

    def new_data_keys(self, contexts: Sequence[SealContext], /) -> list[str]:
        """Return a new random data key for each field of a record."""
        return [self.new_data_key(context) for context in contexts]

    def wrapped_by(self, data_key: str, /) -> str:
        """Return the id of the key that a data key is wrapped by."""
        return data_key.split(".")[1] if data_key.startswith(f"{_WRAPPED}.") else ""

    def rewrapped(self, data_key: str, context: SealContext, /) -> str:
        """Return the same data key wrapped by the current key. Raises: InvalidInputError (`unreadable_value`)."""
        return self._wrap(self._unwrap(data_key, context), context)

    def rewrapped_all(self, contexts: Sequence[SealContext], /) -> list[str | None]:
        """Return the data key of each context wrapped by the current key; `None` for one that no key opens."""
        return [self._rewrapped(context) for context in contexts]

    def _rewrapped(self, context: SealContext) -> str | None:
        try:
            return self._wrap(self._unwrap(str(context.data_key), context), context)
        except InvalidInputError:
            return None

    def _wrap(self, key: bytes, context: SealContext) -> str:
        return f"{_WRAPPED}.{self.current}.{_encrypt(self._ciphers[self.current], key, _bound(_WRAPPED, context))}"

    def _unwrap(self, data_key: str, context: SealContext) -> bytes:
        version, _, rest = data_key.partition(".")
        key_id, _, body = rest.partition(".")
        cipher = self._ciphers.get(key_id) if version == _WRAPPED else None
        key = None if cipher is None else _decrypt(cipher, body, _bound(_WRAPPED, context))
        if key is None:
            raise _unreadable(context, self.wrapped_by(data_key) or "-")
        return key

    def _cipher_of(self, context: SealContext) -> AESGCM:
        """Return what encrypts by the data key of a context."""
        known = self._unwrapped.get(context)
        if known is None:
            known = AESGCM(self._unwrap(str(context.data_key), context))
            self._keep(context, known)
        return known

    def _keep(self, context: SealContext, cipher: AESGCM) -> None:
        with self._lock:
            if len(self._unwrapped) >= _CIPHERS:
                self._unwrapped.popitem(last=False)
            self._unwrapped[context] = cipher

    def _key_id(self, sealed: Sealed, context: SealContext) -> str:
        if context.data_key is not None and sealed.token.startswith(f"{_BY_DATA_KEY}."):
            return self.wrapped_by(context.data_key)
        version, key_id, *rest = f"{sealed.token}..".split(".")
        return key_id if version == _DIRECT and rest[0] else "-"  # of what is no token, nothing is told

    # --- evidence

    def authenticate(self, key_id: str, message: bytes, /) -> bytes | None:
        """Return the HMAC-SHA-256 of a message under an evidence key, or `None` where there is no such key."""
        keyed = self._proving.get(key_id)
        return None if keyed is None else _authenticated(keyed, message)

    def __repr__(self) -> str:
        return f"Keyring(current={self.current!r}, keys={sorted(self._keys)})"

    def __reduce__(self) -> str:
        raise TypeError("a keyring does not pickle: pass it to each process from the host's secret store")


def _authenticated(keyed: hmac.HMAC, message: bytes) -> bytes:
    """Return the digest of a message under a key; taking the key in anew would take half as long again."""
    digest = keyed.copy()
    digest.update(message)
    return digest.digest()


def _digest(index_id: str, key: bytes, text: str, context: SealContext) -> str:
    message = _joined(context.tenant, context.module, context.field, text)
    digest = _to_text(hmac.digest(key, message, "sha256"))
    return f"{index_id}.{digest}" if index_id else digest


def _encrypt(cipher: AESGCM, data: bytes, bound: bytes) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    return _to_text(nonce + cipher.encrypt(nonce, data, bound))


def _decrypt(cipher: AESGCM, body: str, bound: bytes) -> bytes | None:
    try:
        encrypted = a2b_base64(body.encode().translate(_FROM_URLS))
        return cipher.decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], bound)
    except (InvalidTag, ValueError):
        return None


def _to_text(data: bytes) -> str:
    """Return bytes in URL-safe base64, as `urlsafe_b64encode` gives it at twice the price."""
    return b2a_base64(data, newline=False).translate(_TO_URLS).decode()


def _bound(form: str, context: SealContext) -> bytes:
    """Return the place of a value or key as bytes, unambiguous."""
    return _joined(form, context.tenant, context.module, context.field, context.record_id)


def _joined(*texts: str) -> bytes:
    """Return texts as a list in JSON."""
    return f"[{', '.join(map(_quoted, texts))}]".encode()


def _encoded(keys: Mapping[str, bytes]) -> dict[str, str]:
    return {key_id: base64.b64encode(key).decode() for key_id, key in keys.items()}


def _decoded(keys: Mapping[str, str]) -> dict[str, bytes]:
    return {key_id: base64.b64decode(key, validate=True) for key_id, key in keys.items()}


def _parts(data: Any) -> dict[str, Any]:
    """Return what makes a keyring, of the data of its JSON text. Raises: what it likes to, for what is none."""
    return {
        "keys": _decoded(data.get("keys") or {}),
        "current": str(data["current"]),
        "index_key": base64.b64decode(data["index_key"], validate=True),
        "index_id": str(data.get("index_id", "")),
        "former_index_keys": _decoded(data.get("former_index_keys") or {}),
        "evidence_keys": _decoded(data.get("evidence_keys") or {}),
        "evidence_key": None if (evidence_key := data.get("evidence_key")) is None else str(evidence_key),
    }


def _unreadable(context: SealContext, key_id: str) -> InvalidInputError:
    return InvalidInputError([Problem("unreadable_value", context.field, params={"key": key_id})])


def _told(key_id: str | None) -> str:
    """Return an id as an error quotes it; a key of 32 bytes that was given in its place has more characters."""
    text = str(key_id)
    return repr(text) if len(text) <= _LONGEST_TOLD else "…"


def _invalid(chinese: str, english: str) -> Problem:
    hint = Translated({"zh": chinese, "en": english}, "en")
    return Problem("configuration_invalid", params={"hint": hint})
