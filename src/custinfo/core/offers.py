"""Ask what an object of the host's can do beyond what it must."""

from __future__ import annotations

from typing import TypeVar, cast

__all__ = ["offered"]

P = TypeVar("P")


def offered(held: object, port: type[P]) -> P | None:
    """Return the object as the port, if it has every member that the port itself names; `None` otherwise.

    `isinstance` would do on Python 3.11. Since 3.12 it looks past what an object passes on by `__getattr__`, and a
    host's wrapper that counts or logs calls would lose what it wraps.

    Args:
        held: Anything, also `None`.
        port: A protocol. Members of the protocols that it extends are taken for granted.

    Example:
        >>> from custinfo.ports import BlindIndex
        >>> offered(None, BlindIndex) is None
        True
    """
    members = (name for name in vars(port) if not name.startswith("_"))
    return cast("P", held) if all(hasattr(held, name) for name in members) else None
