"""Phone numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Invalid, Kind, KindContext, Parser
from custinfo.core.kinds._raw import Report, read_identifier
from custinfo.core.kinds.texts import as_is
from custinfo.core.problems import Problem

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

__all__ = ["PHONE"]

_LIMIT: Final = 64
_TYPED_MOBILE: Final = re.compile(r"(?:\(?(?:\+|00)?86\)?[ -]?)?(1[0-9]{2})[ -]?([0-9]{4})[ -]?([0-9]{4})")
_TYPED_LANDLINE: Final = re.compile(
    r"\(?0(?P<area>10|2[0-9]|[3-9][0-9]{2})\)?[ -]?(?P<local>[0-9]{7,8})(?:-(?P<extension>[0-9]{1,6}))?"
)
_LABEL: Final = re.compile(r"[^0-9+(]+")
_LIST: Final = re.compile(r"[,;、/|&\r\n\t]|和|或")
_MARKED: Final = re.compile(
    r"(?P<base>.*[0-9)])[ \-,;(]*(?:转分机|转|分机号|分机|ext(?:ension)?\.?=?|x|#)[ \-:.]*(?P<extension>[0-9]{1,7})\)?",
    re.IGNORECASE,
)
_LANDLINE: Final = re.compile(r"(?P<base>0[0-9]{2,3}-[0-9]{7,8})-(?P<extension>[0-9]{1,6})")
_DASHED: Final = re.compile(r"(?P<base>.*[0-9)])[ \-]+(?P<extension>[0-9]{1,6})")
_LONG_RUN: Final = re.compile(r"[0-9]{7,}")


@attrs.frozen
class _Rules:
    """Say what a field allows: the country of numbers without a country code, types, extensions."""

    country: str
    mobile: bool
    landline: bool
    extension: bool


@cache
def mainland_test(kind: Literal["mobile", "fixed_line"]) -> Callable[[str], object]:
    """Return the test for national numbers of one type in mainland China, from phonenumbers' own data."""
    from phonenumbers import PhoneMetadata  # noqa: PLC0415 - loaded on first use

    description = getattr(PhoneMetadata.metadata_for_region("CN"), kind, None)
    pattern = getattr(description, "national_number_pattern", None) or "(?!)"
    return re.compile(pattern, re.ASCII).fullmatch


def _never(text: str) -> object:  # noqa: ARG001
    return None


def _number(text: str, country: str) -> PhoneNumber | None:
    """Return the valid number that `text` is, `None` if it is none; a letter in it is a slip, not a vanity number."""
    import phonenumbers  # noqa: PLC0415 - loaded on first use

    if any(character.isalpha() for character in text):
        return None
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _is_mobile(number: PhoneNumber) -> bool:
    import phonenumbers  # noqa: PLC0415 - loaded on first use

    return phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE


def _find(text: str, country: str) -> tuple[PhoneNumber, str] | None:
    """Return the number in `text` and its extension, or `None`.

    A dash sets off an extension only of a landline, and only where the whole is not a number itself.
    """
    if match := _MARKED.fullmatch(text):
        number = _number(match["base"], country)
        return (number, match["extension"]) if number else None
    if (match := _LANDLINE.fullmatch(text)) and (number := _number(match["base"], country)):
        return number, match["extension"]
    if number := _number(text, country):
        return number, number.extension or ""
    if (match := _DASHED.fullmatch(text)) and (number := _number(match["base"], country)):
        return None if _is_mobile(number) else (number, match["extension"])
    return None


def _holds_several(text: str) -> bool:
    parts = [sum(map(str.isdigit, part)) for part in _LIST.split(text)]
    if sum(count >= 5 for count in parts) > 1:
        return True
    words = [sum(map(str.isdigit, part)) for part in text.split()]
    return sum(count >= 7 for count in words) > 1 or len(_LONG_RUN.findall(text)) > 1


def _canonical(number: PhoneNumber, extension: str, rules: _Rules) -> tuple[str, str]:
    """Return the stored form, or an empty text and the code of what is not allowed."""
    import phonenumbers  # noqa: PLC0415 - loaded on first use

    types, kind = phonenumbers.PhoneNumberType, phonenumbers.number_type(number)
    mobile = kind in (types.MOBILE, types.FIXED_LINE_OR_MOBILE)
    if not ((mobile and rules.mobile) or (kind != types.MOBILE and rules.landline)):
        return "", "phone_type_not_allowed"
    if extension and not rules.extension:
        return "", "extension_not_allowed"
    if number.country_code != 86 or rules.country != "CN":
        text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        return f"{text}x{extension}" if extension else text, ""
    text = phonenumbers.national_significant_number(number)
    if area := phonenumbers.length_of_geographical_area_code(number):
        text = text if mobile else f"0{text[:area]}-{text[area:]}"
    return f"{text}{'x' if mobile else '-'}{extension}" if extension else text, ""


def _read_mainland(text: str, rules: _Rules) -> str:
    """Return the stored form of a number in a usual spelling; empty where the library must judge it."""
    if rules.mobile and (match := _TYPED_MOBILE.fullmatch(text)):
        digits = "".join(match.groups())
        return digits if mainland_test("mobile")(digits) else ""
    match = _TYPED_LANDLINE.fullmatch(text) if rules.landline else None
    if match is None or (match["extension"] and not rules.extension):
        return ""
    if not mainland_test("fixed_line")(match["area"] + match["local"]):
        return ""
    extension = f"-{match['extension']}" if match["extension"] else ""
    return f"0{match['area']}-{match['local']}{extension}"


def _read(text: str, rules: _Rules) -> tuple[str, str]:
    """Return the stored form, or an empty text and the code of a problem."""
    if rules.country == "CN" and (value := _read_mainland(text, rules)):
        return value, ""
    bare = text[match.end() :] if (match := _LABEL.match(text)) else text
    found = _find(bare.strip(" ,;、/"), rules.country)
    if found is None:
        return "", "several_phones" if _holds_several(text) else ""
    return _canonical(*found, rules)


def _parser(field: FieldDefinition, context: KindContext) -> Parser:
    report = Report.of(field, "invalid_phone")
    allowed = {name: field.options.get(name) is not False for name in ("mobile", "landline", "extension")}
    rules = _Rules(context.country, **allowed)
    matches: Callable[[str], object] = _never

    def first_use(text: str) -> object:
        nonlocal matches
        matches = mainland_test("mobile") if rules.country == "CN" and rules.mobile else _never
        return matches(text)

    matches = first_use

    def parse(raw: object, problems: list[Problem]) -> Any:
        if type(raw) is str and matches(raw):
            return raw
        return _read_any(raw, rules, report, problems)

    return parse


def _read_any(raw: object, rules: _Rules, report: Report, problems: list[Problem]) -> str | Invalid | None:
    text = read_identifier(raw, report, _LIMIT, problems)
    if not isinstance(text, str):
        return text
    if not isinstance(raw, str) and not text.isdigit():
        return report.refuse(problems)
    value, code = _read(text, rules)
    return report.compare(raw, value, problems) if value else report.refuse(problems, code)


PHONE: Final = Kind("phone", _parser, as_is, cell_format="@", ordered=False)
"""`str`: `13812345678`, `010-12345678`, `010-12345678-801`, `4001234567`; elsewhere `+85291234567`.

Where the workspace's country is not CN, every number has its country code. Options: `mobile`, `landline` (which
includes service numbers) and `extension`, each true if not given.
"""
