"""Every public verb as somebody may call it: how its arguments are drawn, and how it is carried out.

A verb that is not listed here fails `test_verbs_are_listed`: whoever adds one says how the twins call it, or why its
answer can't depend on what is stored.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import attrs

from custinfo import ANY, CLEAR, InSegment, Masked, Tagged
from custinfo.adapters.excel import export, plan_import, write_template
from custinfo.core.criteria import Compare, Contains, Criterion, Everything, OneOf, Present, StartsWith, Within
from custinfo.core.policy.grants import PSEUDO_FIELDS
from custinfo.workspace.handing_over import Successor
from custinfo.workspace.session import Session
from tests.leaks.picking import Pick
from tests.leaks.twins import ASKING, START, Twin
from tests.leaks.world import ACTIONS, ACTOR, FIELDS, OTHERS, VALUES, draw_grant

Draw = Callable[[Pick], Any]
Perform = Callable[["Side", Any], Any]


@attrs.define
class Side:
    """One twin while it is asked: its session, and what earlier answers gave."""

    twin: Twin
    kept: dict[str, Any] = attrs.field(factory=dict)

    @property
    def session(self) -> Session:
        """The session of the present call."""
        found: Session = self.kept["session"]
        return found

    def key(self, slot: int | str) -> str:
        """Return the id of a slot; a text stays as it is."""
        return self.twin.slots[slot][1] if isinstance(slot, int) else slot

    def module(self, slot: int | str) -> str:
        """Return the module of a slot."""
        return self.twin.slots[slot][0] if isinstance(slot, int) else "deal"


@attrs.frozen
class Verb:
    """How a verb is called: what it takes, and what it comes to."""

    arguments: Draw
    perform: Perform


# --- arguments

DEALS, FIRMS = (0, 1, 2, 3, 4), (5, 6)
SLOTS = (*DEALS, *FIRMS)
NOWHERE = "018f3fff-0000-7000-8000-000000000000"
NAMES = (
    *FIELDS["deal"],
    *PSEUDO_FIELDS,
    "id",
    "version",
    "firm.name",
    "firm.level",
    "firm.secret",
    "firm.owner",
    "free",
    "kind",
    "what",
)
_SLOTS = (*SLOTS, *DEALS, *DEALS, NOWHERE, "nonsense")
ENDING: Final = 15
"""The question before which shares end that last so long."""

ENDS: Final = (START + timedelta(minutes=60), START + timedelta(minutes=10 * (ASKING + ENDING)))
"""When shares end: while others act, or while the member asks."""
_VERSIONS = (ANY, ANY, ANY, 1, 2, 3)
_TAGS: tuple[Any, ...] = ((), (("kind", "x"),), (("free", "t"),), (("kind", "z"),))
_MASKS: tuple[Any, ...] = ("138****0001", Masked("138****0001"), CLEAR, None, "?")


def _slot(pick: Pick) -> Any:
    return pick.of(_SLOTS)


def _order(pick: Pick, most: int) -> list[str]:
    return [pick("", "-") + pick.of(NAMES) for _ in range(pick.number(0, most))]


_OTHER_LEAVES: Final[tuple[Criterion, ...]] = (
    Tagged("kind"),
    Tagged("kind", "x"),
    InSegment("big"),
    InSegment("known"),
    Everything(),
)


def _leaf(pick: Pick) -> Criterion:
    name = pick.of((*NAMES, *FIELDS["deal"]))
    path = tuple(name.split("."))
    values: tuple[Any, ...] = VALUES.get(path[-1], ("ann", "team", "sam", "2024-05-01"))
    match pick.number(0, 8):
        case 0:
            return Present(path)
        case 1 | 2 | 3:
            return Compare(path, "eq", pick.of(values))
        case 4:
            return Compare(path, pick("ne", "ge", "lt"), pick.of(values))
        case 5:
            return OneOf(path, tuple(values[:2]))
        case 6:
            return Within(path, days=3)
        case 7:
            text = str(values[0])[:1]
            return Contains(path, text) if pick.coin() else StartsWith(path, text)
        case _:
            return pick.of(_OTHER_LEAVES)


def criteria(pick: Pick) -> Criterion:
    """Draw a question: about any field, a reference away, tags, segments, and what connects them."""
    match pick.number(0, 5):
        case 0:
            return Everything()
        case 1 | 2:
            return _leaf(pick)
        case 3:
            return ~_leaf(pick)
        case 4:
            return _leaf(pick) & _leaf(pick)
        case _:
            return ~_leaf(pick) | _leaf(pick)


def _entry(pick: Pick, name: str) -> Any:
    if name == "firm":
        return pick(*FIRMS, *FIRMS, "Ax", "Bx", NOWHERE, CLEAR)
    if name == "owner":
        return pick("sam", "sam", "ann", "dee", "?")
    values: tuple[Any, ...] = VALUES.get(name, ("ann", "sam", "x"))
    return pick.of((*values, *values, *_MASKS))


def _values(pick: Pick) -> dict[str, Any]:
    names = pick.some((*FIELDS["deal"], "owner", "department", "what"), 1, 3)
    return {name: _entry(pick, name) for name in names}


def _created(pick: Pick) -> Any:
    values = {"name": pick.of(VALUES["name"]), **(_values(pick) if (not pick.one_in(3)) else {})}
    return values, pick.of(_TAGS), pick(None, "why")


def _raw(side: Side, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: side.key(value) if key == "firm" and isinstance(value, int) else value for key, value in values.items()
    }


# --- performing


def _records(side: Side, module: str = "deal") -> Any:
    return side.session.records(module)


def _of(slot: Any) -> Callable[[Side], Any]:
    return lambda side: _records(side, side.module(slot))


def _find(side: Side, drawn: Any) -> Any:
    criterion, order, limit, archived = drawn
    first = _records(side).find(criterion, order_by=order, limit=limit, archived=archived)
    if first.next is None:
        return first
    return first, _records(side).find(criterion, order_by=order, limit=limit, after=first.next, archived=archived)


def _search(side: Side, drawn: Any) -> Any:
    text, criterion, limit = drawn
    first = _records(side).search(text, criterion, limit=limit)
    return (
        first if first.next is None else (first, _records(side).search(text, criterion, limit=limit, after=first.next))
    )


def _on(verb: str) -> Perform:
    """Return how a verb is carried out whose arguments are a slot, positional ones and named ones."""

    def perform(side: Side, drawn: Any) -> Any:
        slot, positional, named = drawn
        taken = [_raw(side, item) if isinstance(item, dict) else item for item in positional]
        return getattr(_records(side, side.module(slot)), verb)(side.key(slot), *taken, **named)

    return perform


def _taking(*positional: Draw, **named: Draw) -> Draw:
    """Return how arguments are drawn: a slot, positional ones, and named ones."""
    return lambda pick: (
        _slot(pick),
        [item(pick) for item in positional],
        {name: item(pick) for name, item in named.items()},
    )


def _version(pick: Pick) -> Any:
    return pick.of(_VERSIONS)


def _reason(pick: Pick) -> Any:
    return pick(None, "why")


def _time(pick: Pick) -> Any:
    return START + timedelta(minutes=10 * pick.number(0, 40) - 5)


def _changing(*positional: Draw, **named: Draw) -> Draw:
    return _taking(*positional, **named, version=_version, reason=_reason)


def _nothing(pick: Pick) -> None:
    return None


def _with_whom(pick: Pick) -> Any:
    return pick("ann", "sam", "dee", ("role", "r"), ("department", "North"), "?")


def _probed(pick: Pick) -> dict[str, Any]:
    return {name: pick.of(VALUES[name]) for name in pick.some(("name", "code", "phone", "note", "secret"), 1, 4)}


def _found_alike(finder: Any, values: Mapping[str, Any]) -> Any:
    found = (*finder.pairs(), *finder.probe(values))
    return len(finder), found, [finder.explain(item, "en") for item in found]


def shared(pick: Pick) -> Any:
    """Draw with whom others share a record, how far, and until when."""
    who: tuple[Any, ...] = ("sam", "sam", "dee", ("role", "r"), ("role", "judge"), ("department", "North"))
    return pick.of(who), pick("read", "collaborate"), pick(None, None, *ENDS)


def _merged(side: Side, drawn: Any) -> Any:
    (keep, *others), taken, version, reason = drawn
    ids = [side.key(slot) for slot in others]
    take = {} if taken is None else {taken: ids[-1]}
    return _records(side, side.module(keep)).merge(side.key(keep), ids, take=take, version=version, reason=reason)


def _transferred_many(side: Side, drawn: Any) -> Any:
    """Transfer some records of both modules."""
    slots, to, reason = drawn
    return [
        _records(side, module).transfer_many(
            [side.key(slot) for slot in slots if side.module(slot) == module], to, version=ANY, reason=reason
        )
        for module in ("deal", "firm")
    ]


def _takers(pick: Pick) -> Any:
    """Return one who takes everything over, or who takes what of the deals meets a criterion, and who the rest."""
    to = pick("sam", "ann", "bob")
    return to if pick.coin() else [Successor(to, "deal", criteria(pick)), Successor(pick("sam", "ann", "bob"))]


def _handed_over(side: Side, drawn: Any) -> Any:
    leaver, to, applied = drawn
    plan = side.session.plan_hand_over(leaver, to)
    told = (plan.items, plan.counts, plan.left, plan.tasks, plan.out_of_reach)
    return (told, plan.apply()) if applied else told


def _erased(pick: Pick) -> Any:
    return pick(None, ["note"], ["name", "amount"])


def _questions(pick: Pick) -> dict[str, Any]:
    return {
        "field": pick(None, *NAMES),
        "actor": pick(None, None, "ann", "sam"),
        "channel": pick(None, None, "edit", "rule"),
        "since": pick(None, START),
        "until": pick(None, START + timedelta(minutes=90)),
    }


RECORDS: Final[dict[str, Verb | str]] = {
    "module": "a name that the caller gave",
    "get": Verb(_taking(), _on("get")),
    "find": Verb(lambda pick: (criteria(pick), _order(pick, 2), pick(None, 1, 2), pick.coin()), _find),
    "count": Verb(criteria, lambda side, drawn: _records(side).count(drawn)),
    "search": Verb(lambda pick: (pick("x", "A", "Cy", "*"), criteria(pick), pick(None, 1)), _search),
    "iterate": Verb(
        lambda pick: (criteria(pick), _order(pick, 1)),
        lambda side, drawn: list(_records(side).iterate(drawn[0], order_by=drawn[1])),
    ),
    "duplicates": Verb(
        lambda pick: (criteria(pick), _probed(pick), pick(0.0, 0.7)),
        lambda side, drawn: _found_alike(_records(side).duplicates(drawn[0], least=drawn[2]), drawn[1]),
    ),
    "resembling": Verb(
        lambda pick: (_probed(pick), pick(0.0, 0.7)),
        lambda side, drawn: _records(side).resembling(drawn[0], least=drawn[1]),
    ),
    "distribution": Verb(
        lambda pick: (pick.of(NAMES), criteria(pick), pick(None, None, "month", "day")),
        lambda side, drawn: _records(side).distribution(drawn[0], drawn[1], period=drawn[2]),
    ),
    "total": Verb(
        lambda pick: (pick("amount", "double", "firm.level", "secret"), criteria(pick)),
        lambda side, drawn: _records(side).total(*drawn),
    ),
    "totals": Verb(
        lambda pick: (pick("amount", "double", "firm.level"), pick.of(NAMES), criteria(pick)),
        lambda side, drawn: _records(side).totals(*drawn),
    ),
    "history": Verb(_taking(), _on("history")),
    "erase_person": Verb(_taking(fields=_erased, reason=lambda _: "why"), _on("erase_person")),
    "erasures": Verb(_taking(), _on("erasures")),
    "subject_access": Verb(_taking(), _on("subject_access")),
    "changes": Verb(_questions, lambda side, drawn: list(_records(side).changes(**drawn))),
    "tags": Verb(_taking(), _on("tags")),
    "as_of": Verb(_taking(_time), _on("as_of")),
    "diff": Verb(_taking(lambda pick: pick.number(0, 5), lambda pick: pick.number(0, 5)), _on("diff")),
    "create": Verb(
        _created,
        lambda side, drawn: _records(side).create(_raw(side, drawn[0]), tags=drawn[1], reason=drawn[2]),
    ),
    "update": Verb(_changing(_values), _on("update")),
    "archive": Verb(_changing(), _on("archive")),
    "restore": Verb(_changing(), _on("restore")),
    "transfer": Verb(_changing(lambda pick: pick("ann", "sam", "dee", "?")), _on("transfer")),
    "transfer_many": Verb(
        lambda pick: (pick.some((*SLOTS, NOWHERE), 1, 3), pick("dee", "sam", "?"), _reason(pick)), _transferred_many
    ),
    "tag": Verb(_changing(lambda pick: pick.of(_TAGS), remove=lambda pick: pick.of(_TAGS)), _on("tag")),
    "share": Verb(
        _changing(_with_whom, lambda pick: pick("read", "collaborate"), until=lambda pick: pick(None, None, *ENDS)),
        _on("share"),
    ),
    "unshare": Verb(_changing(_with_whom), _on("unshare")),
    "claim": Verb(_changing(), _on("claim")),
    "release": Verb(_changing(), _on("release")),
    "delete": Verb(_changing(), _on("delete")),
    "merge": Verb(
        lambda pick: (pick.some(SLOTS, 2, 3), pick(None, *FIELDS["deal"]), _version(pick), _reason(pick)), _merged
    ),
    "revert": Verb(_changing(to_version=lambda pick: pick.number(0, 4)), _on("revert")),
}

SESSION: Final[dict[str, Verb | str]] = {
    "actor": "who the host says that it is",
    "context": "for adapters: it holds the store itself, and stays on the host's side",
    "customers": "`records` of one module",
    "follow_ups": "`records` of one module",
    "records": "the verbs of `Records`",
    "approvals": "the verbs of `Approvals`",
    "configuration": "the verbs of `LiveConfiguration`",
    "access_log": "the verbs of `AccessLog`",
    "retention": "the verbs of `Retention`",
    "now": "the host's clock",
    "deputy": "who the host says that it is",
    "plan_hand_over": Verb(lambda pick: (pick(*OTHERS, "dee"), _takers(pick), pick.coin()), _handed_over),
    "changes": Verb(_nothing, lambda side, _: list(side.session.changes())),
    "changes_since": Verb(lambda pick: pick.number(1, 9), lambda side, drawn: _followed(side, drawn)),
    "explain": Verb(
        lambda pick: (
            pick.of((*ACTIONS, "update", "get", "restore", "view", "edit")),
            pick(None, *_SLOTS),
            pick(None, None, *NAMES),
        ),
        lambda side, drawn: _explained(
            side.session.explain(
                drawn[0],
                side.module(drawn[1]),
                None if drawn[1] is None else side.key(drawn[1]),
                field=drawn[2],
            )
        ),
    ),
    "simulate": Verb(
        lambda pick: (
            draw_grant(pick, "deal"),
            pick("sam", "sam", "ann", "dee"),
            pick("deal", "deal", "firm"),
            criteria(pick),
        ),
        lambda side, drawn: _simulated(
            side.session.simulate(side.session.configuration.current.with_grants(drawn[0]), *drawn[1:])
        ),
    ),
}


def _followed(side: Side, limit: int) -> Any:
    first = side.session.changes_since(limit=limit)
    return first, side.session.changes_since(first.cursor, limit=limit)


def _explained(explanation: Any) -> Any:
    return bool(explanation), explanation, explanation.text("zh")


def _simulated(simulation: Any) -> Any:
    return simulation, simulation.counts, simulation.to_markdown("en")


def _request(side: Side, drawn: Any) -> str:
    found: str = drawn if isinstance(drawn, str) else side.kept["requests"][drawn % max(1, len(side.kept["requests"]))]
    return found


def _some_request(pick: Pick) -> Any:
    return pick(0, 1, 2, 3, 4, 5, NOWHERE)


def _decision(verb: str) -> Verb:
    return Verb(
        lambda pick: (_some_request(pick), _reason(pick), pick(None, None, 1, 2)),
        lambda side, drawn: getattr(side.session.approvals, verb)(_request(side, drawn[0]), drawn[1], version=drawn[2]),
    )


def _handing_on(verb: str) -> Verb:
    return Verb(
        lambda pick: (_some_request(pick), pick("judge", ACTOR, "nobody"), _reason(pick)),
        lambda side, drawn: getattr(side.session.approvals, verb)(_request(side, drawn[0]), drawn[1], drawn[2]),
    )


def _drafted(side: Side, drawn: Any) -> Any:
    slot, values, reason, submitted = drawn
    key = None if slot is None else side.key(slot)
    approvals = side.session.approvals
    draft = approvals.draft(
        "deal" if slot is None else side.module(slot), _raw(side, values), record_id=key, reason=reason
    )
    return (draft, approvals.submit(draft.id)) if submitted else draft


def _some_part(pick: Pick) -> Any:
    return pick("to_decide", "submitted", "decided", "stuck")


APPROVALS: Final[dict[str, Verb | str]] = {
    "inbox": Verb(_nothing, lambda side, _: side.session.approvals.inbox()),
    "submitted": Verb(_nothing, lambda side, _: side.session.approvals.submitted()),
    "get": Verb(_some_request, lambda side, drawn: side.session.approvals.get(_request(side, drawn))),
    "view": "takes a request that only the library has",
    "approve": _decision("approve"),
    "reject": _decision("reject"),
    "withdraw": _decision("withdraw"),
    "send_back": _decision("send_back"),
    "take_back": _decision("take_back"),
    "remind": _decision("remind"),
    "cancel": _decision("cancel"),
    "transfer": _handing_on("transfer"),
    "delegate": _handing_on("delegate"),
    "add_signer": _handing_on("add_signer"),
    "rescue": _handing_on("rescue"),
    "resubmit": Verb(_some_request, lambda side, drawn: side.session.approvals.resubmit(_request(side, drawn))),
    "rebase": Verb(_some_request, lambda side, drawn: side.session.approvals.rebase(_request(side, drawn))),
    "submit": Verb(_some_request, lambda side, drawn: side.session.approvals.submit(_request(side, drawn))),
    "apply": Verb(_some_request, lambda side, drawn: side.session.approvals.apply(_request(side, drawn))),
    "diagram": Verb(_some_request, lambda side, drawn: side.session.approvals.diagram(_request(side, drawn))),
    "flow_diagram": "a flow of the configuration, which is no secret",
    "draft": Verb(lambda pick: (pick(None, *_SLOTS), _values(pick), _reason(pick), pick.coin()), _drafted),
    "find": Verb(_some_part, lambda side, drawn: side.session.approvals.find(drawn, limit=None)),
    "count": Verb(_some_part, lambda side, drawn: side.session.approvals.count(drawn)),
}


def _proposed(side: Side, name: str) -> Any:
    current = side.session.configuration.current
    match name:
        case "label":
            return current.change_field("deal", "name", label="L")
        case "unique":
            return current.change_field("deal", "secret", unique=True)
        case "kind":
            return current.change_field("deal", "note", kind="integer")
        case _:
            return current.change_field("firm", "secret", encrypted=True)


def _shown_plan(side: Side, drawn: str) -> Any:
    plan = side.session.configuration.plan(_proposed(side, drawn))
    return plan, plan.failing


def _undone(side: Side, _: Any) -> Any:
    return side.session.configuration.undo(side.session.configuration.current.version)


def _proposal(pick: Pick) -> str:
    return pick("label", "unique", "kind", "encrypted")


CONFIGURATIONS: Final[dict[str, Verb | str]] = {
    "current": "the configuration, which is no secret from those who work under it",
    "revisions": Verb(_nothing, lambda side, _: side.session.configuration.revisions()),
    "at": Verb(lambda pick: pick.number(0, 2), lambda side, drawn: side.session.configuration.at(drawn)),
    "plan": Verb(_proposal, _shown_plan),
    "change": Verb(
        lambda pick: (_proposal(pick), pick("refuse", "clear")),
        lambda side, drawn: side.session.configuration.change(_proposed(side, drawn[0]), failing=drawn[1]),
    ),
    "undo": Verb(_nothing, _undone),
    "refresh": Verb(lambda pick: pick("deal", "firm"), lambda side, drawn: side.session.configuration.refresh(drawn)),
}


def _file(write: Callable[[Any], Any]) -> tuple[Any, bytes]:
    file = io.BytesIO()
    report = write(file)
    return report, file.getvalue()


def _table(side: Side, drawn: Any) -> bytes:
    names, rows = drawn
    lines = [",".join(names)]
    for row in rows:
        cells = [row.get(name, "") for name in names]
        lines.append(
            ",".join(
                side.key(cell) if isinstance(cell, int) and name in ("id", "firm") else str(cell or "")
                for name, cell in zip(names, cells, strict=True)
            )
        )
    return "\n".join(lines).encode()


def _rows(pick: Pick) -> Any:
    names = ["name", *pick.some([*(key for key in FIELDS["deal"] if key != "name"), "id", "owner"], 1, 4)]
    return names, [{name: _cell(pick, name) for name in names} for _ in range(pick.number(1, 3))]


def _cell(pick: Pick, name: str) -> Any:
    if name == "id":
        return pick(*DEALS, NOWHERE, "")
    if name == "firm":
        return pick(*FIRMS, "Ax", "Bx", "")
    return pick.of((*VALUES.get(name, ("sam", "ann", "dee")), "", "138****0001", "****0000"))


def _planned(side: Side, drawn: Any) -> Any:
    table, duplicates, applied = drawn
    plan = plan_import(side.session, "deal", _table(side, table), duplicates=duplicates)
    _, errors = _file(plan.write_errors)
    told = (plan, plan.columns, plan.counts, tuple(plan.rows), plan.rejected, plan.duplicates, plan.problems, errors)
    if not applied:
        return told
    report = plan.apply()
    side.kept["batch"] = report.batch_id
    return told, report, tuple(plan.rows), _file(report.write_errors)[1]


def _exported(side: Side, drawn: Any) -> Any:
    wanted, fields, order, form = drawn
    options: Any = {"criteria": wanted, "fields": fields, "order_by": order, "references": form}
    return _file(lambda file: export(side.session, "deal", file, **options))


EXCEL: Final[dict[str, Verb | str]] = {
    "Difference": "a part of what `ExcelPlan.apply` returns",
    "ErrorForm": "settings",
    "SampleReport": "what `ExcelPlan.sample_check` returns",
    "SampledRow": "a part of what `ExcelPlan.sample_check` returns",
    "ValueDifference": "a part of what `ExcelPlan.sample_check` returns",
    "ExcelPlan": "what `plan_import` returns",
    "ExcelReport": "what `ExcelPlan.apply` returns",
    "ExportReport": "what `export` returns",
    "Limits": "settings",
    "ReferenceForm": "settings",
    "read_tables": "reads a file, and no store",
    "plan_import": Verb(lambda pick: (_rows(pick), pick("report", "exact", "create"), pick.coin()), _planned),
    "export": Verb(
        lambda pick: (
            criteria(pick),
            pick.some([*NAMES, "id"], 1, 4) if pick.coin() else None,
            _order(pick, 1),
            pick("id", "title"),
        ),
        _exported,
    ),
    "write_template": Verb(
        lambda pick: pick("deal", "firm"),
        lambda side, drawn: _file(lambda file: write_template(side.session, drawn, file)),
    ),
    "write_policy_matrix": "it takes a policy, and has no session",
    "write_subject_access": "writes what `Records.subject_access` returns",
}

_HOST = "the host's own: nobody acts"

WORKSPACE: Final[dict[str, Verb | str]] = {
    "acting_as": "gives the session in which everything else is asked",
    "run": "`acting_as`, tried again",
    "configuration": "the configuration, which is no secret",
    "open": _HOST,
    "close": _HOST,
    "reorganise": _HOST,
    "build_indexes": _HOST,
    "run_due": _HOST,
    "export_tenant": _HOST,
    "import_tenant": _HOST,
    "delete_tenant": _HOST,
    "check_integrity": _HOST,
    "deliver": _HOST,
    "undelivered": _HOST,
    "anchor": _HOST,
    "verify": _HOST,
    "rotate_keys": _HOST,
    "rotate_index": _HOST,
    "attest": _HOST,
    "changes_since": "`Session.changes_since`, in sessions of its own",
    "tenant": "a name that the host gave",
    "undo_import": Verb(
        lambda pick: pick("batch", NOWHERE),
        lambda side, drawn: side.twin.workspace.undo_import(
            side.kept.get(drawn) or NOWHERE, actor=side.twin.deputy or ACTOR
        ),
    ),
}

ACCESS_LOG: Final[dict[str, Verb | str]] = {
    "find": Verb(
        lambda pick: (pick("deal", "firm", None), pick(None, ACTOR, "ann"), pick(None, "secret")),
        lambda side, drawn: side.session.access_log.find(drawn[0], actor=drawn[1], field=drawn[2]),
    ),
}


def _due(side: Side, _: Any) -> Any:
    return {rule: number for rule, number in side.session.retention.due().items() if rule != "wiped"}


RETENTION: Final[dict[str, Verb | str]] = {
    "rules": "the configuration, which is no secret",
    "due": Verb(_nothing, _due),
    "preview": Verb(
        lambda pick: (pick("won", "guessed", "wiped"), pick(1, 2, 9), pick(None, None, NOWHERE)),
        lambda side, drawn: side.session.retention.preview(drawn[0], limit=drawn[1], after=drawn[2]),
    ),
    "apply": Verb(lambda pick: pick("won", "guessed"), lambda side, drawn: side.session.retention.apply(drawn)),
}

VERBS: Final[dict[str, dict[str, Verb | str]]] = {
    "Records": RECORDS,
    "Session": SESSION,
    "AccessLog": ACCESS_LOG,
    "Retention": RETENTION,
    "Approvals": APPROVALS,
    "LiveConfiguration": CONFIGURATIONS,
    "custinfo.adapters.excel": EXCEL,
    "Workspace": WORKSPACE,
}
"""Class or module → public name → how it is called, or why it needs no call."""

CALLS: Final = {
    f"{home}.{name}": verb for home, verbs in VERBS.items() for name, verb in verbs.items() if isinstance(verb, Verb)
}

READING: Final = frozenset(
    (
        *(
            f"Records.{name}"
            for name in (
                *("get", "find", "count", "search", "iterate", "distribution", "total", "totals", "history"),
                *("erasures", "changes", "tags", "as_of", "diff", "duplicates", "resembling"),
            )
        ),
        *(f"Session.{name}" for name in ("changes", "changes_since", "explain", "simulate")),
        *(f"Approvals.{name}" for name in ("inbox", "submitted", "get", "diagram", "find", "count")),
        *(f"LiveConfiguration.{name}" for name in ("revisions", "at", "plan", "undo")),
        *("Records.subject_access", "Retention.due", "Retention.preview"),
        *("AccessLog.find", "custinfo.adapters.excel.export", "custinfo.adapters.excel.write_template"),
    )
)
"""The verbs that change nothing: after each other one, it is looked at what the member may read by then."""

_OFTEN = (
    *(
        f"Records.{name}"
        for name in ("get", "find", "find", "history", "diff", "count", "distribution", "update", "update", "create")
    ),
    "custinfo.adapters.excel.export",
    "custinfo.adapters.excel.plan_import",
)


_PROBES = (
    *("Records.update",) * 5,
    *(f"Records.{name}" for name in ("create", "create", "claim", "release", "delete", "merge", "revert", "tag")),
    *("Approvals.draft", "custinfo.adapters.excel.plan_import", "custinfo.adapters.excel.plan_import"),
)


def draw_call(pick: Pick, *, probing: bool = False) -> tuple[str, Any]:
    """Draw a call: a verb's name, and its arguments; `probing` makes it one that changes something."""
    name = pick.of(_PROBES if probing else (*CALLS, *_OFTEN))
    return name, CALLS[name].arguments(pick)


def _sweep() -> tuple[tuple[str, Any], ...]:
    """Return the questions with which one looks at everything."""
    found: list[tuple[str, Any]] = [(f"Approvals.{name}", None) for name in ("inbox", "submitted")]
    found += [("Approvals.get", number) for number in range(3)]
    for slot in SLOTS:
        found += [(f"Records.{name}", (slot, [], {})) for name in ("get", "history", "tags", "subject_access")]
        found += [("Records.diff", (slot, [one, one + 1], {})) for one in (1, 2, 3)]
    everything = Everything()
    return (
        *found,
        ("Records.find", (everything, [], None, True)),
        ("custinfo.adapters.excel.export", (everything, None, [])),
    )


SWEEP: Final = _sweep()


__all__ = [
    "CALLS",
    "DEALS",
    "FIRMS",
    "OTHERS",
    "READING",
    "SLOTS",
    "SWEEP",
    "VERBS",
    "Side",
    "Verb",
    "criteria",
    "draw_call",
    "shared",
]
