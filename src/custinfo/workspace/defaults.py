"""The clock and the ids that a workspace uses when the host gives none."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime

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
        milliseconds = int(self._clock().timestamp() * 1000)
        with self._lock:
            # 12 bits behind the milliseconds count within one: taken together they only ever go up.
            self._last = max(self._last + 1, milliseconds << 12)
            stamp = self._last
        random = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
        value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | random
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
