"""Entries of dictionaries, and what is worked out once to look them up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from typing import Final, Literal

import attrs

from custinfo.core.frozen import FrozenDict, freeze_labels, label_in
from custinfo.core.text import folded

__all__ = ["PATH_SEPARATORS", "DictionaryValue", "EntryIndex"]

PATH_SEPARATORS: Final = ("-", "/", ">", "—", "－")
_CUTS: Final = frozenset(map(folded, PATH_SEPARATORS))


@attrs.frozen
class DictionaryValue:
    """One entry of a dictionary.

    `code` is what records store and never changes. `label` is by language (a plain text is Chinese). `parent` is the
    code of the entry above. `aliases` are other names by which people find it. `state` is `active`, `retired` (stays
    readable, can't be newly chosen) or `merged` (into `merged_into`). It may be chosen from `valid_from` to `valid_to`,
    both days included; records that have it keep it afterwards.
    """

    code: str
    label: FrozenDict[str, str] = attrs.field(converter=freeze_labels)
    parent: str | None = None
    aliases: tuple[str, ...] = ()
    state: Literal["active", "retired", "merged"] = "active"
    merged_into: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    def valid_on(self, day: date) -> bool:
        """Tell whether `day` lies between `valid_from` and `valid_to`, both included; no bound leaves that end open."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    def label_in(self, language: str) -> str:
        """Return its label in `language`, else in English or Chinese, else its code."""
        return label_in(self.label, language, self.code)

    def names(self) -> frozenset[str]:
        """Return the folded texts that name it: labels and aliases, and its code where it has no label."""
        return frozenset(map(folded, (*(self.label.values() or (self.code,)), *self.aliases))) - {""}


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for key, item in pairs:
        groups.setdefault(key, []).append(item)
    return groups


@attrs.frozen(slots=False, eq=False)
class EntryIndex:
    """Remember how entries hang together; each part is worked out when it is first asked for, in linear time.

    Parents and mergers that run in circles, or lead to no entry, do no harm.
    """

    values: Mapping[str, DictionaryValue] = attrs.field(repr=False)

    @cached_property
    def codes(self) -> dict[str, list[str]]:
        """Folded code → codes."""
        return _grouped((folded(code), code) for code in self.values)

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """Folded label or alias → codes of the entries that have it, merged ones among them."""
        return _grouped((name, value.code) for value in self.values.values() for name in value.names())

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.names), default=0)

    @cached_property
    def live(self) -> dict[str, str]:
        """Code → where its mergers end; in a circle of mergers, each is its own end."""
        live: dict[str, str] = {}
        for code in self.values:
            trail: dict[str, None] = {}
            at = code
            while at not in live and at not in trail:
                trail[at] = None
                into = self.values[at].merged_into
                at = into if into is not None and into in self.values else at
            passed = list(trail)
            turn = len(passed) if at in live else passed.index(at)
            live |= dict.fromkeys(passed[:turn], live.get(at, at)) | {item: item for item in passed[turn:]}
        return live

    @cached_property
    def merged(self) -> dict[str, list[str]]:
        """Code → the entries that were merged into it, at once or by and by."""
        return _grouped((self.live[code], code) for code in self.values if self.live[code] != code)

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """Code → the entries right below it; the roots stand under no text at all."""
        return _grouped((value.parent or "", value.code) for value in self.values.values())

    @cached_property
    def kin(self) -> dict[str, list[str]]:
        """Code → the entries right below it and those merged into it."""
        return _grouped(
            (other, code)
            for code, value in self.values.items()
            for other in dict.fromkeys((value.parent or "", self.live[code]))
            if other not in ("", code)
        )

    def named(self, text: str) -> list[str]:
        """Return the codes of the entries that a text names by label, alias or path; merged ones as they are.

        Every part of a path may be a label or alias, in any language, of an entry or of one that was merged into it.
        """
        wanted, names, longest = folded(text), self.names, self._longest
        ends = [*(place for place, sign in enumerate(wanted) if sign in _CUTS), len(wanted)]
        reached: dict[int, list[str]] = {}
        for end in ends:
            found = list(names.get(wanted[:end], ())) if end <= longest else []
            for start in reversed(reached):
                if end - start - 1 > longest:
                    break
                above = {self.live[code] for code in reached[start]}
                found += (code for code in names.get(wanted[start + 1 : end], ()) if self._parent(code) in above)
            if found:
                reached[end] = found
        return reached.get(len(wanted), [])

    def _parent(self, code: str) -> str | None:
        parent = self.values[code].parent
        return None if parent is None else self.live.get(parent)
