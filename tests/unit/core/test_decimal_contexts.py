"""The decimal context of the process makes no difference to anything that is read, stored, compared or told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, getcontext, localcontext
from zoneinfo import ZoneInfo

import pytest

from custinfo import F
from custinfo.core.binding import bind
from custinfo.core.criteria.as_json import criterion_from_json
from custinfo.core.json_values import value_from_json, value_to_json
from custinfo.core.kinds import BUILT_IN_KINDS
from custinfo.core.schema import Schema
from custinfo.core.totals import tally
from custinfo.testing import sample_configuration, sample_directory
from tests.decimal_contexts import silent, trapping, untouched

SCHEMA = Schema(sample_configuration(), sample_directory(), ZoneInfo("Asia/Shanghai"))
NOW = datetime(2024, 8, 31, tzinfo=UTC)

contexts = pytest.mark.parametrize("context", [trapping, silent])


@contexts
def test_constants_of_criteria(context: Callable[[], Context]) -> None:
    """A constant that no stored number equals is rounded to the one beside it."""
    constant, rounded = Decimal("123456.1234567"), Decimal("123456.123457")
    with untouched(context()):
        bound = bind(F.price > constant, "thing", SCHEMA, NOW)
    assert bound == (F.price >= rounded)


@contexts
def test_means(context: Callable[[], Context]) -> None:
    """A mean has 28 digits."""
    kind = BUILT_IN_KINDS["decimal"]
    with untouched(context()):
        mean = tally([Decimal(1000), Decimal("0.01"), Decimal(0)], kind).total(kind).mean
    assert mean == Decimal("333.3366666666666666666666667")


@contexts
def test_json(context: Callable[[], Context]) -> None:
    """A decimal is written in one way, and comes back."""
    number = Decimal("1.23456789E+21")
    with untouched(context()):
        written = value_to_json(number)
        back = value_from_json(written)
    assert written == {"decimal": "1.23456789E+21"}
    assert back == number


@contexts
def test_json_that_is_no_decimal(context: Callable[[], Context]) -> None:
    """What is no decimal is refused, also where decimals do not raise."""
    with untouched(context()), pytest.raises(ValueError, match="not a criterion: expected a decimal"):
        criterion_from_json({"op": "eq", "field": ["price"], "value": {"decimal": "much"}})


def test_what_a_thread_did_before_stays_with_it() -> None:
    """The check of flags itself begins with those of the context, not of whatever the thread did before."""
    with localcontext():
        getcontext().flags[Inexact] = True
        with untouched(trapping()):
            assert not any(getcontext().flags.values())
