"""Many objects, none of them garbage: leaving the collector of cycles alone for a while."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Switch the collection of cycles off for a block that makes many objects to keep; restore it as it was.

    Every so many objects the collector walks over all that there are. Those of a plan or a batch hold no cycles: they
    go when nobody refers to them, as always. Nothing happens where the host has switched it off itself.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
