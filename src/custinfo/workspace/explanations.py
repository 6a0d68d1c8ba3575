"""Explanations as values, and in words (POL-4)."""

from __future__ import annotations

from typing import Literal

import attrs

from custinfo.core.messages import DEFAULT_MESSAGES, Messages
from custinfo.core.policy.grants import Action, Grant
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, MemberKey, ModuleKey
from custinfo.core.review.words import PolicyWords
from custinfo.core.schema import Schema

__all__ = ["Clause", "Explanation", "GrantFinding"]

Clause = Literal["allows", "action", "scope", "condition", "rows", "untold", "field", "sensitive", "masked"]
"""What a grant comes to.

It `allows`, or the first of its clauses that fails: it doesn't name the `action`; the record isn't in its `scope`;
the `condition` doesn't hold; one of the two (`rows`), without saying which; it doesn't name the `field`; the field is
`sensitive`, and it chooses fields by a wildcard; it shows the field `masked`. `untold` means that its rows depend on
what the actor may not read.
"""


@attrs.frozen
class GrantFinding:
    """What one grant of the actor's roles says: it `allows`, or the first clause that failed.

    `inherited` is the grant on the parent from which this one follows (`ModuleDefinition.inherits`).
    """

    grant: Grant
    clause: Clause
    inherited: Grant | None = None
    _schema: Schema | None = attrs.field(default=None, eq=False, repr=False)

    def text(self, language: str | None = None, *, messages: Messages = DEFAULT_MESSAGES) -> str:
        """Return it as a line: in keys, as code has them, or with a language in the words of people."""
        grant, words = self.grant, PolicyWords(self._schema if language else None, language or "en", messages)
        condition = "" if grant.condition is None else words.condition(grant.condition, grant.module)
        text = words.word(
            "explain_finding",
            role=words.role(grant.role),
            actions=words.actions(sorted(grant.actions)),
            module=words.module(grant.module),
            rows=words.scope(grant),
            clause=words.word(f"clause_{self.clause}_of_grant", condition=condition),
        )
        if self.inherited is None:
            return text
        return words.word("explain_inherited", finding=text, module=words.module(self.inherited.module))

    def __reduce__(self) -> tuple[type[GrantFinding], tuple[Grant, Clause, Grant | None]]:
        """Leave the labels behind: a finding that was sent elsewhere reads in keys."""
        return GrantFinding, (self.grant, self.clause, self.inherited)


@attrs.frozen
class Explanation:
    """The decision on an action, and what each grant of the actor's roles had to say; true where it is allowed.

    Args:
        allowed: Whether the actor may.
        actor: Key of the member who acts.
        action: What they want to do.
        module: Key of the module.
        findings: What each grant says.
        field: The field that was asked about; `None` for the action as such.
        shown: How the actor sees the field: `readable`, `masked` or `hidden`; `None` without a record or field.
        obstacles: What else stands in the way, whoever acts: that a field is computed, or retired.
    """

    allowed: bool
    actor: MemberKey
    action: Action
    module: ModuleKey
    findings: tuple[GrantFinding, ...]
    field: FieldKey | None = None
    shown: str | None = None
    obstacles: tuple[Problem, ...] = ()
    _schema: Schema | None = attrs.field(default=None, eq=False, repr=False)

    def __bool__(self) -> bool:
        return self.allowed

    def __str__(self) -> str:
        return self.text()

    def text(self, language: str | None = None, *, messages: Messages = DEFAULT_MESSAGES) -> str:
        """Return the decision and its reasons, a line each: in keys, as code has them, or in the words of people.

        Args:
            language: Key of a language, such as `zh` or `en`; keys in English sentences when not given.
            messages: The catalogue; a host passes its own to add languages.
        """
        words = PolicyWords(self._schema if language else None, language or "en", messages)
        lines = [self._head(words)]
        if self.shown is not None and not self._is_partial:
            lines.append(f"  {words.word(f'explain_{self.shown}')}")
        lines += [f"  {problem.text(words.language, messages=messages)}" for problem in self.obstacles]
        lines += [f"  {finding.text(language, messages=messages)}" for finding in self.findings]
        return "\n".join(lines if self.findings else [*lines, f"  {words.word('explain_no_grant')}"])

    @property
    def _is_partial(self) -> bool:
        return self.action == "view" and self.shown == "masked"

    def _head(self, words: PolicyWords) -> str:
        params = {
            "who": words.member(self.actor),
            "what": words.action(self.action),
            "module": words.module(self.module),
            "field": "" if self.field is None else words.field(self.module, self.field),
        }
        code = "explain_part" if self._is_partial else "explain_may" if self.allowed else "explain_may_not"
        return words.word(code if self.field is None else f"{code}_field", **params)

    def __reduce__(self) -> tuple[type[Explanation], tuple[object, ...]]:
        """Leave the labels behind: an explanation that was sent elsewhere reads in keys."""
        names = [field.name for field in attrs.fields(Explanation) if field.name != "_schema"]
        return Explanation, tuple(getattr(self, name) for name in names)
