"""Mistakes of the calling code, named where they are made: else they fail late and far away, or change an answer."""

from __future__ import annotations

import inspect
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, get_args
from uuid import UUID

from custinfo.core.configuration import Configuration
from custinfo.core.records import RecordId
from custinfo.ports.system import Clock
from custinfo.workspace.context import Context

__all__ = [
    "Beginning",
    "context_of",
    "no_text",
    "one_of",
    "record_key",
    "refuse_mistaken",
    "refuse_units",
    "text_id",
    "zoned",
]

T = TypeVar("T")


class Beginning(AbstractContextManager[T], Generic[T]):
    """What begins with a `with` block, and says so where it is used without one."""

    def __init__(self, block: AbstractContextManager[T]) -> None:
        self._block = block

    def __enter__(self) -> T:
        return self._block.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._block.__exit__(kind, error, trace)

    if not TYPE_CHECKING:  # for type checkers, whatever else is asked of it is an error already

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(
                f"there is no {name!r} before the session begins: write `with workspace.acting_as(…) as session:`"
            )


def context_of(session: Any) -> Context:
    """Return the surroundings of a session. Raises: TypeError for a workspace, and a session that did not begin."""
    if isinstance(session, Beginning) or not isinstance(getattr(session, "context", None), Context):
        raise TypeError(
            "session must be a Session, as `with workspace.acting_as(…) as session` gives it: "
            f"not {'one that has not begun' if isinstance(session, Beginning) else type(session).__name__}"
        )
    context: Context = session.context
    return context


def text_id(given: object) -> str:
    """Return an id as the text that it is stored as. Raises: TypeError for a view, a request, or what else is no id."""
    if isinstance(given, str):
        return given
    if isinstance(given, UUID):
        return str(given)
    raise TypeError(f"an id must be a text, such as view.id or task.request_id: not {type(given).__name__}")


def record_key(given: object) -> RecordId:
    """Return the key of a record by its id. Raises: TypeError for what is no id."""
    return RecordId(text_id(given))


def one_of(name: str, value: object, allowed: Any) -> None:
    """Refuse what is none of the texts of a `Literal`: a misspelt one would find nothing. Raises: ValueError."""
    if value not in get_args(allowed):
        raise ValueError(f"{name} must be one of {', '.join(get_args(allowed))}: not {value!r}")


def no_text(name: str, value: object) -> None:
    """Refuse one name where a list of names is wanted: it would be one of its letters. Raises: TypeError."""
    if isinstance(value, str):
        raise TypeError(f"{name} is a list of names, such as [{value!r}]: not a text")


def refuse_mistaken(configuration: object, organisation: object, keyring: object, clock: object) -> None:
    """Refuse what is not of its type, most of all a function that was not called. Raises: TypeError."""
    wanted = (
        ("configuration", "a Configuration", isinstance(configuration, Configuration), configuration),
        ("organisation", "an Organisation or a Directory", _has(organisation, "member"), organisation),
        ("keyring", "a Keyring, such as Keyring.from_json(…)", _has(keyring, "seal"), keyring),
        ("clock", "a function that returns the present instant", callable(clock), clock),
    )
    for name, kind, fits, given in wanted:
        if not fits:
            raise TypeError(f"{name} must be {kind}: not {type(given).__name__}")


def refuse_units(name: str, units: object) -> None:
    """Refuse what begins no unit of work: engines and sessions have a `begin`, too. Raises: TypeError."""
    begin: Any = getattr(units, "begin", None)
    try:
        inspect.signature(begin).bind("schema", "tenant")
    except (TypeError, ValueError):
        made = "SqlAlchemyUnits(engine)" if name == "units" else "SqlAlchemyUnit(session)"
        raise TypeError(f"{name} must begin units of work, as {made} does: not {type(units).__name__}") from None


def zoned(clock: Clock) -> Clock:
    """Return a clock that refuses to give an instant without a zone, which would be written as another one.

    >>> zoned(lambda: datetime(2024, 3, 15))()
    Traceback (most recent call last):
    TypeError: the clock must return instants with a zone, such as datetime.now(UTC)
    """

    def now() -> datetime:
        instant = clock()
        if instant.tzinfo is None:
            raise TypeError("the clock must return instants with a zone, such as datetime.now(UTC)")
        return instant

    return now


def _has(given: object, name: str) -> bool:
    return given is None or callable(getattr(given, name, None))
