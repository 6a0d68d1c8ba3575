"""Tags as people give them: pairs, lists of pairs, or a mapping."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey, Record, Tag
from custinfo.workspace.context import Context

__all__ = ["TagInput", "asks_for_tags", "pairs_of", "read_tags"]

TagPair = tuple[str, str]
TagInput = TagPair | Iterable[TagPair] | Mapping[str, str | Iterable[str]]
"""Tags by dimension and tag, keys, labels or aliases: `("行业", "制造业")`, a list of such pairs, or
`{"行业": "制造业", "需求": ["采购设备", "培训"]}`."""


def pairs_of(tags: TagInput) -> Iterator[TagPair]:
    """Yield (dimension, tag) for tags in any of their forms. Raises: TypeError for anything else."""
    if isinstance(tags, Mapping):
        for dimension, values in tags.items():
            for value in [values] if isinstance(values, str) else values:
                yield str(dimension), str(value)
        return
    items = [tags] if _is_pair(tags) else list(tags)
    for item in items:
        if not _is_pair(item):
            raise TypeError('a tag is a pair of dimension and tag, such as ("行业", "制造业")')
        dimension, value = item
        yield str(dimension), str(value)


def _is_pair(item: object) -> bool:
    return isinstance(item, tuple | list) and len(item) == 2 and all(isinstance(part, str) for part in item)


def read_tags(
    context: Context, module: ModuleKey, tags: TagInput, *, removing: bool = False
) -> tuple[frozenset[Tag], list[Problem]]:
    """Return the tags that are meant, and what is wrong: unknown ones, or two where a dimension takes one.

    To be removed, a tag may be retired, and stands for those that were merged into it.
    """
    found: set[Tag] = set()
    problems: list[Problem] = []
    for dimension, value in pairs_of(tags):
        tag = context.schema.resolve_tag(dimension, value, retired=removing)
        if isinstance(tag, Problem):
            problems.append(tag)
        elif removing:
            known = context.schema.configuration.tag_dimensions[tag.dimension]
            found.update(Tag(tag.dimension, item) for item in known.same_as(tag.value))
        else:
            found.add(tag)
    owns = context.compiled.derivation(module).owns_tag
    dimensions, ruled = (
        context.schema.configuration.tag_dimensions,
        sorted({tag.dimension for tag in found if owns(tag)}),
    )
    problems += [Problem("tag_by_rule", "tags", params={"dimension": dimensions[key].named}) for key in ruled]
    if not removing:
        problems += _too_many(context, found)
    if found and not context.module(module).definition.taggable:
        problems.append(Problem("unknown_field", "tags"))
    return frozenset(found), problems


def asks_for_tags(context: Context, before: Record | None, tags: frozenset[Tag] | None) -> bool:
    """Tell whether giving a record these tags counts as a change of them.

    Where the actor may not read its tags it always does: that nothing changed would confirm a guess.
    """
    if tags is None:
        return False
    if before is None:
        return bool(tags)
    return tags != before.tags or "tags" not in context.verdict(before).readable


def _too_many(context: Context, tags: Iterable[Tag]) -> Iterator[Problem]:
    counts = Counter(tag.dimension for tag in tags)
    for key, item in context.schema.configuration.tag_dimensions.items():
        if item.single and counts[key] > 1:
            yield Problem("too_many_tags", "tags", params={"dimension": item.named})
