"""Whether one criterion holds wherever another does."""

from __future__ import annotations

import pytest

from custinfo.core.criteria import AllOf, AnyOf, Criterion, Everything, F, Nothing, Tagged
from custinfo.core.criteria.implying import contradicts, implies

WON, LOST, RICH = F.status == "won", F.status == "lost", F.budget >= 500


@pytest.mark.parametrize(
    ("narrow", "wide", "certain"),
    [
        (WON, Everything(), True),
        (Nothing(), WON, True),
        (WON & RICH, RICH & WON, True),
        (WON & RICH, WON | LOST, True),
        (WON | LOST, F.status.is_in(["lost", "won"]), True),
        (F.status.is_in(["won"]), WON, True),
        (~(WON | LOST), ~WON, True),
        (WON & (RICH | LOST), RICH | LOST, True),
        (WON, F.status.is_present(), True),
        (Tagged("need", "a"), Tagged("need"), True),
        (WON, WON & RICH, False),
        (WON | RICH, WON, False),
        (~WON, ~(WON | LOST), False),
        (F.status.is_in(["won", "lost"]), WON, False),
        (WON, F.budget.is_present(), False),
        (Tagged("need"), Tagged("need", "a"), False),
    ],
)
def test_implies(narrow: Criterion, wide: Criterion, certain: bool) -> None:
    """It says yes only where the form of the two leaves no doubt."""
    assert implies(narrow, wide) is certain


def test_contradicts() -> None:
    """What can't hold together holds for no record."""
    assert contradicts(WON & LOST)
    assert contradicts(RICH & ~RICH)
    assert contradicts(F.status.is_in([]))
    assert not contradicts(WON | LOST)


class Compared:
    """A value that counts how often it is compared."""

    times = 0

    def __eq__(self, other: object) -> bool:
        Compared.times += 1
        return self is other

    __hash__ = None  # type: ignore[assignment]


def test_alternatives_within_alternatives() -> None:
    """Where both are nested, each part is compared with each once, and not on each way that leads to the two."""
    shared, other = F.a == Compared(), F.b == Compared()
    narrow: Criterion = F.c == Compared()
    wide: Criterion = F.d == Compared()
    for _ in range(8):
        narrow = AllOf((shared, AnyOf((other, narrow))))
        wide = AnyOf((other, AllOf((shared, wide))))
    Compared.times = 0
    assert not implies(narrow, wide)
    assert Compared.times < 1000
