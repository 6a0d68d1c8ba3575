"""An immutable, hashable mapping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

__all__ = ["FrozenDict", "Words", "freeze_labels", "freeze_words", "indexed", "label_in"]

K = TypeVar("K")
V = TypeVar("V")


class FrozenDict(dict[K, V]):
    """Hold a mapping that cannot change, so that values built from it can be shared and compared.

    A subclass of `dict`, and so as fast to read; every method that would change it raises `TypeError`. Unlike
    `types.MappingProxyType` it pickles, copies and hashes (when its values hash).

    >>> labels = FrozenDict({"zh": "客户"})
    >>> labels.set("en", "customer")
    FrozenDict({'zh': '客户', 'en': 'customer'})
    """

    __slots__ = ("_hash",)
    _hash: int

    def set(self, key: K, value: V) -> FrozenDict[K, V]:
        """Return a copy in which `key` has `value`."""
        return FrozenDict({**self, key: value})

    def without(self, *keys: K) -> FrozenDict[K, V]:
        """Return a copy that lacks `keys`; keys that are absent are ignored."""
        return FrozenDict({key: value for key, value in self.items() if key not in keys})

    def merged(self, other: Mapping[K, V] | Iterable[tuple[K, V]]) -> FrozenDict[K, V]:
        """Return a copy in which the items of `other` are added or replace those of the same key."""
        return FrozenDict({**self, **dict(other)})

    def __hash__(self) -> int:  # type: ignore[override]
        try:
            return self._hash
        except AttributeError:
            self._hash = hash(frozenset(self.items()))
            return self._hash

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict.__repr__(self)})"

    def __reduce__(self) -> tuple[type[FrozenDict[K, V]], tuple[dict[K, V]]]:
        return type(self), (dict(self),)

    def __copy__(self) -> FrozenDict[K, V]:
        return self

    def copy(self) -> FrozenDict[K, V]:
        """Return itself: there is nothing to protect it from."""
        return self

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError("a FrozenDict cannot be changed; use set, without or merged to get a changed copy")

    def __or__(self, other: Any) -> Any:
        return self.merged(other) if isinstance(other, Mapping) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return FrozenDict({**other, **self}) if isinstance(other, Mapping) else NotImplemented

    @classmethod
    def fromkeys(cls, keys: Iterable[Any], value: Any = None, /) -> FrozenDict[Any, Any]:
        """Return a mapping from each of `keys` to `value`."""
        return cls(dict.fromkeys(keys, value))

    if not TYPE_CHECKING:  # for checkers they have the types of a `dict`, whose subclass may not have others
        __setitem__ = _refuse
        __delitem__ = _refuse
        __ior__ = _refuse
        clear = _refuse
        pop = _refuse
        popitem = _refuse
        setdefault = _refuse
        update = _refuse


Words = str | FrozenDict[str, str]
"""A text in Chinese, or in several languages."""


def freeze_labels(value: str | Mapping[str, str]) -> FrozenDict[str, str]:
    """Return labels by language; a plain text is the Chinese label."""
    if isinstance(value, str):
        return FrozenDict({"zh": value})
    return value if isinstance(value, FrozenDict) else FrozenDict(value)


def label_in(labels: Mapping[str, str], language: str, fallback: str) -> str:
    """Return the label in `language`, else in English or Chinese, else `fallback`."""
    return labels.get(language) or labels.get("en") or labels.get("zh") or fallback


def freeze_words(value: str | Mapping[str, str]) -> Words:
    """Return a plain text as it is, and one by language as labels."""
    return value if isinstance(value, str) else freeze_labels(value)


def indexed(items: Any, by: str = "key") -> FrozenDict[str, Any]:
    """Return items by one of their attributes, in order; a mapping gives its values, a frozen one is taken as it is."""
    if isinstance(items, FrozenDict):
        return items
    return FrozenDict({getattr(item, by): item for item in (items.values() if isinstance(items, Mapping) else items)})
