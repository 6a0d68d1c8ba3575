"""Random histories, played on a store and on a model of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Final

from custinfo.ports import UnitOfWork, Units
from custinfo.testing._player import Player
from custinfo.testing._reference import Reference
from custinfo.testing._samples import sample_schema
from custinfo.testing._steps import STEPS

__all__ = ["run_conformance"]

_DEEPEST: Final = 3
_LONGEST: Final = 8
_TAKEN_BACK: Final = 0.2
_BLOCKS: Final = 0.1


class _TakenBackError(Exception):
    """Ends a block that is to be taken back."""


def run_conformance(
    units: Callable[[], Units], *, seed: int = 0, steps: int = 500, commits: bool = True
) -> Mapping[str, int]:
    """Play a random history on a store and on a model of it, and compare what each step answers; it needs no pytest.

    The history has units of two tenants that are kept or taken back, blocks within blocks, commits on the way, and in
    them everything that the repositories do, also what they have to refuse. Units follow one another: what holds
    between units that run at once, `RepositoryContract` tests.

    >>> from custinfo.adapters.memory import MemoryUnits
    >>> played = run_conformance(MemoryUnits, seed=1, steps=200)
    >>> played["save"] > 0, played["save not_unique"] > 0
    (True, True)

    Args:
        units: Return the units of an empty store.
        seed: The same one plays the same history.
        steps: How many steps to play.
        commits: Whether `commit` makes permanent what was done; not so in a transaction of the host.

    Returns:
        What was compared → how often; what was refused, as it should be, has the code of the problem behind it.

    Raises:
        AssertionError: At the first step that the store answers otherwise; it tells seed, step and both answers.
    """
    history = _History(units(), Random(seed), seed, steps, commits=commits)  # noqa: S311 - it has to repeat
    while history.step < steps:
        history.play_unit()
    return dict(history.player.played)


class _History:
    """Play units of work, with what was committed of each tenant."""

    def __init__(self, units: Units, random: Random, seed: int, steps: int, *, commits: bool) -> None:
        schema = sample_schema()
        self.step = 0
        self._units = units
        self._random = random
        self._seed = seed
        self._steps = steps
        self._commits = commits
        self._committed = {tenant: Reference(schema) for tenant in ("one", "two")}
        self._tenant = "one"
        self.player = Player(schema, random, self._committed["one"])

    def play_unit(self) -> None:
        """Play one unit of work, which is kept or taken back."""
        self._tenant = self._random.choice(list(self._committed))
        self.player.model = self._committed[self._tenant]
        with suppress(_TakenBackError):
            with self._units.begin(self.player.schema, self._tenant) as unit:
                self._play_block(unit, 1)
            self._committed[self._tenant] = self.player.model

    def _play_block(self, unit: UnitOfWork, depth: int) -> None:
        """Play a few steps. Raises: _TakenBackError once in a while, so that they are taken back."""
        for _ in range(self._random.randint(1, _LONGEST)):
            if self.step >= self._steps:
                break
            if depth < _DEEPEST and self._random.random() < _BLOCKS:
                self._play_inner_block(unit, depth + 1)
            elif depth == 1 and self._random.random() < _BLOCKS:
                unit.commit()
                if self._commits:
                    self._committed[self._tenant] = self.player.model
            else:
                self._play_step(unit)
        if self._random.random() < _TAKEN_BACK:
            raise _TakenBackError

    def _play_inner_block(self, unit: UnitOfWork, depth: int) -> None:
        before = self.player.model
        try:
            with unit.atomic():
                self._play_block(unit, depth)
        except _TakenBackError:
            self.player.model = before

    def _play_step(self, unit: UnitOfWork) -> None:
        self.step += 1
        self.player.place = f"seed {self._seed}, step {self.step}, tenant {self._tenant}"
        [(step, _)] = self._random.choices(STEPS, [weight for _, weight in STEPS])
        step(self.player, unit)
