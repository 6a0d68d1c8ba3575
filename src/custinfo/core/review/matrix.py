"""The whole policy as a matrix: role × module × action × field, each with the records that it is about (POL-4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from functools import cached_property
from typing import Any, Final

import attrs

from custinfo.core.configuration import Configuration
from custinfo.core.kinds import Kind
from custinfo.core.markdown import Cell, markdown_table, markdown_text
from custinfo.core.messages import DEFAULT_MESSAGES, Messages
from custinfo.core.organisation import Directory, Organisation
from custinfo.core.policy.grants import PSEUDO_FIELDS, Action
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.review._order import ACTIONS, Order
from custinfo.core.review.entitlements import Entitlement, entitlements, widest
from custinfo.core.review.words import PolicyWords
from custinfo.core.schema import Schema

__all__ = ["PolicyMatrix", "action_texts", "field_texts", "policy_matrix"]

_FIELD_ACTIONS: Final[tuple[Action, ...]] = ("view", "edit", "create")


@attrs.frozen(slots=False)
class PolicyMatrix:
    """Hold what each role may do: to which records, and to which of their fields.

    `entries` has one entitlement for each action, and for each field that may be viewed, edited or set, in the order of
    roles, modules, actions and fields. What a wider entitlement of the same role includes is left out. `schema` is the
    compiled configuration that it is of, for the words in it.
    """

    entries: tuple[Entitlement, ...]
    schema: Schema = attrs.field(eq=False, repr=False)

    @property
    def roles(self) -> tuple[str, ...]:
        """The keys of all roles, in order."""
        return tuple(self.schema.configuration.roles)

    @property
    def modules(self) -> tuple[ModuleKey, ...]:
        """The keys of all modules, in order."""
        return tuple(self.schema.configuration.modules)

    def rights(self, role: str, module: ModuleKey, *, field: FieldKey | None = None) -> tuple[Entitlement, ...]:
        """Return what a role may do in a module to a field, or without one, which actions are allowed."""
        return self._cells.get((role, module, field), ())

    def fields(self, module: ModuleKey) -> tuple[FieldKey, ...]:
        """Return the fields of a module, and what every record has beside them, in order."""
        return (*self.schema.configuration.modules[module].fields, *PSEUDO_FIELDS)

    @cached_property
    def _cells(self) -> dict[tuple[str, ModuleKey, FieldKey | None], tuple[Entitlement, ...]]:
        cells: dict[tuple[str, ModuleKey, FieldKey | None], tuple[Entitlement, ...]] = {}
        for entry in self.entries:
            key = (entry.role, entry.module, entry.field)
            cells[key] = (*cells.get(key, ()), entry)
        return cells

    def words(self, language: str = "zh", *, messages: Messages = DEFAULT_MESSAGES) -> PolicyWords:
        """Return what its parts are called in a language."""
        return PolicyWords(self.schema, language, messages)

    def to_rows(self, language: str = "zh", *, messages: Messages = DEFAULT_MESSAGES) -> list[dict[str, Any]]:
        """Return the entries as plain dicts of texts, ready for JSON or a table.

        Each has the keys `role`, `module`, `action`, `field` (`None` for the action as such), `mask` (a style, or
        `None`), `scope` and `through`, and in words `role_label`, `module_label`, `action_label`, `field_label`,
        `condition` (`None` where there is none) and `rows` (scope and condition together).

        Args:
            language: Key of a language; one that the catalogue lacks falls back to English.
            messages: The catalogue; a host passes its own to add languages.
        """
        words = self.words(language, messages=messages)
        return [_row(entry, words) for entry in self.entries]

    def to_markdown(self, language: str = "zh", *, messages: Messages = DEFAULT_MESSAGES) -> str:
        """Return two tables for each module: actions × roles, and fields × roles.

        Fields of which the same holds for every role share a row; roles that may do nothing in a module are left out.

        Args:
            language: Key of a language; one that the catalogue lacks falls back to English.
            messages: The catalogue; a host passes its own to add languages.
        """
        words = self.words(language, messages=messages)
        return "\n".join(line for module in self.modules for line in self._section(module, words)).rstrip()

    def _section(self, module: ModuleKey, words: PolicyWords) -> Iterator[str]:
        roles = [role for role in self.roles if self.rights(role, module)]
        yield from (f"## {markdown_text(words.module(module))}", "")
        if not roles:
            yield from (words.word("matrix_nobody"), "")
            return
        labels = [words.role(role) for role in roles]
        yield from markdown_table([words.word("matrix_action"), *labels], self._action_rows(module, roles, words))
        yield ""
        yield from markdown_table([words.word("matrix_field"), *labels], self._field_rows(module, roles, words))
        yield ""

    def _action_rows(self, module: ModuleKey, roles: list[str], words: PolicyWords) -> Iterator[list[Cell]]:
        for action in ACTIONS:
            cells = [action_texts(self.rights(role, module), action, words) for role in roles]
            if any(cells):
                yield [words.action(action), *cells]

    def _field_rows(self, module: ModuleKey, roles: list[str], words: PolicyWords) -> Iterator[list[Cell]]:
        """Yield a row for all fields of which the same holds, so that what differs stands out."""
        alike: dict[tuple[tuple[str, ...], ...], list[FieldKey]] = {}
        for key in self.fields(module):
            cells = tuple(tuple(field_texts(self.rights(role, module, field=key), words)) for role in roles)
            alike.setdefault(cells, []).append(key)
        for cells, keys in alike.items():
            yield [words.fields(module, keys), *cells]


def action_texts(parts: tuple[Entitlement, ...], action: Action, words: PolicyWords) -> list[str]:
    """Return the records on which an action is allowed, in words."""
    return [words.rows(part.rows.grant, part.rows.via) for part in parts if part.action == action]


def field_texts(parts: tuple[Entitlement, ...], words: PolicyWords) -> list[str]:
    """Return what may be done to a field in words, one text for each set of records."""
    verbs: dict[str, list[str]] = {}
    for part in sorted(parts, key=lambda part: _FIELD_ACTIONS.index(part.action)):
        verb = words.action(part.action)
        if part.mask is not None:
            verb = words.word("matrix_masked", mask=words.mask(part.mask))
        verbs.setdefault(words.rows(part.rows.grant, part.rows.via), []).append(verb)
    separator = words.word("list_separator")
    return [words.word("matrix_cell", verbs=separator.join(found), rows=rows) for rows, found in verbs.items()]


def _row(entry: Entitlement, words: PolicyWords) -> dict[str, Any]:
    grant = entry.rows.grant
    return {
        "role": entry.role,
        "role_label": words.role(entry.role),
        "module": entry.module,
        "module_label": words.module(entry.module),
        "action": entry.action,
        "action_label": words.action(entry.action),
        "field": entry.field,
        "field_label": None if entry.field is None else words.field(entry.module, entry.field),
        "mask": entry.mask,
        "scope": grant.scope,
        "through": grant.through,
        "condition": None if grant.condition is None else words.condition(grant.condition, grant.module),
        "rows": words.rows(grant, entry.rows.via),
    }


def policy_matrix(
    configuration: Configuration,
    *,
    organisation: Directory | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> PolicyMatrix:
    """Return what each role of a configuration may do, as a matrix (POL-4).

    Nothing is read from a store, and nobody's rights are asked: it is for whoever has the configuration.

    >>> from custinfo.standard import standard_configuration
    >>> matrix = policy_matrix(standard_configuration())
    >>> [entry.action for entry in matrix.rights("finance", "customer")]
    ['view']
    >>> [row["rows"] for row in matrix.to_rows("en") if row["role"] == "finance" and row["field"] == "paid_on"]
    ['all, where Status = Won']

    Args:
        configuration: Roles, modules and grants.
        organisation: The people, for names of departments and members in conditions.
        kinds: The host's own kinds of fields, by key.
    """
    directory = organisation if organisation is not None else Organisation((), (), ())
    schema = Schema(configuration, directory, UTC, dict(kinds or {}))
    order = Order(schema)
    parts = widest(entitlements(schema))
    return PolicyMatrix(tuple(sorted(parts, key=lambda part: order(part.about))), schema)
