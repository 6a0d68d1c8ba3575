"""Dictionaries and tag dimensions: entries that can be found, and lead somewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime

import attrs

from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.problems import Problem
from custinfo.core.spots import Names, Spot, repeated
from custinfo.core.tags import TagDimension
from custinfo.core.text import folded
from custinfo.core.validation.whole._expected import expected
from custinfo.core.validation.whole._subject import Subject

__all__ = ["dictionary_problems", "tag_problems"]


def dictionary_problems(subject: Subject) -> Iterator[Problem]:
    """Yield what is wrong with the entries of dictionaries."""
    for key, dictionary in subject.configuration.dictionaries.items():
        spot = Spot().dot("dictionaries").at(key).dot("values")
        codes = {value.code for value in dictionary.values.values()}
        for mapped, value in dictionary.values.items():
            yield from _entry(value, mapped, codes, spot.at(mapped))
        yield from repeated((spot.at(code), value.code, value.code) for code, value in dictionary.values.items())
        yield from _circles(dictionary, spot)
        yield from _ambiguous(dictionary, spot)


def _entry(value: DictionaryValue, mapped: str, codes: set[str], spot: Spot) -> Iterator[Problem]:
    if not folded(value.code):
        yield spot.missing("code")
    if mapped != value.code:
        yield spot.problem("key_differs", found=mapped, key=value.code)
    if not value.label or not all(map(folded, value.label.values())):
        yield spot.dot("label").missing("label")
    if value.parent is not None and value.parent not in codes:
        yield spot.dot("parent").unknown("entry", value.parent)
    yield from _merging(value, codes, spot.dot("merged_into"))
    yield from _validity(value, spot)


def _merging(value: DictionaryValue, codes: set[str], spot: Spot) -> Iterator[Problem]:
    if value.merged_into is None:
        if value.state == "merged":
            yield spot.missing("entry")
    elif value.state != "merged":
        yield spot.misfit(
            "只有已合并的字典项才有合并目标", "only an entry whose state is merged is merged into another"
        )
    elif value.merged_into not in codes:
        yield spot.unknown("entry", value.merged_into)


def _validity(value: DictionaryValue, spot: Spot) -> Iterator[Problem]:
    if isinstance(value.valid_from, datetime) or isinstance(value.valid_to, datetime):
        yield spot.dot("valid_from").problem("wrong_shape", expected=expected(date))
    elif value.valid_from is not None and value.valid_to is not None and value.valid_from > value.valid_to:
        yield spot.dot("valid_to").misfit("有效期止于开始之前", "it ends before it begins")


def _circles(dictionary: Dictionary, spot: Spot) -> Iterator[Problem]:
    entries = {value.code: value for value in dictionary.values.values()}
    steps: tuple[tuple[str, Callable[[str], str | None]], ...] = (
        ("parent", lambda code: entries[code].parent if code in entries else None),
        ("merged_into", lambda code: entries[code].merged_into if code in entries else None),
    )
    for name, step in steps:
        for circle in _found_circles(entries, step):
            yield spot.at(circle[0]).dot(name).problem("leads_in_circle", circle=" → ".join((*circle, circle[0])))


def _found_circles(items: Mapping[str, object], step: Callable[[str], str | None]) -> Iterator[tuple[str, ...]]:
    """Yield each circle once, from the first of `items` on it."""
    done: set[str] = set()
    for item in items:
        chain: list[str] = []
        current: str | None = item
        while current is not None and current not in done and current not in chain:
            chain.append(current)
            current = step(current)
        if current is not None and current in chain:
            yield tuple(chain[chain.index(current) :])
        done.update(chain)


def _ambiguous(dictionary: Dictionary, spot: Spot) -> Iterator[Problem]:
    """Yield labels that name two active entries side by side, where not even a path tells which is meant."""
    names: dict[str | None, Names] = {}
    for mapped, value in dictionary.values.items():
        if value.state != "active":
            continue
        siblings = names.setdefault(value.parent, Names())
        for name in {folded(item): item for item in (*value.label.values(), *value.aliases)}.values():
            other = siblings.other(name, value.code)
            if other is not None:
                yield spot.at(mapped).problem("name_ambiguous", severity="warning", name=name, other=other)


def tag_problems(subject: Subject) -> Iterator[Problem]:
    """Yield what is wrong with tag dimensions: names and values that mean two things."""
    spot = Spot().dot("tag_dimensions")
    dimensions = subject.configuration.tag_dimensions
    yield from repeated(
        (spot.at(mapped), name, item.key)
        for mapped, item in dimensions.items()
        for name in (item.key, *item.label.values(), *item.aliases)
    )
    for mapped, item in dimensions.items():
        yield from _tags(item, spot.at(mapped))
        yield from _shadowed(subject, item.key, spot.at(mapped))


def _tags(dimension: TagDimension, spot: Spot) -> Iterator[Problem]:
    listed = [
        (spot.dot(name).at(place), tag, f"{name}[{place}]")
        for name, tags in (("values", dimension.values), ("retired", dimension.retired))
        for place, tag in enumerate(tags)
    ]
    yield from repeated((*listed, *((spot.dot("merged").at(tag), tag, f"merged[{tag!r}]") for tag in dimension.merged)))
    yield from (here.missing("label") for here, tag, _ in listed if not folded(tag))
    for circle in _found_circles(dimension.merged, dimension.merged.get):
        yield spot.dot("merged").at(circle[0]).problem("leads_in_circle", circle=" → ".join((*circle, circle[0])))
    known = {*dimension.values, *dimension.retired, *dimension.merged}
    for former, tag in dimension.merged.items():
        if tag not in known and not dimension.open:
            yield spot.dot("merged").at(former).unknown("tag", tag)


def _shadowed(subject: Subject, dimension: str, spot: Spot) -> Iterator[Problem]:
    """Yield modules where a field takes the key of a dimension, so that `distribution` never gives the dimension."""
    for module in subject.configuration.modules.values():
        for field in module.fields.values() if module.taggable else ():
            if dimension in (field.key, *field.label.values()):
                here = attrs.evolve(spot, module=module.key, field=field.key, labels=field.label or None)
                yield here.problem("name_ambiguous", severity="warning", name=dimension, other=field.key)
