"""Evidence that nobody altered the history: a keyed digest of each change, chained to the one before it (HIS-3).

What is digested is JSON as `canonical` writes it, so that anybody who has the key can compute it anew:

- the *content* is `[fields, reason]`, the fields as stores keep them: triples of key, old and new value;
- the *commitment* is SHA-256 of a random salt of 16 bytes, followed by the content;
- the *link* is HMAC-SHA-256 of `["custinfo.change.1", tenant, module, record, version, at, actor, action, channel, on
  behalf of, approval, batch, configuration version, link before, commitment]`, bytes in hexadecimal; the link before is
  that of the version before, or "".

When values are erased, the content changes and the commitment stays: it takes the place of what can't be computed any
more, and since its salt is gone with the content nobody can guess from it what was there. A *seal* of the new content,
HMAC-SHA-256 of `["custinfo.erased.1", link, commitment of the new content]`, says that whoever has the key did it.

A change that was made without the key may be *attested* later: its link is that of `["custinfo.attested.1", instant,
…]`, the rest as above with "" for the link before. It says that whoever has the key found the change like this then,
and no more: what comes after it is chained as to a change without evidence, and anchors count it as such.
"""

from __future__ import annotations

import hashlib
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

import attrs

from custinfo.core.history.changes import Change
from custinfo.core.json_values import json_writer
from custinfo.core.records import RecordId
from custinfo.core.stored import instant_from_text, instant_to_text

__all__ = [
    "SALT_BYTES",
    "Authenticate",
    "Evidence",
    "LinkForm",
    "attested_message",
    "canonical",
    "canonical_text",
    "commitment",
    "commitment_to",
    "content_of",
    "evidence_text",
    "is_attested",
    "link_in",
    "link_message",
    "seal_message",
]

Authenticate = Callable[[str, bytes], bytes | None]
"""Return the HMAC-SHA-256 of a message under the key of an id, or `None` where that key is missing."""

SALT_BYTES: Final = 16
"""So long is the salt of a commitment."""

_DIGEST_BYTES: Final = 32
_CHANGE: Final = "custinfo.change.1"
_ERASED: Final = "custinfo.erased.1"
_ATTESTED: Final = "custinfo.attested.1"
_PARTS_ATTESTED: Final = (3, 6)
"""So many dots are in the evidence of a change that was attested, and of one that was rewritten since."""

_instant: Final = lru_cache(maxsize=16)(instant_to_text)  # the changes of a batch are of one moment
_encode: Final = json_writer(sort_keys=True)
_TO_URLS: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URLS: Final = bytes.maketrans(b"-_", b"+/")


def canonical(data: Sequence[Any]) -> bytes:
    """Return JSON data as the bytes that are digested: compact, keys sorted, UTF-8, no character escaped needlessly."""
    return canonical_text(data).encode("utf-8", "surrogatepass")


def canonical_text(data: Any) -> str:
    """Return JSON data as the text of which `canonical` gives the bytes."""
    return _encode(data)


def commitment(salt: bytes, fields: Sequence[Any], reason: str | None) -> bytes:
    """Return what stands for the content of a change: without the salt nobody can guess from it what that is."""
    return commitment_to(salt, canonical([fields, reason]))


def content_of(fields: str, reason: str | None) -> bytes:
    """Return the content of a change whose fields are there as `canonical_text` writes them."""
    return f"[{fields},{'null' if reason is None else canonical_text(reason)}]".encode("utf-8", "surrogatepass")


def commitment_to(salt: bytes, content: bytes) -> bytes:
    """Return what stands for a content as `canonical` writes it."""
    return hashlib.sha256(salt + content).digest()


def link_message(tenant: str, change: Change, before: str, committed: bytes) -> bytes:
    """Return what the link of a change is the digest of.

    Args:
        tenant: Whose history it is.
        change: The change; its content plays no part.
        before: The link of the version before in hexadecimal, or "".
        committed: The commitment to its content.
    """
    return canonical([_CHANGE, *_told(tenant, change, before, committed)])


@attrs.frozen
class LinkForm:
    """Write the messages of links for changes that differ in record, version and content only, as those of a batch do.

    `LinkForm.of(tenant, change).message(…)` is what `link_message` gives, at a third of its price.

    Args:
        shared: What is the same in all of them, as `shared_by` has it.
        head: What comes before the record.
        middle: What comes behind the version.
    """

    shared: tuple[Any, ...]
    head: str
    middle: str

    @classmethod
    def of(cls, tenant: str, change: Change) -> LinkForm:
        """Return the form of a change and of those like it."""
        told = _told(tenant, change, "", b"")
        return cls(cls.shared_by(change), canonical_text([_CHANGE, *told[:2]])[:-1], canonical_text(told[4:-2])[1:-1])

    @staticmethod
    def shared_by(change: Change) -> tuple[Any, ...]:
        """Return what changes of one form have in common."""
        return _shared(change)

    def message(self, record_id: RecordId, version: int, before: str, committed: bytes) -> bytes:
        """Return what the link of a change is the digest of; `before` and `committed` are those of `link_message`."""
        text = f'{self.head},{canonical_text(record_id)},{version},{self.middle},"{before}","{committed.hex()}"]'
        return text.encode("utf-8", "surrogatepass")


def attested_message(tenant: str, change: Change, at: datetime, committed: bytes) -> bytes:
    """Return what the link of a change that was attested at an instant is the digest of."""
    return canonical([_ATTESTED, _instant(at), *_told(tenant, change, "", committed)])


_shared: Final = attrgetter(
    "module",
    "at",
    "actor",
    "action",
    "channel",
    "on_behalf_of",
    "approval",
    "batch",
    "configuration_version",
)


def _told(tenant: str, change: Change, before: str, committed: bytes) -> list[Any]:
    return [
        tenant,
        change.module,
        change.record_id,
        change.version,
        _instant(change.at),
        change.actor,
        change.action,
        change.channel,
        change.on_behalf_of,
        change.approval,
        change.batch,
        change.configuration_version,
        before,
        committed.hex(),
    ]


def seal_message(link: bytes, committed: bytes) -> bytes:
    """Return what the seal of an erased change is the digest of."""
    return canonical([_ERASED, link.hex(), committed.hex()])


@attrs.frozen
class Evidence:
    """What is kept beside a change to prove it.

    Args:
        key_id: The key of the link.
        salt: That of the commitment to the content.
        link: The digest that the next change is chained to.
        original: Of a change with values erased: the commitment to what was there.
        seal_key: Of such a change: the key of the seal.
        seal: Of such a change: the digest of what is there now.
        attested: When somebody who has the key attested a change that was made without it.
    """

    key_id: str
    salt: bytes = attrs.field(repr=False)
    link: bytes
    original: bytes | None = None
    seal_key: str | None = None
    seal: bytes | None = None
    attested: datetime | None = None

    def to_text(self) -> str:
        """Return it as stores keep it: parts with a dot between, bytes in URL-safe base64 without padding."""
        parts = [evidence_text(self.key_id, self.salt, self.link)]
        if self.attested is not None:
            parts.append(_text(_instant(self.attested).encode()))
        if self.original is not None and self.seal is not None:
            parts += [_text(self.original), str(self.seal_key), _text(self.seal)]
        return ".".join(parts)

    @classmethod
    def from_text(cls, text: str) -> Evidence | None:
        """Return what `to_text` wrote; `None` for anything else."""
        key_id, *parts = text.split(".")
        attested = parts.pop(2) if is_attested(text) else None
        try:
            at = None if attested is None else instant_from_text(_bytes(attested).decode())
            match parts:
                case [salt, link]:
                    found = cls(key_id, _bytes(salt), _bytes(link), attested=at)
                case [salt, link, original, seal_key, seal]:
                    whole = (key_id, _bytes(salt), _bytes(link), _bytes(original), seal_key, _bytes(seal))
                    found = cls(*whole, attested=at)
                case _:
                    return None
        except ValueError:
            return None
        sizes = {len(digest) for digest in (found.link, found.original, found.seal) if digest is not None}
        sized = len(found.salt) == SALT_BYTES and sizes == {_DIGEST_BYTES}
        return found if sized and found.to_text() == text else None


def evidence_text(key_id: str, salt: bytes, link: bytes) -> str:
    """Return the evidence of a change as it is made with it."""
    return f"{key_id}.{_text(salt)}.{_text(link)}"


def is_attested(text: str) -> bool:
    """Tell whether an evidence is of a change that was made without the key: it has a part more than others."""
    return text.count(".") in _PARTS_ATTESTED


def link_in(text: str | None) -> str:
    """Return the link that the next version is chained to, in hexadecimal, without reading the rest of the evidence.

    It is "" where there is none, and of a change that was attested later.
    """
    parts = text.split(".", 3) if text and not is_attested(text) else []
    try:
        return _bytes(parts[2]).hex()
    except (IndexError, ValueError):
        return ""


def _text(data: bytes) -> str:
    return b2a_base64(data, newline=False).translate(_TO_URLS).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return a2b_base64(text.encode().translate(_FROM_URLS) + b"=" * (-len(text) % 4))
