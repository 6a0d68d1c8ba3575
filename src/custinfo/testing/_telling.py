"""What a failing contract says: where an answer differs from what was promised, down to the attribute.

Records and requests keep their values out of their representation, and pytest looks into assertions of the host's own
files only: without this an author would read `AssertionError`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any, Final

import attrs

__all__ = ["differences", "same", "skip_without"]

_MOST: Final = 8
"""So many differences are told, at most."""


def same(found: object, expected: object, about: object = None) -> None:
    """Check that an answer is what was promised, whatever kind of sequence or mapping it is.

    Args:
        found: The answer.
        expected: What it should be.
        about: What was asked, where that is not plain from the test.

    Raises: AssertionError, which tells where they differ.

    >>> same((1, 2), [1, 2])
    >>> same([{"a": 1, "b": 2}], [{"a": 1, "b": 3}])
    Traceback (most recent call last):
    AssertionError: [0]['b']: 2 instead of 3
    """
    if isinstance(expected, list) and isinstance(found, Sequence) and not isinstance(found, str):
        found = list(found)
    elif isinstance(expected, dict) and isinstance(found, Mapping):
        found = dict(found)
    if found == expected:
        return
    told = [*islice(differences(found, expected), _MOST)] or [f"{found!r} instead of {expected!r}"]
    raise AssertionError("\n".join([*([] if about is None else [f"{about}:"]), *told]))


def differences(found: Any, expected: Any, path: str = "") -> Iterator[str]:
    """Yield where two values differ: path, what is there, and what should be."""
    if found == expected:
        return
    if type(found) is type(expected) and attrs.has(type(found)):
        for field in attrs.fields(type(found)):
            if field.eq:
                yield from differences(
                    getattr(found, field.name), getattr(expected, field.name), f"{path}.{field.name}"
                )
    elif isinstance(found, Mapping) and isinstance(expected, Mapping):
        yield from _of_mappings(found, expected, path)
    elif isinstance(found, list | tuple) and isinstance(expected, list | tuple) and len(found) == len(expected):
        for place, (one, other) in enumerate(zip(found, expected, strict=True)):
            yield from differences(one, other, f"{path}[{place}]")
    elif isinstance(found, AbstractSet) and isinstance(expected, AbstractSet):
        yield f"{path or 'the answer'}: too much {_listed(found - expected)}, missing {_listed(expected - found)}"
    else:
        yield f"{path or 'the answer'}: {found!r} instead of {expected!r}"


def _of_mappings(found: Mapping[Any, Any], expected: Mapping[Any, Any], path: str) -> Iterator[str]:
    for key in dict.fromkeys((*expected, *found)):
        where = f"{path}[{key!r}]"
        if key not in expected:
            yield f"{where}: {found[key]!r}, which should not be there"
        elif key not in found:
            yield f"{where}: missing, instead of {expected[key]!r}"
        else:
            yield from differences(found[key], expected[key], where)


def _listed(items: AbstractSet[Any]) -> str:
    return ", ".join(sorted(map(repr, items))) or "nothing"


def skip_without(test: object, capability: str, lack: str) -> None:
    """Skip a test if its class says, by an attribute of the capability's name, that what it tests is not there."""
    if not getattr(test, capability):
        import pytest  # noqa: PLC0415 - a contract runs without it where nothing is skipped

        pytest.skip(f"{type(test).__name__}.{capability} is False: {lack}")
