"""An import that was interrupted, planned again: what it did already is told as done, and not done again (XLS-4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey, RecordId
from custinfo.workspace.context import Context
from custinfo.workspace.matching import Matcher, RowMatch

__all__ = ["Interrupted"]

_OF_THE_FILE: Final = frozenset({"duplicate_in_file", "resembles_row"})
_NOTICE: Final = Problem("imported_before", severity="notice")


@attrs.frozen
class Interrupted:
    """How far an import of the same content by the same member came: nowhere, for most.

    Args:
        position: The last row that is committed.
        created: The records that it made.
    """

    position: int = 0
    created: frozenset[RecordId] = frozenset()
    _claimed: dict[RecordId, int] = attrs.field(factory=dict, init=False)

    @classmethod
    def find(cls, context: Context, module: ModuleKey, digest: str) -> Interrupted:
        """Return what is known of such an import."""
        batch = context.unit.imports.unfinished(module, digest, context.actor)
        if batch is None or not batch.position:
            return cls()
        made = context.unit.history.of_batch(batch.id)
        return cls(batch.position, frozenset(change.record_id for change in made if change.version == 1))

    def told(self, numbers: Sequence[int], matches: Mapping[int, RowMatch], matcher: Matcher) -> Mapping[int, RowMatch]:
        """Return what rows are about, those that were taken over among them.

        A row repeats nothing because the record is there that it made itself. What was left out the first time is
        left out again, for the same reason.
        """
        if not numbers or numbers[0] > self.position:
            return matches
        done = [place for place, number in enumerate(numbers) if number <= self.position]
        return {
            **matches,
            **{place: found for place in done if (found := self._done(place, numbers[place], matches, matcher))},
        }

    def _done(self, place: int, number: int, matches: Mapping[int, RowMatch], matcher: Matcher) -> RowMatch | None:
        match = matches.get(place, matcher.unmatched)
        if any(problem.code in _OF_THE_FILE for problem in match.problems):
            return None
        found = match.record_id or match.similar or matcher.held.get(place)
        if found in self.created and self._claimed.setdefault(found, number) == number:
            return RowMatch(similar=found, problems=(_NOTICE,), outcome="unchanged")
        if match.problems or (place in matcher.held and match.record_id is None):
            return None
        return attrs.evolve(match, problems=(_NOTICE,), outcome="unchanged")
