"""The approval machine as a diagram and as a table, made of the table that decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from custinfo.core.approval.requests import RequestState
from custinfo.core.approval.rules import RULES, By

__all__ = ["command_table", "state_diagram"]

_CLOSED: Final[tuple[RequestState, ...]] = ("applied", "rejected", "withdrawn", "expired")

_BY: Final[dict[By, str]] = {
    "submitter": "the submitter",
    "approver": "who has an open task, or was asked for an opinion on one",
    "holder": "who has an open task",
    "involved": "the submitter, and everybody who is asked",
    "administrator": "who may configure the module",
    "system": "the library itself",
}


def state_diagram() -> str:
    """Return the states of a request and what leads from one to the other, as Mermaid text."""
    lines = ["stateDiagram-v2", "    [*] --> draft", "    [*] --> pending"]
    lines += [f"    {before} --> {after}: {', '.join(names)}" for (before, after), names in _moves().items()]
    lines += [f"    {state} --> [*]" for state in _CLOSED]
    return "\n".join(lines)


def _moves() -> dict[tuple[RequestState, RequestState], list[str]]:
    moves: dict[tuple[RequestState, RequestState], list[str]] = {}
    for rule in RULES.values():
        for before in rule.states:
            for after in rule.leads_to:
                moves.setdefault((before, after), []).append(rule.command)
    return moves


def command_table() -> str:
    """Return what each command requires and where it leads, as a Markdown table."""
    return "\n".join(_rows())


def _rows() -> Iterator[str]:
    yield "| command | from | given by | what else must hold | leads to |"
    yield "|---|---|---|---|---|"
    for rule in RULES.values():
        states, after = (", ".join(f"`{state}`" for state in names) for names in (rule.states, rule.leads_to))
        yield f"| `{rule.command}` | {states} | {_BY[rule.by]} | {rule.requires or '—'} | {after} |"
