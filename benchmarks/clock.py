"""The time that work takes a processor: here, and in the processes of a database on the same machine that work for it.

What else the machine does in the meantime counts less than it does by a clock on the wall. Where the times of the
database's processes can't be read, it is the wall's.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, text

__all__ = ["Clock"]


class Clock:
    """Tell the time that everything has taken that works through an engine; listen before it connects."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: list[Path] = []
        self._ids: list[int] = []
        event.listen(engine, "connect", self._connected)

    def _connected(self, connection: Any, _record: Any) -> None:
        if self._engine.dialect.name == "postgresql":
            self._known.append(Path(f"/proc/{connection.info.backend_pid}/schedstat"))
            with connection.cursor() as cursor:  # no time is spent where it isn't seen
                cursor.execute("SET max_parallel_workers_per_gather = 0")
            connection.commit()
        elif self._engine.dialect.name != "sqlite":
            self._ids.append(connection.thread_id())

    def look(self) -> None:
        """Find the threads of a server that has one process."""
        if not self._ids:
            return
        ids = ", ".join(map(str, self._ids))
        with self._engine.connect() as connection:
            rows = connection.execute(text(f"SELECT TID FROM information_schema.PROCESSLIST WHERE ID IN ({ids})"))
            threads = [row[0] for row in rows]
        found = (list(Path("/proc").glob(f"[0-9]*/task/{thread}/schedstat")) for thread in threads)
        self._known = [path for paths in found for path in paths]

    def __call__(self) -> float:
        """Return seconds."""
        try:
            served = sum(int(path.read_text().split()[0]) for path in self._known if path.exists()) / 1e9
        except OSError:
            return time.perf_counter()
        return time.process_time() + served
