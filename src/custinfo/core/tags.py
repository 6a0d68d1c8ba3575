"""Tag dimensions: labels in groups (TAG-1, TAG-2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final

import attrs

from custinfo.core.errors import ConfigurationError
from custinfo.core.frozen import FrozenDict, freeze_labels
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.text import CONTROL, folded, narrowed

__all__ = ["RetiredTag", "TagDimension"]

_LONGEST: Final = 100


def _freeze(merged: Mapping[str, str]) -> FrozenDict[str, str]:
    return merged if isinstance(merged, FrozenDict) else FrozenDict(merged)


@attrs.frozen
class RetiredTag:
    """Say that a text names a tag that records may have and that can't be newly assigned."""

    value: str


@attrs.frozen(slots=False)
class TagDimension:
    """Group tags: `single` allows one tag a record; `open` lets people add tags that `values` does not list.

    Args:
        key: Immutable name.
        values: The tags that can be assigned, in order.
        label: What people call the dimension, by language; a plain text is Chinese.
        aliases: Further names of the dimension.
        open: Whether people may add tags of their own.
        single: Whether a record has one tag at most.
        merged: Former tag → the tag that it is now, after a renaming or a merger. A former tag is an alias, and
            criteria find the records that still have it.
        retired: Tags that records keep and that can't be newly assigned; they are not among `values`.

    It is a value: `with_values`, `renamed`, `merged_into`, `with_retired` and `with_restored` return a changed copy, or
    raise ConfigurationError.

    >>> wants = TagDimension("需求", values=("采购设备",)).renamed("采购设备", "设备采购")
    >>> wants.find("采购设备 ")
    '设备采购'
    >>> wants.with_retired("设备采购").find("设备采购")
    RetiredTag(value='设备采购')
    """

    key: str
    values: tuple[str, ...] = ()
    label: FrozenDict[str, str] = attrs.field(factory=FrozenDict, converter=freeze_labels)
    aliases: tuple[str, ...] = ()
    open: bool = False
    single: bool = False
    merged: FrozenDict[str, str] = attrs.field(factory=FrozenDict, converter=_freeze)
    retired: tuple[str, ...] = ()

    @property
    def named(self) -> Translated:
        """What people call the dimension, for problems; by itself its key."""
        return Translated.named(self.label, self.key)

    def names(self) -> frozenset[str]:
        """Return the folded texts that name this dimension."""
        return frozenset(map(folded, (self.key, *self.label.values(), *self.aliases)))

    # --- looking up

    def find(self, text: str) -> str | RetiredTag | None:
        """Return the tag that `text` names, itself in an open dimension; `None` for none.

        Letter case, width and spaces do not matter for tags that are listed. A former tag gives the one that it is now.
        """
        tag = self.listed(text)
        if tag is not None:
            return RetiredTag(tag) if tag in self.retired else tag
        tag = narrowed(text)
        return tag if self.open and _is_tag(tag) else None

    def listed(self, text: str) -> str | None:
        """Return the tag of the dimension that `text` names now, retired or not; `None` for one that is not listed."""
        return self._named.get(folded(text))

    @cached_property
    def _named(self) -> dict[str, str]:
        """Folded name → the tag that it means now; what is a tag by itself comes before what was one."""
        named: dict[str, str] = {}
        for tag in (*self.values, *self.retired):
            named.setdefault(folded(tag), tag)
        for former in self.merged:
            named.setdefault(folded(former), self.live_tag(former))
        return named

    def live_tag(self, tag: str) -> str:
        """Return the tag that a former tag is now, or itself."""
        seen = {tag}
        while (into := self.merged.get(tag)) is not None and into not in seen:
            tag = into
            seen.add(tag)
        return tag

    def same_as(self, tag: str) -> tuple[str, ...]:
        """Return `tag` and the former tags that are it now, which records may still have."""
        return (tag, *(former for former in self.merged if former != tag and self.live_tag(former) == tag))

    # --- changing

    def with_values(self, *tags: str) -> TagDimension:
        """Return a dimension with further tags; those that it has already stay where they are.

        Raises: ConfigurationError for what is no tag, for a retired or former one, and for another spelling of one.
        """
        new = dict.fromkeys(tag for tag in tags if tag not in self.values)
        _refuse(problem for tag in new for problem in _new_problems(self, tag))
        return attrs.evolve(self, values=(*self.values, *new))

    def renamed(self, old: str, new: str) -> TagDimension:
        """Return a dimension in which a tag is called otherwise; the old one stays as alias.

        Raises: ConfigurationError for an unknown `old`, for a `new` that is no tag, or is one of the dimension.
        """
        tag = self._need(old)
        if new == tag:
            return self
        others = attrs.evolve(_without(self, tag), merged=self.merged.without(*self.same_as(tag)))
        _refuse(_new_problems(others, new))
        changed = attrs.evolve(self, values=_replaced(self.values, tag, new), retired=_replaced(self.retired, tag, new))
        return _led(changed, tag, new)

    def merged_into(self, old: str, new: str) -> TagDimension:
        """Return a dimension in which one tag is the same as another; `old` is no tag of its own any more.

        In an open dimension both may be tags that people added. Raises: ConfigurationError for unknown tags, for a tag
        merged into itself, and for one that can be assigned merged into a retired one.
        """
        tag, into = self._need(old), self._need(new)
        if tag == into:
            _refuse([_problem(self, "tag_exists", tag)])
        if into in self.retired and tag not in self.retired:
            _refuse([_problem(self, "retired_tag", into)])
        return _led(_without(self, tag), tag, into)

    def with_retired(self, *tags: str) -> TagDimension:
        """Return a dimension in which tags stay on records and can't be newly assigned.

        Raises: ConfigurationError for unknown tags.
        """
        found = tuple(dict.fromkeys(map(self._need, tags)))
        return attrs.evolve(_without(self, *found), retired=tuple(dict.fromkeys((*self.retired, *found))))

    def with_restored(self, *tags: str) -> TagDimension:
        """Return a dimension in which retired tags can be assigned again, after the others.

        Raises: ConfigurationError for unknown tags.
        """
        found = tuple(dict.fromkeys(map(self._need, tags)))
        values = tuple(dict.fromkeys((*self.values, *found)))
        return attrs.evolve(self, values=values, retired=tuple(tag for tag in self.retired if tag not in found))

    def _need(self, text: str) -> str:
        """Return the tag that `text` names now. Raises: ConfigurationError where it names none."""
        found = self.find(text)
        if found is None:
            raise ConfigurationError([_problem(self, "unknown_tag", text)])
        return found.value if isinstance(found, RetiredTag) else found

    def __getstate__(self) -> tuple[Any, ...]:
        return attrs.astuple(self, recurse=False)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(attrs.fields_dict(TagDimension), state, strict=True):
            object.__setattr__(self, name, value)


def _without(dimension: TagDimension, *tags: str) -> TagDimension:
    """Return the dimension with `tags` listed neither as values nor as retired ones."""
    values, retired = (
        tuple(tag for tag in items if tag not in tags) for items in (dimension.values, dimension.retired)
    )
    return attrs.evolve(dimension, values=values, retired=retired)


def _led(dimension: TagDimension, old: str, new: str) -> TagDimension:
    """Return the dimension with `old`, and all that led to it, leading to `new`."""
    former = {tag: new if dimension.live_tag(tag) == old else into for tag, into in dimension.merged.items()}
    return attrs.evolve(dimension, merged=FrozenDict(former | {old: new}).without(new))


def _new_problems(dimension: TagDimension, tag: str) -> Iterator[Problem]:
    known = dimension.listed(tag)
    if not _is_tag(tag):
        yield Problem("invalid_tag", "tags", params={"dimension": dimension.named, "limit": _LONGEST})
    elif known is not None:
        yield _problem(dimension, "tag_exists", known)


def _problem(dimension: TagDimension, code: str, tag: str) -> Problem:
    return Problem(code, "tags", params={"dimension": dimension.named, "tag": tag[:_LONGEST]})


def _is_tag(text: str) -> bool:
    return text == text.strip() and 0 < len(text) <= _LONGEST and not CONTROL.search(text)


def _replaced(tags: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if tag == old else tag for tag in tags)


def _refuse(problems: Iterable[Problem]) -> None:
    found = list(problems)
    if found:
        raise ConfigurationError(found)
