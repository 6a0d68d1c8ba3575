"""What an actor may be told of the grants that hold for a record."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from custinfo.core.criteria.evaluate import Predicate, compile_predicate
from custinfo.core.criteria.nodes import Criterion, Nothing, Path, Through
from custinfo.core.criteria.walking import leaves, path_of
from custinfo.core.errors import PermissionDeniedError
from custinfo.core.records import Record
from custinfo.workspace.context import Context
from custinfo.workspace.reading import ReadPath

__all__ = ["Telling", "paths_in"]


class Telling:
    """Say whether a criterion holds for a record, and whether the actor may know that from what they may read.

    `compiled` keeps what is compiled, for as many records as there are.
    """

    def __init__(self, context: Context, record: Record, compiled: dict[Criterion, Predicate] | None = None) -> None:
        self._context = context
        self._record = record
        self._reading = ReadPath(context)
        self._compiled = {} if compiled is None else compiled

    def holds(self, criterion: Criterion) -> bool:
        """Return whether a bound criterion holds for the record."""
        predicate = self._compiled.get(criterion)
        if predicate is None:
            predicate = self._compiled[criterion] = compile_predicate(criterion)
        return predicate(self._record, self._context.related)

    def tells(self, criterion: Criterion, given: Collection[Path] = ()) -> bool:
        """Return whether the actor may read all that a criterion looks at on this record.

        `given` is what they need not read, because they said it themselves.
        """
        return all(path in given or self._may_read(path) for path in dict.fromkeys(paths_in(criterion)))

    def _may_read(self, path: Path) -> bool:
        try:
            readable = self._reading.readable_where(self._record.module, path)
        except PermissionDeniedError:
            return False
        return not isinstance(readable, Nothing) and self.holds(readable)


def paths_in(criterion: Criterion) -> Iterator[Path]:
    """Yield everything that a bound criterion looks at, on the record and on those to which it refers."""
    for leaf in leaves(criterion):
        yield path_of(leaf)
        if isinstance(leaf, Through):
            yield from ((leaf.field, *path) for path in paths_in(leaf.part))
