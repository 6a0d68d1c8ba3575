"""Running patterns: a position automaton with bits, and its states remembered while there is room.

Each character of a value costs one look into a dictionary. Only where that is new, the next set of positions is worked
out: one union for each eight positions of the pattern, never more, whatever the value.
"""

from __future__ import annotations

from typing import Final, NoReturn

from custinfo.core.patterns._alphabet import Alphabet
from custinfo.core.patterns._graph import Graph
from custinfo.core.patterns._nodes import Pattern

__all__ = ["Automaton"]

_MOST_STEPS_REMEMBERED: Final = 10_000


class _DeadEndError(Exception):
    """No further character can make the value match."""


class _State(dict[str, "_State"]):
    """A set of positions, the last character being at one of them: next character → next state."""

    __slots__ = ("accepts", "automaton", "positions")

    def __init__(self, automaton: Automaton, positions: int, accepts: bool) -> None:
        self.automaton = automaton
        self.positions = positions
        self.accepts = accepts

    def __missing__(self, char: str) -> _State:
        return self.automaton.step(self, char)


class _DeadEnd(_State):
    """The state from which nothing leads on."""

    __slots__ = ()

    def __missing__(self, char: str) -> NoReturn:
        raise _DeadEndError


class Automaton:
    """Match values against one pattern. `work` counts what was worked out beside looking up."""

    def __init__(self, pattern: Pattern) -> None:
        """Lay out the positions of `pattern`."""
        self._graph = Graph(pattern.root)
        self._alphabet = Alphabet(self._graph.characters, pattern.any_case)
        self._width = (len(self._graph.characters) + 7) // 8
        self._unions: list[dict[int, int]] = [{} for _ in range(self._width)]
        self._states: dict[int, _State] = {}
        self._remembered = 0
        self._dead = _DeadEnd(self, 0, accepts=False)
        self._start = _State(self, 0, self._graph.accepts_nothing)
        self.work = 0

    def matches(self, value: str) -> bool:
        """Return whether the whole of `value` has the form."""
        state = self._start
        try:
            for char in value:
                state = state[char]
        except _DeadEndError:
            return False
        return state.accepts

    def step(self, state: _State, char: str) -> _State:
        """Work out the state that `char` leads to, and remember it."""
        following = self._graph.first if state is self._start else self._following(state.positions)
        positions = following & self._alphabet.positions(char)
        if self._remembered >= _MOST_STEPS_REMEMBERED:
            self._forget()
        found = self._states.get(positions) if positions else self._dead
        if found is None:
            found = self._states[positions] = _State(self, positions, bool(positions & self._graph.accepting))
        state[char] = found
        self._remembered += 1
        self.work += 1
        return found

    def _following(self, positions: int) -> int:
        """Return the positions that may come after any of `positions`."""
        following = 0
        for place, octet in enumerate(positions.to_bytes(self._width, "little")):
            if octet:
                known = self._unions[place].get(octet)
                if known is None:
                    known = self._unions[place][octet] = self._graph.following(place * 8, octet)
                following |= known
                self.work += 1
        return following

    def _forget(self) -> None:
        """Drop what was remembered; states that somebody still holds work out their steps anew."""
        states, self._states = self._states, {}
        self._remembered = 0
        for state in [self._start, *states.values()]:
            state.clear()
