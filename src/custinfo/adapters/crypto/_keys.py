"""Keys and their ids: which ones make a keyring, how they stand in JSON, and what an error says of them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from custinfo.core.errors import ConfigurationError, InvalidInputError
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.ports.system import SealContext

__all__ = ["KEY_BYTES", "decoded_parts", "encoded", "invalid", "refuse_misfits", "told", "unreadable"]

KEY_BYTES: Final = 32

_LONGEST_TOLD: Final = 40
"""Longest id that an error quotes: a UUID has 36 characters, and 32 bytes as text have 43 at least."""


def refuse_misfits(keys: Iterable[tuple[str, bytes]]) -> None:
    """Refuse pairs of id and key that can't be used. Raises: ConfigurationError."""
    for key_id, key in keys:
        if len(key) != KEY_BYTES or not key_id.replace("-", "").replace("_", "").isalnum():
            zh = f"密钥 {told(key_id)} 须为 {KEY_BYTES} 字节，其标识只能用字母、数字、- 和 _"
            en = f"key {told(key_id)} needs {KEY_BYTES} bytes, and an id of letters, digits, - and _"
            raise invalid(zh, en)


def encoded(keys: Mapping[str, bytes]) -> dict[str, str]:
    """Return keys as JSON has them."""
    return {key_id: base64.b64encode(key).decode() for key_id, key in keys.items()}


def decoded_parts(data: Any) -> dict[str, Any]:
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


def _decoded(keys: Mapping[str, str]) -> dict[str, bytes]:
    return {key_id: base64.b64decode(key, validate=True) for key_id, key in keys.items()}


def told(key_id: str | None) -> str:
    """Return an id as an error quotes it; a key of 32 bytes that was given in its place has more characters."""
    text = str(key_id)
    return repr(text) if len(text) <= _LONGEST_TOLD else "…"


def invalid(chinese: str, english: str) -> ConfigurationError:
    """Return the error for what makes no keyring."""
    hint = Translated({"zh": chinese, "en": english}, "en")
    return ConfigurationError([Problem("configuration_invalid", params={"hint": hint})])


def unreadable(context: SealContext, key_id: str) -> InvalidInputError:
    """Return the error for a value or data key that the key of an id does not open."""
    return InvalidInputError([Problem("unreadable_value", context.field, params={"key": key_id})])
