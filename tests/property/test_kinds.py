"""What holds for every kind of field, whatever people type."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from stdnum.cn import ric
from stdnum.cn import uscc as stdnum_uscc
from stdnum.exceptions import ValidationError

from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds import BUILT_IN_KINDS, INVALID, KindContext, Parser
from custinfo.core.kinds.codes import is_uscc
from custinfo.core.kinds.masks import MASK_STYLES, mask
from custinfo.core.kinds.resident_ids import is_resident_id
from custinfo.core.plain_values import plain_value
from custinfo.core.problems import Problem
from custinfo.core.records import ERASED, UNREADABLE, Attachment, Masked

INDUSTRIES = Dictionary(
    "industry",
    (
        DictionaryValue("manufacturing", "制造业", aliases=("制造",)),
        DictionaryValue("it", {"zh": "IT设备", "en": "IT equipment"}, parent="manufacturing"),
        DictionaryValue("trade", "批发、零售"),
        DictionaryValue("wholesale", "批发"),
        DictionaryValue("retail", "零售"),
        DictionaryValue("services", "服务业"),
        DictionaryValue("other_1", "其他", parent="manufacturing"),
        DictionaryValue("other_2", "其他", parent="services"),
    ),
)


class People:
    """A directory of three people, two of whom share a name."""

    names: ClassVar = {"u1": "李四", "u2": "王五", "u3": "王五"}

    def find_member(self, text: str, /) -> str | tuple[str, ...] | None:
        """Find by key or name."""
        if text in self.names:
            return text
        found = tuple(key for key, name in self.names.items() if name == text)
        return found[0] if len(found) == 1 else found or None

    def find_department(self, text: str, /) -> str | tuple[str, ...] | None:
        """Find by key or name."""
        return {"d1": "d1", "销售一部": "d1"}.get(text)

    def member_label(self, key: str, /) -> str:
        """Return the name."""
        return self.names.get(key, key)

    def department_label(self, key: str, /) -> str:
        """Return the name."""
        return "销售一部" if key == "d1" else key


SHANGHAI = KindContext({"industry": INDUSTRIES}, People(), ZoneInfo("Asia/Shanghai"))
NEW_YORK = KindContext({"industry": INDUSTRIES}, People(), ZoneInfo("America/New_York"), "en", "US")
CONTEXTS = (SHANGHAI, NEW_YORK)
KINDS = sorted(set(BUILT_IN_KINDS) - {"computed"})


def field_of(kind: str) -> FieldDefinition:
    """Return a field of the kind with the options that it needs."""
    return FieldDefinition("f", kind, options={"dictionary": "industry"} if "choice" in kind else {})


@functools.cache
def parser_of(kind: str, index: int = 0) -> Parser:
    """Return the parser of a kind in one of the contexts."""
    return BUILT_IN_KINDS[kind].parser(field_of(kind), CONTEXTS[index])


def parsed(kind: str, raw: object, index: int = 0) -> Any:
    """Return what the parser makes of `raw`."""
    return parser_of(kind, index)(raw, [])


def rendered(kind: str, value: Any, index: int = 0) -> str:
    """Return the text of a typed value."""
    return BUILT_IN_KINDS[kind].renderer(field_of(kind), CONTEXTS[index])(value)


anywhere = settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))

MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("Europe/Berlin"), timezone(timedelta(hours=8))]))
TYPED = st.one_of(
    st.text(max_size=40),
    st.text(
        alphabet="0123456789０１²①.,-+/:年月日时分秒 \t\n　¥$元万亿eE()（）xX转#@|、；\u200b\ufeff\u202d\x85",
        max_size=30,
    ),
    st.from_regex(r"\A\(?(\+|00)?(86)?\)?[ -]?[01][0-9]{2,3}[ -]?[0-9]{4}[ -]?[0-9]{0,4}([x#转-][0-9]{1,5})?\Z"),
    st.from_regex(r"\A[a-zA-Z0-9._+-]{1,8}@[a-zA-Z0-9.-]{1,12}\.(com|cn|test|公司|中国)\Z"),
    st.from_regex(r"\A(https?://)?[a-zA-Z0-9.-]{1,12}\.[a-z]{2,3}(:[0-9]{1,6})?(/[a-z?#]{0,5})?\Z"),
    st.from_regex(r"\A[0-9]{1,4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?( ?[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?\Z"),
    st.sampled_from([text for value in INDUSTRIES.values.values() for text in (value.code, *value.label.values())]),
)
SCALARS = st.one_of(
    TYPED,
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(0, 3_000_000),
    st.integers(min_value=10**15 - 5, max_value=10**400),
    st.floats(),
    st.floats(0, 3_000_000),
    st.decimals(),
    st.binary(max_size=20),
    st.dates(),
    st.datetimes(),
    MOMENTS,
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.complex_numbers(),
    st.builds(Masked, st.text(max_size=5)),
    st.builds(Attachment, st.text(max_size=5), st.text(max_size=5)),
    st.builds(object),
)
ANYTHING = st.one_of(
    SCALARS,
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.sampled_from(["name", "location", "size", "digest", "x"]), inner, max_size=4),
            st.frozensets(st.integers(), max_size=3),
        ),
        max_leaves=6,
    ),
)
HOSTILE: list[object] = [
    "\ud800",
    "\u200b",
    "-\u200b",
    "\ufdfa" * 64,
    "a\x00b",
    "1" * 5000,
    10**5000,
    -(10**5000),
    float("nan"),
    float("inf"),
    1e308,
    Decimal("sNaN"),
    Decimal("NaN"),
    Decimal("-Infinity"),
    Decimal("1E+999999"),
    Decimal("1E-999999"),
    Decimal("0E+999999"),
    Decimal("0E-999999"),
    "9" * 64,
    "1e99",
    "1e-99",
    datetime(9999, 12, 31, 23, 59, 59, 999_999),  # noqa: DTZ001
    datetime(1, 1, 1),  # noqa: DTZ001
    datetime.max.replace(tzinfo=UTC),
    datetime.min.replace(tzinfo=UTC),
    date.max,
    date.min,
    "0001-01-01",
    "9999-12-31 23:59:59",
    "{" * 4000,
    '{"a":' * 700,
    "[" * 4000,
    {"location": ["x"]},
    {1: 2},
    [[[[]]]],
    type,
    len,
]


def check_parse(kind: str, raw: object, index: int) -> None:
    """Check all that a parser promises about one raw value."""
    problems: list[Problem] = []
    value = parser_of(kind, index)(raw, problems)
    errors = [problem for problem in problems if problem.severity == "error"]
    assert (value is INVALID) == bool(errors)
    for problem in problems:
        assert problem.field == "f"
        assert "{" not in problem.message("zh") + problem.message("en")
    if value is INVALID or value is None:
        return
    again: list[Problem] = []
    assert parser_of(kind, index)(value, again) == value
    assert [problem for problem in again if problem.severity != "warning"] == []
    built_in = BUILT_IN_KINDS[kind]
    assert parser_of(kind, index)(rendered(kind, value, index), []) == value
    sent = json.dumps(plain_value(value), allow_nan=False)
    assert parser_of(kind, index)(json.loads(sent), []) == value
    stored = built_in.encode(value)
    decoded = built_in.decode(stored)
    assert decoded == value
    assert type(decoded) is type(value)
    assert repr(decoded) == repr(value)
    assert type(stored) in {"text": (str,), "number": (int,), "list": (list,)}[built_in.storage]


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
@anywhere
@given(raw=ANYTHING)
def test_a_parser_keeps_its_promises(kind: str, index: int, raw: object) -> None:
    """Nothing raises; what is taken parses to itself, renders to what parses to it, and survives JSON and storage."""
    check_parse(kind, raw, index)


@pytest.mark.parametrize("value", [Masked("138****5678"), UNREADABLE, ERASED])
@pytest.mark.parametrize("kind", KINDS)
def test_what_json_has_in_place_of_a_value_is_none(kind: str, value: object) -> None:
    """No kind takes for a value what stands in JSON for a mask, a missing key, or an erased value."""
    problems: list[Problem] = []
    assert parser_of(kind)(plain_value(value), problems) is INVALID
    assert [problem.severity for problem in problems] == ["error"]


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_values_are_survived(kind: str) -> None:
    """Values chosen to break parsers are refused or taken, but never raise."""
    for raw in HOSTILE:
        check_parse(kind, raw, 0)
        check_parse(kind, raw, 1)


def canonical_moments() -> st.SearchStrategy[datetime]:
    """Return moments in UTC."""
    return st.datetimes(timezones=st.just(UTC))


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text(max_size=30).map(lambda text: parsed("text", text)).filter(lambda v: isinstance(v, str)),
    "integer": st.integers(-(2**63) + 1, 2**63 - 1),
    "decimal": st.integers(-(9 * 10**18) + 1, 9 * 10**18 - 1).map(BUILT_IN_KINDS["decimal"].decode),
    "money": st.integers(-(9 * 10**14) + 1, 9 * 10**14 - 1).map(
        lambda cents: BUILT_IN_KINDS["money"].decode(cents * 10**4)
    ),
    "boolean": st.booleans(),
    "date": st.dates(),
    "datetime": canonical_moments(),
    "multiple_choice": st.sets(st.sampled_from(list(INDUSTRIES.values)), min_size=1).map(
        lambda codes: tuple(code for code in INDUSTRIES.values if code in codes)
    ),
}


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("kind", sorted(VALUES))
def test_a_typed_value_survives_its_text_and_its_storage(kind: str, index: int) -> None:
    """Parsing the rendered text and decoding the stored form both give the typed value back."""

    @anywhere
    @given(VALUES[kind])
    def check(value: Any) -> None:
        assert parsed(kind, value, index) == value
        assert parsed(kind, rendered(kind, value, index), index) == value
        assert BUILT_IN_KINDS[kind].decode(BUILT_IN_KINDS[kind].encode(value)) == value
        assert parsed(kind, json.loads(json.dumps(plain_value(value))), index) == value

    check()


@pytest.mark.parametrize("kind", sorted(set(VALUES) - {"multiple_choice"}))
def test_storage_keeps_order(kind: str) -> None:
    """One value is below another exactly if its stored form is."""

    @anywhere
    @given(VALUES[kind], VALUES[kind])
    def check(one: Any, other: Any) -> None:
        stored: Callable[[Any], Any] = BUILT_IN_KINDS[kind].encode
        assert (one < other) == (stored(one) < stored(other))
        assert (one == other) == (stored(one) == stored(other))

    check()


def mutations(valid: str, alphabet: str) -> st.SearchStrategy[str]:
    """Return texts that differ from a valid one in a few places."""

    def change(edits: list[tuple[str, int, str]]) -> str:
        text = valid
        for action, place, character in edits:
            at = place % (len(text) + 1)
            text = text[:at] + ("" if action == "drop" else character) + text[at + (action != "insert") :]
        return text

    edit = st.tuples(st.sampled_from(["drop", "insert", "swap"]), st.integers(0, 60), st.sampled_from(alphabet))
    return st.lists(edit, max_size=3).map(change)


MAINLAND_MOBILES = st.from_regex(r"\A1[3-9][0-9]{9}\Z")
MAINLAND_LANDLINES = st.from_regex(r"\A0(10|2[0-9]|[3-9][0-9]{2})-[0-9]{7,8}\Z")


def lib_phone(text: str, region: str = "CN") -> str | None:
    """Return the number in E.164 as phonenumbers alone reads it."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def agrees_with_lib(text: str) -> None:
    """Check that our verdict and number are those of phonenumbers."""
    value = parsed("phone", text)
    assert (None if value is INVALID else lib_phone(value)) == lib_phone(text)


def test_every_mobile_prefix_is_judged_as_by_phonenumbers() -> None:
    """All 10 000 four-digit beginnings that a mobile number could have are judged as the library does."""
    for prefix in range(1000, 2000):
        for tail in ("0000000", "5678901"):
            agrees_with_lib(f"{prefix}{tail}")


@anywhere
@given(st.one_of(MAINLAND_MOBILES, MAINLAND_LANDLINES, *(mutations(t, "0123456789") for t in ("13812345678",))))
def test_screened_phones_are_judged_as_by_phonenumbers(text: str) -> None:
    """A mainland number in its usual form is taken exactly if the library takes it, as the same number."""
    agrees_with_lib(text)


@anywhere
@given(
    st.sampled_from(["", "+86", "0086", "86", "(86)", "(+86)", "+86 ", "86-", "(0086) "]),
    st.one_of(MAINLAND_MOBILES, st.just("13812345678")),
    st.sampled_from(["{0}{1}{2}", "{0}-{1}-{2}", "{0} {1} {2}", "{0} {1}{2}", "{0}-{1}{2}"]),
)
def test_usual_spellings_of_mobiles_are_judged_as_by_phonenumbers(prefix: str, digits: str, form: str) -> None:
    """Country codes, blanks and dashes do not make our verdict differ from the library's."""
    agrees_with_lib(prefix + form.format(digits[:3], digits[3:7], digits[7:]))


@anywhere
@given(st.from_regex(r"\A\(?0(10|2[0-9]|[3-9][0-9]{2})\)?[ -]?[0-9]{7,8}\Z"))
@example("01012345678")
def test_usual_spellings_of_landlines_are_judged_as_by_phonenumbers(text: str) -> None:
    """Brackets around the area code, blanks and dashes do not make our verdict differ from the library's."""
    agrees_with_lib(text)


def test_area_codes_are_split_where_phonenumbers_splits_them() -> None:
    """The dash of a stored landline stands right behind the area code that the library knows."""
    for area in [*range(10, 30), *range(300, 1000)]:
        for local in ("2345678", "82345678", "61234567"):
            value = parsed("phone", f"0{area}-{local}")
            if value is INVALID:
                continue
            length = phonenumbers.length_of_geographical_area_code(phonenumbers.parse(value, "CN"))
            assert value == (f"0{area}-{local}" if length else f"{area}{local}")
            assert length in (0, len(str(area)))


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_example_numbers_of_every_region_parse_to_themselves(region: str) -> None:
    """An example of each type is taken in every context, and its stored form is stable."""
    for kind in set(phonenumbers.PhoneNumberType.values()):
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None or not phonenumbers.is_valid_number(number):
            continue
        text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        for index in (0, 1):
            value = parsed("phone", text, index)
            assert lib_phone(value, CONTEXTS[index].country) == text
            assert parsed("phone", value, index) == value
            extended = parsed("phone", f"{text} ext. 12", index)
            assert extended.endswith(("x12", "-12"))
            assert parsed("phone", extended, index) == extended


def lib_email(text: str) -> str | None:
    """Return the address as email-validator alone reads it."""
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        return None


@anywhere
@given(
    st.one_of(
        mutations("zhang.san@example.com", "abZ.-_+@!'\"0 例"),
        mutations("a@b.test", "tes.-@alho"),
        mutations("a@xn--fiqs8s.cn", "x-n.a1"),
        st.from_regex(r"\A[a-z0-9.+_-]{1,10}@[a-z0-9.-]{1,20}\Z"),
        st.from_regex(r"\A[a-z]{1,5}@([a-z]{1,5}\.)?(arpa|invalid|local|localhost|onion|test|tests|example)\Z"),
        st.emails(),
    )
)
def test_emails_are_judged_as_by_email_validator(text: str) -> None:
    """Apart from outer blanks, an address is taken exactly if the library takes it, in the library's form."""
    value = parsed("email", text)
    assert (None if value is INVALID else value) == lib_email(text.strip())


@anywhere
@given(mutations("91350100M000100Y43", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_credit_codes_are_judged_as_by_stdnum(text: str) -> None:
    """A code that begins with a digit is taken exactly if python-stdnum takes it."""
    assert (is_uscc(text) and text[:1].isdigit()) == stdnum_uscc.is_valid(text)


@anywhere
@given(st.from_regex(r"\A[1-9][0-9]{7}[0-9A-HJ-NPQRTUWXY]{9}\Z"))
def test_check_characters_are_those_of_stdnum(text: str) -> None:
    """Of the 31 check characters exactly the one that python-stdnum computes is right."""
    right = stdnum_uscc.calc_check_digit(text)
    assert [c for c in "0123456789ABCDEFGHJKLMNPQRTUWXY" if is_uscc(text + c)] == [right]


def lib_resident(text: str) -> bool:
    """Whether python-stdnum takes form, check character and birth date, whatever it says of the region."""
    try:
        if ric.compact(text) != text or len(text) != 18 or ric.calc_check_digit(text) != text[-1]:
            return False
        ric.get_birth_date(text)
    except (ValidationError, ValueError):
        return False
    return re.fullmatch(r"[0-9]{17}[0-9X]", text) is not None


@anywhere
@given(
    st.one_of(
        mutations("360426199101010071", "0123456789X"),
        st.from_regex(r"\A[1-6][0-9]{5}(19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}\Z").map(
            lambda text: text + ric.calc_check_digit(text + "0")
        ),
    )
)
def test_resident_numbers_are_judged_as_by_stdnum(text: str) -> None:
    """Form, check character and date decide as in python-stdnum; the region never refuses a number."""
    assert is_resident_id(text) == lib_resident(text)


@anywhere
@given(st.sampled_from(sorted(MASK_STYLES)), st.text(max_size=30))
def test_a_mask_never_shows_a_whole_value(style: str, text: str) -> None:
    """At least one character of the value is hidden, and a blank stays blank."""
    shown = mask(style, text)
    assert (shown == "") == (text == "")
    assert not text.strip() or text.strip() not in shown or set(text.strip()) <= {"*", "@"}
