"""Conditions of a module: criteria compiled once, with periods that move with the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from custinfo.core.binding import bind
from custinfo.core.checks import CheckContext, Condition
from custinfo.core.criteria.describe import Language, describe
from custinfo.core.criteria.evaluate import compile_predicate, read_path
from custinfo.core.criteria.nodes import AllOf, AnyOf, Compare, Criterion, Not, Path, Within
from custinfo.core.criteria.walking import leaves, path_of
from custinfo.core.messages import Telling, Translated
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.core.segments import expand
from custinfo.core.vocabulary import SchemaWords

__all__ = ["Conditions"]

_LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
_LONGEST: Final = 500
_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)

_Holds = Callable[[CheckContext], bool]


def _is_relative(criterion: Criterion) -> bool:
    """Tell whether what `criterion` means depends on the time at which it is asked."""
    return any(isinstance(leaf, Within) for leaf in leaves(criterion))


class Conditions(dict[Criterion, Condition]):
    """Compile the criteria of a module as they are asked for: criterion → condition.

    Raises, where a criterion does not fit the module: InvalidInputError.
    """

    def __init__(self, schema: Schema, module: ModuleSchema) -> None:
        super().__init__()
        self._schema = schema
        self._module = module

    def __missing__(self, criterion: Criterion) -> Condition:
        bound = self._bind(criterion, _SOME_TIME)
        expanded = expand(criterion, self._module.definition.key, self._schema)
        paths = frozenset(path_of(leaf) for leaf in leaves(bound))
        watches = frozenset(path[0] for path in paths)
        texts: dict[str, str] = {item: self._describe(criterion, item) for item in _LANGUAGES}
        because = Telling.of(Translated(texts, self._schema.configuration.language), paths)
        condition = self[criterion] = Condition(self._compile(expanded), watches, because, _is_relative(expanded))
        return condition

    def _bind(self, criterion: Criterion, now: datetime) -> Criterion:
        return bind(criterion, self._module.definition.key, self._schema, now)

    def _describe(self, criterion: Criterion, language: Language) -> str:
        return describe(criterion, SchemaWords(self._schema, self._module, language), language)[:_LONGEST]

    def _compile(self, criterion: Criterion) -> _Holds:
        """Return what judges a criterion: one predicate for all that does not depend on the time."""
        if not _is_relative(criterion):
            predicate = compile_predicate(self._bind(criterion, _SOME_TIME))
            return lambda context: predicate(context.record, context.related)
        match criterion:
            case AllOf(parts):
                tests = tuple(map(self._compile, parts))
                return lambda context: all(test(context) for test in tests)
            case AnyOf(parts):
                tests = tuple(map(self._compile, parts))
                return lambda context: any(test(context) for test in tests)
            case Not(part):
                test = self._compile(part)
                return lambda context: not test(context)
            case _:
                return self._relative(criterion)

    def _relative(self, criterion: Criterion) -> _Holds:
        """Return what judges a period; its ends are worked out once for each instant."""
        known: tuple[datetime | None, Path, Any, Any] = (None, (), None, None)

        def holds(context: CheckContext) -> bool:
            nonlocal known
            now, path, low, high = known
            if now != context.now:
                bound = self._bind(criterion, context.now)
                path, low, high = _ends(bound)
                known = (context.now, path, low, high)
            *hop, key = path
            record = context.related(context.record, hop[0]) if hop else context.record
            value = read_path(record, key)
            return bool(value is not None and low <= value <= high)

        return holds


def _ends(bound: Criterion) -> tuple[Path, Any, Any]:
    """Return path and ends of a bound period."""
    match bound:
        case AllOf((Compare(path, "ge", low), Compare(_, "le", high))):
            return path, low, high
        case _:
            raise TypeError("a period must come to two comparisons")
