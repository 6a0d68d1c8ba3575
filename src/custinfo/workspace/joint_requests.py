"""One request for many records: changes that pass the same steps with the same people wait together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

from custinfo.core.approval.flows import GatedAction
from custinfo.core.approval.items import Companion, Item
from custinfo.core.approval.requests import Request
from custinfo.core.records import Record
from custinfo.workspace.applying import Applying
from custinfo.workspace.approval_paths import ApprovalPath, proposed
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Prepared
from custinfo.workspace.keeping_requests import hold_as_read, keep

__all__ = ["MOST_ITEMS", "Waiting", "submit_together", "together"]

MOST_ITEMS: Final = 10_000
"""Records in one request: it is one document, which some databases take up to a size only."""


@attrs.frozen
class Waiting:
    """A change that waits.

    Args:
        prepared: The change, with the approval that it needs.
        after: What it comes to, as it would be saved: with its id, and encrypted values sealed.
        path: The approval that it needs, with all that it brings along.
        row: The row of the file that it comes from.
        companions: The records that it brings along.
    """

    prepared: Prepared
    after: Record
    path: ApprovalPath
    row: int | None = None
    companions: tuple[Companion, ...] = ()

    def item(self, context: Context, *, mixed: bool) -> Item:
        """Return it as one of many; of a request in which different things happen, it says what does."""
        patch, base = proposed(context, self.prepared.before, self.after, self.prepared.patch)
        action: GatedAction | None = self.path.action if mixed else None
        return Item(self.after.id, patch, base, action=action, row=self.row, companions=self.companions)


def together(changes: Iterable[Waiting]) -> Iterator[list[Waiting]]:
    """Yield changes that may share a request: of one module, with the same flows and steps, `MOST_ITEMS` at most."""
    groups: dict[object, list[Waiting]] = {}
    for change in changes:
        groups.setdefault((change.after.module, change.path.flows, change.path.steps), []).append(change)
    for group in groups.values():
        yield from (group[start : start + MOST_ITEMS] for start in range(0, len(group), MOST_ITEMS))


def submit_together(
    context: Context, changes: Sequence[Waiting], batch: str | None = None, *, action: GatedAction | None = None
) -> Request:
    """Save one request for changes that share one; call it in `atomic`.

    Args:
        context: The session's.
        changes: As `together` gives them; the first one's reason is that of the request.
        batch: What the changes have in common in the history.
        action: What the request is, where different things happen to its records.

    Raises: ConflictError.
    """
    context.hold_configuration()
    hold_as_read(context, (change.prepared.before for change in changes if change.prepared.before is not None))
    first = changes[0]
    path = first.path if action is None else attrs.evolve(first.path, action=action)
    items = tuple(change.item(context, mixed=action is not None) for change in changes)
    request = path.request_for_many(context, first.after.module, items, first.prepared.draft.reason, batch)
    keep(context, None, request, ("submitted",))
    return Applying(context).run(request) if request.state == "approved" else request
