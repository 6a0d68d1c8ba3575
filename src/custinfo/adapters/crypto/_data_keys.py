"""Data keys: wrapped by the current key of a keyring, and the latest of them kept unwrapped."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from custinfo.adapters.crypto._ciphers import bound, decrypt, encrypt
from custinfo.adapters.crypto._keys import KEY_BYTES, unreadable
from custinfo.ports.system import SealContext

__all__ = ["WrappedKeys", "wrapped_by"]

_FORM: Final = "w1"

_KEPT: Final = 4096
"""So many data keys are kept unwrapped, the latest."""


class WrappedKeys:
    """Make and open data keys; of the `ciphers`, which have the ids of their keys, the `current` one wraps.

    Threads may share it.
    """

    def __init__(self, ciphers: Mapping[str, AESGCM], current: str) -> None:
        self._ciphers = ciphers
        self._current = current
        self._unwrapped: OrderedDict[SealContext, AESGCM] = OrderedDict()  # a dict looks long for its first key
        self._lock = Lock()

    def new(self, context: SealContext) -> str:
        """Return a new random data key, wrapped; what it is made for comes next, so that it is kept."""
        key = os.urandom(KEY_BYTES)
        wrapped = self._wrap(key, context)
        made = SealContext(context.tenant, context.module, context.field, context.record_id, wrapped)
        self._keep(made, AESGCM(key))
        return wrapped

    def cipher_of(self, context: SealContext) -> AESGCM:
        """Return what encrypts by the data key of a context. Raises: InvalidInputError (`unreadable_value`)."""
        known = self._unwrapped.get(context)
        if known is None:
            known = AESGCM(self._unwrap(str(context.data_key), context))
            self._keep(context, known)
        return known

    def rewrapped(self, data_key: str, context: SealContext) -> str:
        """Return the same data key wrapped by the current key. Raises: InvalidInputError (`unreadable_value`)."""
        return self._wrap(self._unwrap(data_key, context), context)

    def _wrap(self, key: bytes, context: SealContext) -> str:
        return f"{_FORM}.{self._current}.{encrypt(self._ciphers[self._current], key, bound(_FORM, context))}"

    def _unwrap(self, data_key: str, context: SealContext) -> bytes:
        version, _, rest = data_key.partition(".")
        key_id, _, body = rest.partition(".")
        cipher = self._ciphers.get(key_id) if version == _FORM else None
        key = None if cipher is None else decrypt(cipher, body, bound(_FORM, context))
        if key is None:
            raise unreadable(context, wrapped_by(data_key) or "-")
        return key

    def _keep(self, context: SealContext, cipher: AESGCM) -> None:
        with self._lock:
            if len(self._unwrapped) >= _KEPT:
                self._unwrapped.popitem(last=False)
            self._unwrapped[context] = cipher


def wrapped_by(data_key: str) -> str:
    """Return the id of the key that a data key is wrapped by; empty for what is no data key."""
    return data_key.split(".")[1] if data_key.startswith(f"{_FORM}.") else ""
