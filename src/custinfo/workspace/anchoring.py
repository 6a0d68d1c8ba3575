"""Anchors of the history: making one of it as it is, and comparing it with those that there are (HIS-3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

import attrs

from custinfo.core.anchors import Anchor, Trunk
from custinfo.core.documents import Documents
from custinfo.core.errors import ConfigurationError
from custinfo.core.history.changes import Change
from custinfo.core.problems import ParamValue, Problem
from custinfo.ports.history import AnchorRepository, ChangeLog, ChangeQuery
from custinfo.ports.system import Clock
from custinfo.ports.units import UnitOfWork
from custinfo.workspace.proving import Prover, log_of, prover_of

__all__ = ["Anchors", "anchors_of", "make_anchor", "problem_of"]

_PAGE: Final = 1000


def make_anchor(unit: UnitOfWork, tenant: str, keyring: object, documents: Documents, clock: Clock) -> Anchor:
    """Return an anchor of the history as it is now, kept with the others; the last one where nothing came since.

    Raises: ConfigurationError (`evidence_key_missing`); TypeError for a store without log or anchors.
    """
    prover = prover_of(keyring, tenant, documents)
    if prover is None:
        raise ConfigurationError([Problem("evidence_key_missing")])
    log, anchors = log_of(unit), anchors_of(unit)
    log.number()
    known = anchors.all()
    trunk = Trunk(known[-1].position, known[-1].unproven, known[-1].root) if known else Trunk()
    for page in _pages(log, trunk.position):
        trunk.add(page)
    if known and trunk.position == known[-1].position:
        return known[-1]
    made = Anchor(tenant, len(known) + 1, clock(), trunk.position, trunk.unproven, trunk.root, prover.key_id, "")
    seal = prover.authenticate(prover.key_id, made.message()) or b""
    made = attrs.evolve(made, seal=seal.hex())
    anchors.add(made)
    return made


def anchors_of(unit: UnitOfWork) -> AnchorRepository:
    """Return the anchors of a unit of work. Raises: TypeError for a store that keeps none."""
    found: AnchorRepository | None = getattr(unit, "anchors", None)
    if found is None:
        raise TypeError(f"{type(unit).__name__} has no attribute `anchors`: implement custinfo.ports.AnchorRepository")
    return found


@attrs.frozen
class Anchors:
    """Compare the sequence of all changes with anchors."""

    prover: Prover
    stored: Sequence[Anchor]
    given: Sequence[Anchor]

    @property
    def all(self) -> list[Anchor]:
        """Every anchor, in the order of their positions."""
        return sorted({*self.stored, *self.given}, key=lambda anchor: (anchor.position, anchor.number))

    def run(self, log: ChangeLog) -> Iterator[Problem]:
        """Yield what is wrong with the anchors themselves, and the first of them that the changes do not bear out."""
        for anchor in self.all:
            if anchor.tenant != self.prover.tenant or not self._sealed(anchor):
                yield Problem("anchor_forged", params={"number": anchor.number})
                return
        numbers = {anchor.number for anchor in self.stored}
        most = max((anchor.number for anchor in self.all), default=0)  # those kept elsewhere were stored, too
        missing = next((number for number in range(1, most + 1) if number not in numbers), None)
        if missing is not None:
            yield Problem("anchor_missing", params={"number": missing})
        yield from self._compared(log)

    def _sealed(self, anchor: Anchor) -> bool:
        expected = self.prover.authenticate(anchor.key_id, anchor.message())
        return expected is not None and expected.hex() == anchor.seal

    def _compared(self, log: ChangeLog) -> Iterator[Problem]:
        trunk, waiting = Trunk(), self.all
        for change in chain.from_iterable(_pages(log, 0)):
            if any(not _bears(trunk, anchor) for anchor in waiting if anchor.position == trunk.position):
                break
            waiting = [anchor for anchor in waiting if anchor.position > trunk.position]
            if change.position != trunk.position + 1:
                yield problem_of("history_order", change, position=trunk.position + 1)
                return
            trunk.add([change])
        for anchor in waiting:
            if anchor.position != trunk.position or not _bears(trunk, anchor):
                yield Problem("anchor_differs", params={"number": anchor.number, "position": anchor.position})
                return


def _bears(trunk: Trunk, anchor: Anchor) -> bool:
    return (trunk.root, trunk.unproven) == (anchor.root, anchor.unproven)


def _pages(log: ChangeLog, after: int) -> Iterator[Sequence[Change]]:
    while page := log.read(ChangeQuery(after, _PAGE)):
        yield page
        after = page[-1].position or 0


def problem_of(code: str, change: Change, **params: ParamValue) -> Problem:
    """Return a problem with a change, which names it by its record and version."""
    told: dict[str, ParamValue] = {"module": change.module, "record": change.record_id, "version": change.version}
    return Problem(code, params={**told, **params})
