"""Evidence for changes, made where they are written (HIS-3)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

import attrs

from custinfo.core.documents import Documents
from custinfo.core.evidence import (
    SALT_BYTES,
    Authenticate,
    Evidence,
    LinkForm,
    attested_message,
    canonical_text,
    commitment,
    commitment_to,
    content_of,
    evidence_text,
    link_in,
    seal_message,
)
from custinfo.core.history.changes import Change
from custinfo.core.history.proven import ProvenChanges
from custinfo.core.new_records import Creations
from custinfo.core.offers import offered
from custinfo.core.records import RecordId
from custinfo.ports.history import ChangeLog
from custinfo.ports.system import EvidenceKeys
from custinfo.ports.units import UnitOfWork

__all__ = ["Prover", "log_of", "prover_of"]


def log_of(unit: UnitOfWork) -> ChangeLog:
    """Return the log of a unit of work. Raises: TypeError for a store that has none."""
    found: ChangeLog | None = getattr(unit, "log", None)
    if found is None:
        raise TypeError(
            f"{type(unit).__name__} has no attribute `log`: for changes in one sequence, implement"
            " custinfo.ports.history.ChangeLog"
        )
    return found


def prover_of(keyring: object, tenant: str, documents: Documents) -> Prover | None:
    """Return what makes evidence, `None` where the keyring has no key for it."""
    keys = offered(keyring, EvidenceKeys)
    if keys is None or keys.evidence_key is None:
        return None
    return Prover(keys.evidence_key, keys.authenticate, tenant, documents)


@attrs.frozen
class Prover:
    """Make evidence with one key."""

    key_id: str
    authenticate: Authenticate
    tenant: str
    documents: Documents

    def proven(self, changes: Sequence[Change], log: ChangeLog) -> Sequence[Change]:
        """Return changes with their evidence, each chained to the version before."""
        return self._begun(changes) if isinstance(changes, Creations) else self._chained(changes, log)

    def _begun(self, changes: Creations) -> Creations:
        """Return the changes by which records came to be, with the evidence that a chain begins with."""
        records = changes.records
        if not records:
            return changes
        contents = records.stored(self.documents.codec(records.module)).changes()
        form = LinkForm.of(self.tenant, attrs.evolve(changes, records=records.bare())[0])
        found = []
        for record_id, content, salt in zip(records.ids, contents, _salts(len(contents)), strict=True):
            committed = commitment_to(salt, content_of(content, None))
            found.append(evidence_text(self.key_id, salt, self._digest(form.message(record_id, 1, "", committed))))
        return attrs.evolve(changes, evidence=found)

    def _chained(self, changes: Sequence[Change], log: ChangeLog) -> ProvenChanges:
        links, form = self._links(changes, log), None
        contents, found = [self._content(change) for change in changes], []
        for change, content, salt in zip(changes, contents, _salts(len(contents)), strict=True):
            if form is None or LinkForm.shared_by(change) != form.shared:
                form = LinkForm.of(self.tenant, change)
            key, version = change.record_id, change.version
            committed = commitment_to(salt, content_of(content, change.reason))
            link = self._digest(form.message(key, version, links.get((key, version - 1), ""), committed))
            links[key, version] = link.hex()
            found.append(evidence_text(self.key_id, salt, link))
        return ProvenChanges(changes, contents, found)

    def _content(self, change: Change) -> str:
        return canonical_text(self.documents.codec(change.module).encode_change(change))

    def _links(self, changes: Sequence[Change], log: ChangeLog) -> dict[tuple[RecordId, int], str]:
        """Return the links, by record and version, to which the first new version of each record is chained."""
        first: dict[RecordId, int] = {}
        for change in changes:
            if change.version > 1:
                first.setdefault(change.record_id, change.version - 1)
        found = log.evidence(first) if first else {}
        return {(record_id, first[record_id]): link_in(text) for record_id, text in found.items()}

    def committed(self, change: Change, salt: bytes) -> bytes:
        """Return the commitment to the content of a change."""
        return commitment(salt, self.documents.codec(change.module).encode_change(change), change.reason)

    def attested(self, change: Change, at: datetime) -> Change:
        """Return a change that was made without a key, with evidence that it was found like this at an instant."""
        [salt] = _salts(1)
        link = self._digest(attested_message(self.tenant, change, at, self.committed(change, salt)))
        return change.proven(Evidence(self.key_id, salt, link, attested=at).to_text())

    def rewritten(self, before: Change, after: Change) -> Change:
        """Return a change with other content and evidence of that: its link stays, and its salt is destroyed.

        It is for values that were erased, and for digests of encrypted ones under an index key that is given up.
        """
        known = Evidence.from_text(before.evidence) if before.evidence is not None else None
        if known is None:
            return attrs.evolve(after, evidence=None)
        [salt] = _salts(1)
        original = known.original if known.original is not None else self.committed(before, known.salt)
        seal = self._digest(seal_message(known.link, self.committed(after, salt)))
        evidence = attrs.evolve(known, salt=salt, original=original, seal_key=self.key_id, seal=seal)
        return attrs.evolve(after, evidence=evidence.to_text())

    def _digest(self, message: bytes) -> bytes:
        digest = self.authenticate(self.key_id, message)
        if digest is None:
            raise RuntimeError("the keyring lacks its own evidence key")
        return digest


def _salts(number: int) -> list[bytes]:
    """Return so many salts: the system is asked once for all of them."""
    noise = os.urandom(SALT_BYTES * number)
    return [noise[start : start + SALT_BYTES] for start in range(0, len(noise), SALT_BYTES)]
