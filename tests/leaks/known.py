"""The answers that tell something after all: rows of the list in `docs/explanation/what-refusals-tell.md`, in code.

Each entry is named as its row there, and tells of two differing answers to one call whether it is that row, and
nothing else, that makes the difference. The comparison of twins excepts these and nothing else. `test_told.py` shows
each row of the list, also those that twins never meet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from typing import Any, Final

import attrs

from custinfo import Applied, AwaitingApproval, ConfigurationPlan, CustinfoError
from custinfo.adapters.excel import ExcelPlan, ExcelReport
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.revisions import Revision
from custinfo.workspace.combining import Merged
from custinfo.workspace.planned_rows import PlannedRow
from tests.leaks.answers import Answer, seen
from tests.leaks.calls import READING
from tests.leaks.twins import Key

Answers = tuple[Answer, Answer]
Predicate = Callable[["Difference"], bool]


@attrs.frozen
class Difference:
    """Two answers to one call that differ, or after which the two stores differ in what the member may read.

    `strayed` are the records about which they do, `otherwise` those about which they do in more than whom a request
    asks, and `moved` those of which the member may see more by the call.
    """

    verb: str
    drawn: Any
    answers: Answers
    strayed: frozenset[Key] = frozenset()
    moved: frozenset[Key] = frozenset()
    otherwise: frozenset[Key] = frozenset()


# --- refusals


def _problems(answer: Answer) -> list[tuple[Problem, ...]]:
    """Return what stood in the way, of an import in each row."""
    value = answer.value
    if isinstance(value, CustinfoError):
        return [value.problems]
    rows = _rows(answer)
    return [tuple(problem for problem in row.problems if problem.severity == "error") for row in rows] or [()]


def _rows(answer: Answer) -> Sequence[PlannedRow]:
    """Return the rows of an import, as they came out where it was applied."""
    parts = answer.value if isinstance(answer.value, tuple) else ()
    applied = [part for part in parts if isinstance(part, ExcelReport)]
    return next((part.rows for part in (*applied, *parts) if isinstance(part, ExcelPlan | ExcelReport)), ())


def _refused(*codes: str) -> Predicate:
    """Return whether nothing but problems with these codes makes the difference.

    Whoever gets past them meets what comes after, so that of an answer that has no other problem nothing more is asked.
    """

    def alike(one: Sequence[Problem], other: Sequence[Problem]) -> bool:
        told = one, other
        rest = [[problem for problem in problems if problem.code not in codes] for problems in told]
        return rest[0] == rest[1] or any(told[n] and not rest[n] for n in (0, 1))

    def is_it(found: Difference) -> bool:
        pairs = list(zip_longest(*map(_problems, found.answers), fillvalue=()))
        return any(one != other for one, other in pairs) and all(alike(one, other) for one, other in pairs)

    return is_it


def _gated(found: Difference) -> bool:
    """Tell whether two changes differ in what they wait for: nothing, other flows, or somebody who is not there."""
    kinds = [_gates(answer) for answer in found.answers]
    return kinds[0] != kinds[1] and all(kinds)


def _gates(answer: Answer) -> tuple[str, ...]:
    """Return what a change met on its way, of an import all rows together; nothing for what is no change."""
    value = answer.value
    if isinstance(value, CustinfoError):
        return ("nobody",) if value.code == "no_approver" else ()
    for part in value if isinstance(value, tuple) else (value,):
        if isinstance(part, AwaitingApproval):
            return ("waits", *part.request.flows)
        if isinstance(part, Applied | Merged):
            return ("applied",)
    rows = _rows(answer)
    return tuple("waits" if row.outcome == "awaiting" else "goes" for row in rows)


_WAITING: Final = re.compile(r"waiting_for=(?:tuple\[[^\]]*\]|\([^)]*\))")


def _asks_others(found: Difference) -> bool:
    """Tell whether a request asks others, whom the flow finds by what the member may not read, and nothing else."""
    bare = {_WAITING.sub("…", answer.text) for answer in found.answers}
    return bool(found.strayed) and not found.otherwise and len(bare) == 1


# --- erasure

_COUNTED: Final = re.compile(r"\b(?:changes|requests)=\d+|\bproof='[^']*'")
"""The counts of a certificate, and its proof, which is made with fresh randomness and so never twice the same."""


def _in_counts(found: Difference) -> bool:
    """Tell whether two certificates differ in the counts of what was erased, and in nothing else but the proof.

    Or whether there is something to erase, which a rule that erases tells like a certificate.
    """
    if found.verb == "Retention.preview" and found.drawn[0] == "wiped":
        return True
    bare = {_COUNTED.sub("…", answer.text) for answer in found.answers}
    return found.verb in ("Records.erase_person", "Records.erasures") and len(bare) == 1


# --- configuration

_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}")
_PLAN_CODES: Final = frozenset({"not_unique_yet", "conversion_failing", "still_in_use", "field_reserved"})


def _is_told(value: Any) -> bool:
    """Tell whether a parameter of a problem is a number, an id, or a word of the configuration."""
    return isinstance(value, int | Translated) or (isinstance(value, str) and _ID.fullmatch(value) is not None)


def _bare_plan(plan: ConfigurationPlan) -> str | None:
    """Return a plan without counts, ids and codes; `None` where what is left out has anything else in it."""
    failures = [failure for effect in plan.effects for failure in effect.failures]
    counted = [problem for problem in plan.problems if problem.code in _PLAN_CODES]
    ids = [
        *(failure.record_id for failure in failures),
        *(record_id for clash in plan.clashes for record_id in clash.record_ids),
    ]
    params = [value for problem in counted for value in problem.params.values()]
    params += [value for failure in failures for problem in failure.problems for value in problem.params.values()]
    if not all(_ID.fullmatch(item) for item in ids) or not all(map(_is_told, params)):
        return None
    effects = [(effect.module, effect.field, effect.cause) for effect in plan.effects]
    problems = [problem for problem in plan.problems if problem.code not in _PLAN_CODES]
    return seen((plan.configuration, plan.changes, effects, problems))


def _planned(answer: Answer) -> tuple[str, Any] | None:
    """Return what an answer says beside counts, ids and codes of a plan."""
    value = answer.value
    plan = value[0] if isinstance(value, tuple) else value
    if isinstance(plan, ConfigurationPlan):
        bare = _bare_plan(plan)
        return None if bare is None else ("plan", bare)
    if isinstance(value, CustinfoError):
        told = [problem for problem in value.problems if problem.code in _PLAN_CODES]
        params = [item for problem in told for item in problem.params.values()]
        if len(told) < len(value.problems) or not all(map(_is_told, params)):
            return None
        return "change", None
    if isinstance(value, Revision):
        return "change", None
    return ("count", None) if isinstance(value, int) else None


def _in_plans(found: Difference) -> bool:
    """Tell whether answers about a configuration differ in counts, ids and codes, or what they counted was changed."""
    if not found.verb.startswith("LiveConfiguration."):
        return False
    if found.answers[0] == found.answers[1]:
        return found.verb in ("LiveConfiguration.change", "LiveConfiguration.refresh")
    told = [_planned(answer) for answer in found.answers]
    return told[0] is not None and told[0] == told[1]


# --- reach


def _brought_into_reach(found: Difference) -> bool:
    """Tell whether all that differs is about records of which the member sees more by what they just did."""
    return bool(found.strayed) and found.strayed <= found.moved and found.verb not in READING


def _out_of_scope(found: Difference) -> bool:
    """Tell whether a new record is out of scope in one store, by whose the record is that it refers to."""
    return found.verb in _CREATING and _refused("scope_denied")(found)


_CREATING: Final = ("Records.create", "custinfo.adapters.excel.plan_import")

KNOWN: Final[dict[str, Predicate]] = {
    "unique": _refused("not_unique"),
    "reserved": _refused("field_reserved"),
    "transition": _refused("transition_not_allowed", "guard_not_met"),
    "state": _refused("required_in_state"),
    "rule": _refused("required_when", "date_order"),
    "owner": _refused("already_claimed"),
    "referenced": _refused("still_referenced"),
    "approval": _gated,
    "asked": _asks_others,
    "erased": _in_counts,
    "audit": lambda found: found.verb == "AccessLog.find",
    "plan": _in_plans,
    "reach": _brought_into_reach,
    "scope": _out_of_scope,
}


def excuse(found: Difference, known: Iterable[tuple[str, Predicate]] = tuple(KNOWN.items())) -> str | None:
    """Return the row of the list that a difference is; `None` for none."""
    names: Sequence[str] = [name for name, is_it in known if is_it(found)]
    return names[0] if names else None
