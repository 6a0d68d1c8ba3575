"""Time, ids and keys: what a pure core has to be told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import attrs

from custinfo.core.records import FieldKey, ModuleKey, RecordId, Sealed

__all__ = ["Clock", "Ids", "Keyring", "SealContext"]

Clock = Callable[[], datetime]
"""Return the present instant, aware."""

Ids = Callable[[], str]
"""Return a new UUIDv7 in text form; later ones sort after earlier ones."""


@attrs.frozen
class SealContext:
    """Say whose value is sealed. It is bound into the ciphertext: a token moved elsewhere does not open."""

    tenant: str
    module: ModuleKey
    field: FieldKey
    record_id: RecordId


class Keyring(Protocol):
    """Encrypt and decrypt values; `custinfo.adapters.crypto.Keyring` is the one to use."""

    def seal(self, text: str, context: SealContext, /) -> Sealed:
        """Return the encrypted form, with a blind index by which equal values of a field are found."""

    def open(self, sealed: Sealed, context: SealContext, /) -> str:
        """Return the text. Raises: InvalidInputError (`unreadable_value`) if the key is missing or it was altered."""
