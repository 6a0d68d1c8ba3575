"""Comparing what people type."""

from __future__ import annotations

import pytest

from custinfo.core.text import CONTROL, folded, narrowed


@pytest.mark.parametrize(
    ("typed", "narrow"),
    [
        ("  abc ", "abc"),
        ("　ＡＢＣ１２３ ", "ABC123"),
        ("（一）", "(一)"),
        ("－", "-"),
        ("客户 名称", "客户 名称"),
        ("\t\n", ""),
        ("", ""),
    ],
)
def test_narrowed(typed: str, narrow: str) -> None:
    """Full-width forms become half-width and outer blanks go; inner ones stay."""
    assert narrowed(typed) == narrow


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("制造业 - ＩＴ设备", "制造业-it设备"),
        ("Annual Budget", "annual　budget"),
        ("STRASSE", "straße"),
        ("李 四（1组）", "李四(1组)"),
    ],
)
def test_folded_spellings_are_equal(one: str, other: str) -> None:
    """Case, width and blanks do not tell names apart."""
    assert folded(one) == folded(other)


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\x7f", "\ud800", "\ufffe", "\uffff"])
def test_characters_that_cannot_be_stored(character: str) -> None:
    """Control characters, lone surrogates and non-characters are found."""
    assert CONTROL.search(f"a{character}b")


@pytest.mark.parametrize("character", ["\t", "\n", "\r", " ", "中", "😀", "\ue000"])
def test_characters_that_can_be_stored(character: str) -> None:
    """Blanks, breaks and every printable character pass."""
    assert CONTROL.search(character) is None
