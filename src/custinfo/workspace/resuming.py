"""An import that was interrupted, planned again: what it did already is told as done, and not done again (XLS-4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from custinfo.core.errors import ConflictError
from custinfo.core.importing import ImportBatch
from custinfo.core.offers import offered
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey, RecordId
from custinfo.ports import ImportTurns
from custinfo.workspace.context import Context
from custinfo.workspace.matching import Matcher, RowMatch

__all__ = ["Interrupted", "earlier_imports", "refuse_others", "running"]

_OF_THE_FILE: Final = frozenset({"duplicate_in_file", "resembles_row"})
_NOTICE: Final = Problem("imported_before", severity="notice")


def earlier_imports(context: Context, module: ModuleKey, digest: str, *, hold: bool = False) -> tuple[ImportBatch, ...]:
    """Return what imports there are of the same content by the same member, of which a plan has to know.

    With `hold`, nobody else begins one, or goes on with one, before the end of the transaction, if the store can do so.
    """
    imports = context.unit.imports
    turns = offered(imports, ImportTurns)
    if turns is not None:
        return tuple(turns.of_content(module, digest, context.actor, hold=hold))
    unfinished = imports.unfinished(module, digest, context.actor)
    return () if unfinished is None else (unfinished,)


def running(earlier: Sequence[ImportBatch]) -> ImportBatch | None:
    """Return the latest of some imports that is not finished."""
    return next((batch for batch in reversed(earlier) if batch.state == "running"), None)


def refuse_others(now: Sequence[ImportBatch], known: Sequence[ImportBatch]) -> None:
    """Refuse to go on where somebody imported the same content meanwhile: its rows would be there twice (XLS-4).

    Their order says nothing: it is that of the clocks of several processes.

    Raises: ConflictError (`imported_meanwhile`).
    """
    there, expected = ({(batch.id, batch.state, batch.position) for batch in batches} for batches in (now, known))
    if there != expected:
        raise ConflictError([Problem("imported_meanwhile")])


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
    def find(cls, context: Context, earlier: Sequence[ImportBatch]) -> Interrupted:
        """Return what is known of the latest such import that is running."""
        batch = running(earlier)
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
