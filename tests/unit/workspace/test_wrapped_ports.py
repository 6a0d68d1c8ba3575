"""A host's wrapper that passes everything on is as good as what it wraps, on every version of Python."""

from __future__ import annotations

from typing import Any

from custinfo import F, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.memory import MemoryUnits
from custinfo.core.offers import offered
from custinfo.ports import (
    ApprovalQueries,
    BlindIndex,
    DataKeys,
    EvidenceKeys,
    IndexKeys,
    ManyDataKeys,
    ManyIds,
    PositionDirectory,
    Reindexing,
    TotalQueries,
)
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing import sample_schema
from tests.unit.workspace.story import Story

NUMBER = "11010519491231002X"


class Wrapped:
    """Pass on every question, and count them."""

    def __init__(self, held: Any) -> None:
        self.held = held
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        """Count, and pass on."""
        self.asked.append(name)
        return getattr(self.held, name)


def keyring(**more: bytes) -> Keyring:
    """Return a keyring with everything."""
    keys = {"k1": b"1" * 32, **more}
    return Keyring(keys, current=list(keys)[-1], index_key=b"i" * 32, evidence_keys={"e1": b"e" * 32})


def opened(units: Any, held: Any) -> Workspace:
    """Open a workspace with a keyring."""
    return Workspace(standard_configuration(), units=units, organisation=sample_organisation(), keyring=held)


def test_a_wrapper_offers_what_it_passes_on() -> None:
    """What passes everything on is asked what it wraps; what has nothing offers nothing."""
    for port in (DataKeys, ManyDataKeys, BlindIndex, IndexKeys, EvidenceKeys):
        wrapped = Wrapped(keyring())
        assert offered(wrapped, port) is wrapped
        assert offered(Wrapped(object()), port) is None
        assert offered(None, port) is None
    assert offered(Wrapped(sample_organisation()), PositionDirectory) is not None
    with MemoryUnits().begin(sample_schema(), "default") as unit:
        assert offered(Wrapped(unit.approvals), ApprovalQueries) is not None
        assert offered(Wrapped(unit.queries), TotalQueries) is not None
        assert offered(Wrapped(unit.rewriting), Reindexing) is not None
        assert offered(unit, ManyIds) is None


def test_a_wrapped_keyring_does_all_that_it_wraps() -> None:
    """Encrypting with data keys, finding by digests, evidence, and the rotation of both kinds of keys."""
    units = MemoryUnits()
    wrapped = Wrapped(keyring())
    first = opened(units, wrapped)
    Story(first).individual(id_number=NUMBER)
    assert {"new_data_key", "index", "authenticate"} <= set(wrapped.asked)
    first.anchor()
    assert first.verify().ok
    both = keyring(k2=b"2" * 32).with_index_key("i2", b"j" * 32)
    second = opened(units, Wrapped(both))
    assert second.rotate_keys().rewrapped > 0
    assert second.rotate_index().reindexed > 0
    assert [problem.code for problem in second.check_integrity().problems] == ["digests_left"]
    last = opened(units, Wrapped(both.without("k1").without_index_key("")))
    assert last.rotate_index().may_go("")
    assert last.check_integrity().problems == ()
    with last.acting_as("zhoushi") as session:
        [view] = session.customers.find(F.id_number == NUMBER).records
        assert view["id_number"] == NUMBER
