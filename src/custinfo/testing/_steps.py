"""The steps of a random history: all that repositories do, also what they have to refuse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final, Literal

import attrs

from custinfo.core.approval.requests import RequestState
from custinfo.core.binding import bind
from custinfo.core.criteria import Criterion, F, Tagged
from custinfo.core.frozen import FrozenDict
from custinfo.core.importing import ImportBatch
from custinfo.core.records import FieldKey
from custinfo.core.revisions import Revision
from custinfo.ports import Grouping, Order, Query, UnitOfWork
from custinfo.testing._model import find_disagreement
from custinfo.testing._player import RECORDS, Player
from custinfo.testing._samples import NOW, make_change, make_event, make_request, record_id

__all__ = ["STEPS"]

Step = Callable[[Player, UnitOfWork], None]

_REQUESTS: Final = range(1, 6)
_RESERVABLE: Final[tuple[FieldKey, ...]] = ("title", "note", "nickname")
_STATES: Final[tuple[RequestState, ...]] = ("pending", "pending", "approved", "applied", "withdrawn")
_PROGRESS: Final[tuple[Literal["running", "done", "undone"], ...]] = ("running", "done", "undone")
_CRITERIA: Final[tuple[Criterion, ...]] = (
    F.title == "a",
    F.title.contains("甲"),
    F.count > 0,
    F.place.under("north"),
    F.parent.count <= 1,
    F.parent.is_missing(),
    F.archived_at.is_missing(),
    F.owner == "bob",
    Tagged("need", "设备"),
)
_ORDERS: Final = (("title",), ("count",), ("place",), ("owner",), ("archived_at",), ("parent", "title"))
_GROUPINGS: Final = (Grouping(("place",)), Grouping(("parent", "owner")), Grouping(dimension="need"))


def _save(player: Player, unit: UnitOfWork) -> None:
    made = {record.id: record for record in (player.record() for _ in range(player.random.randint(0, 3)))}
    records, model = list(made.values()), player.model
    player.compare("save", lambda: unit.records.save(records), lambda: model.save(records))


def _remove(player: Player, unit: UnitOfWork) -> None:
    stored, model = list(player.model.records.values()), player.model
    chosen = player.random.sample(stored, min(len(stored), 1))
    if player.random.random() < 0.3:
        chosen = [attrs.evolve(record, version=record.version + 1) for record in chosen]
    player.compare("remove", lambda: unit.records.remove(chosen), lambda: model.remove(chosen))


def _reindex(player: Player, unit: UnitOfWork) -> None:
    records = list(player.model.records.values())
    player.compare("reindex", lambda: unit.records.reindex(records), lambda: None)


def _get(player: Player, unit: UnitOfWork) -> None:
    ids, model = player.ids(), player.model
    player.compare("get", lambda: unit.records.get("thing", ids), lambda: model.get("thing", ids))


def _holders(player: Player, unit: UnitOfWork) -> None:
    codes, model = [f"c{number}" for number in range(10)], player.model
    player.compare(
        "holders", lambda: unit.records.holders("thing", "code", codes), lambda: model.holders("thing", "code", codes)
    )


def _append(player: Player, unit: UnitOfWork) -> None:
    made = [attrs.evolve(player.record(), version=player.random.randint(1, 5)) for _ in range(2)]
    batch = player.random.choice((None, "b1", "b2"))
    changes, model = [make_change(None, record, batch=batch) for record in made], player.model
    if made[0].id == made[1].id:
        changes = changes[:1]
    player.compare("append", lambda: unit.history.append(changes), lambda: model.append(changes))


def _read_history(player: Player, unit: UnitOfWork) -> None:
    key, model = record_id(player.random.choice(RECORDS)), player.model
    player.compare("of_record", lambda: unit.history.of_record("thing", key), lambda: model.of_record("thing", key))
    player.compare("of_batch", lambda: unit.history.of_batch("b1"), lambda: model.of_batch("b1"))


def _submit(player: Player, unit: UnitOfWork) -> None:
    number, model = player.random.choice(_REQUESTS), player.model
    patch = {key: "x" for key in _RESERVABLE if player.random.random() < 0.5}
    request = make_request(number, record_id(player.random.choice((1, 2))), patch)
    stored = model.requests.get(request.id)
    version = (stored.version if stored is not None else 0) + player.random.choice((1,) * 5 + (2,))
    state = player.random.choice(_STATES)
    changed = attrs.evolve(request, version=version, state=state)
    player.compare("submit", lambda: unit.approvals.save(changed), lambda: model.submit(changed))


def _read_requests(player: Player, unit: UnitOfWork) -> None:
    ids, by_age = player.ids(), player.model.by_age()
    keys = [request.id for request in by_age[::2]]
    waiting = [item for item in by_age if any(task.approver == "bob" for task in item.open_tasks())]
    open_ = [item for item in by_age if item.record_id in ids and item.state in ("pending", "approved")]
    approvals = unit.approvals
    player.compare("get", lambda: approvals.get(keys), lambda: {item.id: item for item in by_age[::2]})
    player.compare("open_for", lambda: approvals.open_for("thing", ids), lambda: open_)
    player.compare("waiting_for", lambda: approvals.waiting_for("bob"), lambda: waiting)
    player.compare("submitted_by", lambda: approvals.submitted_by("ann"), lambda: by_age[::-1])


def _import(player: Player, unit: UnitOfWork) -> None:
    number, model = player.random.randint(1, 3), player.model
    state = player.random.choice(_PROGRESS)
    started = NOW + timedelta(seconds=number)
    batch = ImportBatch(
        f"b{number}", "thing", "digest", ("ann", "bob")[number % 2], started, state, 7, FrozenDict({"creates": number})
    )
    player.compare("keep", lambda: unit.imports.save(batch), lambda: model.keep(batch))


def _read_imports(player: Player, unit: UnitOfWork) -> None:
    imports, model = unit.imports, player.model
    player.compare("import", lambda: imports.get("b1"), lambda: model.imports.get("b1"))
    mine = ("thing", "digest", "bob")
    player.compare("unfinished", lambda: imports.unfinished(*mine), lambda: model.unfinished(*mine))


def _revise(player: Player, unit: UnitOfWork) -> None:
    model, stale = player.model, player.random.random() < 0.3
    replacing = model.version() - 1 if stale else model.version()
    revision = Revision(model.version() + 1, '{"n": 1}', NOW, "ann", player.random.choice((None, "因为")))
    player.compare(
        "revise",
        lambda: unit.configurations.save(revision, replacing=replacing),
        lambda: model.revise(revision, replacing),
    )


def _read_revisions(player: Player, unit: UnitOfWork) -> None:
    revisions, model = unit.configurations, player.model
    version = max(model.version() - player.random.randint(0, 1), 0)
    player.compare("version", revisions.version, model.version)
    player.compare("revisions", revisions.all, lambda: model.revisions)
    player.compare("hold", lambda: revisions.hold(version), lambda: model.hold(version))


def _announce(player: Player, unit: UnitOfWork) -> None:
    model = player.model
    events = [make_event(player.random.randint(1, 10**6)) for _ in range(player.random.randint(0, 2))]
    new = list({event.id: event for event in events if event.id not in model.events}.values())
    player.compare("announce", lambda: unit.outbox.append(new), lambda: model.announce(new))


def _claim(player: Player, unit: UnitOfWork) -> None:
    model, limit = player.model, player.random.randint(1, 3)
    now = NOW + timedelta(seconds=player.random.randint(0, 9))
    until = now + timedelta(seconds=player.random.randint(1, 5))
    player.compare("claim", lambda: unit.outbox.claim(limit, now=now, until=until), lambda: model.due(limit, now))
    player.model = model.held(model.due(limit, now), until)


def _settle(player: Player, unit: UnitOfWork) -> None:
    chosen = [event for event, _ in player.model.events.values() if player.random.random() < 0.5]
    ids, model, until = [event.id for event in chosen], player.model, NOW + timedelta(seconds=6)
    if player.random.random() < 0.5:
        player.compare("postpone", lambda: unit.outbox.postpone(ids, until), lambda: model.held(chosen, until))
    else:
        player.compare("acknowledge", lambda: unit.outbox.acknowledge(ids), lambda: model.acknowledge(ids))
    left = sorted((event for event, _ in player.model.events.values()), key=lambda event: event.id)
    player.compare("pending", lambda: unit.outbox.pending(5), lambda: left[:5])


def _ask(player: Player, unit: UnitOfWork) -> None:
    chosen = player.random.sample(_CRITERIA, 2)
    criterion = player.random.choice((chosen[0], chosen[0] & chosen[1], chosen[0] | ~chosen[1]))
    paths = player.random.sample(_ORDERS, player.random.randint(0, 2))
    orders = tuple(Order(path, player.random.random() < 0.5) for path in paths)
    query = Query("thing", bind(criterion, "thing", player.schema, NOW), orders)
    stored, grouping = list(player.model.records.values()), player.random.choice(_GROUPINGS)
    player.compare("ask", lambda: find_disagreement(unit, player.schema, stored, query, grouping), lambda: None)


STEPS: Final[tuple[tuple[Step, int], ...]] = (
    (_save, 8),
    (_remove, 1),
    (_reindex, 1),
    (_get, 2),
    (_holders, 2),
    (_append, 3),
    (_read_history, 2),
    (_submit, 4),
    (_read_requests, 2),
    (_import, 1),
    (_read_imports, 1),
    (_revise, 1),
    (_read_revisions, 1),
    (_ask, 5),
    (_announce, 2),
    (_claim, 1),
    (_settle, 1),
)
"""Each step, and how often it is played in proportion to the others."""
