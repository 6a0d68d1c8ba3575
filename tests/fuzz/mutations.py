"""Real files, damaged in the ways in which files get damaged, and in the ways in which attackers damage them."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable, Sequence

__all__ = ["mutated"]

_TOKENS = (
    b"", b"0", b"-1", b"1048576", b"1048577", b"4294967296", b"99999999999999999999", b"A1", b"XFD1048576", b"AAAA1",
    b"A0", b"1", b"NaN", b"1e309", b"#REF!", b"\xff\xfe", b"\x00", b"<", b"&", b"&x;", b"]]>", b"s", b"n", b"d", b"e",
    b"b", b"inlineStr", b"str", b"\xe4\xb8\xad" * 40, b"' OR 1=1", b"A1:XFD1048576", b"_x0041_", b"utf-32",
)  # fmt: skip
_VALUE = re.compile(rb'"[^"<>]{0,60}"|>[^<>]{1,60}<')
_TAG = re.compile(rb"<[^<>]{1,200}>")

Mutation = Callable[[random.Random, bytes], bytes]


def _place(rng: random.Random, content: bytes) -> int:
    return rng.randrange(len(content) + 1)


def _flipped(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _truncated(rng: random.Random, content: bytes) -> bytes:
    return content[: _place(rng, content)]


def _inserted(rng: random.Random, content: bytes) -> bytes:
    at = _place(rng, content)
    return content[:at] + rng.choice((*_TOKENS, rng.randbytes(rng.randrange(1, 200)))) + content[at:]


def _repeated(rng: random.Random, content: bytes) -> bytes:
    start = _place(rng, content)
    part = content[start : start + rng.randrange(1, 2000)]
    return content[:start] + part * rng.choice((2, 3, 50)) + content[start:]


def _removed(rng: random.Random, content: bytes) -> bytes:
    start = _place(rng, content)
    return content[:start] + content[start + rng.randrange(1, 500) :]


def _swapped(rng: random.Random, content: bytes) -> bytes:
    """Put something else in place of an attribute's value or a text."""
    places = [match.span() for match in _VALUE.finditer(content)]
    if not places:
        return _flipped(rng, content)
    for start, end in sorted(rng.sample(places, min(len(places), rng.choice((1, 1, 3)))), reverse=True):
        content = content[: start + 1] + rng.choice(_TOKENS) + content[end - 1 :]
    return content


def _retagged(rng: random.Random, content: bytes) -> bytes:
    """Remove, repeat or move a tag."""
    tags = [match.span() for match in _TAG.finditer(content)]
    if not tags:
        return _flipped(rng, content)
    start, end = rng.choice(tags)
    tag = content[start:end]
    match rng.randrange(4):
        case 0:
            return content[:start] + content[end:]
        case 1:
            return content[:end] + tag * rng.choice((1, 2, 1000)) + content[end:]
        case 2:
            at = rng.choice(tags)[0]
            return content[:at] + tag + content[at:]
        case _:
            return content[:start] + tag.replace(b"/>", b">").replace(b"<", b"<x:") + content[end:]


_BYTES: Sequence[Mutation] = (_flipped, _truncated, _inserted, _repeated, _removed)
_MARKUP: Sequence[Mutation] = (_swapped, _swapped, _swapped, _retagged, _retagged, *_BYTES)


def _repacked(rng: random.Random, content: bytes) -> bytes:
    """Change parts of a package, and pack it again so that it is sound as an archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # a source that is damaged itself
        return rng.choice(_BYTES)(rng, content)
    if not parts:
        return content
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        likely = [item for item in parts if "sheet" in item or "workbook" in item or "Strings" in item]
        name = rng.choice([*parts, *likely, *likely])
        match rng.randrange(12):
            case 0:
                parts.pop(name, None)
            case 1:
                parts[name] = rng.choice(list(parts.values()))
            case 2:
                parts[name.upper()] = parts.pop(name)
            case _:
                parts[name] = rng.choice(_MARKUP)(rng, parts[name])
        if not parts:
            break
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return packed.getvalue()


def mutated(rng: random.Random, content: bytes) -> bytes:
    """Return a file made from a real one."""
    if content.startswith(b"PK") and rng.random() < 0.75:
        return _repacked(rng, content)
    for _ in range(rng.choice((1, 1, 2, 3))):
        content = rng.choice(_BYTES)(rng, content)
    return content
