"""What a store says instead of saving: the same errors from every store, none of which holds a value."""

from __future__ import annotations

from collections.abc import Mapping

from custinfo.core.approval.requests import RequestId
from custinfo.core.errors import ConflictError, DuplicateValueError, FieldReservedError, StaleVersionError, StorageError
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey
from custinfo.core.revisions import changed_configuration

__all__ = [
    "anchor_exists",
    "changed_configuration",
    "field_reserved",
    "not_unique",
    "overtaken",
    "stale_version",
    "storage_failure",
]


def stale_version(expected: int, actual: int) -> StaleVersionError:
    """Return the error for a record, change or request that is stored at another version; 0 for one that is not.

    >>> stale_version(1, 3).problems[0].params
    FrozenDict({'expected': 1, 'actual': 3})
    """
    return StaleVersionError([Problem("stale_version", params={"expected": expected, "actual": actual})])


def anchor_exists(number: int) -> ConflictError:
    """Return the error for an anchor whose number another one has."""
    return ConflictError([Problem("anchor_exists", params={"number": number})])


def not_unique(*fields: FieldKey) -> DuplicateValueError:
    """Return the error for unique values that another live record has."""
    return DuplicateValueError([Problem("not_unique", field) for field in fields])


def field_reserved(holders: Mapping[FieldKey, RequestId]) -> FieldReservedError:
    """Return the error for fields that open requests reserve, by field in alphabetical order."""
    return FieldReservedError(
        [Problem("field_reserved", field, params={"request_id": holders[field]}) for field in sorted(holders)]
    )


def overtaken() -> StorageError:
    """Return the error for a transaction that shows a state which is past, and would act on it: a new one may go on.

    >>> overtaken().retryable
    True
    """
    return StorageError([Problem("storage_retryable", params={"error": "overtaken", "state": ""})])


def storage_failure(error: Exception, state: str = "", *, retryable: bool = False) -> StorageError:
    """Return the error for what a driver raised; its own text is left out, since drivers quote values there.

    Args:
        error: The driver's.
        state: The database's code for it, such as a SQLSTATE.
        retryable: Whether the same work may succeed when tried again: locks, deadlocks, failed serialization.
    """
    code = "storage_retryable" if retryable else "storage_failed"
    return StorageError([Problem(code, params={"error": type(error).__name__, "state": state})])
