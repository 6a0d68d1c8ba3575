"""What `ChangeLog` and `AnchorRepository` promise, and with `RewritingContract` all of `custinfo.ports.history`."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from datetime import timedelta

import attrs

from custinfo.core.anchors import Anchor
from custinfo.core.errors import ConflictError
from custinfo.ports.history import ChangeQuery
from custinfo.testing._harness import raised_by
from custinfo.testing._rewriting_contract import RewritingContract
from custinfo.testing._samples import NOW, make_change, make_record, make_story, record_id
from custinfo.testing._telling import same
from custinfo.testing._unit_parts import anchors, log

__all__ = ["LogContract"]


class LogContract(RewritingContract):
    """Test every promise of `custinfo.ports.history`, for stores that have it: inherit it as `RepositoryContract`."""

    def test_numbers_in_order_of_time(self) -> None:
        """Positions count from 1 in the order of time, later ones go on, and numbering again changes nothing."""
        story = make_story()
        with self.begin() as unit:
            unit.history.append([story[4], *story[1:3]])
            unit.history.append([story[0]])
            same(log(unit).read(ChangeQuery()), [])
            same(log(unit).number(), 4)
        with self.begin() as unit:
            unit.history.append([story[3]])
            same(log(unit).number(), 5)
            same(log(unit).number(), 5)
        with self.begin() as unit:
            found = log(unit).read(ChangeQuery())
            same(list(found), [story[0], story[1], story[2], story[4], story[3]])
            same([change.position for change in found], [1, 2, 3, 4, 5])
            same([change.position for change in unit.history.of_record("thing", record_id(1))], [1, 5, 4])
            same(log(unit).position_of(record_id(2), 1), 2)
            assert log(unit).position_of(record_id(2), 2) is None
            assert log(unit).position_of(record_id(9), 1) is None

    def test_versions_are_in_order(self) -> None:
        """A clock that goes back does not turn the versions of a record round."""
        record = make_record(1)
        changes = [make_change(None, record)]
        for number in (2, 3):
            after = attrs.evolve(record, version=number, updated_at=NOW - timedelta(days=number))
            changes.append(make_change(record, after))
        with self.begin() as unit:
            unit.history.append([*changes, make_change(None, make_record(2))])
            log(unit).number()
            found = [change.version for change in log(unit).read(ChangeQuery()) if change.record_id == record.id]
        same(found, [1, 2, 3])

    def test_questions(self) -> None:
        """Each condition of a question counts, and so do its position and limit."""
        story = make_story()
        at = story[1].at
        with self.begin() as unit:
            unit.history.append(story)
            log(unit).number()
            questions = {
                ChangeQuery(after=3): [3, 4],
                ChangeQuery(after=1, limit=2): [1, 2],
                ChangeQuery(modules=("thing_note",)): [2],
                ChangeQuery(modules=("thing", "thing_note"), actor="bob"): [1, 4],
                ChangeQuery(channel="import"): [3],
                ChangeQuery(since=at): [1, 2, 3, 4],
                ChangeQuery(until=at): [0],
                ChangeQuery(modules=("thing_note",), limit=1): [2],
                ChangeQuery(after=2, actor="bob", limit=1): [4],
                ChangeQuery(actor="nobody"): [],
                ChangeQuery(after=5): [],
            }
            for query, expected in questions.items():
                same(list(log(unit).read(query)), [story[place] for place in expected], query)

    def test_evidence_of_many_versions(self) -> None:
        """A batch may follow as many versions as it has records; what has no evidence is left out."""
        with self.begin() as unit:
            for number in range(1, 13):
                made = make_change(None, make_record(number, {"title": "a"}))
                proofs = [f"e{number}.{version}" if number % 3 == 0 else None for version in range(1, 13)]
                steps = [
                    attrs.evolve(made, version=version, evidence=proof) for version, proof in enumerate(proofs, start=1)
                ]
                unit.history.append(steps)
            for asked in ({record_id(number): number for number in range(1, 14)}, {record_id(3): 3, record_id(4): 4}):
                found = log(unit).evidence(asked)
                expected = {record_id(number): f"e{number}.{number}" for number in (3, 6, 9, 12)}
                same(dict(found), {key: text for key, text in expected.items() if key in asked})

    def test_evidence_and_whole_histories(self) -> None:
        """Evidence is found by record and version, and the changes of several records at once."""
        story = make_story()
        with self.begin() as unit:
            unit.history.append(story)
            found = log(unit).evidence({record_id(1): 2, record_id(2): 1, record_id(9): 1})
            same(dict(found), {record_id(1): "k.c.d"})
            same(dict(log(unit).evidence({record_id(1): 1})), {record_id(1): "k.a.b"})
            same(dict(log(unit).evidence({})), {})
            whole = log(unit).of_records([record_id(1), record_id(101), record_id(9)])
            same(
                {key: list(changes) for key, changes in whole.items()},
                {
                    record_id(1): [story[0], story[3], story[4]],
                    record_id(101): [story[2]],
                },
            )

    def test_the_log_is_the_tenants_own(self) -> None:
        """Another tenant counts for itself."""
        for tenant in ("one", "two"):
            with self.begin(tenant) as unit:
                unit.history.append(make_story()[:2])
                same(log(unit).number(), 2)
                same(len(log(unit).read(ChangeQuery())), 2)

    def test_anchors_are_kept(self) -> None:
        """Anchors come back equal and in order; a number is given once."""
        made = [Anchor("one", number, NOW, number * 10, 1, "ab" * 32, "k1", "cd" * 32) for number in (1, 2)]
        with self.begin() as unit:
            same(list(anchors(unit).all()), [])
            anchors(unit).add(made[1])
            anchors(unit).add(made[0])
            same(raised_by(ConflictError, lambda: anchors(unit).add(made[0])).code, "anchor_exists")
            same(list(anchors(unit).all()), made)
        with self.begin("two") as unit:
            same(list(anchors(unit).all()), [])
