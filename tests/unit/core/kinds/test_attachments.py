"""Attachments, computed values, masks, and the table of kinds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from custinfo.core.kinds import BUILT_IN_KINDS, INVALID
from custinfo.core.kinds.masks import MASK_STYLES, is_mask_style, mask
from custinfo.core.records import Attachment

Read = Callable[..., tuple[Any, list[str]]]
Show = Callable[..., str]
FULL = Attachment("合同.pdf", "s3://files/1", 12, "sha256:ab")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (FULL, FULL),
        ({"name": "合同.pdf", "location": "s3://files/1", "size": 12, "digest": "sha256:ab"}, FULL),
        ({"location": "dir/b.txt"}, Attachment("b.txt", "dir/b.txt")),
        (MappingProxyType({"location": "dir/b.txt"}), Attachment("b.txt", "dir/b.txt")),
        ("https://x.com/a.pdf?sign=1", Attachment("a.pdf", "https://x.com/a.pdf?sign=1")),
        (" b.txt ", Attachment("b.txt", "b.txt")),
        ('{"location":"q","size":0}', Attachment("q", "q", 0)),
    ],
)
def test_attachments_that_are_taken(read: Read, raw: object, value: Attachment) -> None:
    """An attachment, a mapping, its JSON text and a bare location all give an attachment."""
    assert read("attachment", raw) == (value, [])


@pytest.mark.parametrize(
    "raw",
    [
        5,
        b"x",
        {},
        {"name": "a"},
        {"location": ""},
        {"location": 5},
        {"location": "a", "size": -1},
        {1: 2},
        {"location": "a", "size": True},
        {"location": "a", "other": 1},
        "{",
        '{"a":1}',
        '{"a":' * 700,
        "x" * 4097,
        Attachment("", "a"),
        Attachment("a", "a", 2**64),
        Attachment("a\x00", "a"),
        {"location": ["x"]},
        ["a"],
    ],
)
def test_attachments_that_are_refused(read: Read, raw: object) -> None:
    """What lacks a location, or has a part of the wrong type, is refused."""
    assert read("attachment", raw) == (INVALID, ["wrong_type"])


def test_attachments_are_stored_and_shown_so_that_they_come_back(read: Read, show: Show) -> None:
    """The stored form is canonical JSON; the text is the location where that says all."""
    kind, bare = BUILT_IN_KINDS["attachment"], Attachment("b.txt", "dir/b.txt")
    assert kind.encode(bare) == '{"location":"dir/b.txt","name":"b.txt"}'
    assert kind.decode(kind.encode(FULL)) == FULL
    assert show("attachment", bare) == "dir/b.txt"
    assert read("attachment", show("attachment", FULL)) == (FULL, [])


def test_a_computed_field_takes_no_value(read: Read) -> None:
    """Anything but a blank is refused."""
    for raw in ("x", 0, False, b""):
        assert read("computed", raw) == (INVALID, ["read_only_field"])
    for blank in (None, "", " "):
        assert read("computed", blank) == (None, [])


@pytest.mark.parametrize(
    ("style", "text", "shown"),
    [
        ("phone", "13812345678", "138****5678"),
        ("phone", "010-12345678", "010-****5678"),
        ("phone", "0571-8765432", "0571-****5432"),
        ("phone", "010-12345678-801", "010-****5678"),
        ("phone", "13812345678x12", "138****5678"),
        ("phone", "+85291234567", "+85****4567"),
        ("phone", "4001234567", "****4567"),
        ("phone", "1234567", "******"),
        ("name", "张三", "张*"),
        ("name", "张三丰", "张**"),
        ("name", "欧阳修", "欧阳*"),
        ("name", "欧阳", "欧*"),
        ("name", "John Smith", "J**"),
        ("name", "张", "******"),
        ("id", "360426199101010071", "**************0071"),
        ("id", "91350100M000100Y43", "**************0Y43"),
        ("id", "1234567", "******"),
        ("email", "alice@example.com", "a***@example.com"),
        ("email", "a@example.com", "***@example.com"),
        ("email", "alice", "******"),
        ("last4", "6222021234567890", "****7890"),
        ("last4", "1234567", "******"),
        ("full", "anything", "******"),
        ("no such style", "anything", "******"),
        ("last4|phone", "13812345678", "138****5678"),
        ("full|last4", "13812345678", "****5678"),
        ("keep:2,0|last4", "京A12345", "京A****"),
        ("full", "", ""),
    ],
)
def test_masks_hide_the_telling_part(style: str, text: str, shown: str) -> None:
    """Each style shows what people need to recognise a value; a short value is hidden whole."""
    assert mask(style, text) == shown


def test_a_host_s_style_has_no_bar_in_its_name() -> None:
    """A bar stands between styles."""
    assert is_mask_style("initial", {"initial": str.upper})
    assert not is_mask_style("a|b", {"a|b": str.upper})
    assert not is_mask_style("last4|phone", {})


def test_mask_styles_are_those_of_field_definitions() -> None:
    """The styles are the ones that `FieldDefinition` documents."""
    assert {"phone", "name", "id", "email", "last4", "full"} == MASK_STYLES


FORMATS = {
    "text": ("text", "@"),
    "long_text": ("text", "@"),
    "integer": ("number", "0"),
    "decimal": ("number", "0.######"),
    "money": ("number", "#,##0.00"),
    "boolean": ("number", "@"),
    "date": ("text", "yyyy-mm-dd"),
    "datetime": ("text", "yyyy-mm-dd hh:mm:ss"),
    "choice": ("text", "@"),
    "multiple_choice": ("list", "@"),
    "phone": ("text", "@"),
    "email": ("text", "@"),
    "url": ("text", "@"),
    "uscc": ("text", "@"),
    "resident_id": ("text", "@"),
    "reference": ("text", "@"),
    "user": ("text", "@"),
    "department": ("text", "@"),
    "attachment": ("text", "@"),
    "computed": ("text", "General"),
}


def test_the_table_of_kinds() -> None:
    """Every kind is there under its own key, with its storage and its spreadsheet format."""
    assert {key: (kind.storage, kind.cell_format) for key, kind in BUILT_IN_KINDS.items()} == FORMATS
    assert all(kind.key == key for key, kind in BUILT_IN_KINDS.items())


def test_importing_the_kinds_loads_no_validator() -> None:
    """The libraries for phones, addresses and codes load on first use only."""
    code = (
        "import sys, custinfo.core.kinds;"
        "print(sorted({'phonenumbers', 'email_validator', 'stdnum', 'idna'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
