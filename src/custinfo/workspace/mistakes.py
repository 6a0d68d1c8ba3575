"""Mistakes of the calling code, named where they are made: else they fail late and far away, or change an answer."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar, get_args
from uuid import UUID

from custinfo.core.anchors import Anchor
from custinfo.core.configuration import Configuration
from custinfo.core.errors import InvalidCursorError, InvalidInputError
from custinfo.core.problems import Problem
from custinfo.core.records import MemberKey, RecordId
from custinfo.core.text import CONTROL
from custinfo.ports.system import Clock
from custinfo.workspace.context import Context

__all__ = [
    "Beginning",
    "checked_limit",
    "checked_share",
    "checked_tenant",
    "context_of",
    "cursor_id",
    "no_text",
    "one_of",
    "record_key",
    "refuse_anchors",
    "refuse_mistaken",
    "refuse_nobody",
    "refuse_other",
    "refuse_units",
    "storable",
    "text_id",
    "zoned",
]

T = TypeVar("T")

_NO_ID: Final = "\N{REPLACEMENT CHARACTER}"

_MOST: Final = 2**31
"""A page of more is one of all: databases stumble at greater numbers."""


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
    """Return an id as the text that it is stored as. Raises: TypeError for a view, a request, or what else is no id.

    An address of a web page may have any text in place of one. What can't be shown is in no id, and some databases do
    not even look for it: it stands for an id that there is not.
    """
    if isinstance(given, str):
        return given if given.isprintable() else _NO_ID
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


def checked_limit(limit: int) -> int:
    """Return how many are wanted at most, as a number that every store takes. Raises: ValueError for less than one."""
    if limit < 1:
        raise ValueError("limit must be at least 1")
    return min(limit, _MOST)


def checked_share(name: str, number: float) -> float:
    """Return a share: 80 per cent are 0.8, and by 80 nothing would be found. Raises: ValueError for what is none."""
    if not 0 <= number <= 1:
        raise ValueError(f"{name} must be from 0 to 1, such as 0.8 for 80 per cent: not {number}")
    return number


def cursor_id(after: object) -> str:
    """Return the id after which a page begins. Raises: InvalidCursorError for what can't be one."""
    if isinstance(after, str) and after and after.isprintable():
        return after
    raise InvalidCursorError([Problem("page_unknown")])


def refuse_nobody(context: Context, actor: MemberKey | None) -> None:
    """Refuse, where nothing was found of somebody, whom nobody knows: a misspelt name did nothing, ever.

    Of people who are gone from the organisation there may be something to find, so that it comes last.
    Raises: InvalidInputError (`unknown_member`).
    """
    if actor is not None and context.schema.directory.member(actor) is None:
        raise InvalidInputError([Problem("unknown_member", "actor")])


def storable(name: str, text: str | None) -> None:
    """Refuse a text, such as a reason, that can't be shown or stored.

    Raises: InvalidInputError (`control_character`).
    """
    if text is not None and CONTROL.search(text):
        raise InvalidInputError([Problem("control_character", name)])


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


def checked_tenant(given: object) -> str:
    """Return the name of a tenant, which no store tells from another type of it alike: 5, "5".

    Raises: TypeError for what is no text; ValueError for none, as of a setting that is missing.
    """
    if not isinstance(given, str):
        raise TypeError(f"tenant must be the name of a tenant, a text: not {type(given).__name__}")
    if not given.strip():
        raise ValueError("tenant must be the name of a tenant: not an empty text")
    return given


def refuse_anchors(given: Iterable[object]) -> None:
    """Refuse what is no anchor, such as the line that was kept of one. Raises: TypeError."""
    for anchor in given:
        if not isinstance(anchor, Anchor):
            raise TypeError(f"an anchor is as Anchor.from_json(…) reads it: not {type(anchor).__name__}")


def refuse_other(name: str, given: object) -> None:
    """Refuse what is no configuration where a proposed one is wanted. Raises: TypeError."""
    if not isinstance(given, Configuration):
        raise TypeError(f"{name} must be a Configuration, such as one made from current: not {type(given).__name__}")


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
