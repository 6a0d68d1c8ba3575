"""Anchors: what the whole history of a tenant was at a moment, in a few characters (HIS-3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import attrs

from custinfo.core.errors import UnreadableFileError
from custinfo.core.evidence import Evidence, canonical
from custinfo.core.history.changes import Change
from custinfo.core.problems import Problem
from custinfo.core.stored import instant_from_text, instant_to_text

__all__ = ["Anchor", "Trunk"]

_ANCHOR: Final = "custinfo.anchor.1"
_TYPES: Final = {
    "tenant": str,
    "number": int,
    "position": int,
    "unproven": int,
    "root": str,
    "key_id": str,
    "seal": str,
}


@attrs.frozen
class Anchor:
    """Say what the history of a tenant was: every change up to a position, its order, and what each was proven by.

    Keep `to_json()` where nobody who may write to the database can write, such as in a ledger, a mail or on paper:
    `Workspace.verify` finds by it whatever was altered, removed or added since, by whomever.

    Args:
        tenant: Whose history it is.
        number: Counts anchors, from 1.
        at: When it was made.
        position: So many changes it covers.
        unproven: So many of them have no evidence, since they were made while there was no key.
        root: SHA-256 over all of them in their order, in hexadecimal.
        key_id: The key of the seal.
        seal: HMAC-SHA-256 of everything above, in hexadecimal.
    """

    tenant: str
    number: int
    at: datetime
    position: int
    unproven: int
    root: str
    key_id: str
    seal: str

    def message(self) -> bytes:
        """Return what the seal is the digest of."""
        whole = (self.tenant, self.number, instant_to_text(self.at), self.position, self.unproven, self.root)
        return canonical([_ANCHOR, *whole])

    def to_json(self) -> str:
        """Return it as one line of JSON; it holds no personal data."""
        return json.dumps({**attrs.asdict(self), "at": instant_to_text(self.at)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Anchor:
        """Return the anchor that `to_json` wrote. Raises: UnreadableFileError (`not_an_anchor`)."""
        try:
            data = json.loads(text)
            anchor = cls(**{**data, "at": instant_from_text(data["at"])})
        except (ValueError, TypeError, LookupError, RecursionError):
            anchor = None
        if anchor is None or any(type(getattr(anchor, name)) is not kind for name, kind in _TYPES.items()):
            raise UnreadableFileError([Problem("not_an_anchor")])
        return anchor


@attrs.define
class Trunk:
    """Count and digest changes in the order of their positions, one after the other."""

    position: int = 0
    unproven: int = 0
    root: str = ""

    def add(self, changes: Iterable[Change]) -> None:
        """Go on with the next changes."""
        root, digest = bytes.fromhex(self.root), hashlib.sha256
        for change in changes:
            found = Evidence.from_text(change.evidence) if change.evidence else None
            evidence = found if found is not None and found.attested is None else None
            self.unproven += evidence is None
            self.position += 1
            link = evidence.link if evidence is not None else b""
            name = f"{change.module}\n{change.record_id}\n{change.version}\n"
            root = digest(root + name.encode("utf-8", "surrogatepass") + link).digest()
        self.root = root.hex()
