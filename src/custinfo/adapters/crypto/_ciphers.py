"""AES-256-GCM and HMAC-SHA-256 of texts, bound to the place where they stand, in URL-safe base64."""

from __future__ import annotations

import hmac
import json
import os
from binascii import a2b_base64, b2a_base64
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from custinfo.ports.system import SealContext

__all__ = ["authenticated", "bound", "decrypt", "digest", "encrypt"]

_NONCE_BYTES: Final = 12
_TO_URLS: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URLS: Final = bytes.maketrans(b"-_", b"+/")
_quoted: Final = json.encoder.encode_basestring


def encrypt(cipher: AESGCM, data: bytes, place: bytes) -> str:
    """Return data encrypted under a random nonce, bound to a place, which is its associated data."""
    nonce = os.urandom(_NONCE_BYTES)
    return _to_text(nonce + cipher.encrypt(nonce, data, place))


def decrypt(cipher: AESGCM, body: str, place: bytes) -> bytes | None:
    """Return what `encrypt` encrypted, `None` for anything else."""
    try:
        encrypted = a2b_base64(body.encode().translate(_FROM_URLS))
        return cipher.decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], place)
    except (InvalidTag, ValueError):
        return None


def bound(form: str, context: SealContext) -> bytes:
    """Return the place of a value or key as bytes, unambiguous."""
    return _joined(form, context.tenant, context.module, context.field, context.record_id)


def digest(index_id: str, key: bytes, text: str, context: SealContext) -> str:
    """Return the blind index of a text in its tenant, module and field, which begins with the id of its key."""
    message = _joined(context.tenant, context.module, context.field, text)
    made = _to_text(hmac.digest(key, message, "sha256"))
    return f"{index_id}.{made}" if index_id else made


def authenticated(keyed: hmac.HMAC, message: bytes) -> bytes:
    """Return the digest of a message under a key; taking the key in anew would take half as long again."""
    copy = keyed.copy()
    copy.update(message)
    return copy.digest()


def _to_text(data: bytes) -> str:
    """Return bytes in URL-safe base64, as `urlsafe_b64encode` gives it at twice the price."""
    return b2a_base64(data, newline=False).translate(_TO_URLS).decode()


def _joined(*texts: str) -> bytes:
    """Return texts as a list in JSON."""
    return f"[{', '.join(map(_quoted, texts))}]".encode()
