"""What `ApprovalRepository` promises."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs

from custinfo.core.approval.items import Item
from custinfo.core.approval.requests import Request, RequestId, RequestState, Task, TrailEntry
from custinfo.core.errors import FieldReservedError, StaleVersionError
from custinfo.core.frozen import FrozenDict
from custinfo.core.offers import offered
from custinfo.core.records import CLEAR, RecordId, Sealed
from custinfo.ports import ApprovalQueries, RequestQuery
from custinfo.testing._harness import Harness, raised_by
from custinfo.testing._samples import NOW, make_request, record_id
from custinfo.testing._telling import same

__all__ = ["ApprovalContract"]


def _decided(request: Request, state: RequestState) -> Request:
    entry = TrailEntry(NOW + timedelta(minutes=1), "bob", "approve", "同意", 0)
    tasks = tuple(task._replace(decision="closed") for task in request.tasks)
    return attrs.evolve(request, state=state, version=request.version + 1, tasks=tasks, trail=(*request.trail, entry))


class ApprovalContract(Harness):
    """Requests come back equal, and reserve their fields while they are open."""

    def save(self, *requests: Request) -> None:
        """Save requests in a unit of their own."""
        with self.begin() as unit:
            for request in requests:
                unit.approvals.save(request)

    def test_requests_come_back(self) -> None:
        """A request comes back equal, with everything that it holds."""
        patch = {
            "price": Decimal("1.5"),
            "secret": Sealed("t", "i"),
            "colours": ("red",),
            "place": CLEAR,
            "owner": "bob",
        }
        base = FrozenDict({"price": Decimal(2), "secret": None, "colours": None, "place": "north", "owner": "ann"})
        request = make_request(
            1,
            record_id(1),
            patch,
            base=base,
            reason="理由",
            allow_own=True,
            batch="b",
            trail=(TrailEntry(NOW, "ann", "submit", None, None),),
        )
        self.save(request)
        with self.begin() as unit:
            same(unit.approvals.get([request.id, RequestId("none")]), {request.id: request})
            same(unit.approvals.get([]), {})
        decided = _decided(request, "rejected")
        self.save(decided)
        with self.begin() as unit:
            same(unit.approvals.get([request.id]), {request.id: decided})

    def test_requests_are_found_by_part_flow_and_time(self) -> None:
        """A store that answers `ApprovalQueries` finds who has which part, pages by time and id, and what is due."""
        decided = _decided(make_request(1, record_id(1), {"title": "x"}), "rejected")
        due = make_request(2, record_id(2), {"title": "x"}, due_at=NOW + timedelta(hours=2), flows=(("other", 1),))
        later = make_request(3, record_id(3), {"title": "x"}, due_at=NOW + timedelta(hours=1))
        self.save(make_request(1, record_id(1), {"title": "x"}), decided, due, later)
        with self.begin() as unit:
            found = offered(unit.approvals, ApprovalQueries)
            if found is None:
                return
            mine = RequestQuery("submitted", "ann")
            same(list(found.find(mine)), [later, due, decided])
            same(list(found.find(attrs.evolve(mine, limit=1, after=(later.submitted_at, later.id)))), [due])
            same(list(found.find(attrs.evolve(mine, newest_first=False, limit=2))), [decided, due])
            place = (decided.submitted_at, decided.id)
            same(list(found.find(attrs.evolve(mine, newest_first=False, after=place))), [due, later])
            same(list(found.find(RequestQuery("decided", "bob"))), [decided])
            same(list(found.find(RequestQuery("deciding", "bob", newest_first=False))), [due, later])
            same(list(found.find(RequestQuery("open"))), [later, due])
            same(list(found.find(attrs.evolve(mine, flow="other"))), [due])
            same(found.count(attrs.evolve(mine, states=("pending",), limit=1)), 2)
            same(found.count(attrs.evolve(mine, modules=("other",))), 0)
            same(list(found.find(attrs.evolve(mine, record_id=record_id(3)))), [later])
            same(list(found.due(NOW + timedelta(minutes=59), 9)), [])
            same(list(found.due(NOW + timedelta(hours=1), 9)), [later])
            same(list(found.due(NOW + timedelta(hours=2), 9)), [later, due])
            same(list(found.due(NOW + timedelta(hours=2), 1)), [later])

    def test_a_request_for_many_records_reserves_on_each(self) -> None:
        """Its items are reserved, and it is found by each of its records."""
        title: FrozenDict[str, Any] = FrozenDict({"title": "x"})
        items = tuple(Item(record_id(number), title, FrozenDict({"title": None})) for number in (1, 2))
        many = make_request(1, RecordId(""), {}, items=items)
        self.save(many)
        with self.begin() as unit:
            same(list(unit.approvals.open_for("thing", [record_id(2)])), [many])
            same(list(unit.approvals.open_for("thing", [record_id(3)])), [])
            other = make_request(2, record_id(2), {"title": "y"})
            raised_by(FieldReservedError, lambda: unit.approvals.save(other))
            unit.approvals.save(make_request(3, record_id(2), {"code": "y"}))

    def test_only_what_is_in_the_way_is_named(self) -> None:
        """Every field that another request reserves on the same record is named, and none that is free there."""
        patches = (FrozenDict[str, Any]({"title": "x"}), FrozenDict[str, Any]({"size": 1}))
        items = tuple(
            Item(record_id(number), patch, FrozenDict(dict.fromkeys(patch))) for number, patch in enumerate(patches, 1)
        )
        many = make_request(1, RecordId(""), {}, items=items)
        beside, first, second = (
            make_request(2, record_id(1), {"size": 2}),
            make_request(3, record_id(1), {"title": "y"}),
            make_request(4, record_id(2), {"size": 3}),
        )
        self.save(beside, first)
        error = raised_by(FieldReservedError, lambda: self.save(many))
        same([(item.field, item.params["request_id"]) for item in error.problems], [("title", first.id)])
        self.save(second)
        error = raised_by(FieldReservedError, lambda: self.save(many))
        holders = [(item.field, item.params["request_id"]) for item in error.problems]
        same(holders, [("size", second.id), ("title", first.id)])

    def test_stale_requests_are_refused(self) -> None:
        """A version other than the next one is refused."""
        request = make_request(1, record_id(1), {"title": "x"})
        self.save(request)
        for version, expected in ((1, 0), (3, 2)):
            stale = attrs.evolve(request, version=version)
            error = raised_by(StaleVersionError, lambda stale=stale: self.save(stale))  # type: ignore[misc]
            same(error.problems[0].params, {"expected": expected, "actual": 1})
        error = raised_by(StaleVersionError, lambda: self.save(make_request(2, record_id(1), {"size": 1}, version=2)))
        same(error.problems[0].params, {"expected": 1, "actual": 0})

    def test_open_requests_reserve_their_fields(self) -> None:
        """A second request on the same field is refused with the first one's id; other fields are free."""
        first = make_request(1, record_id(1), {"title": "x", "count": 1})
        self.save(first)
        with self.begin() as unit:
            error = raised_by(
                FieldReservedError,
                lambda: unit.approvals.save(make_request(2, record_id(1), {"count": 2, "size": 1})),
            )
            same(error.request_id, first.id)
            same([problem.field for problem in error.problems], ["count"])
            unit.approvals.save(make_request(3, record_id(1), {"size": 1}))
            unit.approvals.save(make_request(4, record_id(2), {"count": 2}))
            same(unit.approvals.get([make_request(2, record_id(1), {}).id]), {})

    def test_open_states_reserve(self) -> None:
        """Approved requests and those to be rebased still reserve; closed ones do not."""
        request = make_request(1, record_id(1), {"title": "x"})
        self.save(request)
        states: tuple[RequestState, ...] = ("approved", "needs_rebase")
        for state in states:
            request = _decided(request, state)
            self.save(request)
            raised_by(FieldReservedError, lambda: self.save(make_request(2, record_id(1), {"title": "y"})))
        self.save(_decided(request, "withdrawn"))
        self.save(make_request(2, record_id(1), {"title": "y"}))
        with self.begin() as unit:
            requests = unit.approvals.open_for("thing", [record_id(1)])
        same([item.id for item in requests], [make_request(2, record_id(1), {}).id])

    def test_open_for_lists_open_requests(self) -> None:
        """Open requests of the records come oldest first, also such without a field."""
        late = make_request(1, record_id(1), {"title": "x"}, submitted_at=NOW + timedelta(days=1))
        early = make_request(2, record_id(2), {"title": "x"})
        bare = make_request(3, record_id(1), {}, action="archive")
        closed = make_request(4, record_id(1), {"size": 1}, state="applied")
        self.save(late, early, bare, closed)
        with self.begin() as unit:
            approvals = unit.approvals
            same(list(approvals.open_for("thing", [record_id(1), record_id(2)])), [early, bare, late])
            same(list(approvals.open_for("thing", [record_id(2)])), [early])
            same(list(approvals.open_for("thing_note", [record_id(1)])), [])
            same(list(approvals.open_for("thing", [])), [])

    def test_waiting_for_lists_open_tasks(self) -> None:
        """Members see the requests that wait for them now, oldest first; in a sequence, only the next one does."""
        late = make_request(1, record_id(1), {"title": "x"}, submitted_at=NOW + timedelta(days=1))
        early = make_request(2, record_id(2), {"title": "x"})
        tasks = (Task(0, "bob", "approved"), Task(1, "cai"), Task(1, "ann"))
        second = make_request(3, record_id(3), {"title": "x"}, position=1, tasks=tasks)
        self.save(late, early, second)
        with self.begin() as unit:
            approvals = unit.approvals
            same(list(approvals.waiting_for("bob")), [early, late])
            same(list(approvals.waiting_for("cai")), [second])
            same(list(approvals.waiting_for("ann")), [])
        self.save(_decided(early, "rejected"))
        with self.begin() as unit:
            same(list(unit.approvals.waiting_for("bob")), [late])

    def test_submitted_by_lists_newest_first(self) -> None:
        """Members see their own requests, closed ones too, newest first."""
        first = make_request(2, record_id(1), {"title": "x"}, state="applied")
        second = make_request(1, record_id(2), {"title": "x"}, submitted_at=NOW + timedelta(days=1))
        other = make_request(3, record_id(3), {"title": "x"}, submitted_by="bob")
        self.save(second, first, other)
        with self.begin() as unit:
            same(list(unit.approvals.submitted_by("ann")), [second, first])
            same(list(unit.approvals.submitted_by("cai")), [])

    def test_requests_are_the_tenants_own(self) -> None:
        """Another tenant sees no requests, and may reserve the same fields."""
        request = make_request(1, record_id(1), {"title": "x"})
        self.save(request)
        with self.begin("two") as unit:
            same(unit.approvals.get([request.id]), {})
            same(list(unit.approvals.waiting_for("bob")), [])
            unit.approvals.save(request)
            same(list(unit.approvals.open_for("thing", [record_id(1)])), [request])
