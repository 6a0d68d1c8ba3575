"""The form in which names are searched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custinfo.core import names
from custinfo.core.names import grams, searchable


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("霁川（苏州）电子", "霁川苏州电子"),
        ("ＡＢ-12 Ｃo., Ltd.", "ab12coltd"),
        ("Straße", "strasse"),
        ("ﬁne №5 ㈱", "fineno5株"),
        ("𠮷野家·分店", "𠮷野家分店"),
        ("%_'\\\"", ""),
        ("　 \t\n", ""),
        ("\ud800a\x00", "a"),
    ],
)
def test_form(text: str, form: str) -> None:
    """Width, case, blanks and punctuation make no difference."""
    assert searchable(text) == form


@given(st.text(), st.text())
def test_what_contains_a_text_contains_its_form(one: str, other: str) -> None:
    """The form of a text is that of its parts side by side, and its own form."""
    form = searchable(one + other)
    assert form == searchable(one) + searchable(other)
    assert searchable(form) == form


@pytest.mark.parametrize(
    ("form", "expected"),
    [("", set()), ("科", {"科"}), ("科技", {"科技", "技"}), ("科技科技", {"科技", "技科", "技"})],
)
def test_grams(form: str, expected: set[str]) -> None:
    """Each character begins a gram; the last is one by itself."""
    assert grams(form) == expected


def test_what_is_taken_as_it_is() -> None:
    """The characters of which nothing is looked up are those that are their own form."""
    plain = [character for character in map(chr, range(0x110000)) if names._PLAIN(character)]
    assert len(plain) > 20_000
    assert [character for character in plain if names._form(character) != character] == []
