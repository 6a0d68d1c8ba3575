"""What a diagram of a flow shows: boxes one below the other, before anybody draws them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, Literal

import attrs

from custinfo.core.approval.approvers import (
    Approver,
    DepartmentHead,
    FieldMember,
    NamedMember,
    PositionHolders,
    RoleHolders,
)
from custinfo.core.approval.flows import CountQuorum, Flow, ShareQuorum, Step, StepMode, WeightQuorum
from custinfo.core.approval.requests import Request, RequestState, Task
from custinfo.core.frozen import FrozenDict, label_in
from custinfo.core.records import MemberKey

__all__ = ["Box", "Picture", "flow_picture", "request_picture"]

Look = Literal["plain", "done", "open", "stopped", "end"]
Language = Literal["zh", "en"]


@attrs.frozen
class Box:
    """One box: its title, lines below it, how it looks, and what is written on the arrow that leads to it."""

    title: str
    lines: tuple[str, ...] = ()
    look: Look = "plain"
    arrow: str = ""


@attrs.frozen
class Picture:
    """A title, and boxes from first to last."""

    title: str
    boxes: tuple[Box, ...]


_NO_NAMES: Final[FrozenDict[str, str]] = FrozenDict()

_WORDS: Final[dict[str, dict[str, str]]] = {
    "zh": {
        "submit": "提交",
        "applied": "生效",
        "any": "或签",
        "all": "会签",
        "sequential": "依次",
        "quorum": "投票",
        "skip": "满足条件时跳过",
        "head": "{of}所在部门负责人",
        "owner": "负责人",
        "submitter": "提交人",
        "chain": "，逐级至第 {level} 级",
        "level": "，上 {level} 级",
        "role": "角色 {name}",
        "position": "岗位 {name}",
        "field": "字段 {name}",
        "hours": "{hours} 小时：{then}",
        "remind": "催办",
        "escalate": "升级",
        "expire": "过期",
        "count": "{number} 票通过",
        "share": "{number}% 通过",
        "weight": "{number} 分通过",
        "approved": "同意",
        "rejected": "拒绝",
        "closed": "无需处理",
        "presumed": "自动通过",
        "waiting": "待处理",
        "later": "未开始",
        "delegate": "征求 {name} 意见",
        "added": "加签",
        "instead": "代为审批",
    },
    "en": {
        "submit": "Submitted",
        "applied": "Takes effect",
        "any": "any of them",
        "all": "all of them",
        "sequential": "one after the other",
        "quorum": "vote",
        "skip": "skipped where its condition holds",
        "head": "head of the department of the {of}",
        "owner": "owner",
        "submitter": "submitter",
        "chain": ", up to level {level}",
        "level": ", level {level}",
        "role": "role {name}",
        "position": "position {name}",
        "field": "field {name}",
        "hours": "after {hours} h: {then}",
        "remind": "remind",
        "escalate": "escalate",
        "expire": "expire",
        "count": "passes with {number}",
        "share": "passes with {number}%",
        "weight": "passes with {number} points",
        "approved": "approved",
        "rejected": "rejected",
        "closed": "not needed",
        "presumed": "passed",
        "waiting": "waiting",
        "later": "not yet",
        "delegate": "asks {name}",
        "added": "added",
        "instead": "in place of the step",
    },
}

_STATES: Final[dict[RequestState, tuple[str, str, Look]]] = {
    "draft": ("草稿", "Draft", "plain"),
    "pending": ("生效", "Takes effect", "plain"),
    "returned": ("已退回提交人", "Returned to its submitter", "open"),
    "approved": ("已批准", "Approved", "done"),
    "applied": ("已生效", "In effect", "done"),
    "needs_rebase": ("数据已变更，需重新提交", "The record changed: propose again", "open"),
    "rejected": ("已拒绝", "Rejected", "stopped"),
    "withdrawn": ("已撤回", "Withdrawn", "stopped"),
    "expired": ("已过期", "Expired", "stopped"),
}


def flow_picture(flow: Flow, language: Language = "zh", names: Mapping[str, str] = _NO_NAMES) -> Picture:
    """Return the picture of a flow: who is asked, in which way, and by when.

    Args:
        flow: The flow.
        language: Of the words.
        names: Key of a member, role, position or field → what people call it; a key stands for itself.

    >>> from custinfo.standard import standard_configuration
    >>> flow = standard_configuration().flows["customer_lost"]
    >>> [box.title for box in flow_picture(flow, "en").boxes]
    ['Submitted', 'Department manager', 'Takes effect']
    """
    words = _WORDS[language]
    steps = [Box(step.label_in(language), tuple(_step_lines(step, words, names))) for step in flow.steps]
    end = Box(words["applied"], look="end")
    return Picture(flow.label_in(language), (Box(words["submit"], look="end"), *steps, end))


def _step_lines(step: Step, words: dict[str, str], names: Mapping[str, str]) -> Iterator[str]:
    yield _mode(step.mode, step.quorum, words)
    yield from (_approver(approver, words, names) for approver in step.approvers)
    if step.skip_when is not None:
        yield words["skip"]
    for limit in step.limits:
        yield words["hours"].format(hours=limit.hours, then=words[limit.then])


def _mode(mode: StepMode, quorum: Any, words: dict[str, str]) -> str:
    match quorum:
        case CountQuorum(number):
            return f"{words[mode]} · {words['count'].format(number=number)}"
        case ShareQuorum(number):
            return f"{words[mode]} · {words['share'].format(number=number)}"
        case WeightQuorum(pass_mark=number):
            return f"{words[mode]} · {words['weight'].format(number=number)}"
        case _:
            return words[mode]


def _approver(approver: Approver, words: dict[str, str], names: Mapping[str, str]) -> str:
    match approver:
        case NamedMember(member):
            return names.get(member, member)
        case RoleHolders(role):
            return words["role"].format(name=names.get(role, role))
        case PositionHolders(position, _):
            return words["position"].format(name=names.get(position, position))
        case FieldMember(field):
            return words["field"].format(name=names.get(field, field))
        case DepartmentHead(of, level, chain):
            far = "chain" if chain else "level" if level > 1 else None
            return words["head"].format(of=words[of]) + ("" if far is None else words[far].format(level=level))


def request_picture(
    request: Request,
    title: str,
    language: Language = "zh",
    name_of: Callable[[MemberKey], str] = str,
    shown: Collection[int] | None = None,
) -> Picture:
    """Return the picture of a request on its way: who decided, for whom it waits, and what is to come.

    Args:
        request: The request.
        title: What stands above the picture.
        language: Of the words.
        name_of: Returns what people call a member.
        shown: Numbers of the steps that are shown; all when not given.
    """
    words = _WORDS[language]
    boxes = [Box(words["submit"], (name_of(request.submitted_by),), "done")]
    for number, step in enumerate(request.steps):
        if shown is not None and number not in shown:
            continue
        own = [task for task in request.tasks if task.step == number]
        label = label_in(step.label, language, step.key)
        lines = (_mode(step.mode, step.quorum, words), *(_task(request, task, words, name_of) for task in own))
        boxes.append(Box(label, lines, _look(request, number, own)))
    chinese, english, look = _STATES[request.state]
    boxes.append(Box(chinese if language == "zh" else english, look="end" if request.state == "pending" else look))
    return Picture(title, tuple(boxes))


def _look(request: Request, number: int, tasks: list[Task]) -> Look:
    if any(task.decision == "rejected" for task in tasks) and request.state == "rejected":
        return "stopped"
    if request.state == "pending" and number == request.position:
        return "open"
    passed = number < request.position or request.state in ("approved", "applied", "needs_rebase")
    return "done" if passed else "plain"


def _task(request: Request, task: Task, words: dict[str, str], name_of: Callable[[MemberKey], str]) -> str:
    if task.delegate is not None:
        said = words["delegate"].format(name=name_of(task.delegate))
    elif task.decision is not None:
        said = words[task.decision]
    else:
        said = words["waiting" if task in request.open_tasks() else "later"]
    kind = (
        "" if task.kind == "asked" else f"（{words[task.kind]}）" if words is _WORDS["zh"] else f" ({words[task.kind]})"
    )
    return f"{name_of(task.approver)}{kind} · {said}"
