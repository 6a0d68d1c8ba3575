"""Statements that are compiled once and asked many times, each time with other values.

Building and compiling a statement takes SQLAlchemy longer than most of ours take the database. So a statement is kept
by its shape, which is everything about it but the values; these are given by their places.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Any, Final, Generic, TypeVar

import attrs
from sqlalchemy import BindParameter, Dialect, Executable, Table, bindparam
from sqlalchemy.types import TypeEngine

from custinfo.adapters.sqlalchemy._types import CodePointText

__all__ = [
    "LED",
    "TENANT",
    "Bounded",
    "Given",
    "Memory",
    "Question",
    "Ready",
    "given_parameter",
    "make_ready",
    "padded",
]

LED: Final = "led"
"""The alias of the rows that the index of a hint leads to."""

_PREFIX: Final = "given_"
_STATEMENTS: Final = 512
_NOTES: Final = 4096
_USES: Final = 500
_FINE: Final = 8
_COARSE: Final = 64

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Given(int):
    """Stand for a value in a statement: the place of the value among those that the statement is given."""

    __slots__ = ()


def given_parameter(given: Given, type_: TypeEngine[Any]) -> BindParameter[Any]:
    """Return the parameter for a value of a type."""
    return bindparam(f"{_PREFIX}{int(given)}", type_=type_)


TENANT: Final = given_parameter(Given(0), CodePointText(64))
"""The tenant, which every statement over records is given first."""


@attrs.frozen(eq=False)
class Ready:
    """Hold a compiled statement.

    Args:
        text: The statement in the driver's own style.
        statement: The statement itself, for connections that translate names of schemas.
        names: The names of the parameters, where the driver takes names; `None` where it takes them in order.
        order: The place of each parameter among the given values and, behind them, the constants.
        constants: What every execution of the statement is given, too, such as the names of fields in documents.
        count: How many values are given.
    """

    text: str
    statement: Executable
    names: tuple[str, ...] | None
    order: tuple[int, ...]
    constants: tuple[Any, ...]
    count: int

    def parameters(self, values: Sequence[Any]) -> Any:
        """Return the values as the driver takes them."""
        whole = [*values, *self.constants]
        taken = [whole[place] for place in self.order]
        return tuple(taken) if self.names is None else dict(zip(self.names, taken, strict=True))

    def by_name(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return the values as SQLAlchemy takes them."""
        return {f"{_PREFIX}{place}": value for place, value in enumerate(values)}


@attrs.frozen(eq=False)
class Question:
    """Ask a statement by its shape.

    Args:
        key: Of its shape.
        build: Builds the statement if it is asked for the first time.
        values: What it is given.
        hint: The index that is to lead to its rows.
        steady: Whether PostgreSQL may keep a plan for any values, which a question for titles or for few rows must not.
    """

    key: Hashable
    build: Callable[[], Any]
    values: Sequence[Any]
    hint: str | None = None
    steady: bool = False


def make_ready(statement: Any, dialect: Dialect, count: int, hint: str | None = None) -> Ready:
    """Compile a statement.

    Args:
        statement: The statement.
        dialect: Of which database.
        count: How many values it is given.
        hint: The index by which the rows named `LED` are to be found; only SQLite and MariaDB or MySQL take it.
    """
    compiled = statement.compile(dialect=dialect)
    names = compiled.positiontup if dialect.positional else [*compiled.binds]
    order: list[int] = []
    constants: list[Any] = []
    for name in names:
        if name.startswith(_PREFIX):
            order.append(int(name.removeprefix(_PREFIX)))
        else:
            order.append(count + len(constants))
            constants.append(_constant(compiled.binds[name], dialect))
    named = None if dialect.positional else tuple(names)
    return Ready(_hinted(str(compiled), dialect, hint), statement, named, tuple(order), tuple(constants), count)


def _constant(parameter: BindParameter[Any], dialect: Dialect) -> Any:
    process = parameter.type.dialect_impl(dialect).bind_processor(dialect)
    return parameter.value if process is None else process(parameter.value)


def _hinted(text: str, dialect: Dialect, hint: str | None) -> str:
    """Return a statement with a hint, which SQLAlchemy knows for MySQL only, and not by an index's quoted name."""
    if hint is None or dialect.name == "postgresql":
        return text
    index = dialect.identifier_preparer.quote(hint)
    wish = f"INDEXED BY {index}" if dialect.name == "sqlite" else f"FORCE INDEX ({index})"
    return text.replace(f" AS {LED}", f" AS {LED} {wish}", 1)


def padded(values: Sequence[Any]) -> list[Any]:
    """Return values, and the last again up to one of few lengths: lists of one length share a statement."""
    count = len(values)
    step = 1 if count <= _FINE else _FINE if count <= _COARSE else _COARSE
    return [*values, *[values[-1]] * (-count % step)]


class Bounded(Generic[K, V]):
    """Hold the latest values by key, up to a number; threads may share it."""

    def __init__(self, most: int) -> None:
        """Hold at most so many."""
        self._most = most
        self._values: dict[K, V] = {}
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """Return the value of a key, or `None`."""
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep a value; the one that was put first makes room."""
        with self._lock:
            if len(self._values) >= self._most and key not in self._values:
                del self._values[next(iter(self._values))]
            self._values[key] = value


@attrs.define(eq=False)
class _Noted:
    value: Any
    uses: int = 0


class Memory:
    """What the units of one store learn: statements by shape, and how many records criteria lead to.

    It only makes answers come sooner, never other ones.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self._statements: Bounded[Any, Ready] = Bounded(_STATEMENTS)
        self._noted: Bounded[Any, _Noted] = Bounded(_NOTES)
        self._aliases: dict[tuple[Table, str], Any] = {}

    def alias(self, table: Table, name: str) -> Any:
        """Return a table under a name; making its columns anew takes as long as building a small statement."""
        known = self._aliases.get((table, name))
        if known is None:
            known = self._aliases[table, name] = table.alias(name)
        return known

    def ready(self, key: Hashable, make: Callable[[], Ready]) -> Ready:
        """Return the statement of a shape, made if it isn't known."""
        known = self._statements.get(key)
        if known is None:
            known = make()
            self._statements.put(key, known)
        return known

    def recall(self, key: Hashable) -> Any:
        """Return what was noted; `None` if nothing was, or so often recalled that it is time to look again."""
        noted = self._noted.get(key)
        if noted is None or noted.uses >= _USES:
            return None
        noted.uses += 1
        return noted.value

    def note(self, key: Hashable, value: Any) -> None:
        """Note something about the data."""
        self._noted.put(key, _Noted(value))
