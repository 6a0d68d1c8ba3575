"""Governed value lists, flat or hierarchical (DIC-1…3)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final, Literal

import attrs

from custinfo.core.frozen import FrozenDict, freeze_labels, indexed
from custinfo.core.text import folded

__all__ = ["PATH_SEPARATORS", "Ambiguous", "Dictionary", "DictionaryValue"]

PATH_SEPARATORS: Final = ("-", "/", ">", "—", "－")


@attrs.frozen
class DictionaryValue:
    """One entry of a dictionary.

    `code` is what records store and never changes. `label` is by language (a plain text is Chinese). `parent` is
    the code of the entry above. `state` is `active`, `retired` (stays readable, can't be newly chosen) or `merged`
    (into `merged_into`).
    """

    code: str
    label: FrozenDict[str, str] = attrs.field(converter=freeze_labels)
    parent: str | None = None
    aliases: tuple[str, ...] = ()
    state: Literal["active", "retired", "merged"] = "active"
    merged_into: str | None = None

    def label_in(self, language: str) -> str:
        """Return its label in `language`, else in English or Chinese, else its code."""
        return self.label.get(language) or self.label.get("en") or self.label.get("zh") or self.code


@attrs.frozen
class Ambiguous:
    """Say that a text names several entries; `candidates` are their codes."""

    candidates: tuple[str, ...]


def _by_code(items: Any) -> FrozenDict[str, Any]:
    return indexed(items, "code")


@attrs.frozen(slots=False)
class Dictionary:
    """A list of allowed values in order, found by code, label, alias or path.

    >>> industries = Dictionary("industry", (DictionaryValue("manufacturing", "制造业"),
    ...                                      DictionaryValue("it", "IT设备", parent="manufacturing")))
    >>> industries.find("制造业-IT设备")
    'it'
    >>> industries.subtree("manufacturing")
    ('manufacturing', 'it')
    """

    key: str
    values: FrozenDict[str, DictionaryValue] = attrs.field(converter=_by_code)
    label: FrozenDict[str, str] = attrs.field(factory=FrozenDict, converter=freeze_labels)

    def label_in(self, language: str) -> str:
        """Return its label in `language`, else in English or Chinese, else its key."""
        return self.label.get(language) or self.label.get("en") or self.label.get("zh") or self.key

    @cached_property
    def _names(self) -> dict[str, set[str]]:
        """Folded text → codes it may mean; a code means itself alone."""
        names: dict[str, set[str]] = {}
        for value in self.values.values():
            for text in {*value.label.values(), *value.aliases, *self._paths(value)}:
                names.setdefault(folded(text), set()).add(self.live_code(value.code))
        for code in self.values:
            names[folded(code)] = {self.live_code(code)}
        return names

    def _paths(self, value: DictionaryValue) -> Iterator[str]:
        chain = self.ancestry(value.code)
        for language in {language for item in chain for language in self.values[item].label}:
            texts = [self.values[code].label_in(language) for code in chain]
            for start in range(len(texts)):
                for separator in PATH_SEPARATORS:
                    yield separator.join(texts[start:])

    def find(self, text: str) -> str | Ambiguous | None:
        """Return the code that `text` names by code, label, alias or path; `None` for none.

        A merged entry gives the code into which it was merged. Letter case, width and spaces do not matter.
        """
        codes = self._names.get(folded(text))
        if not codes:
            return None
        return next(iter(codes)) if len(codes) == 1 else Ambiguous(tuple(sorted(codes)))

    def live_code(self, code: str) -> str:
        """Return the code into which `code` was merged, or itself."""
        seen = {code}
        while (value := self.values.get(code)) is not None and value.merged_into and value.merged_into not in seen:
            code = value.merged_into
            seen.add(code)
        return code

    def ancestry(self, code: str) -> tuple[str, ...]:
        """Return the codes from the root down to `code`."""
        chain: list[str] = []
        while code in self.values and code not in chain:
            chain.append(code)
            code = self.values[code].parent or ""
        return tuple(reversed(chain))

    def children(self, code: str | None) -> tuple[str, ...]:
        """Return the codes right below `code`, or the roots for `None`, in order."""
        return tuple(value.code for value in self.values.values() if value.parent == code)

    def subtree(self, code: str) -> tuple[str, ...]:
        """Return `code`, everything below it, and the codes merged into any of these."""
        found = [code]
        for item in found:
            found.extend(
                value.code
                for value in self.values.values()
                if value.code not in found
                and (value.parent == item or (value.merged_into and self.live_code(value.code) == item))
            )
        return tuple(found)

    def path_label(self, code: str, language: str) -> str:
        """Return the labels from the root down, joined by `-`, as people write them."""
        return "-".join(self.values[item].label_in(language) for item in self.ancestry(code)) or code

    def __getstate__(self) -> tuple[Any, ...]:
        return (self.key, self.values, self.label)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(("key", "values", "label"), state, strict=True):
            object.__setattr__(self, name, value)
