"""What stores keep, as JSON data."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from custinfo.core.documents import Document, Documents, unique_claims
from custinfo.core.errors import CustinfoError
from custinfo.core.frozen import FrozenDict
from custinfo.core.importing import ImportBatch
from custinfo.core.records import CLEAR, Sealed
from custinfo.core.revisions import Revision
from custinfo.core.store_errors import field_reserved, not_unique, stale_version, storage_failure
from custinfo.testing import (
    NOW,
    full_record,
    make_change,
    make_record,
    make_request,
    next_version,
    record_id,
    sample_schema,
)

DOCUMENTS = Documents(sample_schema())
ITEMS: list[Document] = [
    full_record(1),
    make_record(2, owner=None, department=None, archived_at=NOW),
    make_record(3, {"text": "n"}, module="thing_note"),
    make_change(None, full_record(1), batch="b", configuration_version=3),
    make_change(full_record(1), next_version(full_record(1), secret=Sealed("t", "i")), reason="因为", channel="import"),
    make_request(1, record_id(1), {"secret": Sealed("t", "i"), "place": CLEAR}, reason="理由"),
    ImportBatch("b", "thing", "digest", "ann", NOW, "done", 7, FrozenDict({"creates": 2}), ("r1", "r2")),
    Revision(4, "{}", NOW, "ann", "因为", 3),
    Revision(1, "{}", NOW),
]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: type(item).__name__)
def test_items_come_back_from_json(item: Any) -> None:
    """What was written as JSON text is read as the same value."""
    data = json.loads(json.dumps(DOCUMENTS.encode(item)))
    assert DOCUMENTS.decode(type(item), data) == item
    assert type(DOCUMENTS.decode(type(item), data)) is type(item)


def test_instants_are_texts_in_order() -> None:
    """A document's instants compare as texts do, so that a store may sort by them."""
    data = DOCUMENTS.encode(make_record(1, archived_at=NOW))
    assert (data["created_at"], data["archived_at"]) == ("2024-06-14T04:30:01.000000Z", "2024-06-15T04:30:00.000000Z")
    assert DOCUMENTS.encode(make_record(1))["archived_at"] is None


def test_attributes_to_ask_by_are_at_the_top() -> None:
    """What `custinfo.ports.documents` promises to stores is in the data."""
    record, change, request, batch = (DOCUMENTS.encode(ITEMS[place]) for place in (0, 3, 5, 6))
    assert (record["module"], record["version"]) == ("thing", 1)
    assert (change["module"], change["record_id"], change["batch"]) == ("thing", record_id(1), "b")
    assert (request["module"], request["record_id"], request["state"], request["submitted_by"]) == (
        "thing",
        record_id(1),
        "pending",
        "ann",
    )
    assert (batch["module"], batch["digest"], batch["state"]) == ("thing", "digest", "done")


def test_unique_claims() -> None:
    """A live record claims its unique values, a sealed one by its digests; an archived one claims nothing."""
    thing, note = sample_schema().module("thing"), sample_schema().module("thing_note")
    sealed = Sealed("token", "index", former=("before",))
    record = make_record(1, {"title": "a", "code": "甲", "secret": sealed})
    assert sorted(unique_claims(thing, record)) == [("code", "甲"), ("secret", "before"), ("secret", "index")]
    assert unique_claims(thing, make_record(1, {"code": "甲", "secret": Sealed("token")})) == [("code", "甲")]
    assert unique_claims(thing, attrs.evolve(record, archived_at=NOW)) == []
    assert unique_claims(note, make_record(1, module="thing_note")) == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (stale_version(1, 3), [("stale_version", None, {"expected": 1, "actual": 3})]),
        (not_unique("code", "secret"), [("not_unique", "code", {}), ("not_unique", "secret", {})]),
        (
            field_reserved({"b": make_request(2, record_id(1), {}).id, "a": make_request(1, record_id(1), {}).id}),
            [
                ("field_reserved", "a", {"request_id": "018f0000-0000-7000-9000-000000000001"}),
                ("field_reserved", "b", {"request_id": "018f0000-0000-7000-9000-000000000002"}),
            ],
        ),
        (
            storage_failure(ValueError("secret"), "23505"),
            [("storage_failed", None, {"error": "ValueError", "state": "23505"})],
        ),
        (
            storage_failure(OSError("secret"), retryable=True),
            [("storage_retryable", None, {"error": "OSError", "state": ""})],
        ),
    ],
)
def test_errors_of_stores(error: CustinfoError, expected: list[Any]) -> None:
    """Each tells code, field and parameters, and nothing of the values or of what the driver said."""
    assert [(problem.code, problem.field, dict(problem.params)) for problem in error.problems] == expected
    assert "secret" not in str(error).replace("secret:", "") or expected[0][0] == "not_unique"
