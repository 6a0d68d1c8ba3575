"""The digests by which a sealed value is found: whether they are of now, and made anew where they are not (FLD-7)."""

from __future__ import annotations

import attrs

from custinfo.core.binding import Tail
from custinfo.core.offers import offered
from custinfo.core.records import Sealed
from custinfo.ports.system import BlindIndex, IndexKeys, Keyring, SealContext

__all__ = ["Digests", "without_digests"]


@attrs.frozen
class Digests:
    """Make the digests of sealed values as a keyring does that replaces the key of blind indexes."""

    keyring: Keyring
    keys: IndexKeys
    index: BlindIndex

    @classmethod
    def of(cls, keyring: Keyring | None) -> Digests | None:
        """Return what makes digests, `None` with a keyring whose index key stays."""
        keys, index = offered(keyring, IndexKeys), offered(keyring, BlindIndex)
        return None if keyring is None or keys is None or index is None else cls(keyring, keys, index)

    def is_current(self, sealed: Sealed) -> bool:
        """Tell whether a value has the digests that it would get now."""
        return self._is_indexed(sealed) and self._former_of(sealed) == self.keys.former_index_ids

    def anew(self, sealed: Sealed, place: SealContext) -> Sealed:
        """Return a value with the digests that it would get now. Raises: InvalidInputError, if it can't be opened."""
        former = dict(zip(self._former_of(sealed), sealed.former, strict=False))
        wanted = self.keys.former_index_ids
        if self._is_indexed(sealed) and former.keys() >= set(wanted):  # nothing but to leave some behind
            return attrs.evolve(sealed, former=tuple(former[key] for key in wanted))
        text = self.keyring.open(sealed, place)
        end = attrs.evolve(place, field=f"{place.field}:tail")
        return attrs.evolve(
            sealed,
            index=None if sealed.index is None else self.index.index(text, place),
            tail=None if sealed.tail is None else self.index.index(Tail.of(text), end),
            former=() if sealed.index is None else self.keys.former_indexes(text, place),
        )

    def _is_indexed(self, sealed: Sealed) -> bool:
        held = (sealed.index, sealed.tail)
        return all(digest is None or self.keys.indexed_by(digest) == self.keys.index_id for digest in held)

    def _former_of(self, sealed: Sealed) -> tuple[str, ...]:
        """Return the keys of its former digests; a value without an index has none and needs none."""
        return self.keys.former_index_ids if sealed.index is None else tuple(map(self.keys.indexed_by, sealed.former))


def without_digests(sealed: Sealed) -> Sealed:
    """Return a value of the past that nobody looks for."""
    return attrs.evolve(sealed, index=None, tail=None, former=())
