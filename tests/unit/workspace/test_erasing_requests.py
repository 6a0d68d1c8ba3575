"""What an erasure takes out of a request, wherever in it a value stands; what is about others stays (FLD-7)."""

from __future__ import annotations

from typing import Any

import attrs

from custinfo.core.approval.items import Companion, Item
from custinfo.core.approval.requests import Proposal, Request, TrailEntry
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import ERASED, RecordId
from custinfo.testing import NOW, make_record, make_request, record_id
from custinfo.workspace.erasing_requests import has_erased, without_values

KEYS = frozenset({"title"})
GONE: dict[str, Any] = {"erased": True}
MINE, OTHER = make_record(1), make_record(2)
NOTE = make_record(7, module="thing_note")


def values(**given: Any) -> FrozenDict[str, Any]:
    """Return values by field."""
    return FrozenDict(given)


def said(*proposals: Proposal | None) -> TrailEntry:
    """Return a step at which somebody said something, and changed what is proposed."""
    proposal, former = proposals
    return TrailEntry(NOW, "bob", "approve", "李四说", 0)._replace(proposal=proposal, former=former, digest="d")


def test_what_was_proposed_before_goes_too() -> None:
    """An amendment, and what it replaced, lose the value as the request itself does; other fields stay."""
    amended = Proposal(values(title="改", size=2), values(title="旧", size=1), "d")
    former = Proposal(values(title="新", size=2), values(title="旧", size=1), "d")
    patch = {"title": "改", "size": 2}
    request = make_request(1, MINE.id, patch, base=amended.base, trail=(said(amended, former),), reason="李四")
    after = without_values(request, MINE, KEYS)
    [entry] = after.trail
    assert entry.proposal is not None
    assert entry.former is not None
    for part in (after, entry.proposal, entry.former):
        assert (part.patch["title"], part.patch["size"], part.base["title"]) == (ERASED, 2, ERASED)
        assert part.digest == ""
    assert (entry.proposal.base["size"], entry.comment, entry.digest, after.reason) == (1, None, "", None)
    assert has_erased(after, MINE, "title")
    assert not has_erased(request, MINE, "title")
    assert without_values(after, OTHER, frozenset()) == after


def many(*items: Item, **details: Any) -> Request:
    """Return a request for many."""
    return attrs.evolve(make_request(1, RecordId(""), {}), items=items, **details)


def test_of_a_request_for_many_others_keep_their_values() -> None:
    """Items of the record go, in what was proposed before as well; those of other records stay as they are."""
    mine, other = (Item(record.id, values(title="x"), values(title="y")) for record in (MINE, OTHER))
    bringing = attrs.evolve(mine, companions=(Companion("thing_note", record_id(8), values(text="李四来电")),))
    proposal = Proposal(values(), values(), "d", items=(bringing, other))
    after = without_values(many(bringing, other, trail=(said(proposal, None),)), MINE, KEYS)
    erased = Item(MINE.id, values(title=ERASED), values(title=ERASED))
    assert list(after.items) == [erased, other]
    [entry] = after.trail
    assert entry.proposal is not None
    assert (list(entry.proposal.items), entry.proposal.digest, entry.former) == ([erased, other], "", None)


def test_what_an_item_brings_along_is_erased_by_itself() -> None:
    """A record that comes along loses its own value, and neither what it comes with nor what comes beside it does."""
    beside = Companion("thing_note", record_id(8), values(title="甲", text="b"))
    along = Companion("thing_note", NOTE.id, values(title="乙", text="a"))
    item = Item(MINE.id, values(title="x"), values(title="y"), companions=(along, beside))
    other = Item(OTHER.id, values(title="x"), values(title="y"))
    proposal = Proposal(values(), values(), "d", items=(item,))
    request = many(item, other, trail=(said(proposal, None),))
    after = without_values(request, NOTE, KEYS)
    expected = attrs.evolve(
        item, companions=(attrs.evolve(along, values=values(title=FrozenDict(GONE), text="a")), beside)
    )
    assert list(after.items) == [expected, other]
    assert after.trail[0].proposal is not None
    assert list(after.trail[0].proposal.items) == [expected]
    assert has_erased(after, NOTE, "title")
    assert not has_erased(after, MINE, "title")


def test_where_there_is_nothing_to_erase() -> None:
    """A request about others, and one without the field and without words, is the very same afterwards."""
    silent = make_request(1, MINE.id, {"size": 2}, trail=())
    assert without_values(silent, MINE, KEYS) is silent
    others = many(Item(OTHER.id, values(title="x"), values(title="y")))
    assert without_values(others, MINE, KEYS) is others
