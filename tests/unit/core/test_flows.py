"""Approval flows as data."""

from __future__ import annotations

import pickle

from custinfo.core.approval.flows import (
    APPROVER_TYPES,
    DepartmentHead,
    FieldMember,
    Flow,
    NamedMember,
    PositionHolders,
    RoleHolders,
    Step,
    Trigger,
)
from custinfo.core.criteria import F


def test_defaults() -> None:
    """A flow gates updates of any field, asks any one approver, and lets nobody decide about their own change."""
    flow = Flow("f", Trigger("m"), (Step("s", (NamedMember("u"),)),))
    assert (flow.trigger.actions, flow.trigger.fields, flow.trigger.before, flow.trigger.after) == (
        ("update",),
        (),
        None,
        None,
    )
    assert (flow.steps[0].mode, flow.steps[0].fallback) == ("any", ())
    assert (flow.allow_own, flow.version) == (False, 1)
    assert DepartmentHead() == DepartmentHead("owner", 1)


def test_labels() -> None:
    """A flow has labels, and its key where it has none."""
    assert Flow("f", Trigger("m"), (), "流程").label_in("zh") == "流程"
    assert Flow("f", Trigger("m"), ()).label_in("zh") == "f"


def test_approvers_have_names() -> None:
    """Each way to choose approvers has the name that JSON uses."""
    assert {
        "member": NamedMember,
        "role": RoleHolders,
        "position": PositionHolders,
        "department_head": DepartmentHead,
        "field": FieldMember,
    } == APPROVER_TYPES


def test_flows_are_values() -> None:
    """Flows hash and pickle."""
    flow = Flow("f", Trigger("m", after=F.a == "x"), (Step("s", (RoleHolders("r"),), mode="all"),))
    assert pickle.loads(pickle.dumps(flow)) == flow
    assert len({flow, flow}) == 1
