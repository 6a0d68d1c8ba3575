"""Validating customer rows, all errors collected: against pydantic, marshmallow, and a function written by hand.

All use phonenumbers, email-validator and python-stdnum for the verdict; the hand-written function screens common forms
first, by the metadata of these libraries or their checksum, as custinfo does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import email_validator
import marshmallow
import phonenumbers
import pydantic
from stdnum.cn import ric, uscc

from benchmarks.data import validation_rows
from benchmarks.harness import Result, best_of
from custinfo.core.criteria.evaluate import no_related
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import Record, RecordId
from custinfo.core.schema import Schema
from custinfo.core.validation.conditions import Conditions
from custinfo.core.validation.engine import Validator
from custinfo.standard import sample_organisation, standard_configuration

NOW = datetime(2024, 3, 15, tzinfo=UTC)
TYPES = frozenset({"企业客户", "个人客户", "渠道客户"})
STATUSES = frozenset({"高潜", "成交", "流失", "休眠"})
INDUSTRIES = frozenset({"制造业", "汽车", "软件", "零售", "物流", "教育"})
Row = dict[str, Any]


def _phone(value: str) -> str:
    number = phonenumbers.parse(value, "CN")
    if not phonenumbers.is_valid_number(number):
        raise ValueError("phone")
    return value


def _email(value: str) -> str:
    return email_validator.validate_email(value, check_deliverability=False).normalized


def _uscc(value: str) -> str:
    return str(uscc.validate(value))


def _resident_id(value: str) -> str:
    return str(ric.validate(value))


def _length(value: str) -> str:
    if not 0 < len(value) <= 200:
        raise ValueError("length")
    return value


def _amount(value: Any) -> Decimal:
    amount = Decimal(str(value))
    if amount < 0:
        raise ValueError("amount")
    return amount


def _member(allowed: frozenset[str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in allowed:
            raise ValueError("choice")
        return value

    return check


CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": _length,
    "customer_type": _member(TYPES),
    "industry": _member(INDUSTRIES),
    "contact_name": _length,
    "phone": _phone,
    "email": _email,
    "uscc": _uscc,
    "id_number": _resident_id,
    "status": _member(STATUSES),
    "address": _length,
    "annual_budget": _amount,
    "submitted_on": date.fromisoformat,
}


def _pydantic_model() -> type[pydantic.BaseModel]:
    fields: dict[str, Any] = {
        key: (Annotated[Any, pydantic.AfterValidator(check)], ...) for key, check in CHECKS.items()
    }
    return pydantic.create_model("Customer", **fields)


def _with_pydantic(rows: Sequence[Row]) -> int:
    model, bad = _pydantic_model(), 0
    for row in rows:
        try:
            model(**row)
        except pydantic.ValidationError:
            bad += 1
    return bad


class _Checked(marshmallow.fields.Field[Any]):
    def __init__(self, check: Callable[[Any], Any]) -> None:
        super().__init__(required=True)
        self.check = check

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:  # noqa: ARG002
        try:
            return self.check(value)
        except Exception as error:
            raise marshmallow.ValidationError(str(error)) from error


def _with_marshmallow(rows: Sequence[Row]) -> int:
    schema = marshmallow.Schema.from_dict({key: _Checked(check) for key, check in CHECKS.items()})()
    return sum(bool(schema.validate(row)) for row in rows)


def _screens() -> dict[str, Callable[[Any], Any]]:
    """Return the checks with the usual forms decided first, as a careful person writes them."""
    metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region("CN")
    mobile = re.compile(metadata.mobile.national_number_pattern).fullmatch
    plain = re.compile(r"[a-z0-9](?:[a-z0-9_-]|\.(?=[a-z0-9]))*@example\.com").fullmatch
    code = {character: number for number, character in enumerate("0123456789ABCDEFGHJKLMNPQRTUWXY")}
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    id_weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

    def screened_uscc(value: str) -> str:
        try:
            total = sum(code[character] * weight for character, weight in zip(value[:17], weights, strict=True))
            if len(value) == 18 and code[value[17]] == (31 - total % 31) % 31:
                return value
        except (KeyError, ValueError):
            pass
        return _uscc(value)

    def screened_id(value: str) -> str:
        if len(value) == 18 and value[:17].isdigit():
            total = sum(int(digit) * weight for digit, weight in zip(value, id_weights, strict=False))
            if "10X98765432"[total % 11] == value[17]:
                date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
                return value
        return _resident_id(value)

    return {
        **CHECKS,
        "phone": lambda value: value if len(value) == 11 and mobile(value) else _phone(value),
        "email": lambda value: value if plain(value) else _email(value),
        "uscc": screened_uscc,
        "id_number": screened_id,
    }


def _by_hand(rows: Sequence[Row]) -> int:
    checks, bad = list(_screens().items()), 0
    for row in rows:
        values, problems = {}, []
        for key, check in checks:
            value = row.get(key)
            if value is None:
                problems.append((key, "required"))
                continue
            try:
                values[key] = check(value)
            except Exception as error:
                problems.append((key, str(error)))
        bad += bool(problems)
    return bad


def _validator() -> Validator:
    schema = Schema(standard_configuration(), sample_organisation(), UTC)
    module = schema.module("customer")
    return Validator(module, Conditions(schema, module))


def _with_custinfo(rows: Sequence[Row], validator: Validator) -> int:
    bad = 0
    no_tags: frozenset[Any] = frozenset()
    for row in rows:
        found = validator.normalise(row)
        record = Record(RecordId(""), "customer", FrozenDict(found.patch), no_tags, "lisi", "sales1-1", 1, NOW, NOW)
        errors = found.errors if found.problems else []
        failed = frozenset(problem.field or "" for problem in errors)
        bad += bool(errors or validator.check(record, None, no_related, failed))
    return bad


def run(quick: bool) -> Iterator[Result]:
    """Measure all rows valid, and 5 % of them bad."""
    count = 2_000 if quick else 10_000
    validator = _validator()
    for name, share in (("all valid", 0.0), ("5 % bad", 0.05)):
        rows = validation_rows(count, share)
        expected = round(count * share)
        works: list[Callable[[], int]] = [
            lambda rows=rows: _with_custinfo(rows, validator),  # type: ignore[misc]
            lambda rows=rows: _by_hand(rows),  # type: ignore[misc]
            lambda rows=rows: _with_pydantic(rows),  # type: ignore[misc]
            lambda rows=rows: _with_marshmallow(rows),  # type: ignore[misc]
        ]
        for work in works:
            if work() != expected:
                raise RuntimeError(f"{work()} bad rows instead of {expected}")
        own, hand, peer, other = (seconds / count for seconds in best_of(*works, repeat=2 if quick else 5))
        case = f"a row of 12 columns, {name}"
        yield Result("validate", case, own, "hand-written, common forms screened", hand, 1.5)
        yield Result("validate", case, own, "pydantic with the libraries", peer, 8.0, faster=True)
        yield Result("validate", case, own, "marshmallow with the libraries", other, 8.0, faster=True)
