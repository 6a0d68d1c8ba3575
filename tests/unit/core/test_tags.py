"""Tag dimensions, and finding tags by what people type."""

from __future__ import annotations

import pytest

from custinfo.core.tags import TagDimension

CLOSED = TagDimension("need", ("采购设备", "IT服务"), {"zh": "需求", "en": "Need"}, ("Wants",))
OPEN = TagDimension("自定义", ("VIP",), open=True)


@pytest.mark.parametrize(
    ("typed", "found"),
    [("采购设备", "采购设备"), (" 采购 设备 ", "采购设备"), ("ｉｔ服务", "IT服务"), ("培训", None), ("", None)],
)
def test_a_closed_dimension(typed: str, found: str | None) -> None:
    """Listed tags are found whatever their spelling; others are not."""
    assert CLOSED.find(typed) == found


@pytest.mark.parametrize(
    ("typed", "found"), [("vip", "VIP"), (" 重要　", "重要"), ("ＡＢ", "AB"), ("  ", None), ("", None)]
)
def test_an_open_dimension(typed: str, found: str | None) -> None:
    """Listed tags win; any other text that is not blank is a tag in its narrow form."""
    assert OPEN.find(typed) == found


def test_names_of_a_dimension() -> None:
    """A dimension is named by key, label and alias, folded."""
    assert CLOSED.names() == {"need", "需求", "wants"}
    assert OPEN.names() == {"自定义"}


def test_a_plain_label_is_chinese() -> None:
    """A label that is one text is taken as Chinese."""
    assert TagDimension("need", label="需求").label == {"zh": "需求"}
    assert (CLOSED.open, CLOSED.single) == (False, False)
