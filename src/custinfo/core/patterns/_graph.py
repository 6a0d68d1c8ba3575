"""What may follow what in a pattern: its positions, and the ways between them that read nothing."""

from __future__ import annotations

from typing import Final, Literal

import attrs

from custinfo.core.patterns._nodes import Anchor, Characters, Either, Node, Repeat, Sequence

__all__ = ["Graph"]

_Way = Literal["free", "at_start", "at_end"]
_FROM_START: Final[frozenset[_Way]] = frozenset({"free", "at_start"})
_TO_END: Final[frozenset[_Way]] = frozenset({"free", "at_end"})
_ANYWHERE: Final[frozenset[_Way]] = frozenset({"free"})
_ALL: Final = _FROM_START | _TO_END


@attrs.define(eq=False)
class _Knot:
    """A place between characters; `position` is that of the character that is read here, if one is."""

    position: int | None = None
    ways: list[tuple[_Way, _Knot]] = attrs.field(factory=list)


class Graph:
    """Lay out a pattern. Sets of positions are the bits of integers.

    `first` may come first, `accepting` may come last, `accepts_nothing` says whether the empty value matches.
    """

    def __init__(self, root: Node) -> None:
        """Write out `root`, repetitions as often as they may occur."""
        self.characters: list[Characters] = []
        self._after: list[_Knot] = []
        self._end = _Knot()
        start = self._lay(root, self._end)
        self.first, _ = self._reach(start, _FROM_START)
        self.accepts_nothing = self._reach(start, _ALL)[1]
        self.accepting = 0
        for position, knot in enumerate(self._after):
            self.accepting |= self._reach(knot, _TO_END)[1] << position

    def following(self, base: int, octet: int) -> int:
        """Return the positions that may come after those of the eight from `base` on whose bits are set in `octet`."""
        found = 0
        for bit in range(octet.bit_length()):
            if octet >> bit & 1:
                found |= self._reach(self._after[base + bit], _ANYWHERE)[0]
        return found

    def _lay(self, node: Node, then: _Knot) -> _Knot:
        """Return the knot at which `node` begins, if `then` comes after it."""
        match node:
            case Characters():
                self.characters.append(node)
                self._after.append(then)
                return _Knot(len(self.characters) - 1)
            case Anchor(end):
                return _Knot(ways=[("at_end" if end else "at_start", then)])
            case Sequence(parts):
                for part in reversed(parts):
                    then = self._lay(part, then)
                return then
            case Either(choices):
                return _Knot(ways=[("free", self._lay(choice, then)) for choice in choices])
            case Repeat():
                return self._lay_repeat(node, then)

    def _lay_repeat(self, node: Repeat, then: _Knot) -> _Knot:
        if node.most is None:
            again = _Knot()
            again.ways = [("free", self._lay(node.part, again)), ("free", then)]
            start = again
        else:
            start = then
            for _ in range(node.most - node.least):
                start = _Knot(ways=[("free", self._lay(node.part, start)), ("free", then)])
        for _ in range(node.least):
            start = self._lay(node.part, start)
        return start

    def _reach(self, start: _Knot, open_ways: frozenset[_Way]) -> tuple[int, bool]:
        """Return the positions that may come next from `start`, and whether the end may, over ways that are open."""
        found, ended = 0, False
        waiting, seen = [start], {id(start)}
        while waiting:
            knot = waiting.pop()
            if knot.position is not None:
                found |= 1 << knot.position
            ended = ended or knot is self._end
            for way, other in knot.ways:
                if way in open_ways and id(other) not in seen:
                    seen.add(id(other))
                    waiting.append(other)
        return found, ended
