"""The clock and the ids that a workspace uses when the host gives none."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from typing import Final

from custinfo.ports.system import Clock

__all__ = ["Uuid7", "system_clock"]


def system_clock() -> datetime:
    """Return the present instant in UTC."""
    return datetime.now(UTC)


class Uuid7:
    """Make UUIDs of version 7 (RFC 9562): milliseconds, a counter within the millisecond, and random bits.

    Ids of one maker are strictly increasing, also when the clock stands still or goes back. Safe in threads.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0

    def __call__(self) -> str:
        """Return a new id in text form."""
        return self.many(1)[0]

    def many(self, number: int) -> list[str]:
        """Return so many new ids, one above the other: clock and system are asked once."""
        milliseconds = int(self._clock().timestamp() * 1000)
        with self._lock:
            # 12 bits behind the milliseconds count within one: taken together they only ever go up.
            first = max(self._last + 1, milliseconds << 12)
            self._last = first + number - 1
        noise = os.urandom(8 * number).hex()
        return [_text(first + place, noise[16 * place : 16 * place + 16]) for place in range(number)]


def _text(stamp: int, noise: str) -> str:
    """Return the id of a stamp, and 16 hexadecimal digits of which the first two bits give way to the variant."""
    time = f"{stamp >> 12:012x}"
    return f"{time[:8]}-{time[8:]}-7{stamp & 0xFFF:03x}-{_VARIANT[noise[0]]}{noise[1:4]}-{noise[4:]}"


_VARIANT: Final = {digit: "89ab"[number & 3] for number, digit in enumerate("0123456789abcdef")}
