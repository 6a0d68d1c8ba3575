"""Credit codes, identity numbers, references, people and departments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from custinfo.core.kinds import INVALID

Read = Callable[..., tuple[Any, list[str]]]
Show = Callable[..., str]
CODE = "91350100M000100Y43"
NUMBER = "360426199101010071"
RECORD = "018f0000-0000-7000-8000-00000000000a"


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        (CODE, CODE, []),
        (f" {CODE}\n", CODE, []),
        (CODE.lower(), CODE, ["normalised"]),
        ("９１３５０１００M000100Y43", CODE, ["normalised"]),
        ("9135 0100 M000 100Y 43", CODE, ["normalised"]),
        ("91350100-M000100Y-43", CODE, ["normalised"]),
        ("121000004000000009", INVALID, ["invalid_uscc"]),
        ("91350100M000100Y44", INVALID, ["invalid_uscc"]),
        ("91350100M000100Y4", INVALID, ["invalid_uscc"]),
        ("9111000060003IOZSV", INVALID, ["invalid_uscc"]),
        ("A1110000600037341L", INVALID, ["invalid_uscc"]),
        ("9" * 65, INVALID, ["invalid_uscc"]),
        (91350100, INVALID, ["invalid_uscc"]),
        (913501001000100143, INVALID, ["precision_lost"]),
        (9.13501001000100e17, INVALID, ["precision_lost"]),
    ],
)
def test_credit_codes(read: Read, raw: object, value: object, codes: list[str]) -> None:
    """The check character decides; case, width and separators do not."""
    assert read("uscc", raw) == (value, codes)


def test_an_unknown_province_is_a_warning(read: Read) -> None:
    """A code whose check character is right is taken even if its province is not on the list."""
    from stdnum.cn import uscc

    code = "91990000600037341"
    code += uscc.calc_check_digit(code)
    assert read("uscc", code) == (code, ["unknown_region"])


def test_rural_organisations_have_codes_too(read: Read) -> None:
    """The registering authorities A, N and Y, which python-stdnum does not know, are taken."""
    from custinfo.core.kinds.codes import is_uscc

    stem = "N2370100MF1234567"
    right = [c for c in "0123456789ABCDEFGHJKLMNPQRTUWXY" if is_uscc(stem + c)]
    assert len(right) == 1
    assert read("uscc", stem + right[0]) == (stem + right[0], [])


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        (NUMBER, NUMBER, []),
        ("11010119900101100x", "11010119900101100X", ["normalised"]),
        ("33010219200403064x", "33010219200403064X", ["unknown_region", "normalised"]),
        ("360426 19910101 0071", NUMBER, ["normalised"]),
        ("36042619910101007１", NUMBER, ["normalised"]),
        ("990426199112010074", "990426199112010074", ["unknown_region"]),
        ("235407195106112745", "235407195106112745", ["unknown_region"]),
        ("360426199113010079", INVALID, ["invalid_resident_id"]),
        ("360426199101010072", INVALID, ["invalid_resident_id"]),
        ("150102880730303", INVALID, ["invalid_resident_id"]),
        ("٣60426199101010071", INVALID, ["invalid_resident_id"]),
        (360426199101010071, INVALID, ["precision_lost"]),
        (3.6042619910101e17, INVALID, ["precision_lost"]),
    ],
)
def test_identity_numbers(read: Read, raw: object, value: object, codes: list[str]) -> None:
    """Check character and birth date decide; a region that is not on the list is a warning."""
    assert read("resident_id", raw) == (value, codes)


@pytest.mark.parametrize("raw", [RECORD, RECORD.upper(), UUID(RECORD), f"{{{RECORD}}}", RECORD.replace("-", "")])
def test_a_reference_has_one_form(read: Read, raw: object) -> None:
    """The id of a record is taken in the spellings of a UUID."""
    assert read("reference", raw, module="customer") == (RECORD, [])


@pytest.mark.parametrize("raw", ["x", "张三", 5, RECORD[:-1], RECORD + "0", "{" + RECORD])
def test_what_is_no_id_refers_to_nothing(read: Read, raw: object) -> None:
    """Anything else than an id is an unknown reference."""
    assert read("reference", raw) == (INVALID, ["unknown_reference"])


def test_people_are_found_by_the_directory(read: Read) -> None:
    """A key, a name and an employee number typed as a number find one person; a shared name finds none."""
    assert read("user", "u1") == ("u1", [])
    assert read("user", " 李四 ") == ("u1", [])
    assert read("user", 1001.0) == ("u1", [])
    assert read("user", "赵六") == (INVALID, ["unknown_member"])
    assert read("user", "王五") == (INVALID, ["ambiguous_member"])
    assert read("user", "x" * 201) == (INVALID, ["unknown_member"])


def test_departments_are_found_by_the_directory(read: Read) -> None:
    """A key or name finds a department; a shared name finds none."""
    assert read("department", "销售一部") == ("d1", [])
    assert read("department", "九部") == (INVALID, ["unknown_department"])
    assert read("department", "一组") == (INVALID, ["ambiguous_department"])


def test_a_label_is_shown_only_if_it_leads_back(show: Show) -> None:
    """People and departments are shown by name, or by key where the name is shared or unknown."""
    assert [show("user", key) for key in ("u1", "u2", "gone")] == ["李四", "u2", "gone"]
    assert [show("department", key) for key in ("d1", "g1")] == ["销售一部", "g1"]
