"""Changes with their evidence, before they are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import attrs

from custinfo.core.history.changes import Change

__all__ = ["ProvenChanges"]


@attrs.frozen(eq=False)
class ProvenChanges(Sequence[Change]):
    """Hold changes beside their evidence and the text that it proves; a change with both is made if one asks for it.

    Args:
        changes: What happened.
        contents: The fields of each as JSON text, written as `custinfo.core.evidence` has it.
        evidence: That of each.
    """

    changes: Sequence[Change]
    contents: Sequence[str] = attrs.field(repr=False)
    evidence: Sequence[str] = attrs.field(repr=False)

    def __len__(self) -> int:
        return len(self.changes)

    def __iter__(self) -> Iterator[Change]:
        for change, evidence in zip(self.changes, self.evidence, strict=True):
            yield change.proven(evidence)

    @overload
    def __getitem__(self, index: int) -> Change: ...
    @overload
    def __getitem__(self, index: slice) -> ProvenChanges: ...
    def __getitem__(self, index: int | slice) -> Change | ProvenChanges:
        """Return a change, or several."""
        if isinstance(index, slice):
            return ProvenChanges(self.changes[index], self.contents[index], self.evidence[index])
        return self.changes[index].proven(self.evidence[index])
