"""Showing part of a value."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

__all__ = ["MASK_STYLES", "mask"]

_ALL: Final = "******"
_HIDDEN: Final = "****"
_LANDLINE: Final = re.compile(r"(0[0-9]{2,3}-)[0-9]{3,4}([0-9]{4})(?:-[0-9]+)?")
_EXTENSION: Final = re.compile(r"[x\-][0-9]+\Z")
_COMPOUND: Final = re.compile(
    "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|司徒|令狐|夏侯|端木|南宫|独孤|长孙|宇文|呼延|闻人|申屠|太史|轩辕|赫连|澹台"
)


def _phone(text: str) -> str:
    if match := _LANDLINE.fullmatch(text):
        return f"{match[1]}{_HIDDEN}{match[2]}"
    number = _EXTENSION.sub("", text)
    return f"{number[:3]}{_HIDDEN}{number[-4:]}" if len(number) >= 11 else _last4(number)


def _name(text: str) -> str:
    if len(text) < 2:
        return _ALL
    shown = 2 if len(text) > 2 and _COMPOUND.match(text) else 1
    return text[:shown] + "*" * min(len(text) - shown, 2)


def _id(text: str) -> str:
    return "*" * 14 + text[-4:] if len(text) >= 8 else _ALL


def _email(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if not local or not domain:
        return _ALL
    return f"{local[0] if len(local) > 1 else ''}***@{domain}"


def _last4(text: str) -> str:
    return _HIDDEN + text[-4:] if len(text) >= 8 else _ALL


def _full(text: str) -> str:  # noqa: ARG001
    return _ALL


_STYLES: Final[dict[str, Callable[[str], str]]] = {
    "phone": _phone,
    "name": _name,
    "id": _id,
    "email": _email,
    "last4": _last4,
    "full": _full,
}

MASK_STYLES: Final = frozenset(_STYLES)
"""What a field's `mask` may be."""


def mask(style: str, text: str) -> str:
    """Return `text` with its telling part hidden; all of it where it is too short, or the style is unknown.

    >>> mask("phone", "13812345678"), mask("name", "张三"), mask("email", "alice@example.com")
    ('138****5678', '张*', 'a***@example.com')
    """
    plain = text.strip()
    masked = _STYLES.get(style, _full)(plain) if text else ""
    # A value may happen to look like its own mask, such as the name "0*".
    return masked if masked != plain or not text else _full(plain)
