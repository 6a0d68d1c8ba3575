"""Twins: two stores that differ only in what one member may not read.

The first is made by others, step by step. The second is made by the same steps, with other values, people, times and
reasons wherever the member sees nothing of them in the first, and without some of the records that they don't reach.
`unlike` then compares the two by the policy alone: what the member may read, of today and of the past, must be equal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs

from custinfo import ANY, CustinfoError, Workspace
from custinfo.core.approval.requests import Request
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, replay
from custinfo.core.kinds.masks import mask
from custinfo.core.policy.access import NO_ACCESS, Verdict
from custinfo.core.records import Record, RecordId, Sealed
from custinfo.workspace.context import Context
from custinfo.workspace.past import both
from custinfo.workspace.session import Session
from tests.leaks.world import ACTOR, DERIVED, FIELDS

START: Final = datetime(2024, 5, 1, tzinfo=UTC)
ASKING: Final = 1000
"""The number of the step with which the member begins to ask."""
PSEUDO: Final = ("owner", "department", "created_at", "updated_at", "created_by", "archived_at", "tags", "shares")
TOUCHED: Final[dict[str, frozenset[str]]] = {
    "tag": frozenset({"tags"}),
    "transfer": frozenset({"owner", "department"}),
    "release": frozenset({"owner"}),
    "archive": frozenset({"archived_at"}),
    "restore": frozenset({"archived_at"}),
    "share": frozenset({"shares"}),
    "unshare": frozenset({"shares"}),
}
"""What a step changes beside fields; what it is about in the second store may differ where that is hidden."""

Key = tuple[str, str]
Place = tuple[int, str]
"""A slot and a field."""


@attrs.define
class Surroundings:
    """A clock and ids that the test sets, the same for both twins."""

    moment: datetime = START
    base: int = 0
    given: int = 0

    def at(self, number: int, minutes: int = 0) -> None:
        """Set the time, and where ids begin, for a step."""
        self.moment, self.base, self.given = START + timedelta(minutes=10 * number + minutes), number, 0

    def clock(self) -> datetime:
        """Return the time."""
        return self.moment

    def ids(self) -> str:
        """Return the next id."""
        self.given += 1
        return made_id(self.base, self.given)


def made_id(number: int, given: int = 1) -> str:
    """Return the id that is given in a step."""
    return f"018f3000-0000-7000-8000-{number:06x}{given:06x}"


@attrs.frozen
class Step:
    """Something that others do; where there are two of a thing, the second is what they do in the second store."""

    verb: str
    slot: int
    actor: tuple[str, str]
    values: Mapping[str, tuple[Any, Any]] = attrs.field(factory=dict)
    to: tuple[Any, Any] = ("ann", "ann")
    reason: tuple[str | None, str | None] = (None, None)
    late: tuple[int, int] = (0, 0)


@attrs.frozen
class Life:
    """A record with all that happened to it, and what the member may do with each of its states."""

    record: Record
    today: Verdict
    changes: tuple[Change, ...]
    states: tuple[Record, ...]
    verdicts: tuple[Verdict, ...]

    def seen(self, number: int) -> Verdict:
        """Return what shows of a state of the past: what may be seen both of it and of the record today."""
        return both(self.today, self.verdicts[number])


Choice = Mapping[tuple[int, str], bool]


@attrs.frozen
class Twin:
    """One of the two stores."""

    workspace: Workspace
    surroundings: Surroundings
    slots: Mapping[int, Key]
    deputy: str | None = None
    """Who acts on behalf of the member, if anybody does: what that one is told is compared."""

    def session(self) -> AbstractContextManager[Session]:
        """Open a session in which the member's answers are given."""
        if self.deputy is None:
            return self.workspace.acting_as(ACTOR)
        return self.workspace.acting_as(self.deputy, on_behalf_of=ACTOR)

    def play(self, steps: Sequence[Step], hidden: set[Place], absent: set[int], side: int) -> None:
        """Carry the steps out; `hidden` are the (slot, field) that may differ, `absent` the slots to leave out."""
        for number, step in enumerate(steps, start=1):
            if step.slot in absent:
                continue
            touched = {*TOUCHED.get(step.verb, ()), *step.values}
            decides = step.verb in ("approve", "reject")
            unseen = all((step.slot, key) in hidden for key in touched) and not decides
            other = side if unseen and (step.slot, "updated_at") in hidden else 0
            self.surroundings.at(number, step.late[other])
            with suppress(CustinfoError), self.workspace.acting_as(step.actor[side if unseen else 0]) as session:
                values = {key: pair[side if (step.slot, key) in hidden else 0] for key, pair in step.values.items()}
                alike = any((step.slot, key) not in hidden for key in TOUCHED.get(step.verb, ()))
                to = step.to[0 if alike else side]
                if decides:
                    self._decide(session, step, hidden, side)
                else:
                    self._carry_out(session, step, values, to, step.reason[side if unseen else 0])

    def _carry_out(self, session: Session, step: Step, values: dict[str, Any], to: Any, reason: str | None) -> None:
        module, key = self.slots[step.slot]
        records = session.records(module)
        if "firm" in values and values["firm"] is not None:
            values["firm"] = self.slots[values["firm"]][1]
        kept: dict[str, Any] = {"version": ANY, "reason": reason}
        match step.verb:
            case "create":
                records.create(values, reason=reason)
            case "update":
                records.update(key, values, **kept)
            case "tag" | "transfer":
                getattr(records, step.verb)(key, to, **kept)
            case "share":
                records.share(key, to[0], to[1], until=to[2], **kept)
            case "unshare":
                records.unshare(key, to[0], **kept)
            case verb:
                getattr(records, verb)(key, **kept)

    def _decide(self, session: Session, step: Step, hidden: set[Place], side: int) -> None:
        """Decide about the requests of a record; what is said of a hidden field may differ."""
        module, record_id = self.slots[step.slot]
        for request in session.context.unit.approvals.open_for(module, [RecordId(record_id)]):
            part = ACTOR in {request.submitted_by, *(task.approver for task in request.tasks)}
            differs = not part and any((step.slot, key) in hidden for key in request.patch)
            getattr(session.approvals, step.verb)(request.id, comment=step.reason[side if differs else 0])

    # --- looking at it with the library's own eyes

    def lives(self) -> dict[Key, Life]:
        """Return the records that there are, with what the member may do with them."""
        found = {}
        with self.session() as session:
            for module, key in self.slots.values():
                life = _life(session.context, module, RecordId(key))
                if life is not None:
                    found[module, key] = life
        return found

    def administered(self) -> frozenset[str]:
        """Return the modules of which the member sees all requests through."""
        with self.session() as session:
            return frozenset(key for key in FIELDS if session.context.access(key).may("configure"))

    def requests(self) -> dict[str, Request]:
        """Return all requests, by id."""
        with self.session() as session:
            approvals = session.context.unit.approvals
            everybody = (*session.context.schema.directory.holders("god"), ACTOR, "dee")
            found = {str(item.id): item for member in everybody for item in approvals.submitted_by(member)}
            return {key: _opened_request(session.context, request) for key, request in found.items()}


def _life(context: Context, module: str, key: RecordId) -> Life | None:
    record = context.unit.records.get(module, [key]).get(key)
    if record is None:
        return None
    pairs = list(replay(context.unit.history.of_record(module, key)))
    states = tuple(_opened(context, attrs.evolve(state, data_keys=record.data_keys)) for _, state in pairs)
    verdicts = tuple(context.verdict(state) for _, state in pairs)
    return Life(
        _opened(context, record), context.verdict(record), tuple(change for change, _ in pairs), states, verdicts
    )


def _opened(context: Context, record: Record) -> Record:
    plain = {
        key: context.sealer.unseal(record, key, value) for key, value in record.values.items() if type(value) is Sealed
    }
    return attrs.evolve(record, values=record.values.merged(plain))


def _opened_request(context: Context, request: Request) -> Request:
    record = context.unit.records.get(request.module, [request.record_id]).get(request.record_id)
    data_keys = record.data_keys if record is not None else FrozenDict()

    def plain(values: Mapping[str, Any]) -> FrozenDict[str, Any]:
        sealed = {key: value for key, value in values.items() if type(value) is Sealed}
        unseal = context.sealer.unseal_proposed
        opened = {key: unseal(request, key, value, data_keys) for key, value in sealed.items()}
        return FrozenDict({**values, **opened})

    return request.after({"patch": plain(request.patch), "base": plain(request.base)})


def value_of(record: Record, key: str) -> Any:
    """Return a value, of a field or beside them."""
    return getattr(record, key) if key in PSEUDO and key not in record.values else record.values.get(key)


# --- what may differ, and whether the twins are alike


def unseen(lives: Mapping[Key, Life], slots: Mapping[int, Key]) -> tuple[set[Place], set[int]]:
    """Return the (slot, field) of which the member never sees all, and the slots that they don't reach at all."""
    hidden: set[Place] = set()
    away: set[int] = set()
    for slot, key in slots.items():
        life = lives.get(key)
        names = (*FIELDS[key[0]], *PSEUDO)
        if life is None or not life.today.actions:
            away.add(slot)
            hidden |= {(slot, name) for name in names}
            continue
        numbers = range(len(life.states))
        hidden |= {(slot, name) for name in names if all(name not in life.seen(number).readable for number in numbers)}
    return hidden, away


def unlike(
    one: Twin, other: Twin, lives: tuple[Mapping[Key, Life], Mapping[Key, Life]] | None = None, *, asked: bool = True
) -> set[Key]:
    """Return the records about which two stores differ in what the member may read; nothing for twins.

    Without `asked`, it makes no difference whom a request asks.
    """
    mine, theirs = lives or (one.lives(), other.lives())
    found = set()
    for key in {*mine, *theirs}:
        first, second = mine.get(key), theirs.get(key)
        reached = [life is not None and bool(life.today.actions) for life in (first, second)]
        both = first is not None and second is not None and reached[0] and not _alike(first, second)
        if reached[0] != reached[1] or both:
            found.add(key)
    return found | _unlike_requests(one, other, mine, theirs, asked=asked)


def widened(before: Mapping[Key, Life], after: Mapping[Key, Life]) -> set[Key]:
    """Return the records of which the member may see more than before."""
    found = set()
    for key in before.keys() & after.keys():
        earlier, later = before[key], after[key]
        shown = [{*life.today.readable, *life.today.masked} for life in (earlier, later)]
        more = not later.today.readable <= earlier.today.readable or not shown[1] <= shown[0]
        if more or not later.today.actions <= earlier.today.actions:
            found.add(key)
    return found


def _alike(one: Life, other: Life) -> bool:
    if len(one.states) != len(other.states) or one.today != other.today or one.verdicts != other.verdicts:
        return False
    if (one.record.archived_at is None) != (other.record.archived_at is None):
        return False  # that a record is archived is no secret from those who view it
    for number, (first, second) in enumerate(zip(one.states, other.states, strict=True)):
        seen = one.seen(number)
        for key in (*FIELDS[first.module], *PSEUDO):
            if not _same(seen, key, value_of(first, key), value_of(second, key)):
                return False
    return all(_alike_changes(one, other, number) for number in range(len(one.changes)))


def _same(verdict: Verdict, key: str, one: Any, other: Any) -> bool:
    if one == other or verdict.field(key) == "hidden":
        return True
    if verdict.field(key) == "readable" or one is None or other is None:
        return False
    return mask(verdict.masked[key], str(one)) == mask(verdict.masked[key], str(other))


def _alike_changes(one: Life, other: Life, number: int) -> bool:
    """Compare who did something when and why, where any of it shows."""
    seen = both(one.today if number == 0 else one.seen(number - 1), one.seen(number))
    first, second = one.changes[number], other.changes[number]
    shown = [[not _same(seen, item.field, item.old, item.new) for item in change.fields] for change in (first, second)]
    if not any(map(any, shown)):
        return True
    told = [
        (c.at, c.actor, c.action, c.channel, c.on_behalf_of, c.approval, c.batch, c.configuration_version)
        for c in (first, second)
    ]
    whole = [all(item.field in seen.readable for item in change.fields) for change in (first, second)]
    return told[0] == told[1] and (first.reason == second.reason or not any(whole)) and whole[0] == whole[1]


def _unlike_requests(
    one: Twin, other: Twin, mine: Mapping[Key, Life], theirs: Mapping[Key, Life], *, asked: bool
) -> set[Key]:
    """Compare the requests that the member has a part in, or sees something of."""
    first, second = one.requests(), other.requests()
    if not asked:
        first, second = ({key: item.after({"tasks": ()}) for key, item in side.items()} for side in (first, second))
    administered = one.administered() | other.administered()
    found = set()
    for key in {*first, *second}:
        if _shown(first.get(key), mine, administered) != _shown(second.get(key), theirs, administered):
            request = first.get(key) or second[key]
            found.add((request.module, str(request.record_id)))
    return found


def _shown(request: Request | None, lives: Mapping[Key, Life], administered: Collection[str]) -> Any:
    """Return what the member may know of a request; `None` for nothing.

    Who configures a module knows that there is one, to move on what is stuck.
    """
    if request is None:
        return None
    life = lives.get((request.module, str(request.record_id)))
    verdict = life.today if life is not None else NO_ACCESS
    fields = {key: verdict.field(key) for key in request.patch}
    part = ACTOR in {request.submitted_by, *(task.approver for task in request.tasks)}
    hidden = "view" not in verdict.actions or all(item == "hidden" for item in fields.values())
    if not part and hidden:
        moves = [(entry.at, entry.actor, entry.command) for entry in request.trail]
        steps = tuple(step.key for step in request.steps)
        frame = (request.state, request.version, request.tasks, request.submitted_by, moves, steps)
        return frame if request.module in administered else None
    known = set(request.patch) if part else {key for key, item in fields.items() if item != "hidden"}
    said = part or all(item == "readable" for item in fields.values())
    trail = [(entry.at, entry.actor, entry.command, entry.comment if said else None) for entry in request.trail]
    values = [
        (key, _told(verdict, key, request.base.get(key)), _told(verdict, key, request.patch.get(key)))
        for key in sorted(known)
    ]
    return (
        request.state,
        request.version,
        request.flows,
        request.tasks,
        request.submitted_by,
        request.reason if said else None,
        trail,
        values,
    )


def _told(verdict: Verdict, key: str, value: Any) -> Any:
    match verdict.field(key):
        case "readable":
            return value
        case "masked":
            return None if value is None else mask(verdict.masked[key], str(value))
        case _:
            return None


def twin_of(twin: Twin, tenant: str) -> Twin:
    """Return another store under the same configuration."""
    workspace = copy(twin.workspace)
    workspace.tenant = tenant
    workspace._begin = copy(workspace._begin)
    workspace._begin.tenant = tenant
    return attrs.evolve(twin, workspace=workspace)


__all__ = [
    "ASKING",
    "DERIVED",
    "START",
    "Life",
    "Step",
    "Surroundings",
    "Twin",
    "made_id",
    "twin_of",
    "unlike",
    "unseen",
    "value_of",
    "widened",
]
