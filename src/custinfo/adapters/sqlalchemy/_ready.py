"""Statements that are compiled once and asked many times, each time with other values.

Building and compiling a statement takes SQLAlchemy longer than most of ours take the database. So a statement is kept
by its shape, which is everything about it but the values; these are given by their places.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from operator import itemgetter
from typing import Any, Final

import attrs
from sqlalchemy import BindParameter, Dialect, Executable, bindparam
from sqlalchemy.types import TypeEngine

from custinfo.adapters.sqlalchemy._bounded import Bounded
from custinfo.adapters.sqlalchemy._types import CodePointText

__all__ = [
    "LED",
    "TENANT",
    "Given",
    "Question",
    "Ready",
    "given_parameter",
    "listed_parameter",
    "make_ready",
    "padded",
]

LED: Final = "led"
"""The alias of the rows that the index of a hint leads to."""

_PREFIX: Final = "given_"
_MARKS: Final = {"qmark": "?", "format": "%s", "pyformat": "%({})s", "named": ":{}"}
"""How drivers mark parameters."""
_LENGTHS: Final = 16
"""How many texts of a statement are kept for lists of several lengths."""
_FINE: Final = 8
_COARSE: Final = 64


class Given(int):
    """Stand for a value in a statement: the place of the value among those that the statement is given."""

    __slots__ = ()


def given_parameter(given: Given, type_: TypeEngine[Any]) -> BindParameter[Any]:
    """Return the parameter for a value of a type."""
    return bindparam(f"{_PREFIX}{int(given)}", type_=type_)


def listed_parameter(given: Given, type_: TypeEngine[Any]) -> BindParameter[Any]:
    """Return the parameter for a list of values of a type, behind `IN`.

    A list takes a place for each of its values when the statement is asked: SQLAlchemy takes longer to compile a
    statement with the thousand departments of a large organisation than any database takes to answer it.
    """
    return bindparam(f"{_PREFIX}{int(given)}", type_=type_, expanding=True)


TENANT: Final = given_parameter(Given(0), CodePointText(64))
"""The tenant, which every statement over records is given first."""


@attrs.frozen
class ListMark:
    """Say what stands for a list in the text of a statement.

    Args:
        place: Of the list among the given values.
        form: How the driver marks one value, with `{}` for its name.
    """

    place: int
    form: str

    @property
    def name(self) -> str:
        """The name of its parameter."""
        return f"{_PREFIX}{self.place}"

    @property
    def text(self) -> str:
        """What SQLAlchemy writes for it."""
        return f"__[POSTCOMPILE_{self.name}]"

    def marks(self, count: int) -> str:
        """Return the marks of so many values."""
        return ", ".join([self.form.format(f"{self.name}_{number}") for number in range(count)])

    def named(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return the values by the names of their marks."""
        return {f"{self.name}_{number}": value for number, value in enumerate(values)}


@attrs.frozen(eq=False)
class Ready:
    """Hold a compiled statement.

    Args:
        text: The statement in the driver's own style.
        statement: The statement itself, for connections that translate names of schemas; `None` for others, since it is
            made of thousands of objects, which the collector of cycles would go through again and again.
        names: The names of the parameters, where the driver takes names; `None` where it takes them in order.
        order: The place of each parameter among the given values and, behind them, the constants.
        constants: What every execution of the statement is given, too, such as the names of fields in documents.
        count: How many values are given.
        lists: What stands in the text for a list → how each of its values is marked, and the place of the list.
    """

    text: str
    statement: Executable | None
    names: tuple[str, ...] | None
    order: tuple[int, ...]
    constants: tuple[Any, ...]
    count: int
    lists: tuple[ListMark, ...] = ()
    _texts: Bounded[tuple[int, ...], str] = attrs.field(factory=lambda: Bounded(_LENGTHS))
    _taken: Callable[[Sequence[Any]], tuple[Any, ...]] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Make what puts values into order once: rows come by the thousand."""
        several = len(self.order) > 1
        take = itemgetter(*self.order) if several else lambda whole: tuple(whole[place] for place in self.order)
        object.__setattr__(self, "_taken", take)

    def given(self, values: Sequence[Any]) -> tuple[str, Any]:
        """Return the statement, and the values, as the driver takes them."""
        if not self.lists:
            return self.text, self.parameters(values)
        lengths = tuple([len(values[mark.place]) for mark in self.lists])
        text = self._texts.get(lengths)
        if text is None:
            text = self._marked(lengths)
            self._texts.put(lengths, text)
        if self.names is None:
            return text, self._spread(values)
        named = self.parameters(values)
        for mark in self.lists:
            named |= mark.named(named.pop(mark.name))
        return text, named

    def _marked(self, lengths: Sequence[int]) -> str:
        text = self.text
        for mark, length in zip(self.lists, lengths, strict=True):
            text = text.replace(mark.text, mark.marks(length))
        return text

    def _spread(self, values: Sequence[Any]) -> tuple[Any, ...]:
        whole, lists = [*values, *self.constants], [mark.place for mark in self.lists]
        taken: list[Any] = []
        for place in self.order:
            if place in lists:
                taken += whole[place]
            else:
                taken.append(whole[place])
        return tuple(taken)

    def parameters(self, values: Sequence[Any]) -> Any:
        """Return the values as the driver takes them, where none is a list."""
        taken = self._taken((*values, *self.constants) if self.constants else values)
        return taken if self.names is None else dict(zip(self.names, taken, strict=True))

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


def make_ready(
    statement: Any, dialect: Dialect, count: int, hint: str | None = None, *, translated: bool = False
) -> Ready:
    """Compile a statement.

    Args:
        statement: The statement.
        dialect: Of which database.
        count: How many values it is given.
        hint: The index by which the rows named `LED` are to be found; only SQLite and MariaDB or MySQL take it.
        translated: Whether it is for a connection that translates names of schemas.
    """
    compiled = statement.compile(dialect=dialect)
    names = compiled.positiontup if dialect.positional else [*compiled.bind_names.values()]
    order: list[int] = []
    constants: list[Any] = []
    for name in names:
        if name.startswith(_PREFIX):
            order.append(int(name.removeprefix(_PREFIX)))
        else:
            order.append(count + len(constants))
            constants.append(_constant(compiled.binds[name], dialect))
    named = None if dialect.positional else tuple(names)
    text, whole = _hinted(str(compiled), dialect, hint), tuple(constants)
    kept = statement if translated else None
    return Ready(text, kept, named, tuple(order), whole, count, _lists(compiled, dialect))


def _lists(compiled: Any, dialect: Dialect) -> tuple[ListMark, ...]:
    places = [int(name.removeprefix(_PREFIX)) for name, bind in compiled.binds.items() if bind.expanding]
    return tuple([ListMark(place, _MARKS[dialect.paramstyle]) for place in places])


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
