"""What `Rewriting` and `Reindexing` promise."""

from __future__ import annotations

import attrs

from custinfo.core.approval.items import Companion, Item
from custinfo.core.criteria import F
from custinfo.core.errors import DuplicateValueError, StaleVersionError
from custinfo.core.frozen import FrozenDict
from custinfo.core.offers import offered
from custinfo.core.records import ERASED, Record, RecordId, Sealed
from custinfo.ports.history import ManyRequests
from custinfo.testing._harness import Harness, raised_by
from custinfo.testing._samples import NOW, full_record, make_record, make_request, make_story, next_version, record_id
from custinfo.testing._telling import same
from custinfo.testing._unit_parts import log, reindexing, rewriting

__all__ = ["RewritingContract"]


class RewritingContract(Harness):
    """Test every promise of what writes changes, requests, data keys and digests anew; a part of `LogContract`."""

    def test_changes_are_rewritten(self) -> None:
        """Content, reason and evidence of a change are replaced; its position and everything else stay."""
        story = make_story()
        with self.begin() as unit:
            unit.history.append(story)
            log(unit).number()
            erased = attrs.evolve(story[3].erased(frozenset({"title"}), None), evidence="k.e.f", reason="'neu\"")
            rewriting(unit).changes([attrs.evolve(erased, actor="other")])
        with self.begin() as unit:
            found = unit.history.of_record("thing", record_id(1))
            same(list(found), [story[0], erased, story[4]])
            same({item.new for item in found[1].fields}, {ERASED})
            same([(change.evidence, change.position) for change in found], [("k.a.b", 1), ("k.e.f", 4), (None, 5)])

    def test_requests_are_rewritten(self) -> None:
        """Every request about a record is found, whatever its state, and replaced at the version that it has."""
        closed = make_request(2, record_id(1), {"title": "x"}, state="applied")
        pending = make_request(1, record_id(1), {"size": 1})
        with self.begin() as unit:
            for request in (closed, pending, make_request(3, record_id(2), {"title": "x"})):
                unit.approvals.save(request)
            same(list(rewriting(unit).requests_of("thing", record_id(1))), [pending, closed])
            same(list(rewriting(unit).requests_of("thing_note", record_id(1))), [])
            erased = attrs.evolve(closed, patch=FrozenDict({"title": ERASED}), base=FrozenDict({"title": None}))
            rewriting(unit).requests([erased])
            stale = attrs.evolve(pending, version=2)
            raised_by(StaleVersionError, lambda: rewriting(unit).requests([stale]))
        with self.begin() as unit:
            same(dict(unit.approvals.get([closed.id, pending.id])), {closed.id: erased, pending.id: pending})

    def test_requests_are_rewritten_together(self) -> None:
        """Where one of several has another version by now, or is not there, all of them stay as they are."""
        first, second = (make_request(number, record_id(number), {"title": "x"}) for number in (1, 2))
        with self.begin() as unit:
            unit.approvals.save(first)
            unit.approvals.save(second)
        new, other = (attrs.evolve(item, patch=FrozenDict({"title": ERASED})) for item in (first, second))
        absent = attrs.evolve(make_request(3, record_id(3), {"title": "x"}), patch=FrozenDict({"title": ERASED}))
        with self.begin() as unit:
            for refused in (attrs.evolve(other, version=2), absent):
                given = [new, refused, other]
                raised_by(StaleVersionError, lambda given=given: rewriting(unit).requests(given))  # type: ignore[misc]
            same(dict(unit.approvals.get([first.id, second.id, absent.id])), {first.id: first, second.id: second})
        with self.begin() as unit:
            rewriting(unit).requests([])
            same(dict(unit.approvals.get([first.id, second.id, absent.id])), {first.id: first, second.id: second})
            rewriting(unit).requests([new, other])
        with self.begin() as unit:
            same(dict(unit.approvals.get([first.id, second.id])), {first.id: new, second.id: other})

    def test_what_is_held_is_as_it_is_by_now(self) -> None:
        """Changes and requests that are to be written anew are read as they are, whatever was read of them before."""
        story = make_story()
        request = make_request(1, record_id(1), {"title": "x"}, state="applied")
        with self.begin() as unit:
            unit.history.append(story)
            unit.approvals.save(request)
        erased = attrs.evolve(story[3].erased(frozenset({"title"}), None), evidence="k.e.f")
        without = attrs.evolve(request, patch=FrozenDict({"title": ERASED}))
        with self.begin() as unit:
            rewriting(unit).changes([erased])
            rewriting(unit).requests([without])
        with self.begin() as unit:
            held = rewriting(unit).held_changes([record_id(1), record_id(101), record_id(9)])
            same(
                {key: list(changes) for key, changes in held.items()},
                {
                    record_id(1): [story[0], erased, story[4]],
                    record_id(101): [story[2]],
                },
            )
            other = make_request(2, record_id(1), {"title": "x"})
            same(dict(rewriting(unit).held_requests([request.id, other.id])), {request.id: without})
            same(dict(rewriting(unit).held_changes([])), {})
            same(dict(rewriting(unit).held_requests([])), {})
        with self.begin("two") as unit:
            same(dict(rewriting(unit).held_changes([record_id(1)])), {})
            same(dict(rewriting(unit).held_requests([request.id])), {})

    def test_requests_for_many_are_found(self) -> None:
        """A request concerns each record that it is about, and each that one of these brings along."""
        title: FrozenDict[str, str] = FrozenDict({"title": "x"})
        note = Companion("thing_note", record_id(7), FrozenDict({"text": "y"}))
        items = (Item(record_id(1), title, title), Item(record_id(2), title, title, companions=(note,)))
        many = attrs.evolve(make_request(1, RecordId(""), {}), items=items)
        other = attrs.evolve(make_request(2, RecordId(""), {}), items=(Item(record_id(3), title, title),))
        with self.begin() as unit:
            for request in (many, other):
                unit.approvals.save(request)
        with self.begin() as unit:
            found = rewriting(unit).requests_of
            same([list(found("thing", record_id(number))) for number in (1, 2, 3, 7)], [[many], [many], [other], []])
            same(list(found("thing_note", record_id(7))), [many])
            same(list(found("thing_note", record_id(1))), [])

    def test_requests_about_many_are_found_at_once(self) -> None:
        """Those of several records are each found once, oldest first; a store need not be able to do so."""
        title: FrozenDict[str, str] = FrozenDict({"title": "x"})
        note = Companion("thing_note", record_id(7), FrozenDict({"text": "y"}))
        items = (Item(record_id(1), title, title), Item(record_id(2), title, title, companions=(note,)))
        many = attrs.evolve(make_request(2, RecordId(""), {}), items=items)
        one, other = make_request(1, record_id(1), {"size": 1}), make_request(3, record_id(3), {"title": "x"})
        with self.begin() as unit:
            for request in (many, one, other):
                unit.approvals.save(request)
        with self.begin() as unit:
            store = offered(rewriting(unit), ManyRequests)
            if store is not None:
                ids = [record_id(number) for number in (2, 1, 7, 9)]
                same(list(store.requests_of_all("thing", ids)), [one, many])
                same(list(store.requests_of_all("thing_note", ids)), [many])
                others = [record_id(3), *(record_id(number) for number in range(9, 900))]
                same(list(store.requests_of_all("thing", others)), [other])
                same(list(store.requests_of_all("thing", [])), [])

    def test_data_keys_are_kept(self) -> None:
        """A record has its data keys, and gets others only if it has those that were read; its version stays."""
        record = attrs.evolve(full_record(1), data_keys=FrozenDict({"secret": "w1.k1.x"}))
        bare = make_record(2, {"secret": Sealed("t", "i", "w1.k1.y")})
        self.given(record, bare)
        with self.begin() as unit:
            found = unit.records.get("thing", [record.id, bare.id])
            same([found[key].data_keys for key in (record.id, bare.id)], [record.data_keys, {}])
            same(found[bare.id].values["secret"].key, "w1.k1.y")
            stale = attrs.evolve(record, data_keys=FrozenDict({"secret": "w1.k0.x"}))
            new = FrozenDict({"secret": "w1.k2.x"})
            same(rewriting(unit).data_keys([stale, bare], [FrozenDict({"secret": "no"}), new]), 1)
            same(rewriting(unit).data_keys([record], [new]), 1)
        kept = self._kept(record.id)
        same((kept, kept.data_keys), (record, new))
        with self.begin() as unit:
            unit.records.save([attrs.evolve(next_version(kept, title="x"), data_keys=FrozenDict())])
        same(self._kept(record.id).data_keys, {})
        same(self._kept(bare.id).data_keys, new)

    def test_saving_keeps_what_was_rotated(self) -> None:
        """Who read a record before its keys were rotated writes neither data keys nor digests back as they were."""
        read = attrs.evolve(
            make_record(1, {"secret": Sealed("t", "old"), "title": "x"}), data_keys=FrozenDict({"secret": "w1.k1.x"})
        )
        self.given(read)
        new = attrs.evolve(read, values=read.values.merged({"secret": Sealed("t", "new", None, "end", ("old",))}))
        with self.begin() as unit:
            same(rewriting(unit).data_keys([read], [FrozenDict({"secret": "w1.k2.x"})]), 1)
            same(list(reindexing(unit).digests([new])), [read.id])
        written = next_version(read, title="y")
        with self.begin() as unit:
            unit.records.save([attrs.evolve(written, data_keys=FrozenDict({"secret": "w1.k1.x", "other": "w1.k1.y"}))])
        kept = self._kept(read.id)
        same(kept, attrs.evolve(written, values=new.values.merged({"title": "y"})))
        same(kept.data_keys, {"secret": "w1.k2.x", "other": "w1.k1.y"})
        same(self._claimed("old", "new"), {"old": read.id, "new": read.id})
        again = attrs.evolve(kept, values=kept.values.merged({"secret": Sealed("u", "else")}), version=3)
        self.given(again)
        same(self._kept(read.id), again)
        same(self._claimed("old", "new", "else"), {"else": read.id})

    def test_digests_are_kept(self) -> None:
        """Sealed values get other digests, and claim by all of them, if the record has the version that was read."""
        first, second, third = (
            make_record(number, {"secret": Sealed(f"t{number}", f"a{number}")}) for number in (1, 2, 3)
        )
        self.given(first, second, attrs.evolve(third, archived_at=NOW))
        new = [
            attrs.evolve(
                record, values=FrozenDict({"secret": Sealed(f"t{number}", f"b{number}", None, None, (f"a{number}",))})
            )
            for number, record in enumerate((first, second, third), start=1)
        ]
        new[1], new[2] = attrs.evolve(new[1], version=2), attrs.evolve(new[2], archived_at=NOW)
        with self.begin() as unit:
            same(set(reindexing(unit).digests(new)), {first.id, third.id})
            same(list(reindexing(unit).digests([])), [])
        same([self._kept(record.id) for record in (first, second, third)], [new[0], second, new[2]])
        same(self._claimed("a1", "b1", "a2", "b2", "a3", "b3"), {"a1": first.id, "b1": first.id, "a2": second.id})
        same(self.found(F.secret.is_in(["b1"])), [1])
        same(self.found(F.secret.is_in(["a1", "b1"])), [1], "once, though it claims both")
        error = raised_by(
            DuplicateValueError, lambda: self.given(make_record(4, {"secret": Sealed("t4", "c", None, None, ("a1",))}))
        )
        same([problem.field for problem in error.problems], ["secret"])

    def test_digests_of_others_are_not_taken(self) -> None:
        """A digest that another record claims is refused, and nothing is changed: neither values nor claims."""
        records = [make_record(number, {"secret": Sealed(f"t{number}", f"a{number}")}) for number in (1, 2)]
        self.given(*records)
        new = [
            attrs.evolve(record, values=FrozenDict({"secret": Sealed(f"t{number}", index)}))
            for number, (record, index) in enumerate(zip(records, ("b1", "a1"), strict=True), start=1)
        ]
        with self.begin() as unit:
            taking = attrs.evolve(new[1], values=FrozenDict({"secret": Sealed("t2", "a2", None, None, ("a1",))}))
            raised_by(DuplicateValueError, lambda: reindexing(unit).digests([taking]))
        same([self._kept(record.id) for record in records], records)
        same(self._claimed("a1", "a2"), {"a1": records[0].id, "a2": records[1].id})
        with self.begin() as unit:
            same(len(reindexing(unit).digests(new)), 2, "what one gives up another may take")
        same(self._claimed("a1", "a2", "b1"), {"b1": records[0].id, "a1": records[1].id})

    def _claimed(self, *digests: str) -> dict[str, RecordId]:
        with self.begin() as unit:
            return dict(unit.records.holders("thing", "secret", digests))

    def _kept(self, key: RecordId) -> Record:
        with self.begin() as unit:
            return unit.records.get("thing", [key])[key]
