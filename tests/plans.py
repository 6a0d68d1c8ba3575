"""Which partitions PostgreSQL looks into: every statement is noted, and its plan asked for afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

Plan = dict[str, Any]


class Statements:
    """Note each statement that reads or writes rows, once for each text, with the parameters of the first time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.noted: dict[str, Any] = {}
        self._looked_at: set[str] = set()
        event.listen(engine, "before_cursor_execute", self._note)

    def stop(self) -> None:
        """Note nothing any more."""
        event.remove(self._engine, "before_cursor_execute", self._note)

    @contextmanager
    def unnoticed(self) -> Iterator[None]:
        """Note nothing within the block."""
        self.stop()
        try:
            yield
        finally:
            event.listen(self._engine, "before_cursor_execute", self._note)

    def _note(self, _c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, executemany: bool) -> None:
        if statement.split(maxsplit=1)[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"):
            self.noted.setdefault(statement, parameters[0] if executemany and parameters else parameters)

    def astray(self) -> dict[str, list[str]]:
        """Return those since the last call that look into more than one partition, with the tables they look into."""
        new = {text: given for text, given in self.noted.items() if text not in self._looked_at}
        self._looked_at |= new.keys()
        found = {}
        with self.unnoticed(), self._engine.connect() as connection:
            for text, given in new.items():
                plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {text}", given).scalar_one()
                relations = sorted(set(_relations(plan[0]["Plan"])))
                if not _is_one(relations):
                    found[text] = relations
        return found


def _relations(plan: Plan) -> Iterator[str]:
    """Yield the names of all tables that a plan reads; what it writes are the rows that it reads, or new ones."""
    if "Relation Name" in plan and plan["Node Type"] != "ModifyTable":
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from _relations(part)


def _is_one(relations: list[str]) -> bool:
    """Tell whether all tables are partitions, and of one number."""
    parts = {name.rpartition("_p")[2] for name in relations}
    return len(parts) <= 1 and all(part.isdigit() for part in parts)
