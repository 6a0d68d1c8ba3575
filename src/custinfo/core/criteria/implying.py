"""Whether one criterion holds wherever another does, as far as that can be told from the two alone."""

from __future__ import annotations

from custinfo.core.criteria.nodes import (
    AllOf,
    AnyOf,
    Compare,
    Contains,
    Criterion,
    Everything,
    Has,
    Not,
    Nothing,
    OneOf,
    Present,
    SealedAs,
    SharedWith,
    StartsWith,
    Tagged,
    Through,
    Under,
    all_of,
)

__all__ = ["contradicts", "implies"]


def implies(narrow: Criterion, wide: Criterion) -> bool:
    """Tell whether `wide` certainly holds for every record for which `narrow` does.

    It looks at the form of the two and knows nothing of the values that there are: `False` means that it can't be
    told. Both are bound, or both are as written.

    >>> from custinfo.core.criteria import F
    >>> won, rich = F.status == "won", F.budget >= 500
    >>> implies(won & rich, won), implies(won, won | rich), implies(won, won & rich)
    (True, True, False)
    """
    return _Comparing().implies(narrow, wide)


class _Comparing:
    """Compare the parts of two criteria, each pair once: where both are nested, there are many ways to each pair."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bool] = {}

    def implies(self, narrow: Criterion, wide: Criterion) -> bool:
        pair = id(narrow), id(wide)  # parts of the two at hand, which stay where they are
        known = self._known.get(pair)
        if known is None:
            known = self._known[pair] = self._implies(narrow, wide)
        return known

    def _implies(self, narrow: Criterion, wide: Criterion) -> bool:
        match (narrow, wide):
            case (Nothing(), _) | (_, Everything()):
                return True
            case (_, AllOf(parts)):
                return all(self.implies(narrow, part) for part in parts)
            case (AnyOf(parts), _):
                return all(self.implies(part, wide) for part in parts)
            case (AllOf(parts), _):
                return any(self.implies(part, wide) for part in parts) or self._in_any(narrow, wide)
            case _:
                return narrow == wide or self._in_any(narrow, wide) or self._leaf_implies(narrow, wide)

    def _in_any(self, narrow: Criterion, wide: Criterion) -> bool:
        return isinstance(wide, AnyOf) and any(self.implies(narrow, part) for part in wide.parts)

    def _leaf_implies(self, narrow: Criterion, wide: Criterion) -> bool:
        match (narrow, wide):
            case (Not(part), Not(other)):
                return self.implies(other, part)
            case (Compare(path, "eq", value), OneOf(other, values)):
                return path == other and value in values
            case (OneOf(path, values), OneOf(other, more)):
                return path == other and set(values) <= set(more)
            case (SealedAs(path, digests, tail), SealedAs(other, more, same)):
                return path == other and tail == same and set(digests) <= set(more)
            case (OneOf(path, (value,)), Compare(other, "eq", same)):
                return path == other and value == same
            case (Compare() | OneOf() | Under() | Contains() | StartsWith() | Has() | SealedAs(), Present(path)):
                return narrow.path == path
            case (Tagged(dimension), Tagged(other, None)):
                return dimension == other
            case (Through(field, part), Through(other, more)):
                return field == other and self.implies(part, more)
            case (SharedWith(some, levels, at), SharedWith(more, wider, same)):
                return at == same and some <= more and levels <= wider
            case _:
                return False


def contradicts(criterion: Criterion) -> bool:
    """Tell whether `criterion` certainly holds for no record, from its form alone.

    >>> from custinfo.core.criteria import F
    >>> contradicts((F.status == "won") & (F.status == "lost")), contradicts(F.status == "won")
    (True, False)
    """
    match criterion:
        case Nothing():
            return True
        case AnyOf(parts):
            return all(map(contradicts, parts))
        case AllOf(parts):
            return any(map(contradicts, parts)) or _exclude_each_other(parts)
        case Not(part):
            return implies(Everything(), part)
        case OneOf(_, values):
            return not values
        case _:
            return False


def _exclude_each_other(parts: tuple[Criterion, ...]) -> bool:
    chosen: dict[tuple[str, ...], set[object]] = {}
    for part in parts:
        match part:
            case Compare(path, "eq", value):
                known = {value}
            case OneOf(path, values):
                known = set(values)
            case _:
                if isinstance(part, Not) and implies(all_of(parts), part.part):
                    return True
                continue
        if not chosen.setdefault(path, known) & known:
            return True
        chosen[path] &= known
    return False
