"""The parts of a policy in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from custinfo.core.criteria.describe import Language, PlainWords, Words, describe
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.errors import InvalidInputError
from custinfo.core.messages import DEFAULT_MESSAGES, Messages
from custinfo.core.policy.grants import Grant
from custinfo.core.records import FieldKey, MemberKey, ModuleKey
from custinfo.core.schema import Schema
from custinfo.core.vocabulary import SchemaWords

__all__ = ["PolicyWords"]

_KEYS: Final = "en"
"""The language of what has no word in a catalogue, where keys stand for labels."""


@attrs.frozen
class PolicyWords:
    """Call roles, modules, fields, scopes and conditions what people call them.

    Args:
        schema: The configuration and the people; without it, everything is called by its key.
        language: Key of a language; an unknown one falls back to English.
        messages: The catalogue; a host passes its own to add languages.
    """

    schema: Schema | None
    language: str = _KEYS
    messages: Messages = DEFAULT_MESSAGES

    def word(self, code: str, **params: object) -> str:
        """Return a text of the catalogue."""
        return self.messages.render(code, params, self.language)

    def member(self, key: MemberKey) -> str:
        """Return the name of a member."""
        member = self.schema.directory.member(key) if self.schema is not None else None
        return key if member is None else member.name

    def department(self, key: str) -> str:
        """Return the name of a department."""
        department = self.schema.directory.department(key) if self.schema is not None else None
        return key if department is None else department.name

    def role(self, key: str) -> str:
        """Return the label of a role."""
        role = self.schema.configuration.roles.get(key) if self.schema is not None else None
        return key if role is None else role.label_in(self.language)

    def module(self, key: ModuleKey) -> str:
        """Return the label of a module."""
        module = self.schema.configuration.modules.get(key) if self.schema is not None else None
        return key if module is None else module.label_in(self.language)

    def action(self, key: str) -> str:
        """Return what an action is called."""
        return key if self.schema is None else self._known(f"action_{key}", key)

    def actions(self, keys: Iterable[str]) -> str:
        """Return what several actions are called."""
        return self.word("list_separator").join(map(self.action, keys))

    def field(self, module: ModuleKey, key: FieldKey) -> str:
        """Return the label of a field, or of what every record has beside its fields."""
        known = self.schema.modules.get(module) if self.schema is not None else None
        if known is None:
            return key
        return self.word(f"field_{key}") if key in ("tags", "shares") else known.label(key, self.language)

    def right(self, module: ModuleKey, right: str) -> str:
        """Return an action, or what may be done to a field, written as `view phone` or `mask phone last4`."""
        verb, _, rest = right.partition(" ")
        key, _, style = rest.partition(" ")
        what = self.word("matrix_masked", mask=self.mask(style)) if style else self.action(verb)
        return self.word("right_field", what=what, field=self.field(module, key)) if key else what

    def fields(self, module: ModuleKey, keys: Iterable[FieldKey]) -> str:
        """Return the labels of several fields."""
        return self.word("list_separator").join(self.field(module, key) for key in keys)

    def mask(self, style: str) -> str:
        """Return what a style of masks is called."""
        return style if self.schema is None else self._known(f"mask_{style}", style)

    def rows(self, grant: Grant, via: Iterable[FieldKey] = ()) -> str:
        """Return which records a grant is about, its scope and its condition; or those that refer to them by `via`."""
        text = self.scope(grant)
        if grant.condition is not None:
            text = self.word("rows_where", rows=text, condition=self.condition(grant.condition, grant.module))
        return self.word("rows_through", rows=text, reference=self.module(grant.module)) if tuple(via) else text

    def scope(self, grant: Grant) -> str:
        """Return whose records a grant is about."""
        text = grant.scope if self.schema is None else self._known(f"scope_{grant.scope}", grant.scope)
        if grant.departments:
            names = self.word("list_separator").join(map(self.department, grant.departments))
            text = self.word("rows_of_departments", rows=text, departments=names)
        if grant.through is None or grant.scope == "all":
            return text
        return self.word("rows_through", rows=text, reference=self.field(grant.module, grant.through))

    def condition(self, criterion: Criterion, module: ModuleKey) -> str:
        """Return a condition on the records of a module."""
        language: Language = "zh" if self.language == "zh" else "en"
        known = self.schema.modules.get(module) if self.schema is not None else None
        words: Words = PlainWords()
        if known is not None and self.schema is not None:
            words = SchemaWords(self.schema, known, language)
        try:
            return describe(criterion, words, language)
        except (InvalidInputError, LookupError):  # one that does not fit the module is shown as it is written
            return describe(criterion, PlainWords(), language)

    def _known(self, code: str, otherwise: str) -> str:
        text = self.word(code)
        return otherwise if text == code else text
