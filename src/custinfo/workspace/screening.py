"""The short way of an import: rows that are plainly new records in which nothing is wrong, found a column at a time.

Most rows of most files are such. What they come to is what the write path would make of them, since the same parsers,
checks and grants say so: asked once for a column, or once for all rows that are alike in what these look at. Everything
else in a file, and every file of a module that needs more (approval of new records, formulas, classifications), goes
the long way: see `custinfo.workspace.planning`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import compress
from typing import Any, Final

import attrs

from custinfo.core.checks import CheckContext
from custinfo.core.criteria.walking import leaves, path_of
from custinfo.core.frozen import FrozenDict
from custinfo.core.kinds import INVALID, Parser
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, Masked, MemberKey, ModuleKey, Record, RecordId, Tag
from custinfo.core.validation.engine import Normalised
from custinfo.core.validation.screening import NewRows, Screen
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import NewColumns, NewRow
from custinfo.workspace.gating import Gate

__all__ = ["RowScreen", "TypedRows"]

_NO_TAGS: Final[frozenset[Tag]] = frozenset()
_MOST_KNOWN: Final = 5_000
_TRIAL: Final = 500


@attrs.frozen(eq=False)
class TypedRows:
    """Rows of a file as typed values.

    `columns` has a value for each row, `None` where it is blank or wrong. `remarks` are what was found, by row, from
    notices to errors. `odd` are the rows that have to go the long way, `wrong` those of them with an error, and
    `unread` those with a value in a column that is not read here.
    """

    columns: Mapping[FieldKey, Sequence[Any]]
    remarks: Mapping[int, Sequence[Problem]]
    odd: set[int]
    wrong: Collection[int] = frozenset()
    unread: Collection[int] = frozenset()

    def normalised(self, place: int, raw: Mapping[FieldKey, object]) -> Normalised | None:
        """Return what an edit by hand would make of a row, or `None` where only the validator can tell.

        That is so for what stands for another value than itself: a clearing, or a mask.

        Args:
            place: Of the row.
            raw: Its raw values.
        """
        if place in self.unread:
            return None
        problems = list(self.remarks.get(place, ()))
        refused = {problem.field for problem in problems if problem.severity == "error"}
        patch: dict[FieldKey, Any] = {}
        for key, value in raw.items():
            typed = self.columns[key][place]
            if typed is not None:
                patch[key] = typed
            elif key not in refused or value is CLEAR or type(value) is Masked:
                return None
        return Normalised(patch, problems)


class _ColumnReader:
    """Parse one column; what a text comes to is remembered as long as texts come again and again."""

    def __init__(self, parse: Parser) -> None:
        self._parse = parse
        self._known: dict[object, Any] | None = {}
        self._asked = 0

    def read(self, column: Sequence[object], remarks: dict[int, list[Problem]], odd: set[int]) -> list[Any]:
        """Return the typed values; what is found is added to `remarks`, and places that are wrong to `odd`."""
        problems: list[Problem] = []
        parse, known = self._parse, self._known
        if known is None:
            typed = [None if value is None else parse(value, problems) for value in column]
        else:
            typed = [
                None
                if value is None
                else (known[value] if type(value) is str and value in known else self._first(value, problems))
                for value in column
            ]
            self._asked += len(column)
            if len(known) > _MOST_KNOWN or (self._asked >= _TRIAL and 2 * len(known) > self._asked):
                self._known = None
        if not problems:
            return typed
        wrong = [place for place, value in enumerate(typed) if value is INVALID]
        if len(wrong) != len(problems):
            return self._again(column, remarks, odd)
        for place, problem in zip(wrong, problems, strict=True):
            remarks.setdefault(place, []).append(problem)
            typed[place] = None
        odd.update(wrong)
        return typed

    def _first(self, value: object, problems: list[Problem]) -> Any:
        before = len(problems)
        typed = self._parse(value, problems)
        if type(value) is str and len(problems) == before and self._known is not None:
            self._known[value] = typed
        return typed

    def _again(self, column: Sequence[object], remarks: dict[int, list[Problem]], odd: set[int]) -> list[Any]:
        """Parse one by one, to tell which row has which problem."""
        found: list[Any] = []
        for place, value in enumerate(column):
            problems: list[Problem] = []
            typed = None if value is None else self._parse(value, problems)
            if problems:
                remarks.setdefault(place, []).extend(problems)
            if typed is INVALID:
                odd.add(place)
                typed = None
            found.append(typed)
        return found


class RowScreen:
    """Read the rows of one import, and find those that are plainly new records without a fault."""

    def __init__(self, context: Context, module: ModuleKey, keys: Sequence[FieldKey | None]) -> None:
        """Compile what decides.

        Args:
            context: The session's.
            module: Key of the module.
            keys: The field that each column means, `None` for one that is left out.
        """
        self._context = context
        self._module = module
        self._schema = context.module(module)
        self._validator = context.validator(module)
        self._departments: dict[str | None, str | None] = {}
        self._readers: dict[FieldKey, _ColumnReader | None] = {key: self._reader(key) for key in keys if key}
        self._keys = tuple(keys)
        given = tuple(key for key, reader in self._readers.items() if reader is not None)
        self._given = given
        self._may_pass = self._is_plain()
        self._now = context.now()
        self._defaults = self._validator.defaults_at(self._now)
        self._people = tuple(key for key in given if key == "owner" or key in self._schema.user_fields)
        if self._may_pass:
            self._screen = Screen(self._validator, given, self._judge, self._watched(given))

    def _reader(self, key: FieldKey) -> _ColumnReader | None:
        """Return what reads a column; `None` for one whose values need a look at the store, or a key."""
        fields = self._schema.definition.fields
        if key == "owner" and key not in fields:
            return _ColumnReader(self._schema.owner_parser)
        field = fields.get(key)
        looked_up = {name for name, _ in self._schema.reference_fields}
        if field is None or field.encrypted or key in looked_up or key not in self._validator.parsers:
            return None
        return _ColumnReader(self._validator.parsers[key])

    def _is_plain(self) -> bool:
        """Tell whether new records of the module need nothing beside parsers, checks, grants and unique values."""
        definition = self._schema.definition
        sealed = any(field.default is not None for field in self._schema.encrypted_fields)
        derived = bool(self._context.compiled.derivation(definition.key))
        return not (derived or sealed or Gate(self._context, importing=True).watches_creation(definition.key))

    # --- reading

    def read(self, rows: Sequence[tuple[object, ...]]) -> TypedRows:
        """Return rows as typed values."""
        remarks: dict[int, list[Problem]] = {}
        odd: set[int] = set()
        unread: set[int] = set()
        columns: dict[FieldKey, Sequence[Any]] = {}
        for key, column in zip(self._keys, zip(*rows, strict=True), strict=True):
            if key is None:
                continue
            reader = self._readers[key]
            if reader is not None:
                columns[key] = reader.read(column, remarks, odd)
            else:
                unread.update(place for place, value in enumerate(column) if value is not None)
        wrong = {place for place, found in remarks.items() if any(item.severity == "error" for item in found)}
        odd.update(wrong, unread)
        return TypedRows(columns, remarks, odd, wrong, unread)

    # --- judging

    def sound(
        self, typed: TypedRows, numbers: Sequence[int], passing: Sequence[int], held: Collection[int]
    ) -> dict[int, NewRow]:
        """Return, by place, those of the rows `passing` that are new records without a fault.

        Args:
            typed: All rows.
            numbers: Their numbers.
            passing: The places of those that may be new records.
            held: Rows with a unique value that some live record has.
        """
        if not self._may_pass or not passing:
            return {}
        columns = typed.columns
        if len(passing) != len(numbers):
            columns = {key: [column[place] for place in passing] for key, column in columns.items()}
            numbers = [numbers[place] for place in passing]
        rows = NewRows(columns, self._defaults, len(passing), self._record)
        good = self._screen.passed(rows, self._context.related)
        for place in self._leavers(columns):
            good[place] = 0
        for at, place in enumerate(passing if held else ()):
            if place in held:
                good[at] = 0
        entries = zip(numbers, *columns.values(), strict=True)
        return dict(compress(zip(passing, entries, strict=True), good))

    def new_rows(self, entries: Sequence[NewRow]) -> NewColumns:
        """Return the new records of rows: their numbers, and their values as `sound` gives them."""
        given = dict(zip(self._given, list(zip(*entries, strict=True))[1:], strict=True))
        number = len(entries)
        columns = {key: _filled(given.pop(key, None), [value] * number) for key, value in self._defaults.items()}
        columns |= given
        owners = _filled(columns.pop("owner", None), [self._context.actor] * number)
        return NewColumns(self._module, columns, owners, [self._department(owner) for owner in owners])

    def _record(self, values: dict[FieldKey, Any]) -> Record:
        owner = values.pop("owner", self._context.actor)
        now, actor = self._now, self._context.actor
        department = self._department(owner)
        return Record(RecordId(""), self._module, FrozenDict(values), _NO_TAGS, owner, department, 1, now, now, actor)

    def _department(self, owner: MemberKey | None) -> str | None:
        departments = self._departments
        if owner not in departments:
            member = self._context.schema.directory.member(owner) if owner else None
            departments[owner] = member.department if member is not None else None
        return departments[owner]

    def _leavers(self, columns: Mapping[FieldKey, Sequence[Any]]) -> list[int]:
        """Return the rows that name somebody who has left."""
        find = self._context.schema.directory.member
        found = []
        for key in self._people:
            gone = {name for name in set(columns[key]) if name and ((who := find(name)) is None or not who.active)}
            if gone:
                found += [place for place, value in enumerate(columns[key]) if value in gone]
        return found

    def _watched(self, given: Sequence[FieldKey]) -> set[FieldKey]:
        """Return the fields at which `_judge` looks: those of row scopes, and those that not everybody may set."""
        grants = self._context.access(self._module).grants
        watched = {path_of(leaf)[0] for bound in grants for leaf in leaves(bound.rows)} | {"owner"}
        free = [bound.verdict.creatable for bound in grants if "create" in bound.verdict.actions]
        return watched | {key for key in given if not all(key in creatable for creatable in free)}

    def _judge(self, context: CheckContext, given: frozenset[FieldKey]) -> bool:
        """Tell whether the actor may create a record with the values that it was given."""
        verdict = self._context.verdict(context.record)
        mine = context.record.owner == self._context.actor
        return "create" in verdict.actions and all(
            key in verdict.creatable or (key == "owner" and mine) for key in given
        )


def _filled(column: Sequence[Any] | None, defaults: Sequence[Any]) -> Sequence[Any]:
    """Return a column with the default where it is blank."""
    if column is None:
        return defaults
    return [default if value is None else value for value, default in zip(column, defaults, strict=True)]
