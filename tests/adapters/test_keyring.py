"""The keyring as a value: what it keeps, what it refuses, and what stands in a digest."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custinfo import ConfigurationError, InvalidInputError
from custinfo.adapters.crypto import Keyring
from custinfo.core.records import RecordId, Sealed
from custinfo.ports import DataKeys, EvidenceKeys, IndexKeys, ManyDataKeys, SealContext
from custinfo.ports.system import BlindIndex

PLACE = SealContext("default", "customer", "id_number", RecordId("0190"))
OTHER = SealContext("default", "customer", "bank_account", RecordId("0190"))
FIRST = Keyring({"k1": b"1" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e1": b"e" * 32})
THIRD = FIRST.with_index_key("i2", b"j" * 32).with_index_key("i3", b"h" * 32)


def test_it_is_each_port_of_a_keyring() -> None:
    """What hosts are told of it: they need no other one."""
    for port in (DataKeys, ManyDataKeys, BlindIndex, IndexKeys, EvidenceKeys):
        assert isinstance(FIRST, port)


def test_a_damaged_text_is_refused_without_it() -> None:
    """The error for it leads to no other one, such as a parser's, which would hold the keys."""
    text = FIRST.to_json()
    deep, odd = "[" * 100_000, json.dumps({**json.loads(text), "evidence_key": ["k1"]})
    for damaged in (text[:-1], text.replace('"index_key": "', '"index_key": "!'), "[]", deep, odd):
        with pytest.raises(ConfigurationError) as caught:
            Keyring.from_json(damaged)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_digests_name_their_key() -> None:
    """Those of the first key, which has no id, name none; equal texts of one field have equal digests."""
    assert (FIRST.index_id, FIRST.former_index_ids) == ("", ())
    assert (THIRD.index_id, THIRD.former_index_ids) == ("i3", ("", "i2"))
    found = [THIRD.index("x", PLACE), *THIRD.former_indexes("x", PLACE)]
    assert [THIRD.indexed_by(digest) for digest in found] == ["i3", "", "i2"]
    assert found[1] == FIRST.index("x", PLACE)
    assert len(set(found)) == 3
    assert THIRD.index("x", PLACE) != THIRD.index("x", OTHER)


def test_sealed_values_have_former_digests_while_there_are_former_keys() -> None:
    """And none before and after."""
    assert FIRST.seal("x", PLACE).former == ()
    assert THIRD.seal("x", PLACE).claims == (THIRD.index("x", PLACE), *THIRD.former_indexes("x", PLACE))
    after = THIRD.without_index_key("").without_index_key("i2")
    assert after.seal("x", PLACE).claims == (THIRD.index("x", PLACE),)


@pytest.mark.parametrize("keyring", [FIRST, THIRD, THIRD.rotated("k2").without("k1"), Keyring.generate()])
def test_it_comes_back_from_its_text(keyring: Keyring) -> None:
    """All keys are kept, former ones too, and what was sealed opens."""
    back = Keyring.from_json(keyring.to_json())
    assert back.to_json() == keyring.to_json()
    assert back.open(keyring.seal("x", PLACE), PLACE) == "x"
    assert back.seal("x", PLACE).claims == keyring.seal("x", PLACE).claims
    assert back.authenticate(str(keyring.evidence_key), b"m") == keyring.authenticate(str(keyring.evidence_key), b"m")


def test_what_it_refuses() -> None:
    """An id that is there, a key of another length, an id that would not be told from the digest."""
    with pytest.raises(ConfigurationError):
        THIRD.with_index_key("i2")
    with pytest.raises(ConfigurationError):
        THIRD.with_index_key("")
    for index_id in ("i.4", "i 4"):
        with pytest.raises(ConfigurationError):
            FIRST.with_index_key(index_id)
    with pytest.raises(ConfigurationError):
        FIRST.with_index_key("i4", b"short")
    with pytest.raises(ConfigurationError):
        Keyring.from_json(FIRST.to_json().replace("k1", "k9", 1))
    assert "j" * 32 not in repr(THIRD)


def test_errors_name_ids_and_no_keys() -> None:
    """An id is no secret, and people look for it; a key that was given in the place of one is not quoted."""
    secret = base64.b64encode(b"s" * 32).decode()
    with pytest.raises(ConfigurationError) as caught:
        FIRST.rotated("k1")
    assert caught.value.message("zh") == "已有密钥 'k1'"
    assert caught.value.message("en") == "there is a key 'k1' already"
    mistakes: list[Callable[[], Keyring]] = [
        lambda: Keyring({secret: b"k1"}, current=secret, index_key=b"i" * 32),
        lambda: Keyring({"k1": b"s" * 32}, current=secret, index_key=b"i" * 32),
        lambda: Keyring({"k1": b"s" * 32}, current="k1", index_key=b"i" * 32, evidence_key=secret),
        lambda: FIRST.with_index_key(secret).with_index_key(secret),
    ]
    for mistaken in mistakes:
        with pytest.raises(ConfigurationError) as caught:
            mistaken()
        assert secret not in repr(caught.value)
        assert all(secret not in caught.value.message(language) for language in ("zh", "en"))
        assert " … " in caught.value.message("en")


@pytest.mark.parametrize(
    ("token", "named"),
    [
        ("v1.k9.abc", "k9"),
        ("v1.k1.abc", "k1"),
        ("v1.k1", "-"),
        ("v1..abc", ""),
        ("wang.xiaoming.private@example.com", "-"),
        ("13812345678", "-"),
        ("", "-"),
    ],
)
def test_an_unreadable_token_tells_its_key_alone(token: str, named: str) -> None:
    """What was stored where a token should be, such as a plain value, is told by no error."""
    with pytest.raises(InvalidInputError) as caught:
        FIRST.open(Sealed(token), PLACE)
    assert dict(caught.value.problems[0].params) == {"key": named}


@given(key=st.binary(min_size=32, max_size=32), messages=st.lists(st.binary(max_size=200)))
def test_evidence_is_the_plain_keyed_digest(key: bytes, messages: list[bytes]) -> None:
    """Whoever has the key computes it with anything that knows HMAC-SHA-256; one message says nothing of another."""
    keyring = Keyring({"k": key}, current="k", index_key=key, evidence_keys={"e": key})
    for message in [*messages, *messages]:
        assert keyring.authenticate("e", message) == hmac.digest(key, message, "sha256")
    assert keyring.authenticate("other", b"") is None
