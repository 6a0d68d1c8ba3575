"""Keys of a store of documents are rotated where it says what it holds; where it doesn't, it is refused (FLD-7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from custinfo import Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.core.documents import DOCUMENT_KINDS, Documents
from custinfo.standard import sample_organisation, standard_configuration
from tests.contract.test_own_repository import example
from tests.unit.workspace.story import Story

OLD = Keyring({"k1": b"1" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e1": b"e" * 32})
BOTH = OLD.rotated("k2", b"2" * 32).with_index_key("i2", b"j" * 32)
NEW = BOTH.without("k1").without_index_key("")
FIRST = "11010519491231002X"


@attrs.frozen
class Listing:
    """Say what a store of documents holds, and nothing else of `custinfo.ports.Upkeep`."""

    unit: Any
    documents: Documents

    def stored(self, kind: str, /) -> Iterator[Any]:
        """Yield all entries of a kind."""
        for data in list(self.unit._store.read(kind, {})):
            yield self.documents.decode(DOCUMENT_KINDS[kind], data)


@attrs.frozen
class ListedUnits:
    """Begin units that have a listing as their upkeep."""

    inner: Any

    @contextmanager
    def begin(self, schema: Any, tenant: str, /) -> Iterator[Any]:
        """Begin one."""
        with self.inner.begin(schema, tenant) as unit:
            unit.upkeep = Listing(unit, Documents(schema))
            yield unit


def opened(units: Any, keyring: Keyring) -> Workspace:
    """Open a workspace on a store, with a keyring."""
    return Workspace(standard_configuration(), units=units, organisation=sample_organisation(), keyring=keyring)


def test_a_listing_is_enough(tmp_path: Path) -> None:
    """With it, both keys are rotated, and the value is read and found without the old ones."""
    plain = example.OwnUnits(tmp_path / "store.db")
    person = Story(opened(plain, OLD)).individual(id_number=FIRST, birthday=None)
    for rotation in ("rotate_keys", "rotate_index"):
        with pytest.raises(TypeError, match="rotate its keys"):
            getattr(opened(plain, BOTH), rotation)()
    units = ListedUnits(plain)
    assert opened(units, BOTH).rotate_keys().may_go("k1")
    assert opened(units, BOTH).rotate_index().may_go("")
    assert dict(opened(units, NEW).rotate_index().left) == {}
    assert Story(opened(plain, NEW)).view("zhoushi", person)["id_number"] == FIRST
