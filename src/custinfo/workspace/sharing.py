"""Sharing one record with somebody, for a time (POL-2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, get_args

import attrs

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds import BUILT_IN_KINDS, INVALID
from custinfo.core.problems import Problem
from custinfo.core.records import Record, Share, ShareKind, ShareLevel, Version
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft
from custinfo.workspace.mistakes import one_of

__all__ = ["With", "asks_for_shares", "share_draft", "unshare_draft"]

With = str | tuple[str, str]
"""With whom: a member by key, name, `name(department)` or employee number, or a pair such as
`("department", "销售一部")` or `("role", "finance")`."""

_KINDS: Final = {"member": "user", "department": "department"}


def share_draft(
    context: Context,
    record: Record,
    with_: With,
    level: ShareLevel,
    until: datetime | None,
    version: Version,
    reason: str | None,
) -> Draft:
    """Return the change that shares a record; another share with the same one is replaced.

    Raises: ValueError for an unknown level; TypeError for another form of `with_`, and an end that is no instant.
    """
    one_of("level", level, ShareLevel)
    share, problems = _meant(context, with_)
    ends = context.instant(until)
    if ends is not None and ends <= context.now():
        problems.append(Problem("share_ended", "shares"))
    shares = record.shares
    if share is not None:
        problems += _leaver(context, share)
        shares = _without(record, share) | {share._replace(level=level, until=ends and ends.astimezone(UTC))}
    return _draft(record, shares, version, reason, problems)


def unshare_draft(context: Context, record: Record, with_: With, version: Version, reason: str | None) -> Draft:
    """Return the change that ends a share, also one with somebody who is no longer known. Raises: TypeError."""
    kind, key = _pair(with_)
    known = next((share for share in record.shares if (share.kind, share.key) == (kind, key)), None)
    problems: list[Problem] = []
    if known is None:
        known, problems = _meant(context, with_)
    return _draft(record, record.shares if known is None else _without(record, known), version, reason, problems)


def asks_for_shares(context: Context, before: Record, shares: frozenset[Share] | None) -> bool:
    """Tell whether giving a record these shares counts as a change of them: it does where the actor can't know."""
    return shares is not None and (shares != before.shares or "shares" not in context.verdict(before).readable)


def _draft(
    record: Record, shares: frozenset[Share], version: Version, reason: str | None, problems: list[Problem]
) -> Draft:
    found = tuple(problems)
    return Draft("share", record.module, record.id, {}, None, version, reason, found=found, shares=shares)


def _without(record: Record, other: Share) -> frozenset[Share]:
    return frozenset(share for share in record.shares if share[:2] != other[:2])


def _pair(with_: With) -> tuple[ShareKind, str]:
    match with_:
        case str():
            return "member", with_
        case ("member" | "department" | "role") as kind, str() as key:
            return kind, key
        case (str() as kind, str()):
            raise TypeError(f"a record is shared with one of {', '.join(get_args(ShareKind))}, not with {kind!r}")
    raise TypeError(f"a record is shared with a member, or with a pair of texts: not {type(with_).__name__}")


def _meant(context: Context, with_: With) -> tuple[Share | None, list[Problem]]:
    """Return with whom somebody means to share, or what is wrong with it."""
    kind, text = _pair(with_)
    if kind == "role":
        roles = context.schema.configuration.roles.values()
        keys = [role.key for role in roles if text in (role.key, *role.label.values())]
        return (Share(kind, keys[0]), []) if len(keys) == 1 else (None, [Problem("unknown_role", "shares")])
    field = FieldDefinition("shares", _KINDS[kind])
    problems: list[Problem] = []
    key: Any = BUILT_IN_KINDS[_KINDS[kind]].parser(field, context.schema.context)(text, problems)
    problems = [attrs.evolve(problem, field="shares") for problem in problems]
    return (None, problems) if key is INVALID or key is None else (Share(kind, key), problems)


def _leaver(context: Context, share: Share) -> Iterator[Problem]:
    if share.kind == "member":
        member = context.schema.directory.member(share.key)
        if member is None or not member.active:
            yield Problem("inactive_member", "shares")
