"""The world in which twins live: two modules with fields of every sensitivity, people, and policies drawn at random."""

from __future__ import annotations

from typing import Any, Final, get_args

import attrs

from custinfo.core.approval.flows import DepartmentHead, Flow, NamedMember, RoleHolders, Step, Trigger
from custinfo.core.classification import Case, Classification, Segment
from custinfo.core.configuration import Configuration
from custinfo.core.criteria import Criterion, F, Tagged
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.life_cycles import LifeCycle, Transition
from custinfo.core.organisation import Assignment, Department, Deputy, Member, Organisation, Position
from custinfo.core.policy.grants import PSEUDO_FIELDS, Action, Fields, Grant, Role, Scope
from custinfo.core.retention import RetentionRule
from custinfo.core.rules import NotBefore
from custinfo.core.tags import TagDimension
from tests.leaks.picking import Pick

ACTOR: Final = "sam"
"""Whose answers are compared. Nothing else is done by them before."""

OTHERS: Final = ("ann", "bob", "cat")
"""Who may do everything, and did everything that happened before."""

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

MODULES: Final = (
    ModuleDefinition(
        "deal",
        (
            FieldDefinition("name", "text", required=True),
            FieldDefinition("code", "text", unique=True, indexed=True),
            FieldDefinition("amount", "integer", indexed=True),
            FieldDefinition("stage", "choice", indexed=True, options={"dictionary": "stage"}),
            FieldDefinition("phone", "phone", sensitivity="masked", mask="phone"),
            FieldDefinition("secret", "text", sensitivity="sensitive", log_reads=True),
            FieldDefinition("number", "text", sensitivity="sensitive", encrypted=True, unique=True, mask="last4"),
            FieldDefinition("since", "date"),
            FieldDefinition("until", "date", rules=(NotBefore("since"),)),
            FieldDefinition("note", "text", required_when=F.stage == "lost"),
            FieldDefinition("boss", "user"),
            FieldDefinition("firm", "reference", options={"module": "firm"}),
            FieldDefinition("double", "computed", formula="=amount * 2", options={"value_kind": "integer"}),
            FieldDefinition("grade", "choice", options={"dictionary": "grade"}),
        ),
        title_field="name",
        match_keys=(("code",),),
        duplicate_keys=(("name", "phone"),),
        life_cycles=(
            LifeCycle(
                "stage", (Transition("won", required=("amount",)), Transition("open"), Transition("lost", ("open",)))
            ),
        ),
    ),
    ModuleDefinition(
        "firm",
        (
            FieldDefinition("name", "text", required=True),
            FieldDefinition("level", "integer"),
            FieldDefinition("secret", "text", sensitivity="sensitive"),
        ),
        title_field="name",
    ),
)

FIELDS: Final = {module.key: tuple(module.fields) for module in MODULES}
DERIVED: Final = ("double", "grade")

VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "name": ("Ax", "Bx", "Cy"),
    "code": ("c1", "c2", "c3"),
    "amount": (10, 60, 99),
    "stage": ("open", "won", "lost"),
    "phone": ("13811110001", "13822220001", "13811110002"),
    "secret": ("s1", "s2", "s3"),
    "number": ("11110000", "22220000", "33331111"),
    "since": ("2024-01-01", "2024-02-01", "2024-03-01"),
    "until": ("2024-01-15", "2024-02-15", "2024-03-15"),
    "note": ("n1", "n2", "n3"),
    "boss": ("ann", "bob", "sam"),
    "level": (1, 2, 3),
}
"""Few values for each field, so that guesses meet them; the first two phones and numbers look alike behind a mask."""


DEPUTIES: Final = (
    Deputy("eve", ACTOR),
    Deputy("fay", ACTOR, roles=("r",)),
    Deputy("guy", ACTOR, actions=frozenset({"view", "edit", "create", "approve"})),
)
"""Who may act on behalf of the actor: in everything, in one of their roles, in some of what they may do."""


def organisation(*, judge: bool) -> Organisation:
    """Return the people: others who may do everything, the actor with deputies, and one who owns things.

    With `judge`, the actor approves.
    """
    sam = [Assignment("team", "r"), Assignment("south", "s")]
    if judge:
        sam.append(Assignment("team", "judge"))
    return Organisation(
        (
            Department("north", "North", None, "department", "ann"),
            Department("team", "Team", "north", "team", "cat"),
            Department("south", "South", None, "department", "bob"),
        ),
        tuple(Position(role, role, (role,)) for role in ("r", "s", "god", "judge")),
        (
            Member("ann", "Ann", (Assignment("north", "god"), Assignment("north", "judge"))),
            Member("bob", "Bob", (Assignment("south", "god"),)),
            Member("cat", "Cat", (Assignment("team", "god"),)),
            Member(ACTOR, "Sam", tuple(sam)),
            Member("dee", "Dee"),
            *(Member(rule.member, rule.member.title()) for rule in DEPUTIES),
        ),
        deputies=DEPUTIES,
    )


_GOD: Final = tuple(
    Grant(
        "god",
        module.key,
        frozenset(ACTIONS),
        "all",
        view=Fields.everything_but(also=tuple(module.fields)),
        edit=Fields.everything_but(also=tuple(module.fields)),
    )
    for module in MODULES
)

CONFIGURATION: Final = Configuration(
    MODULES,
    dictionaries=(
        Dictionary("stage", tuple(DictionaryValue(code, code) for code in ("open", "won", "lost"))),
        Dictionary("grade", tuple(DictionaryValue(code, code) for code in ("A", "B"))),
    ),
    tag_dimensions=(TagDimension("kind", values=("x", "y")), TagDimension("free", open=True)),
    roles=tuple(Role(key) for key in ("r", "s", "god", "judge")),
    grants=_GOD,
    flows=(
        Flow(
            "prices",
            Trigger("deal", before=F.secret == "s3", fields=("amount",)),
            (Step("judge", (RoleHolders("judge"),)),),
        ),
        Flow("phones", Trigger("deal", fields=("phone",)), (Step("judge", (RoleHolders("judge"),)),)),
        Flow(
            "losses",
            Trigger("deal", after=F.stage == "lost", fields=("stage",)),
            (Step("head", (DepartmentHead("owner"),), fallback=(NamedMember("bob"),)),),
        ),
    ),
    classifications=(Classification("grades", "deal", (Case(F.amount >= 50, "A"),), field="grade", otherwise="B"),),
    segments=(Segment("big", "deal", F.amount >= 50), Segment("known", "deal", F.secret == "s1")),
    retention=(
        RetentionRule("won", "deal", "since", 1, "archive", F.stage == "won"),
        RetentionRule("guessed", "deal", "since", 1, "archive", F.secret == "s1"),
        RetentionRule("wiped", "deal", "since", 1, "erase", fields=("note", "secret")),
    ),
)

CONDITIONS: Final[tuple[Criterion | None, ...]] = (
    None,
    None,
    None,
    F.stage == "won",
    F.amount >= 50,
    Tagged("kind", "x"),
    F.secret == "s1",
)


SCOPES: Final[tuple[Scope, ...]] = (
    *("own", "team", "department", "subtree", "all", "all", "all", "all"),
    *("departments", "shared", "shared", "pool"),
)
COMMON: Final[tuple[Action, ...]] = (
    *("view", "edit", "create", "export", "import", "archive", "tag", "transfer"),
    *("share", "claim", "release"),
)
_BLIND: Final = ("name", "owner", "department", "created_at", "updated_at", "stage", "amount", "tags")
"""What somebody may be let see who may edit everything."""


def _fields(pick: Pick, module: str) -> Fields:
    names = [*FIELDS[module], *PSEUDO_FIELDS]
    if not pick.one_in(3):
        return Fields((), everything=True, excluded=tuple(pick.some(names, 0, 5)))
    return Fields(tuple(pick.some(names, 0, 6)), pick.coin())


def _masks(pick: Pick, module: str) -> dict[str, str]:
    keys = ("phone", "number", "name", "secret") if module == "deal" else ("name", "secret")
    return {key: pick("", "full", "last4") for key in pick.some(keys, 0, 2)}


def _actions(pick: Pick) -> frozenset[Action]:
    found: set[Action] = set(pick.some(tuple(dict.fromkeys((*COMMON, *ACTIONS))), 1, 6))
    return frozenset(found | set(COMMON) if pick.coin() else found)


def draw_grant(pick: Pick, module: str, *, viewing: bool = False) -> Grant:
    """Draw a grant on a module; `viewing` makes it one that lets its holder view records."""
    actions, scope = _actions(pick), pick.of(SCOPES)
    least, most = {"departments": (1, 2), "pool": (0, 2)}.get(scope, (0, 0))
    return Grant(
        pick("r", "r", "s"),
        module,
        actions | {"view"} if viewing else actions,
        scope,
        pick(None, None, None, "firm") if module == "deal" else None,
        pick.of(CONDITIONS) if module == "deal" else None,
        _fields(pick, module),
        _fields(pick, module),
        _masks(pick, module),
        tuple(pick.some(("north", "team", "south"), least, most)),
    )


def _blind_grant(pick: Pick) -> Grant:
    """Draw a grant that lets its holder change far more than they see."""
    return Grant(
        "r",
        "deal",
        frozenset({"view", *COMMON, "merge", "delete"}),
        "all",
        view=Fields(tuple(pick.some(_BLIND, 1, 6))),
        edit=Fields.everything_but(also=FIELDS["deal"]),
    )


_MOVES: Final = Flow("moves", Trigger("deal", actions=("transfer",)), (Step("judge", (RoleHolders("judge"),)),))


def draw_policy(pick: Pick, *, blind: bool = False) -> Configuration:
    """Draw the configuration with a policy for the actor; `blind` is for one who changes what they do not see."""
    found = [_blind_grant(pick) if blind else draw_grant(pick, "deal", viewing=True)]
    found += [draw_grant(pick, "deal") for _ in range(0 if blind else pick.number(0, 3))]
    found += [draw_grant(pick, "firm") for _ in range(pick.number(0, 2))]
    flows = [*CONFIGURATION.flows.values(), *([_MOVES] if pick.one_in(3) else [])]
    return attrs.evolve(CONFIGURATION, grants=(*_GOD, *found), flows=tuple(flows))
