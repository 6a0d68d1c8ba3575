"""Addresses, numbers and codes that nobody in this project wrote.

Every line of the shared vectors is run. Where our verdict differs from the claim, the table below says why; a
difference that is not listed fails, and so does a listed one that is gone.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds import BUILT_IN_KINDS, INVALID, Directory, KindContext
from custinfo.core.problems import Problem

VECTORS = (
    Path(os.environ.get("CUSTINFO_SHARED", Path(__file__).resolve().parents[2].parent / "shared")) / "data" / "vectors"
)

pytestmark = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the shared vectors are not here: set CUSTINFO_SHARED to their folder"
)

BLANK = "outer blanks are stripped before an address is read (FLD-5)"
QUOTED = "a quoted local part needs allow_quoted_local, off by default: no such mailbox is reachable in practice"
NAMED = "a display name needs allow_display_name, off by default; the same corpus claims others to be rejected"
STRICT = "the limit of 64 characters before the @ is kept in strict mode only"
REGION = "form and check character are right: a region that is not on the list is a warning"
OLD = "15 digits, without check character, were issued until 1999 and have lapsed"
EXTENSION = "phonenumbers reads no extension after a dash; people do (the claim of any-rule is to accept it)"

DIFFERENCES: dict[str, dict[str, str]] = {
    "isemail_even": {"test@iana.org ": BLANK},
    "email_validator_share": {
        '"de-quoted.local.part"@example.org': QUOTED,
        '"escaped.quote.\\".local.part"@example.org': QUOTED,
        '"quoted..local.part"@example.com': QUOTED,
        '"quoted with space"@example.com': QUOTED,
        '"unnecessarily.quoted.with.unicode.\u03bb"@example.com': QUOTED,
        '"quoted.with.extraneous.\\escape"@example.com': QUOTED,
        "My Name <me@example.org>": NAMED,
        '"s\u0323\u0307" <s\u0323\u0307@nfc.tld>': NAMED,
        "111111111122222222223333333333444444444455555555556666666666777777@example.com": STRICT,
    },
    "phone_share": {"010-12345678-1234": EXTENSION},
    "libphonenumber_examples": {},
    "uscc_share": {},
    "resident_id_share": {
        "990426199112010074": REGION,
        "110201199312010077": REGION,
        "150102880730303": OLD,
    },
}


class Nobody:
    """An empty directory."""

    def find_member(self, text: str, /) -> None:
        """Find nobody."""

    def find_department(self, text: str, /) -> None:
        """Find nothing."""

    def member_label(self, key: str, /) -> str:
        """Return the key."""
        return key

    department_label = member_label


def lines_of(name: str) -> list[dict[str, Any]]:
    """Return the lines of a file of vectors."""
    return [json.loads(line) for line in (VECTORS / f"{name}.jsonl").read_text("utf-8").split("\n") if line]


def read(kind: str, raw: object, country: str = "CN") -> tuple[Any, list[str]]:
    """Return what the parser makes of a value: `None` if it is refused, and the codes of the problems."""
    problems: list[Problem] = []
    directory: Directory = Nobody()
    context = KindContext({}, directory, ZoneInfo("Asia/Shanghai"), country=country)
    value = BUILT_IN_KINDS[kind].parser(FieldDefinition("f", kind), context)(raw, problems)
    return (None if value is INVALID else value), [problem.code for problem in problems]


def check(name: str, verdicts: dict[str, tuple[bool, bool]]) -> None:
    """Check that the verdicts (claimed, ours) differ exactly where the table says."""
    differing = {text for text, (claimed, ours) in verdicts.items() if claimed != ours}
    assert differing == set(DIFFERENCES[name])


def test_isemail() -> None:
    """Valid addresses are taken, errors refused, and what only the RFC allows follows email-validator."""
    verdicts = {}
    for line in lines_of("isemail_even"):
        claim = line["email_validator_2_4_0"] if line["expect"] == "policy" else line["expect"]
        verdicts[line["address"]] = (claim == "accept", read("email", line["address"])[0] is not None)
    check("isemail_even", verdicts)


def test_email_validator() -> None:
    """The library's own cases are judged as it claims, with its default options; unsafe fragments are refused."""
    lines = lines_of("email_validator_share")
    verdicts = {
        line["input"]: (line["expect"] == "accept", read("email", line["input"])[0] is not None) for line in lines
    }
    check("email_validator_share", verdicts)


def test_phones() -> None:
    """A number is taken exactly if phonenumbers calls it valid, and as the same number."""
    verdicts = {}
    for line in lines_of("phone_share"):
        value, _ = read("phone", line["input"], line["region"])
        verdicts[line["input"]] = (line["lib_valid"], value is not None)
        if value is not None and line["e164"]:
            assert international(value, line["region"]) == line["e164"]
    check("phone_share", verdicts)


def test_libphonenumber_examples() -> None:
    """Examples of every type are taken in each spelling, and invalid ones refused."""
    verdicts = {}
    for line in lines_of("libphonenumber_examples"):
        for text, country in (
            (line["e164"], "CN"),
            (line["international"], "CN"),
            (line["international"], line["region"]),
            (line["national"], line["region"]),
        ):
            value, _ = read("phone", text, country)
            verdicts[f"{text} in {country}"] = (line["valid"], value is not None)
            assert value is None or international(value, country) == line["e164"]
    check("libphonenumber_examples", verdicts)


def international(value: str, country: str) -> str:
    """Return a stored number in E.164."""
    if value.startswith("+") or country != "CN":
        return value
    return "+86" + value.removeprefix("0").replace("-", "")


def test_credit_codes() -> None:
    """Real codes are taken without a warning, invented ones refused; the file ends with identity numbers."""
    verdicts = {}
    for line in lines_of("uscc_share"):
        if "code" not in line:
            continue
        value, problems = read("uscc", line["code"])
        verdicts[line["code"]] = (line["expect"] == "valid", value is not None)
        assert value is None or (value, problems) == (line["code"], [])
    check("uscc_share", verdicts)


def test_identity_numbers() -> None:
    """Claimed numbers are taken, false ones refused; the one without a claim fails its check character."""
    verdicts = {}
    lines = lines_of("resident_id_share") + [line for line in lines_of("uscc_share") if "id" in line]
    for line in lines:
        value, problems = read("resident_id", line["id"])
        verdicts[line["id"]] = (line["expect"].startswith("valid"), value is not None)
        known = line["stdnum_says"] is True
        assert value is None or (value, problems) == (line["id"], [] if known else ["unknown_region"])
    check("resident_id_share", verdicts)
