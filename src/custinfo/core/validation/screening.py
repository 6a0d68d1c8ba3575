"""Many new records at once: which of them have nothing wrong with them, found a column at a time.

A screen decides nothing of its own. It asks the checks of the validator, each on as few rows as tell the rest: a check
of one value on every value, what looks at the whole record once for all rows that are equal in what it looks at. A row
that it does not pass goes the long way, where everything that is wrong with it is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import attrs

from custinfo.core.checks import CheckContext
from custinfo.core.criteria.evaluate import Related
from custinfo.core.records import FieldKey, Record
from custinfo.core.validation.engine import Validator

__all__ = ["Judge", "NewRows", "Screen"]

Judge = Callable[[CheckContext, frozenset[FieldKey]], bool]
"""Tell whether a new record is allowed; the second argument are the fields that it was given."""


@attrs.frozen(eq=False)
class NewRows:
    """Hold the typed values of new records in columns.

    Args:
        columns: Field, or `owner` → a value for each row, `None` where it is given none.
        defaults: What a field gets where it is given none.
        number: How many rows there are.
        make: Return the record with these values, given by the row's `owner`.
    """

    columns: Mapping[FieldKey, Sequence[Any]]
    defaults: Mapping[FieldKey, Any]
    number: int
    make: Callable[[dict[FieldKey, Any]], Record]

    def given(self, place: int) -> dict[FieldKey, Any]:
        """Return the values that a row gives, in the order of the columns."""
        return {key: column[place] for key, column in self.columns.items() if column[place] is not None}

    def record(self, place: int) -> Record:
        """Return the record that a row comes to."""
        return self.make({**self.defaults, **self.given(place)})

    def column(self, key: FieldKey) -> Sequence[Any]:
        """Return a field's values, with defaults."""
        default, column = self.defaults.get(key), self.columns.get(key)
        if column is None:
            return [default] * self.number
        return column if default is None else [default if value is None else value for value in column]


class _Looking:
    """Stand in for the `CheckContext` of one row after the other; what few checks look at is made when they do."""

    __slots__ = ("_place", "_record", "_rows", "now", "related")

    def __init__(self, rows: NewRows, related: Related, now: datetime) -> None:
        self._rows = rows
        self.related = related
        self.now = now
        self._place = 0
        self._record: Record | None = None

    def at(self, place: int) -> CheckContext:
        """Return the context of a row, good until the next call."""
        self._place = place
        self._record = None
        return cast("CheckContext", self)

    @property
    def record(self) -> Record:
        if self._record is None:
            self._record = self._rows.record(self._place)
        return self._record

    @property
    def values(self) -> Mapping[FieldKey, Any]:
        return self.record.values


class Screen:
    """Find the rows that are well; made for one validator, one actor and the columns of one file."""

    def __init__(
        self, validator: Validator, keys: Iterable[FieldKey], judge: Judge, watched: Iterable[FieldKey]
    ) -> None:
        """Take what decides.

        Args:
            validator: The module's.
            keys: The columns.
            judge: What decides beside the validator, such as the permission of the actor.
            watched: The fields at which `judge` looks.
        """
        self._keys = tuple(keys)
        self._checks = validator.compiled.values
        self._required = validator.required
        self._validator = validator
        self._judge = judge
        values, presence = _watched(validator)
        values |= frozenset(watched)
        if "department" in values:
            values |= {"owner"}  # from whom it follows
        self._values = tuple(sorted(values))
        self._presence = tuple(sorted(presence - values))
        self._known: dict[tuple[Any, ...], bool] = {}

    def passed(self, rows: NewRows, related: Related) -> bytearray:
        """Return 1 for each row that is well, 0 for the others."""
        good = bytearray(b"\1") * rows.number
        looking = _Looking(rows, related, self._validator.now)
        for place in self._failing(rows, looking):
            good[place] = 0
        known = self._known
        columns = [rows.column(key) for key in self._values]
        columns += [[value is not None for value in rows.column(key)] for key in self._presence]
        alike = zip(*columns, strict=True) if columns else [()] * rows.number
        for place, signature in enumerate(alike):
            verdict = known.get(signature)
            if verdict is None:
                verdict = self._whole(rows, looking, place)
                if len(known) < _MOST_KNOWN:
                    known[signature] = verdict
            if not verdict:
                good[place] = 0
        return good

    def _failing(self, rows: NewRows, looking: _Looking) -> Iterator[int]:
        """Yield the rows that lack a required value, or have one that its own check refuses."""
        for key in self._required:
            yield from (place for place, value in enumerate(rows.column(key)) if value is None)
        for key, _, check in self._checks:
            for place, value in enumerate(rows.column(key)):
                if value is not None and check(value, looking.at(place)) is not None:
                    yield place

    def _whole(self, rows: NewRows, looking: _Looking, place: int) -> bool:
        """Tell whether what looks at the whole record lets a row pass."""
        context = looking.at(place)
        given = frozenset(key for key in self._keys if rows.columns[key][place] is not None)
        compiled = self._validator.compiled
        return (
            self._judge(context, given)
            and all(judge(context) is None for _, judge, _ in compiled.states)
            and not any(next(cycle.check(None, context, None, ()), None) for cycle in compiled.life_cycles)
            and not any(choice.check(None, context) for choice in compiled.dated)
        )


_MOST_KNOWN = 10_000


def _watched(validator: Validator) -> tuple[frozenset[FieldKey], frozenset[FieldKey]]:
    """Return the fields whose values decide on the whole record, and those of which it matters that they have one."""
    compiled = validator.compiled
    values: set[FieldKey] = {choice.field for choice in compiled.dated}
    presence: set[FieldKey] = set()
    for watches, _, by_presence in compiled.states:
        values |= watches - by_presence
        presence |= by_presence
    for cycle in compiled.life_cycles:
        values.add(cycle.states.field)
        values.update(*(condition.watches for condition in cycle.applies.values()))
        presence |= cycle.watches
    return frozenset(values), frozenset(presence)
