"""The same changes by hand through the raw driver, and by SQLAlchemy-Continuum, on one table."""

from __future__ import annotations

import importlib
import itertools
import json
import random
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

__all__ = ["FIELDS", "ByHand", "Rows", "continuum"]

FIELDS: Final = (
    "name", "customer_type", "industry", "contact_name", "phone", "email", "uscc", "status", "seller", "budget",
    "region", "submitted_on",
)  # fmt: skip
_DIFFERENT: Final = ("phone", "budget")


class Rows:
    """Made-up customers of 12 texts."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __iter__(self) -> Iterator[dict[str, str]]:
        rng = random.Random(7)
        for number in range(self._count):
            values = (
                f"示例{number:06}科技有限公司", "企业客户", rng.choice(("制造业", "零售", "物流")), "周雨桐",
                f"139{number:08}", f"contact{number}@example.com", f"91110105MA{number:08}", "高潜", "李四",
                str(rng.randrange(10**6)), rng.choice(("上海", "江苏", "广东")), "2024-03-15",
            )  # fmt: skip
            yield dict(zip(FIELDS, values, strict=True))


class ByHand:
    """One table of customers and one of what changed, through `sqlite3`."""

    def __init__(self, path: Path, count: int) -> None:
        self._driver = sqlite3.connect(path, isolation_level=None)
        self._driver.execute("PRAGMA journal_mode = WAL")
        self._driver.execute("PRAGMA synchronous = NORMAL")
        columns = ", ".join(f"{field} TEXT" for field in FIELDS)
        self._driver.execute(f"CREATE TABLE customer (id TEXT PRIMARY KEY, version INTEGER, {columns}) WITHOUT ROWID")
        self._driver.execute(
            "CREATE TABLE change (record_id TEXT, version INTEGER, at TEXT, actor TEXT, fields TEXT, "
            "PRIMARY KEY (record_id, version)) WITHOUT ROWID"
        )
        self._ids = [str(uuid.UUID(int=number)) for number in range(count)]
        marks = ", ".join("?" * (len(FIELDS) + 2))
        rows = ((key, 1, *row.values()) for key, row in zip(self._ids, Rows(count), strict=True))
        self._driver.executemany(f"INSERT INTO customer VALUES ({marks})", rows)
        self._turn = 0

    def close(self) -> None:
        """Close the connection."""
        self._driver.close()

    def _new(self) -> tuple[str, str]:
        self._turn += 1
        return f"138{self._turn:08}", str(self._turn)

    def update(self) -> None:
        """Change two fields, and keep nothing of what was."""
        phone, budget = self._new()
        self._driver.execute("BEGIN")
        self._driver.executemany(
            "UPDATE customer SET phone = ?, budget = ?, version = version + 1 WHERE id = ?",
            [(phone, budget, key) for key in self._ids],
        )
        self._driver.execute("COMMIT")

    def update_with_history(self) -> None:
        """Read, change two fields, find what differs, and write both."""
        new = dict(zip(_DIFFERENT, self._new(), strict=True))
        now = datetime.now(UTC).isoformat()
        self._driver.execute("BEGIN")
        names = ", ".join(FIELDS)
        rows, changes = [], []
        for key, version, *values in self._driver.execute(f"SELECT id, version, {names} FROM customer").fetchall():
            before = dict(zip(FIELDS, values, strict=True))
            after = {**before, **new}
            fields = [[field, before[field], after[field]] for field in FIELDS if before[field] != after[field]]
            rows.append((after["phone"], after["budget"], version + 1, key, version))
            changes.append((key, version + 1, now, "ann", json.dumps(fields, ensure_ascii=False)))
        self._driver.executemany(
            "UPDATE customer SET phone = ?, budget = ?, version = ? WHERE id = ? AND version = ?", rows
        )
        self._driver.executemany("INSERT INTO change VALUES (?, ?, ?, ?, ?)", changes)
        self._driver.execute("COMMIT")


@contextmanager
def continuum(folder: Path, count: int) -> Iterator[dict[str, Callable[[], None]]]:
    """Give what updates the same table through a session that SQLAlchemy-Continuum versions, by its strategies."""
    try:
        library = importlib.import_module("sqlalchemy_continuum")
    except ImportError:
        print("SQLAlchemy-Continuum is not installed, and left out: it is in the dependency group bench")
        yield {}
        return
    from sqlalchemy import String, select
    from sqlalchemy.orm import DeclarativeBase, Session, configure_mappers, mapped_column

    from custinfo.adapters.sqlalchemy._engines import open_engine

    library.make_versioned(user_cls=None)

    class Base(DeclarativeBase):
        pass

    def mapped(strategy: str) -> Any:
        columns: dict[str, Any] = {field: mapped_column(String(100)) for field in FIELDS}
        columns |= {"id": mapped_column(String(36), primary_key=True), "__tablename__": strategy}
        return type(strategy.title(), (Base,), {**columns, "__versioned__": {"strategy": strategy}})

    classes = {strategy: mapped(strategy) for strategy in ("validity", "subquery")}
    configure_mappers()
    engine = open_engine(f"sqlite:///{folder / 'continuum.db'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for customer in classes.values():
            session.add_all(customer(id=str(uuid.UUID(int=number)), **row) for number, row in enumerate(Rows(count)))
        session.commit()
    turns = itertools.count()

    def update(customer: Any) -> None:
        turn = next(turns)
        with closing(Session(engine)) as session:
            for item in session.scalars(select(customer)):
                item.phone, item.budget = f"138{turn:08}", str(turn)
            session.commit()

    yield {strategy: partial(update, customer) for strategy, customer in classes.items()}
    engine.dispose()
    library.remove_versioning()
