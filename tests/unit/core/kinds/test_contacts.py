"""Phone numbers, e-mail and web addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from custinfo.core.kinds import INVALID

Read = Callable[..., tuple[Any, list[str]]]


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("13812345678", "13812345678", []),
        (" 13812345678\n", "13812345678", []),
        ("138 1234 5678", "13812345678", ["normalised"]),
        ("138-1234-5678", "13812345678", ["normalised"]),
        ("138.1234.5678", "13812345678", ["normalised"]),
        ("１３８１２３４５６７８", "13812345678", ["normalised"]),
        ("+86 138-1234-5678", "13812345678", ["normalised"]),
        ("008613812345678", "13812345678", ["normalised"]),
        ("(86)13812345678", "13812345678", ["normalised"]),
        ("\u202d13812345678\u202c", "13812345678", ["normalised"]),
        ("电话：13812345678", "13812345678", ["normalised"]),
        ("13812345678，", "13812345678", ["normalised"]),
        (13812345678, "13812345678", ["number_as_text"]),
        (13812345678.0, "13812345678", ["number_as_text"]),
        (1012345678, "010-12345678", ["number_as_text"]),
        ("010-12345678", "010-12345678", []),
        ("（010）12345678", "010-12345678", ["normalised"]),
        ("010 1234 5678", "010-12345678", ["normalised"]),
        ("01012345678", "010-12345678", ["normalised"]),
        ("+86 10 1234 5678", "010-12345678", ["normalised"]),
        ("0571-87654321", "0571-87654321", []),
        ("0936-4211235", "0936-4211235", []),
        ("010-12345678-801", "010-12345678-801", []),
        ("010-12345678转801", "010-12345678-801", ["normalised"]),
        ("010-12345678 分机 801", "010-12345678-801", ["normalised"]),
        ("010-12345678 ext. 801", "010-12345678-801", ["normalised"]),
        ("(010)1234 5678-801", "010-12345678-801", ["normalised"]),
        ("13812345678转12", "13812345678x12", ["normalised"]),
        ("13812345678x12", "13812345678x12", []),
        ("4001234567", "4001234567", []),
        ("400-123-4567", "4001234567", ["normalised"]),
        ("400-123-4567转2", "4001234567-2", ["normalised"]),
        ("800 810 1234", "8008101234", ["normalised"]),
        ("+85291234567", "+85291234567", []),
        ("00852 9123 4567", "+85291234567", ["normalised"]),
        ("+1 (201) 555-0123 ext 5", "+12015550123x5", ["normalised"]),
    ],
)
def test_phones_as_people_write_them(read: Read, raw: object, value: str, codes: list[str]) -> None:
    """Numbers of one phone have one form, whatever blanks, dashes and country codes they are typed with."""
    assert read("phone", raw) == (value, codes)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("12345678901", "invalid_phone"),
        ("14899230918", "invalid_phone"),
        ("1381234567", "invalid_phone"),
        ("138123456789", "invalid_phone"),
        ("1381234567O", "invalid_phone"),
        ("13812345678-1234", "invalid_phone"),
        ("12345678", "invalid_phone"),
        ("95588", "invalid_phone"),
        ("0755-2345678", "invalid_phone"),
        ("1.3812345678E10", "invalid_phone"),
        ("没有", "invalid_phone"),
        ("+", "invalid_phone"),
        ("1" * 65, "invalid_phone"),
        (-13812345678, "invalid_phone"),
        (138123.5, "invalid_phone"),
        (10**15, "precision_lost"),
        (True, "wrong_type"),
        (b"13812345678", "wrong_type"),
        ("13812345678,13912345678", "several_phones"),
        ("13812345678、13912345678", "several_phones"),
        ("13812345678/13912345678", "several_phones"),
        ("13812345678 13912345678", "several_phones"),
        ("13812345678\n13912345678", "several_phones"),
        ("138-1234-5678 139-1234-5678", "several_phones"),
        ("010-12345678或13812345678", "several_phones"),
        ("801-555-7712x4563;801-555-7713", "several_phones"),
    ],
)
def test_phones_that_are_refused(read: Read, raw: object, code: str) -> None:
    """A number that does not exist and more than one number in a cell are told apart."""
    assert read("phone", raw) == (INVALID, [code])


def test_types_of_phones_are_options(read: Read) -> None:
    """A field may do without mobiles, without landlines, or without extensions."""
    assert read("phone", "010-12345678", landline=False) == (INVALID, ["phone_type_not_allowed"])
    assert read("phone", "400-123-4567", landline=False) == (INVALID, ["phone_type_not_allowed"])
    assert read("phone", "13812345678", landline=False) == ("13812345678", [])
    assert read("phone", "13812345678", mobile=False) == (INVALID, ["phone_type_not_allowed"])
    assert read("phone", "010-12345678-801", extension=False) == (INVALID, ["extension_not_allowed"])
    assert read("phone", "010-12345678", mobile=False, extension=False) == ("010-12345678", [])


def test_elsewhere_every_number_has_its_country_code(read: Read) -> None:
    """In a workspace outside the mainland, local numbers are read there and stored with the country code."""
    hong_kong = {"country": "HK"}
    assert read("phone", "9123 4567", at=hong_kong) == ("+85291234567", ["normalised"])
    assert read("phone", "+8613812345678", at=hong_kong) == ("+8613812345678", [])
    assert read("phone", "13812345678", at=hong_kong) == (INVALID, ["invalid_phone"])


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("a@example.com", "a@example.com", []),
        (" zhang.san@example.com ", "zhang.san@example.com", []),
        ("Zhang@EXAMPLE.com", "Zhang@example.com", ["normalised"]),
        ("INFO@example.com", "info@example.com", ["normalised"]),
        ("ａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "a@example.com", ["normalised"]),
        ("葉士豪@臺網中心.台灣", "葉士豪@臺網中心.台灣", []),
        ("a@xn--fsqu00a.xn--fiqs8s", "a@例子.中国", ["normalised"]),
        ("a+tag@sub.example.co.uk", "a+tag@sub.example.co.uk", []),
    ],
)
def test_addresses_that_are_taken(read: Read, raw: str, value: str, codes: list[str]) -> None:
    """The domain is made lower case, and international names are kept."""
    assert read("email", raw) == (value, codes)


@pytest.mark.parametrize(
    "raw",
    [
        "a",
        "a@",
        "@b.com",
        "a@b",
        "a@b.test",
        "a@b.invalid",
        "a@localhost",
        "a@x.local",
        "a b@c.com",
        "a@b..com",
        "a@b.com;c@d.com",
        "张三 <a@b.com>",
        '"a b"@c.com',
        "a@[127.0.0.1]",
        "mailto:a@b.com",
        "a@1.2.3.4",
        "a@-b.com",
        "a@b.com\n",
        "\na@b.com",
        "a@b.com\r\nBcc: c@d.com",
        f"{'a' * 300}@b.com",
        "a@b.com" * 100,
    ],
)
def test_addresses_that_are_refused(read: Read, raw: str) -> None:
    """A display name, several addresses, a line break and a name that no mail reaches are refused."""
    assert read("email", raw) == (INVALID, ["invalid_email"])


@pytest.mark.parametrize("kind", ["email", "url"])
def test_a_number_is_no_address(read: Read, kind: str) -> None:
    """Numbers are of the wrong type for addresses."""
    assert read(kind, 5) == (INVALID, ["wrong_type"])


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("https://www.example.com/a?b=1#c", "https://www.example.com/a?b=1#c", []),
        ("http://192.168.1.1:8080/", "http://192.168.1.1:8080/", []),
        ("https://例子.中国/路径", "https://例子.中国/路径", []),
        ("www.example.com", "https://www.example.com", ["normalised"]),
        ("HTTP://Example.COM/Path", "http://example.com/Path", ["normalised"]),
        ("ｗｗｗ．example.com", "https://www.example.com", ["normalised"]),
    ],
)
def test_web_addresses_that_are_taken(read: Read, raw: str, value: str, codes: list[str]) -> None:
    """Scheme and host are made lower case, and a missing scheme is added with a notice."""
    assert read("url", raw) == (value, codes)


@pytest.mark.parametrize(
    "raw",
    [
        "example",
        "javascript:alert(1)",
        "ftp://example.com",
        "http://a b.com",
        "a@b.com",
        "http://user:pw@b.com",
        "//b.com",
        "http:/b.com",
        "http://b.com:99999",
        "http://b.com/<script>",
        "https://-b.com",
        "1.2.3",
        "http://",
        "http://256.1.1.1",
        "http://b.com\\@c.com",
        "http://b.com/\u202ea",
        "https://b.com/" + "a" * 2040,
    ],
)
def test_web_addresses_that_are_refused(read: Read, raw: str) -> None:
    """Other schemes, passwords, markup and hosts without a dot are refused."""
    assert read("url", raw) == (INVALID, ["invalid_url"])


def test_schemes_are_an_option(read: Read) -> None:
    """A field may take other schemes; the first is added where none is typed."""
    assert read("url", "ftp://example.com/a", schemes=("ftp",)) == ("ftp://example.com/a", [])
    assert read("url", "example.com", schemes=["ftp"]) == ("ftp://example.com", ["normalised"])
