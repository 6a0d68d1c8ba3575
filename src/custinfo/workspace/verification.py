"""Whether the history is as it was written, as far as its evidence and its anchors can tell (HIS-3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

import attrs

from custinfo.core.anchors import Anchor
from custinfo.core.documents import Documents
from custinfo.core.errors import ConfigurationError
from custinfo.core.evidence import Evidence, attested_message, link_in, link_message, seal_message
from custinfo.core.history.changes import Change, is_deleted
from custinfo.core.problems import ParamValue, Problem
from custinfo.core.records import ERASED, FieldKey, Record
from custinfo.core.store_errors import overtaken
from custinfo.ports.units import UnitOfWork
from custinfo.ports.upkeep import Entry, Unreadable, Upkeep
from custinfo.workspace.anchoring import Anchors, anchors_of, problem_of
from custinfo.workspace.integrity import joined, record_of
from custinfo.workspace.mistakes import refuse_anchors
from custinfo.workspace.proving import Prover, log_of, prover_of
from custinfo.workspace.rotation import rewriting_of

__all__ = ["AttestationReport", "VerificationReport", "attest", "verify"]

_MISFIT: Final = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
"""What may be raised by values that their fields never had."""


@attrs.frozen
class VerificationReport:
    """Say what of the history was looked at, and what was tampered with.

    Args:
        records: How many records have a history.
        changes: How many changes there are.
        unproven: How many of them have no evidence: they were made while there was no key.
        anchors: How many anchors were compared, stored and given.
        problems: For each record the first link that is broken, and for the tenant the first anchor that differs; they
            name records by id, and hold no value.
        attested: How many changes were made without a key and attested later: their evidence says nothing of the time
            before that.
    """

    records: int
    changes: int
    unproven: int
    anchors: int
    problems: tuple[Problem, ...] = ()
    attested: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


@attrs.frozen
class AttestationReport:
    """Say how many changes were `attested`, or by `problems` what is wrong with the history, so that none was."""

    attested: int
    problems: tuple[Problem, ...] = ()


def verify(
    unit: UnitOfWork,
    upkeep: Upkeep,
    tenant: str,
    keyring: object,
    documents: Documents,
    given: Iterable[Anchor] = (),
    *,
    unproven: bool = False,
) -> VerificationReport:
    """Compare every change with its evidence, and all of them together with every anchor.

    With `unproven`, changes without evidence are no problem wherever they are.
    Raises: ConfigurationError (`evidence_key_missing`) without a key; TypeError for what is no anchor.
    """
    kept = tuple(given)
    refuse_anchors(kept)
    prover = prover_of(keyring, tenant, documents)
    if prover is None:
        raise ConfigurationError([Problem("evidence_key_missing")])
    log, stored = log_of(unit), anchors_of(unit).all()
    anchors = Anchors(prover, stored, kept)
    last = max((anchor.position for anchor in anchors.all), default=None)
    chains = _Chains(prover, last, tolerant=unproven)
    problems = list(chains.run(upkeep))
    if not chains.unreadable:  # nothing that can't be read can be counted either
        problems += anchors.run(log)
    counts = (chains.records, chains.changes, chains.unproven, len(anchors.all))
    return VerificationReport(*counts, tuple(problems), chains.attested)


def attest(
    unit: UnitOfWork,
    upkeep: Upkeep,
    tenant: str,
    keyring: object,
    documents: Documents,
    given: Iterable[Anchor],
    at: datetime,
) -> AttestationReport:
    """Give every change without evidence one that says how it was found, if nothing else is wrong with the history."""
    found = verify(unit, upkeep, tenant, keyring, documents, given, unproven=True)
    prover = prover_of(keyring, tenant, documents)
    if found.problems or prover is None:
        return AttestationReport(0, found.problems)
    bare = [entry for entry in upkeep.stored("change") if isinstance(entry, Change) and entry.evidence is None]
    _hold(unit, bare)
    rewriting_of(unit).changes([prover.attested(change, at) for change in bare])
    return AttestationReport(len(bare))


def _hold(unit: UnitOfWork, changes: Sequence[Change]) -> None:
    """Hold changes that were looked at. Raises: StorageError (`storage_retryable`) if one was written anew since."""
    held = rewriting_of(unit).held_changes({change.record_id for change in changes})
    found = {(key, change.version): change for key, history in held.items() for change in history}
    for change in changes:
        now = found.get((change.record_id, change.version))
        if now is None or attrs.evolve(now, position=change.position) != change:
            raise overtaken()


class _Chains:
    """Walk along the records, each with its changes."""

    def __init__(self, prover: Prover, anchored: int | None, *, tolerant: bool) -> None:
        self.records = self.changes = self.unproven = self.attested = 0
        self.unreadable = False
        self._prover = prover
        self._anchored = anchored
        self._tolerant = tolerant

    def run(self, upkeep: Upkeep) -> Iterator[Problem]:
        """Yield the first link that is broken of each record."""
        histories = groupby(upkeep.stored("change"), key=record_of)
        for key, record, history in joined(upkeep.stored("record"), histories):
            self.records += bool(history)
            self.changes += len(history)
            found = next(self._broken(key, record, history), None)
            if found is not None:
                yield found

    def _broken(
        self, key: str, record: Entry | Unreadable | None, history: Sequence[Entry | Unreadable]
    ) -> Iterator[Problem]:
        changes: list[Change] = []
        before = ""
        for number, entry in enumerate(history, start=1):
            if not isinstance(entry, Change):
                self.unreadable = True
                yield entry.problem if isinstance(entry, Unreadable) else Problem("change_unreadable")
                return
            if entry.version != number:
                yield problem_of("history_gap", entry, version=number)
                return
            changes.append(entry)
            evidence = Evidence.from_text(entry.evidence) if entry.evidence is not None else None
            yield from self._link(entry, evidence, before)
            before = link_in(entry.evidence)
        yield from _put_back(changes)
        yield from _ended(key, record, changes)

    def _link(self, change: Change, evidence: Evidence | None, before: str) -> Iterator[Problem]:
        if evidence is None:
            self.unproven += 1
            late = self._anchored is not None and (change.position is None or change.position > self._anchored)
            if change.evidence is not None:
                yield problem_of("history_altered", change)
            elif (before or late) and not self._tolerant:
                yield problem_of("history_unproven", change)
            return
        try:
            committed = self._prover.committed(change, evidence.salt)
        except _MISFIT:
            yield problem_of("history_altered", change)
            return
        if evidence.original is not None:
            seal = seal_message(evidence.link, committed)
            yield from self._matches(change, str(evidence.seal_key), seal, evidence.seal)
            committed = evidence.original
        if evidence.attested is not None:
            self.attested += 1
            message = attested_message(self._prover.tenant, change, evidence.attested, committed)
        else:
            message = link_message(self._prover.tenant, change, before, committed)
        yield from self._matches(change, evidence.key_id, message, evidence.link)

    def _matches(self, change: Change, key_id: str, message: bytes, digest: bytes | None) -> Iterator[Problem]:
        expected = self._prover.authenticate(key_id, message)
        if expected is None:
            yield problem_of("history_key_missing", change, key=key_id)
        elif expected != digest:
            yield problem_of("history_altered", change)


def _put_back(changes: Sequence[Change]) -> Iterator[Problem]:
    """Yield where a value stands that a later change says it erased: an older state of that row was put back."""
    erased: dict[FieldKey, int] = {}
    for change in reversed(changes):
        for item in change.fields:
            live = item.old not in (None, ERASED), item.new not in (None, ERASED)
            if item.field in erased and any(live):
                yield problem_of("history_unerased", change)
        if change.action == "erase":
            erased |= {item.field: change.version for item in change.fields if item.old is ERASED}


def _ended(key: str, record: Entry | Unreadable | None, changes: Sequence[Change]) -> Iterator[Problem]:
    """Yield whether changes are missing at the end, as far as the record itself tells."""
    if isinstance(record, Record):
        last = changes[-1].version if changes else 0
        if last != record.version:
            params: dict[str, ParamValue] = {"module": record.module, "record": record.id}
            yield Problem("history_truncated", params={**params, "expected": record.version, "actual": last})
    elif record is None and changes and not is_deleted(changes):
        yield Problem("record_missing", params={"module": changes[-1].module, "record": key})
