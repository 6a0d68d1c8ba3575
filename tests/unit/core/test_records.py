"""Records, and the special values that they and patches hold."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from custinfo.core.frozen import FrozenDict
from custinfo.core.records import ANY, CLEAR, UNREADABLE, Attachment, Masked, Record, RecordId, Sealed, Tag

AT = datetime(2024, 3, 15, tzinfo=UTC)
RECORD = Record(
    id=RecordId("018f0000-0000-7000-8000-000000000001"),
    module="customer",
    values=FrozenDict({"name": "王小明", "phone": "13812345678"}),
    tags=frozenset({Tag("需求", "培训")}),
    owner="lisi",
    department="sales1-1",
    version=3,
    created_at=AT,
    updated_at=AT,
)


def test_a_record_hashes_by_its_identity_and_compares_by_everything() -> None:
    """Two versions of one record differ; equal records hash equal."""
    same = attrs.evolve(RECORD)
    other = attrs.evolve(RECORD, values=FrozenDict({"name": "其他"}))
    assert same == RECORD
    assert hash(same) == hash(RECORD)
    assert other != RECORD
    assert hash(other) == hash(RECORD)
    assert hash(attrs.evolve(RECORD, version=4)) != hash(RECORD)


def test_a_record_shows_no_value() -> None:
    """The representation names the record and its version, nothing personal."""
    assert repr(RECORD) == "Record(id='018f0000-0000-7000-8000-000000000001', module='customer', version=3)"


def test_a_record_pickles_and_copies() -> None:
    """A record survives pickling and copying."""
    assert pickle.loads(pickle.dumps(RECORD)) == RECORD
    assert copy.deepcopy(RECORD) == RECORD


def test_patched_values() -> None:
    """A patch adds, replaces and clears; untouched fields stay, and so does the record."""
    values = RECORD.patched({"phone": CLEAR, "name": "李雷", "email": "a@example.com", "address": None, "uscc": CLEAR})
    assert values == {"name": "李雷", "email": "a@example.com"}
    assert isinstance(values, FrozenDict)
    assert RECORD.values["phone"] == "13812345678"


def test_an_empty_patch_changes_nothing() -> None:
    """No key, no change."""
    assert RECORD.patched({}) == RECORD.values


@pytest.mark.parametrize(("marker", "text"), [(CLEAR, "CLEAR"), (ANY, "ANY")])
def test_markers_are_themselves_after_a_pickle(marker: object, text: str) -> None:
    """The markers are single: they compare by identity after pickling and copying."""
    assert pickle.loads(pickle.dumps(marker)) is marker
    assert copy.deepcopy(marker) is marker
    assert repr(marker) == text


def test_an_unreadable_value_says_so() -> None:
    """What stands in for a value without key is shown as such."""
    assert str(UNREADABLE) == "unreadable"
    assert pickle.loads(pickle.dumps(UNREADABLE)) is UNREADABLE


def test_a_masked_value_is_not_its_text() -> None:
    """A masked value shows its text, and is not equal to it."""
    assert str(Masked("138****5678")) == "138****5678"
    assert Masked("138****5678") != "138****5678"  # type: ignore[comparison-overlap]
    assert Masked("a") == Masked("a")


def test_a_sealed_value_shows_nothing() -> None:
    """Neither token nor index of an encrypted value gets into a log."""
    sealed = Sealed("secret-token", "secret-index")
    assert "secret" not in f"{sealed} {sealed!r} {[sealed]}"
    assert pickle.loads(pickle.dumps(sealed)) == sealed


def test_a_tag_equals_the_plain_pair() -> None:
    """Tags may be given as pairs."""
    assert Tag("行业", "制造业") == ("行业", "制造业")
    assert ("行业", "制造业") in frozenset({Tag("行业", "制造业")})


def test_an_attachment_is_a_value() -> None:
    """Attachments compare by content and hash."""
    assert {Attachment("a.pdf", "s3://x", 3, "d"), Attachment("a.pdf", "s3://x", 3, "d")} == {
        Attachment("a.pdf", "s3://x", 3, "d")
    }


def test_a_sealed_value_compares_with_nothing() -> None:
    """A value that was sealed under another definition makes every ordered comparison false, without an error."""
    sealed: Any = Sealed("token")
    others: list[Any] = [1, "a", date(2024, 1, 1), Decimal(1), sealed]
    for other in others:
        assert [sealed < other, sealed >= other, other <= sealed, other > sealed] == [False] * 4
    assert "a" not in sealed
