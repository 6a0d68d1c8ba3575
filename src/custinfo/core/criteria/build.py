"""Writing criteria as Python expressions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from custinfo.core.criteria.nodes import (
    Compare,
    Contains,
    Criterion,
    Has,
    LastFour,
    Mentions,
    Not,
    OneOf,
    Path,
    Present,
    StartsWith,
    Under,
    Within,
)

__all__ = ["F", "Field"]


class Field:
    """Name a field in a criterion: `F.annual_budget`, `F["客户名称"]`, `F.customer.status`.

    Where a key collides with a method of this class, use brackets: `F["contains"]`.
    """

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Field:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Field:
        if len(self._path) == 2:
            raise TypeError("criteria follow one reference only")
        return Field((*self._path, name))

    def __eq__(self, value: object) -> Criterion:  # type: ignore[override]
        return self.is_missing() if value is None else Compare(self._path, "eq", value)

    def __ne__(self, value: object) -> Criterion:  # type: ignore[override]
        return self.is_present() if value is None else Compare(self._path, "ne", value)

    def __lt__(self, value: object) -> Criterion:
        return Compare(self._path, "lt", value)

    def __le__(self, value: object) -> Criterion:
        return Compare(self._path, "le", value)

    def __gt__(self, value: object) -> Criterion:
        return Compare(self._path, "gt", value)

    def __ge__(self, value: object) -> Criterion:
        return Compare(self._path, "ge", value)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __call__(self, *_: object, **__: object) -> Criterion:
        """Refuse, and name what there is."""
        raise TypeError(
            f"criteria have no {self._path[-1] if self._path else 'such'}(): use comparisons, is_in, under, contains, "
            "mentions, starts_with, last_four, has, is_present, is_missing or within"
        )

    def __bool__(self) -> bool:
        raise TypeError("a field has no truth value: compare it, and combine criteria with & | ~")

    def __repr__(self) -> str:
        return f"F.{'.'.join(self._path)}" if self._path else "F"

    def is_in(self, values: Iterable[Any]) -> Criterion:
        """Hold where the value is one of `values`. Raises: TypeError for a text, whose characters nobody means."""
        if isinstance(values, str):
            raise TypeError("is_in takes several values, such as a list: not one text")
        return OneOf(self._path, tuple(values))

    def under(self, value: str) -> Criterion:
        """Hold where the choice is the entry `value` (code, label or path) or anything below it (DIC-2)."""
        return Under(self._path, value)

    def contains(self, text: str) -> Criterion:
        """Hold where the text contains `text`."""
        return Contains(self._path, text)

    def mentions(self, text: str) -> Criterion:
        """Hold where the title contains `text`, whatever the case, width, blanks and punctuation of the two."""
        return Mentions(self._path, text)

    def starts_with(self, text: str) -> Criterion:
        """Hold where the text begins with `text`."""
        return StartsWith(self._path, text)

    def last_four(self, text: str) -> Criterion:
        """Hold where the encrypted value ends with these four characters; case and width make no difference.

        Only for fields whose definition says so (`FieldDefinition.last_four`).
        """
        return LastFour(self._path, text)

    def has(self, value: str) -> Criterion:
        """Hold where the multiple choice includes `value`."""
        return Has(self._path, value)

    def is_present(self) -> Criterion:
        """Hold where there is a value."""
        return Present(self._path)

    def is_missing(self) -> Criterion:
        """Hold where there is no value."""
        return Not(Present(self._path))

    def within(self, *, months: int = 0, days: int = 0, hours: int = 0) -> Criterion:
        """Hold where the date lies in the last months, days and hours, or in the next ones if negative."""
        return Within(self._path, months=months, days=days, hours=hours)


F: Final = Field(())
"""Where criteria begin: `(F.annual_budget >= 500_000) & F.industry.under("制造业")`."""
