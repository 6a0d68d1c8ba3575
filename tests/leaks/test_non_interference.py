"""What somebody may not read makes no difference to any answer that they get (POL-3)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import attrs
import pytest
from hypothesis import HealthCheck, Phase, event, given, note, reject, settings
from hypothesis import strategies as st

from custinfo import Configuration, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.memory import MemoryUnits
from custinfo.ports import Units
from tests.databases import MARIADB, POSTGRESQL, throw_away_units
from tests.leaks.answers import Answer, answer
from tests.leaks.calls import CALLS, DEALS, ENDING, FIRMS, READING, SLOTS, SWEEP, Side, draw_call, shared
from tests.leaks.known import Difference, excuse
from tests.leaks.picking import Pick
from tests.leaks.twins import ASKING, Step, Surroundings, Twin, made_id, twin_of, unlike, unseen, widened
from tests.leaks.world import DEPUTIES, FIELDS, OTHERS, VALUES, draw_policy, organisation

KEYS: Final = Keyring.generate()
EXAMPLES: Final = int(os.environ.get("CUSTINFO_LEAK_EXAMPLES", "60"))
"""How many stories are told in memory; a long run sets more."""


@attrs.frozen
class Tale:
    """A policy, what others did before, what the second store lacks, and what the member asks."""

    configuration: Configuration = attrs.field(
        repr=lambda known: repr([item for item in known.grants if item.role != "god"])
    )
    judge: bool
    deputy: str | None
    steps: tuple[Step, ...]
    absent: frozenset[int]
    asked: tuple[tuple[str, Any], ...]


_OWNERS: Final = ("sam", "sam", "ann", "bob", "cat", "dee")
_REASONS: Final = (None, "because", "so")
_TAGS: Final[tuple[Any, ...]] = (("kind", "x"), ("kind", "y"), ("free", "t"))
_OTHER_STEPS: Final = (
    *("tag", "tag", "transfer", "release", "share", "share", "unshare", "archive", "restore", "approve", "reject"),
)


def _drawn(pick: Pick, module: str, least: int, most: int) -> dict[str, tuple[Any, Any]]:
    keys = [key for key in FIELDS[module] if key in VALUES and key != "name"]
    values: dict[str, tuple[Any, Any]] = {key: pick.pair((*VALUES[key], None)) for key in pick.some(keys, least, most)}
    if module == "deal" and pick.coin():
        values["firm"] = pick.pair((*FIRMS, None))
    return values


def _created(pick: Pick, slot: int) -> Step:
    values = _drawn(pick, "firm" if slot in FIRMS else "deal", 1, 6)
    values |= {"name": pick.pair(VALUES["name"]), "owner": pick.pair(_OWNERS)}
    return Step("create", slot, pick.pair(OTHERS), values, reason=pick.pair(_REASONS), late=pick.pair((0, 1, 2)))


def _changed(pick: Pick, slots: Sequence[int]) -> Step:
    slot = pick.of(slots)
    verb = pick(*["update"] * 7, *_OTHER_STEPS)
    values = _drawn(pick, "firm" if slot in FIRMS else "deal", 1, 2) if verb == "update" else {}
    if verb == "update" and (not pick.one_in(3)):
        values = {"secret": pick.pair((*VALUES["secret"], None))}  # what most policies hide
    to = (shared(pick), shared(pick)) if "share" in verb else pick.pair(_OWNERS if verb == "transfer" else _TAGS)
    return Step(verb, slot, pick.pair(OTHERS), values, to, pick.pair(_REASONS), pick.pair((0, 1, 2)))


@st.composite
def tales(draw: st.DrawFn) -> Tale:
    """Draw a tale."""
    pick = Pick(draw)
    slots = (*FIRMS, *DEALS[: pick.number(2, len(DEALS))])
    steps = [_created(pick, slot) for slot in slots]
    steps += [_changed(pick, (*slots, *slots[len(FIRMS) :])) for _ in range(pick.number(2, 10))]
    absent = frozenset(pick.some(SLOTS, 0, 3))
    blind = pick.one_in(3)
    asked = [draw_call(pick, probing=blind and pick.coin()) for _ in range(pick.number(6, 30))]
    deputy = pick(*[None] * 6, *(rule.member for rule in DEPUTIES))
    return Tale(draw_policy(pick, blind=blind), pick.coin(), deputy, tuple(steps), absent, tuple(asked))


def _slots(steps: Sequence[Step]) -> dict[int, tuple[str, str]]:
    """Return the slots with the ids of their records."""
    made = {step.slot: made_id(number) for number, step in enumerate(steps, start=1) if step.verb == "create"}
    unmade = {slot: made_id(0xFFF0 + slot) for slot in SLOTS if slot not in made}
    return {slot: ("firm" if slot in FIRMS else "deal", key) for slot, key in {**made, **unmade}.items()}


@contextmanager
def twins(tale: Tale, units: Units) -> Iterator[tuple[Twin, Twin]]:
    """Make the two stores; where they differ in what the member may read, less is made to differ."""
    around = Surroundings()
    name = uuid.uuid4().hex
    workspace = Workspace(
        tale.configuration,
        units=units,
        organisation=organisation(judge=tale.judge),
        keyring=KEYS,
        clock=around.clock,
        ids=around.ids,
        tenant=f"{name}-a",
    )
    one = Twin(workspace, around, _slots(tale.steps), tale.deputy)
    one.play(tale.steps, set(), set(), 0)
    hidden, away = unseen(one.lives(), one.slots)
    same: set[int] = set()
    by_key = {key: slot for slot, key in one.slots.items()}
    for attempt in range(5):
        other = twin_of(one, f"{name}-{attempt}")
        differing = {place for place in hidden if place[0] not in same}
        other.play(tale.steps, differing, (away & tale.absent) - same, 1)
        wrong = {by_key[key] for key in unlike(one, other)}
        if not wrong:
            event(f"twins of the {attempt + 1}. attempt")
            yield one, other
            return
        same = same | wrong if attempt < 2 else set(SLOTS)
    reject()


def ask(side: Side, number: int, verb: str, drawn: Any) -> Answer:
    """Return what the member is told."""
    around = side.twin.surroundings
    around.at(ASKING + number)
    perform = CALLS[verb].perform
    if verb.startswith("Workspace."):
        return answer(lambda: perform(side, drawn))

    def within() -> Any:
        with side.twin.session() as session:
            side.kept["session"] = session
            return perform(side, drawn)

    return answer(within)


def _around(one: str, other: str) -> str:
    """Return the part of a text in which it begins to differ from another."""
    at = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
    return f"…{one[max(0, at - 150) : at + 250]}…"


def check(tale: Tale, units: Units) -> None:
    """Ask both twins the same, and compare the answers, and what the member may read after each.

    A difference that is on the list of what is told ends the tale: from there on the stores are no twins any more.
    """
    with twins(tale, units) as pair:
        requests = sorted({*pair[0].requests(), *pair[1].requests()})
        sides = [Side(twin, {"requests": requests or ["none"]}) for twin in pair]
        around = [*SWEEP, *tale.asked, *(SWEEP if len(tale.asked) % 2 else ())]
        before = pair[0].lives(), pair[1].lives()
        for number, (verb, drawn) in enumerate(around):
            if number == ENDING:  # a share that ends in one store only, which the member may not see, is no answer
                for twin in pair:
                    twin.surroundings.at(ASKING + number)
                before = pair[0].lives(), pair[1].lives()
                if unlike(*pair, before):
                    event("a share ended")
                    return
            one, other = (ask(side, number, verb, drawn) for side in sides)
            event(verb)
            if one == other and verb in READING:
                continue
            after = pair[0].lives(), pair[1].lives()
            moved = widened(before[0], after[0]) | widened(before[1], after[1])
            strayed, otherwise = (frozenset(unlike(*pair, after, asked=asked)) for asked in (True, False))
            found = Difference(verb, drawn, (one, other), strayed, frozenset(moved), otherwise)
            before = after
            if one == other and not found.strayed:
                continue
            excused = excuse(found)
            if excused is not None:
                event(f"told: {excused}")
                return
            note(f"{verb} {drawn}\n  {_around(one.text, other.text)}\n  {_around(other.text, one.text)}")
            note(f"strayed {set(found.strayed)}, moved {set(found.moved)}")
            raise AssertionError(f"{verb}: the answers differ" if one != other else f"{verb}: what may be read differs")


PHASES: Final = [
    Phase.explicit,
    Phase.reuse,
    Phase.generate,
    *([Phase.shrink] if "CUSTINFO_LEAK_SHRINK" in os.environ else []),
]
"""A tale shrinks in minutes, so that this is asked for."""


def told(examples: int) -> settings:
    """Return the settings for so many tales."""
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    return settings(max_examples=max(1, examples), phases=PHASES, suppress_health_check=checks, deadline=None)


@told(EXAMPLES)
@given(tales())
def test_what_is_hidden_makes_no_difference_in_memory(tale: Tale) -> None:
    """Two stores that differ in what the member may not read give them the same answers, to the byte."""
    check(tale, MemoryUnits())


@pytest.mark.parametrize(
    ("url", "share"), [("sqlite://", 5), (POSTGRESQL, 20), (MARIADB, 20)], ids=["sqlite", "postgresql", "mariadb"]
)
def test_what_is_hidden_makes_no_difference_in_a_database(url: str, share: int) -> None:
    """So it is where the questions are answered by SQL."""
    with throw_away_units(url) as units:

        @told(EXAMPLES // share)
        @given(tales())
        def run(tale: Tale) -> None:
            check(tale, units)

        run()
