"""Showing part of a value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

__all__ = ["MASK", "MASK_STYLES", "Masker", "any_style", "common_style", "is_mask_style", "looks_masked", "mask"]

Masker = Callable[[str], str]
"""Return the text of a value with its telling part hidden; the value of a host's own style of masks."""

MASK: Final = "***"
"""Text with this in it is a mask, where it stands in a field that its writer may not read: see `looks_masked`."""

_ALL: Final = "******"
_HIDDEN: Final = "****"
_LANDLINE: Final = re.compile(r"(0[0-9]{2,3}-)[0-9]{3,4}([0-9]{4})(?:-[0-9]+)?")
_KEEP: Final = re.compile(r"keep:([0-9]{1,2}),([0-9]{1,2})")
_OR: Final = "|"
"""Stands between styles of which any may be shown."""
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


def _kept(style: str) -> Masker | None:
    """Return what a style such as `keep:3,4` says: the first three and the last four characters are shown.

    At least four characters are hidden, so that a short value is hidden wholly.
    """
    match = _KEEP.fullmatch(style)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])

    def masked(text: str) -> str:
        if len(text) < first + last + len(_HIDDEN):
            return _ALL
        return f"{text[:first]}{_HIDDEN}{text[len(text) - last :]}"

    return masked


_STYLES: Final[dict[str, Masker]] = {
    "phone": _phone,
    "name": _name,
    "id": _id,
    "email": _email,
    "last4": _last4,
    "full": _full,
}

MASK_STYLES: Final = frozenset(_STYLES)
"""What a field's `mask` may be, beside `keep:3,4` and the styles of the host."""


def is_mask_style(style: str, masks: Mapping[str, Masker]) -> bool:
    """Return whether there is such a style: one of ours, `keep:first,last`, or one of the host's `masks`."""
    if _OR in style:
        return False
    return style in _STYLES or style in masks or _KEEP.fullmatch(style) is not None


def looks_masked(text: str, style: str) -> bool:
    """Tell whether a text is, by its looks, a mask of one of our styles: of any, or of `style` where that is `name`.

    A mask of a name has too few characters hidden to be told without knowing that names are masked there.

    >>> looks_masked("138****5678", "full"), looks_masked("张*", "name"), looks_masked("A*", "full")
    (True, True, False)
    """
    if MASK in text:
        return True
    plain = text.strip()
    return "*" in plain and "name" in style.split(_OR) and _name(plain) == plain


def any_style(one: str, other: str) -> str:
    """Return the style by which whoever may see a value masked in either way sees the one that shows most of it."""
    return one if one == other else _OR.join(sorted({*one.split(_OR), *other.split(_OR)}))


def common_style(one: str, other: str) -> str:
    """Return the style that is allowed on both sides, which hides all where there is none.

    >>> any_style("phone", "last4"), common_style("last4|phone", "phone"), common_style("last4", "phone")
    ('last4|phone', 'phone', 'full')
    """
    return one if one == other else _OR.join(sorted({*one.split(_OR)} & {*other.split(_OR)})) or "full"


def mask(style: str, text: str, masks: Mapping[str, Masker] | None = None) -> str:
    """Return `text` with its telling part hidden; all of it where it is too short, or the style is unknown.

    Args:
        style: One of `MASK_STYLES`; `keep:3,4` for the first three and the last four characters; or a key of `masks`.
            Of several with `|` between them, the one counts that shows most of this text.
        text: The value as people read it.
        masks: The host's own styles. One that raises, or gives the text itself, hides all.

    >>> mask("phone", "13812345678"), mask("name", "张三"), mask("email", "alice@example.com")
    ('138****5678', '张*', 'a***@example.com')
    >>> mask("keep:2,0", "京A12345")
    '京A****'
    """
    plain = text.strip()
    if not plain:
        return _ALL if text else ""
    if _OR in style:
        found = [mask(part, plain, masks) for part in style.split(_OR)]
        return max(found, key=lambda masked: (Counter(plain) & Counter(masked)).total())
    masker = _STYLES.get(style) or (masks or {}).get(style) or _kept(style) or _full
    try:
        masked = masker(plain)
    except Exception:  # what it says may hold the value
        return _ALL
    # A value may happen to look like its own mask, such as the name "0*".
    return masked if type(masked) is str and masked != plain else _ALL
