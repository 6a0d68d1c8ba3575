"""Taking the values out of criteria.

What the shape depends on besides the criterion, such as whether a text could stand in a database at all, or whether
titles are indexed, is settled here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from custinfo.adapters.sqlalchemy._context import CHUNK, Context
from custinfo.adapters.sqlalchemy._equalities import gathered
from custinfo.adapters.sqlalchemy._fields import encoder, is_claimed, target_of
from custinfo.adapters.sqlalchemy._grams import Wanted
from custinfo.adapters.sqlalchemy._ready import Given, padded
from custinfo.adapters.sqlalchemy._rows import unique_text
from custinfo.adapters.sqlalchemy._scopes import departments_of
from custinfo.adapters.sqlalchemy._shapes import (
    LIVE,
    Among,
    ClaimTest,
    DigestTest,
    How,
    ListTest,
    Reference,
    Shape,
    ShareTest,
    TagTest,
    TextTest,
    TitleTest,
)
from custinfo.adapters.sqlalchemy._texts import comparable, is_storable, successor
from custinfo.adapters.sqlalchemy._title_rows import form_of
from custinfo.adapters.sqlalchemy._titles import TitleSearch
from custinfo.core.criteria.nodes import (
    AllOf,
    AnyOf,
    Compare,
    Contains,
    Criterion,
    Everything,
    Has,
    Mentions,
    Not,
    Nothing,
    OneOf,
    Path,
    Present,
    SealedAs,
    SharedWith,
    StartsWith,
    Tagged,
    Through,
    all_of,
    any_of,
)
from custinfo.core.kinds import unchanged
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.stored import instant_to_text

__all__ = ["Shaper"]

LISTED: Final = 10_000
"""How many values one list takes; SQLite takes 32 766 in one statement."""


class Shaper:
    """Take the values out of criteria of one statement, in their stored form.

    `values` are those that the statement is given; the first is the tenant.

    Args:
        context: What the unit of work shares.
        titles: What knows the titles.
        counting: Whether all that match are wanted rather than the first few: tags are then looked up at once.
        lead: The part of the criterion that leads to the records by a table beside them, or by several indexes.
        walking: Whether records come by an index in order, and tables beside them are asked for each.
    """

    def __init__(
        self,
        context: Context,
        titles: TitleSearch,
        *,
        counting: bool = False,
        lead: Criterion | None = None,
        walking: bool = False,
    ) -> None:
        self.values: list[Any] = [context.tenant]
        self._context = context
        self._titles = titles
        self._counting = counting
        self._lead = lead
        self._walking = walking
        self._around: tuple[Criterion, ...] = ()
        self._sought: tuple[Criterion, ...] = ()

    def give(self, value: Any) -> Given:
        """Add a value in its stored form."""
        self.values.append(value)
        return Given(len(self.values) - 1)

    def give_all(self, values: Sequence[Any]) -> tuple[Given, ...]:
        """Add values in their stored form."""
        start = len(self.values)
        self.values.extend(values)
        return tuple(map(Given, range(start, len(self.values))))

    def shape(self, criterion: Criterion, module: ModuleKey) -> Shape:
        """Return the shape of a bound criterion. Raises: TypeError if not bound."""
        if self._lead is not None and criterion == self._lead and isinstance(criterion, AnyOf):
            return self._among(gathered(criterion.parts), module)
        match criterion:
            case Everything() | Nothing():
                return criterion
            case AllOf():
                return all_of(self._all(criterion, module))
            case AnyOf(parts):
                return any_of([self.shape(part, module) for part in gathered(parts)])
            case Not(part):
                return Not(self.shape(part, module))
            case Tagged():
                return self._tagged(criterion)
            case SharedWith():
                return self._shared(criterion)
            case Through(key, part):
                return self._through(key, part, module)
            case _ if len(getattr(criterion, "path", "")) > 1:
                leaf: Any = criterion
                return self._through(leaf.path[0], attrs.evolve(leaf, path=leaf.path[1:]), module)
            case _:
                return self._leaf(criterion, module)

    def parts(self, criterion: Criterion, module: ModuleKey) -> list[Shape]:
        """Return the shapes of the criteria all of which have to hold, one for each."""
        return self._all(criterion, module) if isinstance(criterion, AllOf) else [self.shape(criterion, module)]

    def _all(self, criterion: AllOf, module: ModuleKey) -> list[Shape]:
        """Shape what holds for the same records: titles are sought in their departments alone."""
        outer, live = (self._around, self._sought), LIVE in criterion.parts
        self._around = (criterion, *self._around)
        self._sought = tuple(part for part in criterion.parts if isinstance(part, Mentions | Contains))
        parts = [self._live(part, module) if live else self.shape(part, module) for part in criterion.parts]
        self._around, self._sought = outer
        return parts

    def _among(self, parts: Sequence[Criterion], module: ModuleKey) -> Shape:
        """Let each part lead to its records; where it names departments, by the titles there that are sought."""
        self._lead = None
        led: list[Shape] = []
        for part in parts:
            homes = departments_of(part)
            titles = [title for item in self._sought if homes for title in self._narrowed(item, homes, module)]
            led.append(all_of(titles) if titles else self._each_led(part, module))
        among: Shape = Among(tuple(led))
        return all_of([among, any_of([self.shape(part, module) for part in parts])]) if self._sought else among

    def _each_led(self, part: Criterion, module: ModuleKey) -> Shape:
        self._lead = part
        shape = self.shape(part, module)
        self._lead = None
        return shape

    def _narrowed(self, item: Criterion, departments: tuple[str, ...], module: ModuleKey) -> list[Shape]:
        """Return what finds the titles in departments that are sought; nothing where there is no index of them."""
        match item:
            case Mentions((key,), text) | Contains((key,), text) if self._titles.has(module, key) and form_of(text):
                return [self._title(module, key, form_of(text), "set", departments)]
            case _:
                return []

    def _through(self, key: FieldKey, part: Criterion, module: ModuleKey) -> Shape:
        target = target_of(self._context, module, key)
        outer = self._counting, self._around, self._sought
        self._counting, self._around, self._sought = True, (), ()
        shape = self.shape(part, target)
        self._counting, self._around, self._sought = outer
        return Reference(key, target, self._context.module(target).layout, shape)

    def _leaf(self, leaf: Criterion, module: ModuleKey) -> Shape:
        match leaf:
            case Present():
                return leaf
            case Compare(path, name, value):
                return self._compare(path, name, encoder(self._context, module, path)(value))
            case OneOf(path, values):
                return self._one_of(path, values, module)
            case Contains(path, text) if is_storable(text):
                return self._contains(path, text, module) if text else Present(path)
            case Mentions(path, form):
                return self._mentions(leaf, form_of(form), module)
            case StartsWith(path, text) if is_storable(text):
                return self._starts_with(path, text) if text else Present(path)
            case SealedAs(path, digests, tail):
                return self._sealed(path, digests, "tail" if tail else "index")
            case Has(path, item) if is_storable(item):
                return Has(path, self.give(item))
            case Contains() | StartsWith() | Has():
                return Nothing()
            case _:
                raise TypeError(f"{type(leaf).__name__} must be bound before it is compiled")

    def _compare(self, path: Path, name: Any, constant: Any) -> Shape:
        if isinstance(constant, str) and not is_storable(constant):
            if name in ("eq", "ne"):
                return Present(path) if name == "ne" else Nothing()
            name, constant = comparable(name, constant)
        return Compare(path, name, self.give(constant))

    def _one_of(self, path: Path, values: Sequence[Any], module: ModuleKey) -> Shape:
        encode = encoder(self._context, module, path)
        constants = values if encode is unchanged else [encode(value) for value in values]
        texts = "".join([item for item in constants if isinstance(item, str)])
        storable = constants if is_storable(texts) else [item for item in constants if is_storable(str(item))]
        if len(storable) == 1:
            return Compare(path, "eq", self.give(storable[0]))
        parts = [storable[start : start + LISTED] for start in range(0, len(storable), LISTED)]
        tests: list[Shape] = [ListTest(path, self.give(padded(part))) for part in parts]
        return any_of(tests)

    def _chunked(self, values: Sequence[Any]) -> list[tuple[Given, ...]]:
        """Add values in lists of few lengths, so that statements are few."""
        parts = [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
        return [self.give_all(padded(part)) for part in parts]

    def _sealed(self, path: Path, digests: Sequence[str], held: str) -> Shape:
        tests: list[Shape] = [DigestTest(path, given, held) for given in self._chunked(_storable(digests))]
        return any_of(tests)

    def _live(self, part: Criterion, module: ModuleKey) -> Shape:
        """Find the encrypted value of a live record by what the record claims, if it is unique."""
        if not isinstance(part, SealedAs) or not is_claimed(self._context, module, part):
            return self.shape(part, module)
        how, texts = self._how(part), [unique_text(digest) for digest in _storable(part.digests)]
        tests: list[Shape] = [ClaimTest(part.path[0], given, how) for given in self._chunked(texts)]
        return any_of(tests)

    def _contains(self, path: Path, text: str, module: ModuleKey) -> Shape:
        """Compare exactly, and let the index of titles find the few that come into question."""
        form = form_of(text)
        exact: Shape = TextTest(path, self.give(text))
        if not form or not self._titles.has(module, path[0]):
            return exact
        how = self._how(Contains(path, text), by_planner=True)
        return exact if how == "each" else all_of([self._title(module, path[0], form, how), exact])

    def _mentions(self, leaf: Mentions, form: str, module: ModuleKey) -> Shape:
        key, titles = leaf.path[0], self._titles
        if not titles.has(module, key):
            return self._one_of(("id",), titles.mentioning(module, key, form), module)
        return self._title(module, key, form, self._how(leaf, by_planner=True))

    def title(self, module: ModuleKey, field: FieldKey, form: str, departments: tuple[str, ...]) -> TitleTest:
        """Return the shape of a title that is sought in departments by the index of pairs."""
        tokens, homes = map(self.give_all, self._titles.sought(module, field, form, departments))
        return TitleTest(field, self.give(form), Wanted.of(form, tokens, homes), "set")

    def _title(
        self, module: ModuleKey, field: FieldKey, form: str, how: How, departments: tuple[str, ...] = ()
    ) -> Shape:
        """Shape a title that is sought: in departments, or in those of what has to hold for the same record."""
        if how == "each":
            return TitleTest(field, self.give(form), None, how)
        within = departments or next(filter(None, map(departments_of, self._around)), ())
        tokens, homes = map(self.give_all, self._titles.sought(module, field, form, within))
        return TitleTest(field, self.give(form), Wanted.of(form, tokens, homes), how)

    def _starts_with(self, path: Path, text: str) -> Shape:
        """Return a range, which an index serves and which compares by code point everywhere."""
        end = successor(text)
        start = Compare(path, "ge", self.give(text))
        return start if end is None else AllOf((start, Compare(path, "lt", self.give(end))))

    def _tagged(self, tagged: Tagged) -> Shape:
        if not is_storable(tagged.dimension) or not is_storable(tagged.value or ""):
            return Nothing()
        value = None if tagged.value is None else self.give(tagged.value)
        return TagTest(self.give(tagged.dimension), value, self._how(tagged))

    def _shared(self, shared: SharedWith) -> Shape:
        keys: dict[str, list[str]] = {}
        for kind, key in sorted(shared.principals):
            keys.setdefault(kind, []).append(key)
        given = tuple((kind, self.give_all(padded(found))) for kind, found in keys.items())
        at = self.give(instant_to_text(shared.at))
        return (
            ShareTest(given, tuple(sorted(shared.levels)), at, self._how(shared))
            if given and shared.levels
            else Nothing()
        )

    def _how(self, part: Criterion, *, by_planner: bool = False) -> How:
        """Return how a table beside the records is asked; `by_planner` where PostgreSQL's knows best."""
        if part == self._lead:
            return "lead"
        planned = by_planner and not self._walking and self._context.connection.dialect.name == "postgresql"
        return "set" if self._counting or planned else "each"


def _storable(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if is_storable(text)]
