"""Decimal contexts that a host might have set, each as hostile as it can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Context, FloatOperation, getcontext, localcontext

SIGNALS = tuple(signal for signal in Context().traps if signal is not FloatOperation)


def trapping() -> Context:
    """Return a context of two digits that raises for whatever is not exact."""
    return Context(prec=2, rounding="ROUND_UP", Emin=-1, Emax=1, capitals=0, clamp=1, flags=[], traps=list(SIGNALS))


def silent() -> Context:
    """Return a context of two digits that raises nothing, in which everything has happened already."""
    return Context(prec=2, rounding="ROUND_UP", Emin=-1, Emax=1, capitals=0, clamp=1, flags=list(SIGNALS), traps=[])


@contextmanager
def untouched(context: Context) -> Iterator[None]:
    """Let a context count in the block, and assert that the block left its flags as they were.

    The flags are those of `context` alone: `localcontext()` without one begins with whatever the thread did before.
    """
    before = dict(context.flags)
    with localcontext(context):
        yield
        assert dict(getcontext().flags) == before
