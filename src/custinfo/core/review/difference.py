"""Two policies compared: who gains and who loses what (POL-4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from typing import Any, Final, Literal

import attrs

from custinfo.core.configuration import Configuration
from custinfo.core.kinds import Kind
from custinfo.core.markdown import Cell, markdown_table
from custinfo.core.messages import DEFAULT_MESSAGES, Messages
from custinfo.core.organisation import Directory, Organisation
from custinfo.core.policy.grants import Action
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.review._order import Order
from custinfo.core.review.entitlements import Entitlement, Rows, entitlements, uncovered, widest
from custinfo.core.review.members import MemberDifference, member_differences
from custinfo.core.review.words import PolicyWords
from custinfo.core.schema import Schema

__all__ = ["ChangedRight", "PolicyDifference", "policy_diff", "right_lines"]

Direction = Literal["wider", "narrower", "other"]

Extent = tuple[tuple[str | None, Rows], ...]
"""On which records something is allowed, each with the style of the mask where it is masked."""


@attrs.frozen
class ChangedRight:
    """What one role may do in a module, before and after: an action, or one and the same thing with some fields.

    Args:
        role: Key of the role.
        module: Key of the module.
        action: What may be done.
        fields: To which fields; none means the action as such.
        before: On which records so far, each with the style where the fields are masked; none means not at all.
        after: On which records then.
        direction: `wider` where something is gained and nothing lost, `narrower` where it is the other way round, and
            `other` where the two differ in both ways.
    """

    role: str
    module: ModuleKey
    action: Action
    fields: tuple[FieldKey, ...]
    before: Extent
    after: Extent
    direction: Direction


@attrs.frozen
class PolicyDifference:
    """What a policy allows that another one doesn't; false where both allow the same.

    Args:
        gains: What the second policy allows and nothing in the first one covers.
        losses: What the first policy allows and nothing in the second one covers.
        changes: The same for people: for each role, module and action the fields, before and after.
        members: Who gains or loses something by it; empty without the people.
    """

    gains: tuple[Entitlement, ...]
    losses: tuple[Entitlement, ...]
    changes: tuple[ChangedRight, ...]
    members: tuple[MemberDifference, ...]
    _schemas: tuple[Schema, Schema] = attrs.field(eq=False, repr=False)

    def __bool__(self) -> bool:
        return bool(self.gains or self.losses)

    def to_rows(self, language: str = "zh", *, messages: Messages = DEFAULT_MESSAGES) -> list[dict[str, Any]]:
        """Return the changes as plain dicts, ready for JSON or a table.

        Each has the keys `role`, `module`, `action`, `fields` (a list of keys) and `direction`, the same in words with
        `_label` at the end (`fields_label` is a list), and `before` and `after`, lists of records in words.

        Args:
            language: Key of a language; one that the catalogue lacks falls back to English.
            messages: The catalogue; a host passes its own to add languages.
        """
        return [self._row(change, language, messages) for change in self.changes]

    def to_markdown(self, language: str = "zh", *, messages: Messages = DEFAULT_MESSAGES) -> str:
        """Return a table of the changes, with a line each, and below it who gains or loses what.

        Args:
            language: Key of a language; one that the catalogue lacks falls back to English.
            messages: The catalogue; a host passes its own to add languages.
        """
        words = PolicyWords(self._schemas[1], language, messages)
        if not self:
            return words.word("difference_none")
        names = ("change", "role", "module", "action", "field", "before", "after")
        titles = [words.word(f"{'difference' if name in _OWN else 'matrix'}_{name}") for name in names]
        rows = [self._cells(row, words) for row in self.to_rows(language, messages=messages)]
        lines = markdown_table(titles, rows)
        if self.members:
            lines += ["", *self._people(words)]
        return "\n".join(lines)

    def _row(self, change: ChangedRight, language: str, messages: Messages) -> dict[str, Any]:
        old, new = (PolicyWords(schema, language, messages) for schema in self._schemas)
        words = new if change.role in self._schemas[1].configuration.roles else old
        there = new if change.module in self._schemas[1].configuration.modules else old
        known = self._schemas[1].configuration.modules.get(change.module)
        return {
            "role": change.role,
            "role_label": words.role(change.role),
            "module": change.module,
            "module_label": there.module(change.module),
            "action": change.action,
            "action_label": words.action(change.action),
            "fields": list(change.fields),
            "fields_label": [
                (there if known is not None and key in known.fields else old).field(change.module, key)
                for key in change.fields
            ],
            "direction": change.direction,
            "direction_label": words.word(f"difference_{change.direction}"),
            "before": _extent(change.before, old),
            "after": _extent(change.after, new),
        }

    def _cells(self, row: Mapping[str, Any], words: PolicyWords) -> list[Cell]:
        fields = words.word("list_separator").join(row["fields_label"])
        nothing = words.word("difference_nothing")
        return [
            row["direction_label"],
            row["role_label"],
            row["module_label"],
            row["action_label"],
            fields or words.word("difference_everything"),
            row["before"] or nothing,
            row["after"] or nothing,
        ]

    def _people(self, words: PolicyWords) -> Iterator[str]:
        titles = [words.word(f"difference_{name}") for name in ("member", "gains", "losses")]
        old = PolicyWords(self._schemas[0], words.language, words.messages)
        yield from markdown_table(
            titles,
            (
                [words.member(item.member), right_lines(item.gains, words), right_lines(item.losses, old)]
                for item in self.members
            ),
        )


_OWN: Final = frozenset({"change", "before", "after"})


def _extent(extent: Extent, words: PolicyWords) -> list[str]:
    texts = []
    for style, rows in extent:
        text = words.rows(rows.grant, rows.via)
        texts.append(text if style is None else words.word("difference_masked", rows=text, mask=words.mask(style)))
    return texts


def right_lines(parts: Iterable[Entitlement], words: PolicyWords) -> list[str]:
    """Return entitlements in words, a line for all fields with which the same may be done on the same records."""
    alike: dict[tuple[ModuleKey, Action, str | None, str], list[FieldKey]] = {}
    for part in parts:
        key = (part.module, part.action, part.mask, words.rows(part.rows.grant, part.rows.via))
        alike.setdefault(key, []).extend([] if part.field is None else [part.field])
    lines = []
    for (module, action, style, rows), fields in alike.items():
        verb = words.action(action) if style is None else words.word("matrix_masked", mask=words.mask(style))
        code = "right_fields" if fields else "right_records"
        texts = {"action": verb, "module": words.module(module), "rows": rows, "fields": words.fields(module, fields)}
        lines.append(words.word(code, **texts))
    return lines


def policy_diff(
    before: Configuration,
    after: Configuration,
    *,
    organisation: Directory | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> PolicyDifference:
    """Return what the policy of one configuration allows and that of another doesn't, both ways (POL-4).

    It compares what the grants mean, not how they are written: a grant that is split in two, or is included in another
    one, makes no difference; a field that a wildcard reaches from now on is named. Fields and conditions are those of
    the configuration of each side. Where it can't be told that some records are among others (those of `budget > 5`
    among those of `budget > 3`), they are taken for different, and both are listed.

    >>> from custinfo import ALL_FIELDS, Grant
    >>> from custinfo.standard import standard_configuration
    >>> proposed = standard_configuration().with_grants(
    ...     Grant("finance", "customer", frozenset({"view"}), "all", view=ALL_FIELDS)
    ... )
    >>> difference = policy_diff(standard_configuration(), proposed)
    >>> bool(difference.losses), [(row["role"], row["direction"], row["before"]) for row in difference.to_rows("en")][0]
    (False, ('finance', 'wider', ['all, where Status = Won']))

    Args:
        before: The configuration that is in force.
        after: The one that is proposed.
        organisation: The people; with them, `members` says who is concerned, all roles of each taken together.
        kinds: The host's own kinds of fields, by key.
    """
    directory = organisation if organisation is not None else Organisation((), (), ())
    schemas = (
        Schema(before, directory, UTC, dict(kinds or {})),
        Schema(after, directory, UTC, dict(kinds or {})),
    )
    old, new = (widest(entitlements(schema)) for schema in schemas)
    gains, losses = uncovered(new, old), uncovered(old, new)
    changes = tuple(_changes(Order(*reversed(schemas)), old, new, gains, losses))
    return PolicyDifference(gains, losses, changes, member_differences(schemas, (gains, losses)), schemas)


_About = tuple[str, ModuleKey, Action, FieldKey | None]


def _changes(
    order: Order,
    old: Iterable[Entitlement],
    new: Iterable[Entitlement],
    gains: Iterable[Entitlement],
    losses: Iterable[Entitlement],
) -> Iterator[ChangedRight]:
    more, less = {part.about for part in gains}, {part.about for part in losses}
    was, will = _extents(old), _extents(new)
    alike: dict[tuple[str, ModuleKey, Action, bool, Extent, Extent], list[FieldKey]] = {}
    directions: dict[tuple[str, ModuleKey, Action, bool, Extent, Extent], Direction] = {}
    for about in sorted({*was, *will}, key=order):
        if about in more or about in less:
            role, module, action, field = about
            key = (role, module, action, field is None, was.get(about, ()), will.get(about, ()))
            alike.setdefault(key, []).extend([] if field is None else [field])
            directions[key] = "other" if about in more and about in less else "wider" if about in more else "narrower"
    for key, fields in sorted(alike.items(), key=lambda item: order((*item[0][:3], None))):
        role, module, action, _, earlier, later = key
        yield ChangedRight(role, module, action, tuple(fields), earlier, later, directions[key])


def _extents(parts: Iterable[Entitlement]) -> dict[_About, Extent]:
    found: dict[_About, Extent] = {}
    for part in parts:
        found[part.about] = (*found.get(part.about, ()), (part.mask, part.rows))
    return found
