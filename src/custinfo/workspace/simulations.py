"""What a simulation found, and in words."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from custinfo.core.markdown import Cell, markdown_table
from custinfo.core.messages import DEFAULT_MESSAGES, Messages
from custinfo.core.policy.access import Verdict
from custinfo.core.records import MemberKey, ModuleKey, RecordId
from custinfo.core.review.difference import right_lines
from custinfo.core.review.members import MemberDifference
from custinfo.core.review.words import PolicyWords
from custinfo.core.schema import Schema
from custinfo.workspace.views import RecordView

__all__ = ["SimulatedRecord", "Simulation"]


@attrs.frozen
class SimulatedRecord:
    """What a member may do with one record, before and after.

    Args:
        record_id: Its id; `sample 1` for the first one that was made up.
        before: The verdict under the policy in force; `None` where it depends on what the simulating actor may not
            read, or on values that the proposed configuration would change.
        after: The verdict under the proposed policy; `None` in the same cases.
        view: The record as the member would see it, as far as the simulating actor may see it; `None` if not at all.
    """

    record_id: RecordId
    before: Verdict | None
    after: Verdict | None
    view: RecordView | None = attrs.field(repr=False)

    @property
    def told(self) -> bool:
        """Whether the verdicts may be told."""
        return self.before is not None and self.after is not None

    @property
    def changed(self) -> bool:
        """Whether anything would be different."""
        return self.before != self.after

    def gains(self) -> tuple[str, ...]:
        """Return what would be allowed and isn't: actions, and `view`, `edit` and `create` with a field.

        `mask` has the style after the field: `mask phone last4`.
        """
        return tuple(sorted(_rights(self.after) - _rights(self.before)))

    def losses(self) -> tuple[str, ...]:
        """Return what is allowed and would not be, in the same form."""
        return tuple(sorted(_rights(self.before) - _rights(self.after)))


@attrs.frozen
class Simulation:
    """What somebody would see, edit and lose under a configuration that is proposed.

    Args:
        actor: Key of the member.
        module: Key of the module.
        rights: What they gain and lose by the grants as such, all of their roles taken together.
        records: What that comes to, record by record: first those that were made up.
        more: Whether there are records beyond the limit.
    """

    actor: MemberKey
    module: ModuleKey
    rights: MemberDifference
    records: tuple[SimulatedRecord, ...]
    more: bool
    _schemas: tuple[Schema, Schema] = attrs.field(eq=False, repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """How many records: `looked_at`, seen `before` and `after`, `gained` and `lost` from sight, and `untold`."""
        told = [item for item in self.records if item.told]
        seen = [(_sees(item.before), _sees(item.after)) for item in told]
        return {
            "looked_at": len(self.records),
            "before": sum(before for before, _ in seen),
            "after": sum(after for _, after in seen),
            "gained": sum(after and not before for before, after in seen),
            "lost": sum(before and not after for before, after in seen),
            "untold": len(self.records) - len(told),
        }

    def to_markdown(self, language: str = "zh", *, messages: Messages = DEFAULT_MESSAGES) -> str:
        """Return what is gained and lost by the grants, the counts, and a line for each record that would change.

        Args:
            language: Key of a language; one that the catalogue lacks falls back to English.
            messages: The catalogue; a host passes its own to add languages.
        """
        old, new = (PolicyWords(schema, language, messages) for schema in self._schemas)
        titles = [new.word(f"difference_{name}") for name in ("member", "gains", "losses")]
        rights = (new.member(self.actor), right_lines(self.rights.gains, new), right_lines(self.rights.losses, old))
        lines = [*markdown_table(titles, [rights]), "", new.word("simulation_counts", **self.counts)]
        changed = [item for item in self.records if item.changed]
        if changed:
            titles = [new.word("simulation_record"), *titles[1:]]
            lines += ["", *markdown_table(titles, (self._row(item, new) for item in changed))]
        return "\n".join(lines)

    def _row(self, item: SimulatedRecord, words: PolicyWords) -> list[Cell]:
        sides = (item.gains(), item.losses())
        return [item.record_id, *([words.right(self.module, right) for right in side] for side in sides)]


def _sees(verdict: Verdict | None) -> bool:
    return verdict is not None and "view" in verdict.actions


def _rights(verdict: Verdict | None) -> set[str]:
    return set() if verdict is None else set(_named(verdict))


def _named(verdict: Verdict) -> Iterator[str]:
    yield from verdict.actions
    groups = (("view", verdict.readable), ("edit", verdict.editable), ("create", verdict.creatable))
    for verb, keys in groups:
        yield from (f"{verb} {key}" for key in keys)
    yield from (f"mask {key} {style}" for key, style in verdict.masked.items())
