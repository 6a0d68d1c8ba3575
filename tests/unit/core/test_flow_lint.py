"""What `lint` finds odd about a flow, given the people that there are."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from custinfo.core.approval.approvers import DepartmentHead, FieldMember, NamedMember, RoleHolders
from custinfo.core.approval.flows import CountQuorum, Flow, Step, TimeLimit, Trigger, WeightQuorum
from custinfo.core.approval.linting import lint
from custinfo.core.criteria import Everything, F
from custinfo.standard import sample_organisation, standard_configuration

PEOPLE = sample_organisation()
LEAD, HEAD, DATA, SENIOR = (NamedMember(key) for key in ("zhangsan", "zhaojl", "sunjiu", "zhoushi"))
NOBODY = RoleHolders("auditor")


def flow(*steps: Step, **settings: Any) -> Flow:
    """Return a flow of steps."""
    return Flow("f", Trigger("customer"), steps, **settings)


def asks(key: str, *approvers: Any, **settings: Any) -> Step:
    """Return a step."""
    return Step(key, approvers, **settings)


def escalating(key: str, asked: Any, *chain: Any) -> Step:
    """Return a step that escalates, a day after each other."""
    return asks(key, asked, limits=tuple(TimeLimit(24 * (day + 1), "escalate", (to,)) for day, to in enumerate(chain)))


def found(subject: Flow) -> list[tuple[str, str | None]]:
    """Return code and step of what is found."""
    problems = lint(subject, PEOPLE)
    assert {problem.severity for problem in problems} <= {"warning"}
    return [(problem.code, str(problem.params["step"]) if "step" in problem.params else None) for problem in problems]


FINE = {
    "one after the other": flow(asks("a", LEAD), asks("b", HEAD)),
    "everybody anew": flow(asks("a", LEAD), asks("b", LEAD), repeated="each"),
    "another one in between": flow(asks("a", LEAD), asks("b", HEAD), asks("c", LEAD), repeated="adjacent"),
    "an earlier one may be skipped": flow(asks("a", LEAD, skip_when=F.status == "高潜"), asks("b", LEAD)),
    "an earlier one may be decided by others": flow(escalating("a", LEAD, HEAD), asks("b", LEAD)),
    "one of two decided": flow(asks("a", LEAD, HEAD), asks("b", LEAD)),
    "all of them, and one more": flow(asks("a", LEAD, HEAD, mode="all"), asks("b", LEAD, DATA, mode="all")),
    "found by the record": flow(asks("a", FieldMember("keeper")), asks("b", DepartmentHead())),
    "up the ladder": flow(escalating("a", LEAD, HEAD, SENIOR), escalating("b", HEAD, SENIOR)),
    "two ladders to one": flow(escalating("a", LEAD, SENIOR), escalating("b", HEAD, SENIOR)),
    "from the head to a name": flow(escalating("a", DepartmentHead(), SENIOR)),
    "fallback": flow(asks("a", LEAD, fallback=(SENIOR,))),
}


@pytest.mark.parametrize("name", FINE)
def test_nothing_is_odd(name: str) -> None:
    """What works as meant is not spoken of."""
    assert found(FINE[name]) == []


ODD: dict[str, tuple[Flow, list[tuple[str, str | None]]]] = {
    "always skipped": (
        flow(asks("a", LEAD, skip_when=Everything()), asks("b", HEAD)),
        [("step_never_reached", "a")],
    ),
    "approved before": (flow(asks("a", LEAD, HEAD, mode="all"), asks("b", LEAD)), [("step_never_reached", "b")]),
    "approved just before": (
        flow(asks("a", LEAD), asks("b", LEAD), repeated="adjacent"),
        [("step_never_reached", "b")],
    ),
    "enough of a vote before": (
        flow(
            asks("a", LEAD, HEAD, mode="all"),
            asks("b", LEAD, HEAD, DATA, mode="quorum", quorum=WeightQuorum((30, 35, 35), 60)),
        ),
        [("step_never_reached", "b")],
    ),
    "nobody, and passed": (
        flow(asks("a", NOBODY, nobody="pass"), asks("b", LEAD)),
        [("role_without_holders", "a"), ("step_always_passed", "a")],
    ),
    "no decision at all": (
        flow(asks("a", NOBODY, nobody="pass")),
        [("role_without_holders", "a"), ("step_always_passed", "a"), ("flow_without_decision", None)],
    ),
    "fallback without holders": (flow(asks("a", LEAD, fallback=(NOBODY,))), [("role_without_holders", "a")]),
    "veto without holders": (flow(asks("a", LEAD, veto=(NOBODY,))), [("role_without_holders", "a")]),
    "no end": (
        flow(asks("a", LEAD, HEAD, mode="quorum", quorum=CountQuorum(3))),
        [("quorum_out_of_reach", "a")],
    ),
    "no end by fields": (
        flow(asks("a", FieldMember("keeper"), mode="quorum", quorum=CountQuorum(2))),
        [("quorum_out_of_reach", "a")],
    ),
    "escalates to nobody": (flow(escalating("a", LEAD, NOBODY)), [("escalation_nowhere", "a")]),
    "escalates to the same": (flow(escalating("a", LEAD, LEAD)), [("escalation_circle", "a")]),
    "escalates to the same head": (
        flow(escalating("a", DepartmentHead(), DepartmentHead())),
        [("escalation_circle", "a")],
    ),
    "there and back": (flow(escalating("a", LEAD, HEAD, LEAD)), [("escalation_circle", "a")]),
    "across two steps": (
        flow(escalating("a", LEAD, HEAD), escalating("b", HEAD, LEAD)),
        [("escalation_circle", "a"), ("escalation_circle", "b")],
    ),
    "across three steps": (
        flow(
            escalating("a", LEAD, HEAD), escalating("b", HEAD, SENIOR), escalating("c", SENIOR, LEAD), asks("d", DATA)
        ),
        [("escalation_circle", "a"), ("escalation_circle", "b"), ("escalation_circle", "c")],
    ),
    "across steps by heads": (
        flow(escalating("a", DepartmentHead(), SENIOR), escalating("b", SENIOR, DepartmentHead())),
        [("escalation_circle", "a"), ("escalation_circle", "b")],
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_is_found(name: str) -> None:
    """Each kind of oddity is found where it is, and nothing else."""
    subject, expected = ODD[name]
    assert found(subject) == expected


def test_messages_name_the_step() -> None:
    """Both languages call flow and step what people call them."""
    step = attrs.evolve(asks("a", LEAD, HEAD, mode="all"), label={"zh": "会签", "en": "Board"})
    again = attrs.evolve(asks("b", LEAD), label={"zh": "复核", "en": "Check"})
    (problem,) = lint(flow(step, again, label={"zh": "预算", "en": "Budget"}), PEOPLE)
    assert problem.message("zh") == "预算 的步骤 复核 永远不会到达：其审批人此前都已同意，不再询问"
    assert problem.message("en") == (
        "the step Check of Budget is never reached: whoever it asks has approved before, and is not asked again"
    )


def test_the_standard_flows_are_fine() -> None:
    """Nothing is odd about what custinfo ships."""
    assert [lint(item, PEOPLE) for item in standard_configuration().flows.values()] == [(), (), ()]
