"""Everything that custinfo raises.

::

    CustinfoError
    ├── InvalidInputError        the data is wrong: every problem at once, nothing was saved
    │   ├── ConfigurationError   the configuration contradicts itself
    │   ├── InvalidCriterionError    JSON data is no criterion (also a ValueError)
    │   └── InvalidCursorError   what is given to go on after is no position there (also a ValueError)
    ├── PermissionDeniedError    no grant allows it; says which clause failed
    ├── NotFoundError            no such record, or none that the actor may know of
    ├── ConflictError
    │   ├── StaleVersionError    the record changed since it was read
    │   ├── DuplicateValueError  a unique value was taken by another record (also an InvalidInputError)
    │   └── FieldReservedError   a pending approval request holds the field
    ├── IllegalTransitionError   the request's state does not allow the command
    │   └── NotYourDecisionError     nor is it the actor's to decide (also a PermissionDeniedError)
    ├── SessionEndedError        the `with` block of the session is over
    ├── UnreadableFileError      a file that cannot be read as a table, or may not for safety
    ├── StorageError             the store failed; `retryable` says whether to try again
    └── MissingExtraError        an optional library is not installed (also an ImportError)

`TypeError` and `ValueError` mean that the calling code is wrong. All of these pickle, and none holds a personal value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from custinfo.core.cells import place_text
from custinfo.core.messages import DEFAULT_MESSAGES, Messages
from custinfo.core.problems import Problem

__all__ = [
    "ConfigurationError",
    "ConflictError",
    "CustinfoError",
    "DuplicateValueError",
    "FieldReservedError",
    "IllegalTransitionError",
    "InvalidCriterionError",
    "InvalidCursorError",
    "InvalidInputError",
    "MissingExtraError",
    "NotFoundError",
    "NotYourDecisionError",
    "PermissionDeniedError",
    "SessionEndedError",
    "StaleVersionError",
    "StorageError",
    "UnreadableFileError",
]


_TOLD: Final = 10
"""So many problems the plain text of an error tells: an import that is refused as a whole may have thousands."""


class CustinfoError(Exception):
    """Carry the problems that stopped an operation; the root of every error of this library."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self.problems)

    @property
    def code(self) -> str:
        """The code of the first problem."""
        return self.problems[0].code if self.problems else "error"

    def message(self, language: str = "zh", *, messages: Messages = DEFAULT_MESSAGES) -> str:
        """Return the texts of all problems, one a line, with the row or cell of what is wrong in a workbook.

        `custinfo.Report.of(error)` shows them as a table or as JSON.

        Args:
            language: Key of a language that `messages` has; an unknown one falls back to English.
            messages: The catalogue; a host passes its own to add languages.
        """
        return "\n".join(_placed(problem, language, messages) for problem in self.problems)

    def __str__(self) -> str:
        told = [f"{_placed(problem, 'en')} [{problem.code}]" for problem in self.problems[:_TOLD]]
        more = len(self.problems) - len(told)
        return "; ".join([*told, f"and {more} more"] if more else told)


def _placed(problem: Problem, language: str, messages: Messages = DEFAULT_MESSAGES) -> str:
    """Return the text of a problem behind its row or cell, without its sheet, whose name may be a person's."""
    place, text = place_text(problem.place, language, messages), problem.message(language, messages=messages)
    return messages.render("report_sentence", {"field": place, "text": text, "hint": text}, language) if place else text


class InvalidInputError(CustinfoError):
    """Refuse data that breaks a rule; `problems` lists all of them, and nothing was saved."""


class ConfigurationError(InvalidInputError):
    """Refuse a configuration that contradicts itself; nothing was changed."""


class InvalidCriterionError(InvalidInputError, ValueError):
    """Refuse JSON data that is no criterion; what was given is not in it."""


class InvalidCursorError(InvalidInputError, ValueError):
    """Refuse an `after` or a cursor that is no position in this answer: begin with the first page."""


class PermissionDeniedError(CustinfoError):
    """Refuse what no grant allows; the problem says which clause failed."""


class NotFoundError(CustinfoError):
    """Say that there is no such thing, or none that the actor may know of: the answer is the same."""


class ConflictError(CustinfoError):
    """Say that somebody else was faster; nothing was saved."""


class StaleVersionError(ConflictError):
    """Say that the record changed since the caller read it: read again, decide again."""


class DuplicateValueError(ConflictError, InvalidInputError):
    """Say that a unique value belongs to another record."""


class FieldReservedError(ConflictError):
    """Say that a pending approval request holds a field."""

    @property
    def request_id(self) -> str:
        """The id of the request that holds it."""
        return str(self.problems[0].params["request_id"])


class IllegalTransitionError(CustinfoError):
    """Say that an approval request in its state does not accept the command; nothing was changed."""


class NotYourDecisionError(IllegalTransitionError, PermissionDeniedError):
    """Say that a request waits for somebody else's decision, or that it is one's own change."""


class SessionEndedError(CustinfoError):
    """Say that a session, or something that it gave, is used after the end of its `with` block."""


class UnreadableFileError(CustinfoError):
    """Say why a file cannot be read as a table."""


class StorageError(CustinfoError):
    """Say that the store failed; the unit of work was rolled back."""

    @property
    def retryable(self) -> bool:
        """Whether the same work may succeed when tried again (deadlock, serialization failure)."""
        return self.code == "storage_retryable"


class MissingExtraError(CustinfoError, ImportError):
    """Name the extra that must be installed for an adapter."""

    @classmethod
    def of(cls, extra: str, library: str) -> MissingExtraError:
        """Return the error for an adapter that needs `library`, which comes with `extra`."""
        return cls([Problem("missing_extra", params={"extra": extra, "library": library})])
