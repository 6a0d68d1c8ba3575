"""Segments and classifications: that their criteria fit, and that none depends on itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import attrs

from custinfo.core.classification import Classification, Segment
from custinfo.core.criteria.nodes import Criterion, InSegment, Tagged
from custinfo.core.criteria.walking import leaves, path_of
from custinfo.core.dictionaries import Dictionary
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey
from custinfo.core.schema import ModuleSchema
from custinfo.core.spots import Spot
from custinfo.core.text import folded
from custinfo.core.validation.whole._subject import Subject

__all__ = ["classification_problems", "segment_problems"]

Owned = tuple[ModuleKey, str]
"""Module, and the field that a rule sets, or `#` and the tag dimension."""


def segment_problems(subject: Subject) -> Iterator[Problem]:
    """Yield segments of unknown modules, with criteria that do not fit, or that lead back to themselves."""
    segments = {segment.key: segment for segment in subject.configuration.segments.values()}
    circular = _in_circles({key: _segments_in(subject, item.criterion, item.module) for key, item in segments.items()})
    for mapped, segment in subject.configuration.segments.items():
        spot = Spot().dot("segments").at(mapped)
        if subject.module(segment.module) is None:
            yield spot.dot("module").unknown("module", segment.module)
        elif segment.key in circular:
            yield spot.dot("criterion").problem("leads_in_circle", circle=circular[segment.key])
        else:
            yield from subject.misbound(segment.criterion, segment.module, spot.dot("criterion"))


def classification_problems(subject: Subject) -> Iterator[Problem]:
    """Yield what is wrong with classifications."""
    rules = subject.configuration.classifications
    for mapped, rule in rules.items():
        spot = Spot().dot("classifications").at(mapped)
        module = subject.module(rule.module)
        if module is None:
            yield spot.dot("module").unknown("module", rule.module)
        else:
            yield from _rule(subject, rule, module, attrs.evolve(spot, module=rule.module))
    yield from _owned_twice(subject)
    yield from _circular(subject)


def _rule(subject: Subject, rule: Classification, module: ModuleSchema, spot: Spot) -> Iterator[Problem]:
    if (rule.dimension is None) == (rule.field is None):
        yield spot.misfit("须给出标签维度与字段中的一个", "exactly one of dimension and field is given")
    elif rule.field is not None:
        yield from _field(subject, rule, module, spot)
    else:
        yield from _dimension(subject, rule, module, spot)
    if not rule.cases:
        yield spot.dot("cases").missing("case")
    for position, case in enumerate(rule.cases):
        yield from subject.misbound(case.criterion, rule.module, spot.dot("cases").at(position).dot("criterion"))


def _field(subject: Subject, rule: Classification, module: ModuleSchema, spot: Spot) -> Iterator[Problem]:
    key = str(rule.field)
    field = module.definition.fields.get(key)
    here = attrs.evolve(spot.dot("field"), field=key, labels=None if field is None else field.label or None)
    if field is None:
        yield here.unknown("field", key)
    elif (rule.module, key) in subject.unsound:
        return
    elif field.retired:
        yield here.misfit("已停用", "it is retired")
    elif field.kind != "choice":
        yield here.misfit(f"类型为 {field.kind}，需要 choice", f"its kind is {field.kind}, not choice")
    else:
        dictionary = subject.schema.configuration.dictionaries[str(field.options["dictionary"])]
        yield from _values(rule, lambda value: _is_entry(dictionary, value), "entry", spot)


def _is_entry(dictionary: Dictionary, value: str) -> bool:
    code = dictionary.find(value)
    return isinstance(code, str) and dictionary.values[code].state == "active"


def _dimension(subject: Subject, rule: Classification, module: ModuleSchema, spot: Spot) -> Iterator[Problem]:
    dimension = subject.schema.resolve_dimension(str(rule.dimension))
    if dimension is None:
        yield spot.dot("dimension").unknown("tag dimension", str(rule.dimension))
        return
    if not module.definition.taggable:
        yield spot.dot("dimension").misfit("该模块的记录没有标签", "the records of this module take no tags")
    yield from _values(rule, lambda value: isinstance(dimension.find(value), str), "tag", spot)


def _values(rule: Classification, known: Callable[[str], bool], what: str, spot: Spot) -> Iterator[Problem]:
    for position, case in enumerate(rule.cases):
        if not known(case.value):
            yield spot.dot("cases").at(position).dot("value").unknown(what, case.value)
    if rule.otherwise is not None and not known(rule.otherwise):
        yield spot.dot("otherwise").unknown(what, rule.otherwise)


# --- who sets what


def _owned(subject: Subject, rule: Classification) -> Owned:
    if rule.field is not None:
        return rule.module, rule.field
    dimension = subject.schema.resolve_dimension(str(rule.dimension))
    return rule.module, f"#{dimension.key if dimension else rule.dimension}"


def _owned_twice(subject: Subject) -> Iterator[Problem]:
    """Yield rules that set the field, or give a tag, that an earlier rule sets already."""
    owners: dict[tuple[Owned, str], str] = {}
    for mapped, rule in subject.configuration.classifications.items():
        spot = attrs.evolve(Spot().dot("classifications").at(mapped), module=rule.module, field=rule.field)
        dimension = subject.schema.resolve_dimension(rule.dimension) if rule.dimension is not None else None
        shared = rule.field is not None or (dimension is not None and dimension.single)
        values = ("",) if shared else tuple(map(folded, rule.values()))
        owned = _owned(subject, rule)
        others = [owner for value in values if (owner := owners.setdefault((owned, value), rule.key)) != rule.key]
        for other in dict.fromkeys(others):
            yield spot.problem("owned_twice", other=other)


def _circular(subject: Subject) -> Iterator[Problem]:
    """Yield rules whose criteria look at what they, or rules that they depend on, set."""
    rules = {rule.key: rule for rule in subject.configuration.classifications.values()}
    seen = {
        key: {item for case in rule.cases for item in _looked_at(subject, case.criterion, rule.module, frozenset())}
        for key, rule in rules.items()
    }
    owned = {key: _owned(subject, rule) for key, rule in rules.items()}
    needs = {key: [other for other in rules if owned[other] in seen[key]] for key in rules}
    circular = _in_circles(needs)
    for mapped, rule in subject.configuration.classifications.items():
        if rule.key in circular:
            spot = attrs.evolve(Spot().dot("classifications").at(mapped), module=rule.module, field=rule.field)
            yield spot.dot("cases").problem("leads_in_circle", circle=circular[rule.key])


def _looked_at(subject: Subject, criterion: Criterion, module: ModuleKey, through: frozenset[str]) -> Iterator[Owned]:
    """Yield what a criterion on the records of `module` looks at, also through segments."""
    for leaf in leaves(criterion):
        match leaf:
            case InSegment(name):
                segment = subject.schema.resolve_segment(module, name)
                if isinstance(segment, Segment) and segment.key not in through:
                    yield from _looked_at(subject, segment.criterion, module, through | {segment.key})
            case Tagged(name):
                dimension = subject.schema.resolve_dimension(name)
                yield module, f"#{dimension.key if dimension else name}"
            case _:
                yield from _path(subject, path_of(leaf), module)


def _path(subject: Subject, path: tuple[str, ...], module: ModuleKey) -> Iterator[Owned]:
    current = subject.module(module)
    for name in path:
        key = current.resolve(name) if current is not None else None
        if current is None or key is None:
            return
        yield current.definition.key, key
        field = current.definition.fields.get(key)
        current = subject.module(str(field.options.get("module"))) if field is not None else None


def _segments_in(subject: Subject, criterion: Criterion, module: ModuleKey) -> list[str]:
    """Return the keys of the segments that a criterion names."""
    names = [leaf.name for leaf in leaves(criterion) if isinstance(leaf, InSegment)]
    found = [subject.schema.resolve_segment(module, name) for name in names]
    return [segment.key for segment in found if isinstance(segment, Segment)]


def _in_circles(needs: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return what needs itself, with the shortest way back: `a → b → a`."""
    return {key: " → ".join(way) for key in needs if (way := _way_back(key, needs)) is not None}


def _way_back(start: str, needs: Mapping[str, Iterable[str]]) -> tuple[str, ...] | None:
    ways: list[tuple[str, ...]] = [(start,)]
    met: set[str] = set()
    for way in ways:
        for item in needs.get(way[-1], ()):
            if item == start:
                return (*way, start)
            if item not in met:
                met.add(item)
                ways.append((*way, item))
    return None
