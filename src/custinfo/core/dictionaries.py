"""Governed value lists, flat or hierarchical (DIC-1…3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import attrs

from custinfo.core.entries import PATH_SEPARATORS, DictionaryValue, EntryIndex
from custinfo.core.errors import ConfigurationError
from custinfo.core.frozen import FrozenDict, freeze_labels, indexed, label_in
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.text import folded

__all__ = ["PATH_SEPARATORS", "Ambiguous", "Dictionary", "DictionaryValue"]


@attrs.frozen
class Ambiguous:
    """Say that a text names several entries; `candidates` are their codes."""

    candidates: tuple[str, ...]


def _by_code(items: Any) -> FrozenDict[str, Any]:
    return indexed(items, "code")


@attrs.frozen(slots=False)
class Dictionary:
    """A list of allowed values in order, found by code, label, alias or path.

    It is a value: `with_values`, `renamed`, `retired`, `restored`, `merged`, `moved` and `reordered` return a changed
    copy, or raise ConfigurationError with every problem, each naming the entry. No code ever vanishes, since records
    store codes (DIC-3).

    Args:
        key: What fields and other people's scripts name it by.
        values: The entries in the order that people see, given as a sequence and kept by code.
        label: What people call it, by language; a plain text is Chinese.

    >>> industries = Dictionary("industry", (DictionaryValue("manufacturing", "制造业"),
    ...                                      DictionaryValue("it", "IT设备", parent="manufacturing")))
    >>> industries.find("制造业-IT设备")
    'it'
    >>> industries.subtree("manufacturing")
    ('manufacturing', 'it')
    >>> industries.renamed("manufacturing", "工业").find("制造业-IT设备")
    'it'
    """

    key: str
    values: FrozenDict[str, DictionaryValue] = attrs.field(converter=_by_code)
    label: FrozenDict[str, str] = attrs.field(factory=FrozenDict, converter=freeze_labels)

    def label_in(self, language: str) -> str:
        """Return its label in `language`, else in English or Chinese, else its key."""
        return label_in(self.label, language, self.key)

    @cached_property
    def _index(self) -> EntryIndex:
        return EntryIndex(self.values)

    # --- looking up

    def find(self, text: str) -> str | Ambiguous | None:
        """Return the code that `text` names by code, label, alias or path; `None` for none.

        A merged entry gives the code into which it was merged. Where a text names several entries of which one is
        active, it means that one; several active ones are ambiguous. A code means itself alone. Letter case, width and
        spaces do not matter.
        """
        if text in self.values:
            return self.live_code(text)
        named = self._index.codes.get(folded(text)) or self._index.named(text)
        codes = {self.live_code(code) for code in named}
        if len(codes) > 1:
            codes = {code for code in codes if self.values[code].state == "active"} or codes
        if len(codes) > 1:
            return Ambiguous(tuple(sorted(codes)))
        return next(iter(codes), None)

    def live_code(self, code: str) -> str:
        """Return the code into which `code` was merged, or itself."""
        return self._index.live.get(code, code)

    def same_as(self, code: str) -> tuple[str, ...]:
        """Return `code` and the codes that were merged into it, which records may still have."""
        return (code, *self._index.merged.get(code, ()))

    def ancestry(self, code: str) -> tuple[str, ...]:
        """Return the codes from the root down to `code`."""
        chain: dict[str, None] = {}
        while code in self.values and code not in chain:
            chain[code] = None
            code = self.values[code].parent or ""
        return tuple(reversed(chain))

    def children(self, code: str | None) -> tuple[str, ...]:
        """Return the codes right below `code`, or the roots for `None`, in order."""
        return tuple(self._index.children.get(code or "", ()))

    def subtree(self, code: str) -> tuple[str, ...]:
        """Return `code`, everything below it, and the codes merged into any of these."""
        found = {code: None}
        level = [code]
        while level:
            below = dict.fromkeys(item for above in level for item in self._index.kin.get(above, ()))
            level = [item for item in below if item not in found]
            found |= dict.fromkeys(level)
        return tuple(found)

    def path_label(self, code: str, language: str) -> str:
        """Return the labels in `language` from the root down to `code`, joined by `-`; an unknown code as it is."""
        return "-".join(self.values[item].label_in(language) for item in self.ancestry(code)) or code

    def named(self, language: str) -> Translated:
        """Return what people call the dictionary, for problems; by itself in `language`."""
        return Translated.named(self.label, self.key, language)

    def paths_named(self, codes: Iterable[str], language: str = "key") -> tuple[Translated, ...]:
        """Return the path labels of entries, for problems; by themselves in `language`, else the codes."""
        return tuple(Translated.named(self._paths(code), code, language) for code in codes)

    def _paths(self, code: str) -> dict[str, str]:
        languages = dict.fromkeys(item for entry in self.ancestry(code) for item in self.values[entry].label)
        return {language: self.path_label(code, language) for language in (*languages, "zh", "en")}

    # --- changing

    def with_values(self, *values: DictionaryValue) -> Dictionary:
        """Return a dictionary in which entries are added at the end, or replace those of the same code.

        Raises: ConfigurationError for a code given twice, and for what `problems` finds in them.
        """
        twice = [code for code, times in Counter(value.code for value in values).items() if times > 1]
        _refuse([self._problem("entry_given_twice", code) for code in twice])
        return self._changed(values)

    def renamed(self, code: str, label: str | Mapping[str, str]) -> Dictionary:
        """Return a dictionary in which an entry has another label, and old workbooks still match.

        Args:
            code: The entry.
            label: By language, a plain text is Chinese; other languages keep theirs. An old label stays as alias,
                unless it would be ambiguous or name another entry.

        Raises: ConfigurationError for an unknown code or a blank label.
        """
        self._need(code)
        new, old = freeze_labels(label), self.values[code]
        if not new or not all(map(folded, new.values())):
            _refuse([self._problem("entry_without_label", code)])
        again = set(map(folded, new.values()))
        aliases = tuple(alias for alias in old.aliases if folded(alias) not in again)
        changed = self._changed([attrs.evolve(old, label=old.label.merged(new), aliases=aliases)])
        for text in dict.fromkeys(old.label.values()):
            value = changed.values[code]
            named_both = attrs.evolve(value, aliases=(*value.aliases, text))
            candidate = attrs.evolve(changed, values=changed.values.set(code, named_both))
            if folded(text) not in value.names() and candidate.find(text) == self.live_code(code):
                changed = candidate
        return changed

    def retired(self, code: str) -> Dictionary:
        """Return a dictionary in which an entry can't be newly chosen; what stands below it stays as it is.

        Raises: ConfigurationError for an unknown or a merged code.
        """
        self._need_unmerged(code)
        return self._changed([attrs.evolve(self.values[code], state="retired")])

    def restored(self, code: str) -> Dictionary:
        """Return a dictionary in which a retired entry can be chosen again.

        Raises: ConfigurationError for an unknown or a merged code: what was merged stays merged.
        """
        self._need_unmerged(code)
        return self._changed([attrs.evolve(self.values[code], state="active")])

    def merged(self, code: str, into: str) -> Dictionary:
        """Return a dictionary in which an entry is one with another: its names, and records that have it, mean that.

        What stood below the entry moves below the other one; two of equal label there can be merged in turn.

        Raises: ConfigurationError for unknown or merged codes, for an entry merged into itself or into what stands
            below it, and for an active one merged into one that can't be chosen.
        """
        self._need_unmerged(code, into)
        if code == into:
            _refuse([self._problem("entry_merged_into_itself", code)])
        if code in self.ancestry(into):
            _refuse([self._problem("entry_below_itself", into)])
        if (self.values[code].state, self.values[into].state) == ("active", "retired"):
            _refuse([self._problem("retired_choice", into)])
        below = [attrs.evolve(self.values[child], parent=into) for child in self.children(code)]
        return self._changed([attrs.evolve(self.values[code], state="merged", merged_into=into), *below])

    def moved(self, code: str, parent: str | None) -> Dictionary:
        """Return a dictionary in which an entry, and all below it, stands below another one, or at the top for `None`.

        Raises: ConfigurationError for unknown or merged codes, and for a parent that stands below the entry.
        """
        self._need_unmerged(code, *(() if parent is None else (parent,)))
        if parent is not None and code in self.ancestry(parent):
            _refuse([self._problem("entry_below_itself", code)])
        return self._changed([attrs.evolve(self.values[code], parent=parent)])

    def reordered(self, *first: str) -> Dictionary:
        """Return a dictionary in which people see the entries `first` before the others.

        Raises: ConfigurationError for unknown codes, and for one given twice.
        """
        self._need(*first)
        _refuse([self._problem("entry_given_twice", code) for code, times in Counter(first).items() if times > 1])
        return attrs.evolve(self, values=FrozenDict({code: self.values[code] for code in first} | self.values))

    # --- what is wrong

    def problems(self) -> list[Problem]:
        """Return what contradicts itself in the entries: parents, mergers and days; each problem names the entry."""
        return [problem for value in self.values.values() for problem in self._problems(value)]

    def _problems(self, value: DictionaryValue) -> Iterator[Problem]:
        for other in (value.parent, value.merged_into):
            if other is not None and other not in self.values:
                yield self._problem("unknown_entry", other)
        if not folded(value.code):
            yield self._problem("entry_without_code", value.code)
        if self.values[self.ancestry(value.code)[0]].parent == value.code:
            yield self._problem("entry_below_itself", value.code)
        if value.merged_into in self.values and self.live_code(value.code) == value.code:
            yield self._problem("entry_merged_into_itself", value.code)
        if (value.state == "merged") != (value.merged_into is not None):
            yield self._problem("entry_merger_incomplete", value.code)
        if value.valid_from is not None and value.valid_to is not None and value.valid_to < value.valid_from:
            yield self._problem("entry_never_valid", value.code)

    def _problem(self, code: str, entry: str, **params: str) -> Problem:
        return Problem(code, params={"dictionary": self.named("zh"), "entry": entry, **params})

    def _need(self, *codes: str) -> None:
        _refuse([self._problem("unknown_entry", code) for code in codes if code not in self.values])

    def _need_unmerged(self, *codes: str) -> None:
        self._need(*codes)
        targets = {code: self.values[code].merged_into for code in codes}
        _refuse([self._problem("entry_merged", code, into=into) for code, into in targets.items() if into is not None])

    def _changed(self, values: Iterable[DictionaryValue]) -> Dictionary:
        """Return it with changed entries. Raises: ConfigurationError for what is wrong now and was not before."""
        changed = attrs.evolve(self, values=self.values.merged({value.code: value for value in values}))
        before = set(self.problems())
        _refuse([problem for problem in changed.problems() if problem not in before])
        return changed

    def __getstate__(self) -> tuple[Any, ...]:
        return (self.key, self.values, self.label)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(("key", "values", "label"), state, strict=True):
            object.__setattr__(self, name, value)


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise ConfigurationError(problems)
