"""Trying again what came to nothing because others were in the way."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from custinfo.core.errors import ConflictError, CustinfoError, StorageError

__all__ = ["tried_again"]

T = TypeVar("T")

_PAUSE: Final = 0.01
"""Seconds before the second attempt, at most; twice as long before each further one."""

_LONGEST: Final = 1.0


def tried_again(
    function: Callable[[bool], T], attempts: int, is_in_vain: Callable[[CustinfoError], bool] = lambda _: False
) -> T:
    """Return what a function returns that does its work in a transaction of its own.

    It is told whether others were in the way of the attempt before; `is_in_vain` tells of an error whether it would be
    the same the next time.

    Raises: What it raises, the last time, or at once if trying again does not mend it; ValueError for no attempt.
    """
    for attempt in range(1, attempts + 1):
        try:
            return function(attempt > 1)
        except (StorageError, ConflictError) as error:
            if attempt == attempts or not _may_be_tried_again(error) or is_in_vain(error):
                raise
        # Of those who were in each other's way, not all should come again at the same moment.
        time.sleep(random.uniform(0.5, 1) * min(_PAUSE * 2 ** min(attempt - 1, 30), _LONGEST))  # noqa: S311
    raise ValueError(f"attempts must be 1 or more, not {attempts}")


def _may_be_tried_again(error: StorageError | ConflictError) -> bool:
    return error.code in ("configuration_changed", "stale_version", "storage_retryable")
