"""What follows from the data is in step with it, on every channel: computed fields, tags and grades by rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import attrs
import pytest

from custinfo import (
    ANY,
    Case,
    Classification,
    ConfigurationError,
    Criterion,
    Dictionary,
    DictionaryValue,
    F,
    FieldDefinition,
    Flow,
    InSegment,
    InvalidInputError,
    NamedMember,
    NotFoundError,
    Problem,
    Range,
    Segment,
    StaleVersionError,
    Step,
    Tag,
    TagDimension,
    Tagged,
    Trigger,
    Workspace,
)
from custinfo.adapters.excel import plan_import
from custinfo.adapters.memory import MemoryUnits
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.configuration import Configuration
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.defaults import Uuid7
from tests.adapters.excel.sheets_by_hand import workbook as workbook_of
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import ENTERPRISE, applied

MONEY = {"value_kind": "money", "currency": "CNY"}
GRADES = Dictionary("grade", (DictionaryValue("A", "甲"), DictionaryValue("B", "乙"), DictionaryValue("C", "丙")))
OUTSTANDING = FieldDefinition("outstanding", "computed", "未回款", formula="合同金额 - 回款金额", options=MONEY)
GRADE = FieldDefinition("grade", "choice", "价值等级", options={"dictionary": "grade"})
BONUS = FieldDefinition(
    "bonus", "computed", "提成", formula='IF(价值等级 = "A", 合同金额 * 10%, 合同金额 * 5%)', options=MONEY
)
BY_BUDGET = Classification(
    "by_budget",
    "customer",
    (Case(F.annual_budget >= 500_000, "甲"), Case(F.annual_budget >= 100_000, "B")),
    field="grade",
    otherwise="C",
)
BY_NEED = Classification(
    "by_need",
    "customer",
    (Case(F.annual_budget >= 500_000, "大客户"), Case(F.outstanding > 0, "有欠款")),
    dimension="画像",
)


def shaped() -> Configuration:
    """Return the standard configuration with a grade, two computed fields, and tags by rule."""
    return (
        standard_configuration()
        .with_dictionaries(GRADES)
        .with_fields("customer", OUTSTANDING, GRADE, BONUS)
        .with_tag_dimensions(TagDimension("画像", ("大客户", "有欠款", "老朋友")))
        .with_classifications(BY_BUDGET, BY_NEED)
    )


def opened(url: str, clock: Clock, configuration: Configuration) -> Workspace:
    """Open a workspace."""
    return Workspace.open(url, configuration, organisation=sample_organisation(), clock=clock, ids=Uuid7(clock))


@pytest.fixture
def workspace(url: str, clock: Clock) -> Iterator[Workspace]:
    """A workspace with the shaped configuration."""
    with opened(url, clock, shaped()) as found:
        yield found


DEAL = {"contract_amount": "100000", "paid_amount": "40000"}


def test_values_and_tags_follow_on_creation(workspace: Workspace) -> None:
    """A new record has its computed fields, its grade and its tags at once, and is found by them."""
    with workspace.acting_as("sunjiu") as session:
        view = applied(session.customers.create({**ENTERPRISE, **DEAL, "annual_budget": "60万"}))
        assert (view["未回款"], view["价值等级"], view["提成"]) == (Decimal(60000), "A", Decimal(10000))
        assert view.tags == {("画像", "大客户"), ("画像", "有欠款")}
        assert view.version == 1
        assert session.customers.count((F.outstanding > 50_000) & (F.grade == "甲") & Tagged("画像", "有欠款")) == 1
        assert session.customers.find(order_by="-outstanding").records[0].id == view.id


def test_they_stay_in_step(workspace: Workspace) -> None:
    """Changing what they follow from changes them in the same version, and what does not follow any more goes."""
    with workspace.acting_as("sunjiu") as session:
        view = applied(session.customers.create({**ENTERPRISE, **DEAL, "annual_budget": "60万"}))
        session.customers.tag(view.id, ("画像", "老朋友"), version=1)
        view = applied(session.customers.update(view.id, {"annual_budget": "20万", "paid_amount": "100000"}, version=2))
        assert (view["outstanding"], view["grade"], view["bonus"]) == (Decimal(0), "B", Decimal(5000))
        assert view.tags == {("画像", "老朋友")}
        view = applied(session.customers.update(view.id, {"annual_budget": "", "contract_amount": ""}, version=3))
        assert (view.get("outstanding"), view["grade"], view.get("bonus")) == (None, "C", None)
        changed = session.customers.history(view.id)[-1].fields
        assert changed["grade"] == ("B", "C")
        assert changed["outstanding"] == (Decimal(0), None)
        back = applied(session.customers.revert(view.id, to_version=1, version=4))
        assert (back["outstanding"], back["grade"]) == (Decimal(60000), "A")
        assert back.tags == {("画像", "大客户"), ("画像", "有欠款")}


@pytest.mark.parametrize("name", ["outstanding", "未回款", "grade"])
def test_nobody_writes_what_follows(workspace: Workspace, name: str) -> None:
    """Computed fields and grades by rule are read-only on creation and on update."""
    with workspace.acting_as("sunjiu") as session:
        view = applied(session.customers.create(ENTERPRISE))
        attempts: list[Callable[[], object]] = [
            lambda: session.customers.create({**ENTERPRISE, "uscc": "", "name": "x", name: "B"}),
            lambda: session.customers.update(view.id, {name: "B"}, version=1),
        ]
        for attempt in attempts:
            with pytest.raises(InvalidInputError) as caught:
                attempt()
            assert [problem.code for problem in caught.value.problems] == ["read_only_field"]


def test_nobody_assigns_a_tag_of_a_rule(workspace: Workspace) -> None:
    """A tag that a rule gives can be neither added nor removed by hand; others of the dimension can."""
    with workspace.acting_as("sunjiu") as session:
        view = applied(session.customers.create({**ENTERPRISE, "annual_budget": "60万"}))
        attempts: list[Callable[[], object]] = [
            lambda: session.customers.tag(view.id, ("画像", "有欠款"), version=1),
            lambda: session.customers.tag(view.id, remove=("画像", "大客户"), version=1),
        ]
        for attempt in attempts:
            with pytest.raises(InvalidInputError) as caught:
                attempt()
            assert [problem.code for problem in caught.value.problems] == ["tag_by_rule"]
        assert applied(session.customers.tag(view.id, ("画像", "老朋友"), version=1)).tags == {
            ("画像", "大客户"),
            ("画像", "老朋友"),
        }


def test_who_or_what_assigned_a_tag(workspace: Workspace, clock: Clock) -> None:
    """Each tag says whether a member, a rule or an import gave it, who was acting, when and why."""
    with workspace.acting_as("sunjiu") as session:
        view = applied(session.customers.create({**ENTERPRISE, "annual_budget": "60万"}, tags=("行业", "制造业")))
        created = session.customers.history(view.id)[0].at
        clock.advance(hours=1)
        session.customers.tag(view.id, ("需求", "采购设备"), version=1, reason="电话沟通")
        session.customers.update(view.id, {"address": "x"}, version=2)
        tagged = session.customers.history(view.id)[1].at
        found = [(*item.tag, item.source, item.actor, item.at, item.reason) for item in session.customers.tags(view.id)]
        assert found == [
            ("画像", "大客户", "rule", "sunjiu", created, None),
            ("行业", "制造业", "member", "sunjiu", created, None),
            ("需求", "采购设备", "member", "sunjiu", tagged, "电话沟通"),
        ]
    with workspace.acting_as("qianba") as session, pytest.raises(NotFoundError):
        session.customers.tags(view.id)


def test_an_import_derives_too(workspace: Workspace, tmp_path: Path) -> None:
    """Imported rows have what follows from them; a column of a computed field is left out with a warning."""
    path = tmp_path / "in.xlsx"
    header = ["客户名称", "客户类型", "联系人", "联系方式", "年采购预算", "合同金额", "回款金额", "未回款", "价值等级"]
    row = ["甲公司", "企业客户", "张三", "13800000001", 600000, 100, 40, 999, "丙"]
    path.write_bytes(workbook_of(header, row))
    with workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", path)
        assert [problem.code for problem in plan.problems] == ["unmapped_column", "unmapped_column"]
        report = plan.apply()
        view = session.customers.find(F.name == "甲公司").records[0]
        assert (view["outstanding"], view["grade"]) == (Decimal(60), "A")
        assert view.tags == {("画像", "大客户"), ("画像", "有欠款")}
        again = plan_import(session, "customer", path)
        assert again.counts.unchanged == 1
    workspace.undo_import(report.batch_id, actor="sunjiu")


def test_rules_of_validation_see_what_follows(url: str, clock: Clock) -> None:
    """A rule on a computed field, and a condition on a grade, hold for the values that follow from the change."""
    capped = FieldDefinition(
        "outstanding", "computed", "未回款", formula="合同金额 - 回款金额", options=MONEY, rules=(Range(minimum=0),)
    )
    configuration = (
        shaped().with_fields("customer", capped).change_field("customer", "main_business", required_when=F.grade == "A")
    )
    with opened(url, clock, configuration) as workspace, workspace.acting_as("sunjiu") as session:
        with pytest.raises(InvalidInputError) as caught:
            session.customers.create(
                {**ENTERPRISE, "contract_amount": "1", "paid_amount": "2", "annual_budget": "90万"}
            )
        assert {(problem.field, problem.code) for problem in caught.value.problems} == {
            ("outstanding", "too_small"),
            ("main_business", "required_when"),
        }
        view = applied(session.customers.create({**ENTERPRISE, "contract_amount": "2", "paid_amount": "2"}))
        with pytest.raises(InvalidInputError) as caught:
            session.customers.update(view.id, {"paid_amount": "3"}, version=1)
        assert [problem.field for problem in caught.value.problems] == ["outstanding"]


def test_a_request_holds_what_people_wrote(url: str, clock: Clock) -> None:
    """A gated change reserves no tags and grades that follow from it; they follow when it is applied."""
    flow = Flow(
        "budget", Trigger("customer", fields=("annual_budget",)), (Step("one", (NamedMember("zhaojl"),)),), "预算"
    )
    with opened(url, clock, shaped().with_flows(flow)) as workspace:
        with workspace.acting_as("sunjiu") as session:
            key = applied(session.customers.create({**ENTERPRISE, "owner": "lisi"})).id
            request = session.customers.update(key, {"annual_budget": "60万"}, version=1).request  # type: ignore[union-attr]
            assert request.fields == ("annual_budget",)
            session.customers.tag(key, ("画像", "老朋友"), version=1)
        with workspace.acting_as("zhaojl") as session:
            assert session.approvals.approve(request.id).state == "applied"
        with workspace.acting_as("sunjiu") as session:
            view = session.customers.get(key)
            assert view["grade"] == "A"
            assert view.tags == {("画像", "大客户"), ("画像", "老朋友")}


def test_a_flow_may_be_triggered_by_what_follows(url: str, clock: Clock) -> None:
    """A trigger that names a grade is about the change that leads to it, and the request holds that change."""
    flow = Flow(
        "graded", Trigger("customer", fields=("grade",), after=F.grade == "A"), (Step("one", (NamedMember("zhaojl"),)),)
    )
    with opened(url, clock, shaped().with_flows(flow)) as workspace, workspace.acting_as("sunjiu") as session:
        key = applied(session.customers.create(ENTERPRISE)).id
        applied(session.customers.update(key, {"annual_budget": "20万"}, version=1))
        request = session.customers.update(key, {"annual_budget": "60万"}, version=2).request  # type: ignore[union-attr]
        assert request.fields == ("annual_budget",)
        assert session.customers.get(key)["grade"] == "B"


def test_a_dimension_of_one_tag(url: str, clock: Clock) -> None:
    """In a dimension that takes one tag, the first case that holds gives it, and people give none."""
    configuration = (
        standard_configuration()
        .with_tag_dimensions(TagDimension("级别", ("金", "银", "铜"), single=True))
        .with_classifications(
            Classification(
                "level",
                "customer",
                (Case(F.annual_budget >= 500_000, "金"), Case(F.annual_budget >= 100_000, "银")),
                dimension="级别",
            )
        )
    )
    with opened(url, clock, configuration) as workspace, workspace.acting_as("sunjiu") as session:
        view = applied(session.customers.create({**ENTERPRISE, "annual_budget": "90万"}))
        assert view.tags == {("级别", "金")}
        with pytest.raises(InvalidInputError):
            session.customers.tag(view.id, ("级别", "铜"), version=1)
        assert applied(session.customers.update(view.id, {"annual_budget": "1"}, version=1)).tags == frozenset()


def test_records_that_refer_to_a_changed_one_follow(url: str, clock: Clock) -> None:
    """Where a rule looks at a customer through a reference, changing the customer brings its follow-ups along."""
    configuration = (
        standard_configuration()
        .with_dictionaries(GRADES)
        .with_fields("follow_up", FieldDefinition("grade", "choice", "级别", options={"dictionary": "grade"}))
        .with_classifications(
            Classification(
                "urgent", "follow_up", (Case(F.customer.status == "流失", "A"),), field="grade", otherwise="C"
            )
        )
    )
    with opened(url, clock, configuration) as workspace:
        with workspace.acting_as("lisi") as session:
            customer = applied(session.customers.create(ENTERPRISE))
            notes = {"customer": customer.id, "at": "2024-03-01", "content": "x"}
            note = applied(session.follow_ups.create(notes))
            assert note["grade"] == "C"
            request = session.customers.update(customer.id, {"status": "流失"}, version=1).request  # type: ignore[union-attr]
        with workspace.acting_as("zhaojl") as session:
            session.approvals.approve(request.id)
        with workspace.acting_as("lisi") as session:
            assert session.follow_ups.get(note.id)["grade"] == "A"
            last = session.follow_ups.history(note.id)[-1]
            assert (last.version, last.channel, dict(last.fields)) == (2, "rule", {"grade": ("C", "A")})


def test_what_changes_with_the_time_alone(url: str, clock: Clock) -> None:
    """A rule over a period is kept current by a refresh, which touches nothing else."""
    recent = Classification("fresh", "customer", (Case(F.submitted_on.within(days=30), "活跃"),), dimension="画像")
    configuration = (
        standard_configuration().with_tag_dimensions(TagDimension("画像", ("活跃",))).with_classifications(recent)
    )
    with opened(url, clock, configuration) as workspace:
        with workspace.acting_as("sunjiu") as session:
            view = applied(session.customers.create({**ENTERPRISE, "submitted_on": "2024-03-10"}))
            other = applied(
                session.customers.create({**ENTERPRISE, "uscc": "", "name": "另一家", "phone": "13900000001"})
            )
            assert view.tags == {("画像", "活跃")}
        clock.advance(days=40)
        with workspace.acting_as("admin") as session:
            assert session.configuration.refresh("customer") == 1
            assert session.configuration.refresh("customer") == 0
        with workspace.acting_as("sunjiu") as session:
            assert session.customers.get(view.id).tags == frozenset()
            assert session.customers.get(other.id).version == 1
            last = session.customers.history(view.id)[-1]
            assert (last.channel, last.actor) == ("rule", "admin")


def test_a_rule_that_comes_at_run_time(url: str, clock: Clock) -> None:
    """A new rule or formula is previewed with how many records change, and goes again with what it gave staying."""
    with opened(url, clock, standard_configuration()) as workspace:
        with workspace.acting_as("sunjiu") as session:
            for number, budget in enumerate(("60万", "20万", "")):
                own = {"name": f"公司{number}", "phone": f"1380000000{number}", "uscc": "", "annual_budget": budget}
                session.customers.create({**ENTERPRISE, **own, **(DEAL if number else {})})
        with workspace.acting_as("admin") as session:
            live = session.configuration
            plan = live.plan(shaped())
            assert [(item.field, item.cause, item.records) for item in plan.effects] == [
                ("outstanding", "derived", 2),
                ("grade", "derived", 3),
                ("bonus", "derived", 2),
                ("tags", "derived", 3),
            ]
            plan.apply(reason="分级")
        with workspace.acting_as("sunjiu") as session:
            assert session.customers.distribution("grade") == {"A": 1, "B": 1, "C": 1}
            assert session.customers.distribution("画像") == {"有欠款": 2, "大客户": 1}
        with workspace.acting_as("admin") as session:
            changed = Classification("by_budget", "customer", (Case(F.annual_budget >= 100_000, "A"),), field="grade")
            live = session.configuration
            live.change(live.current.with_classifications(changed))
        with workspace.acting_as("sunjiu") as session:
            assert session.customers.distribution("grade") == {"A": 2, None: 1}
        with workspace.acting_as("admin") as session:
            session.configuration.undo(3).apply()
        with workspace.acting_as("sunjiu") as session:
            assert session.customers.distribution("grade") == {"A": 1, "B": 1, "C": 1}


@pytest.mark.parametrize("keys", list(permutations("abc")))
def test_rules_that_look_at_tags_of_other_rules(url: str, clock: Clock, keys: tuple[str, ...]) -> None:
    """A rule sees the tags that others give, whatever the rules are called."""
    one, other, last = keys
    rules = (
        Classification(one, "customer", (Case(F.annual_budget >= 500_000, "大客户"),), dimension="画像"),
        Classification(other, "customer", (Case(Tagged("画像", "大客户"), "重点"),), dimension="关注"),
        Classification(last, "customer", (Case(Tagged("关注", "重点"), "A"),), field="grade", otherwise="C"),
    )
    configuration = attrs.evolve(shaped(), classifications=rules).with_tag_dimensions(TagDimension("关注", ("重点",)))
    with opened(url, clock, configuration) as workspace, workspace.acting_as("sunjiu") as session:
        view = applied(session.customers.create({**ENTERPRISE, "annual_budget": "60万"}))
        assert view["grade"] == "A"
        assert view.tags == {("画像", "大客户"), ("关注", "重点")}
        view = applied(session.customers.update(view.id, {"annual_budget": "20万"}, version=1))
        assert view["grade"] == "C"
        assert view.tags == frozenset()


def test_a_grade_by_tags_of_people_and_a_tag_by_the_grade(url: str, clock: Clock) -> None:
    """A rule that looks at tags waits for none that are not of the dimensions at which it looks."""
    rules = (
        Classification("grade", "customer", (Case(InSegment("friends"), "A"),), field="grade", otherwise="C"),
        Classification("care", "customer", (Case(F.grade == "A", "重点"),), dimension="关注"),
    )
    configuration = (
        attrs.evolve(shaped(), classifications=rules)
        .with_tag_dimensions(TagDimension("关注", ("重点",)))
        .with_segments(Segment("friends", "customer", Tagged("画像", "老朋友")))
    )
    with opened(url, clock, configuration) as workspace, workspace.acting_as("sunjiu") as session:
        view = applied(session.customers.create(ENTERPRISE, tags=[("画像", "老朋友")]))
        assert view["grade"] == "A"
        assert view.tags == {("画像", "老朋友"), ("关注", "重点")}


def test_a_segment_in_a_rule(url: str, clock: Clock) -> None:
    """A classification may name a segment."""
    configuration = (
        standard_configuration()
        .with_tag_dimensions(TagDimension("画像", ("重点",)))
        .with_segments(Segment("key_accounts", "customer", F.annual_budget >= 500_000, "重点客户"))
        .with_classifications(
            Classification("key", "customer", (Case(InSegment("重点客户"), "重点"),), dimension="画像")
        )
    )
    with opened(url, clock, configuration) as workspace, workspace.acting_as("sunjiu") as session:
        assert applied(session.customers.create({**ENTERPRISE, "annual_budget": "90万"})).tags == {("画像", "重点")}


WRONG: list[tuple[Any, str, str]] = [
    (FieldDefinition("x", "computed", "甲", formula="客户名称 - 1"), "formula_invalid", "x"),
    (FieldDefinition("x", "computed", "甲", formula="没有的字段 + 1"), "formula_invalid", "x"),
    (FieldDefinition("x", "computed", "甲", formula="bank_account & 1"), "formula_reveals", "x"),
    (FieldDefinition("x", "computed", "甲", formula="phone"), "formula_reveals", "x"),
    (FieldDefinition("x", "computed", "甲", formula="id_number"), "formula_invalid", "x"),
    (FieldDefinition("x", "computed", "甲", formula="甲 & 1"), "formula_invalid", "x"),
]


@pytest.mark.parametrize(("field", "code", "key"), WRONG)
def test_formulas_that_do_not_work(field: FieldDefinition, code: str, key: str, clock: Clock) -> None:
    """A formula that can't work, or that would show more than its field, is refused with the configuration."""
    with pytest.raises(ConfigurationError) as caught:
        opened("memory://", clock, standard_configuration().with_fields("customer", field))
    assert {(problem.code, problem.field) for problem in caught.value.problems} == {(code, key)}


def test_a_formula_and_a_rule_in_a_circle(clock: Clock) -> None:
    """A grade that depends on a field that depends on the grade is refused."""
    circle = Classification("by_budget", "customer", (Case(F.bonus >= 1, "A"),), field="grade")
    with pytest.raises(ConfigurationError) as caught:
        opened("memory://", clock, shaped().with_classifications(circle))
    assert caught.value.code == "formula_cycle"


@pytest.mark.parametrize(
    "criterion", [F.bank_account.is_present(), F.phone.starts_with("010"), F.id_number.is_present()]
)
def test_a_rule_does_not_show_what_is_sensitive(criterion: Criterion, clock: Clock) -> None:
    """A tag that would tell something of a sensitive or masked field is refused; a field as sensitive may."""
    tagging = Classification("r", "customer", (Case(criterion, "老朋友"),), dimension="画像")
    with pytest.raises(ConfigurationError) as caught:
        opened("memory://", clock, shaped().with_classifications(tagging))
    assert [problem.code for problem in caught.value.problems] == ["classification_reveals"]
    hidden = (
        shaped()
        .change_field("customer", "grade", sensitivity="sensitive")
        .change_field("customer", "bonus", sensitivity="sensitive")
    )
    grading = Classification("by_budget", "customer", (Case(criterion, "A"),), field="grade")
    opened("memory://", clock, hidden.with_classifications(grading)).close()


def test_a_tag_stays_the_rules_when_the_rule_is_gone(workspace: Workspace) -> None:
    """What a rule assigned under an earlier configuration is not taken for somebody's own tag."""
    with workspace.acting_as("sunjiu") as session:
        key = applied(session.customers.create({**ENTERPRISE, "annual_budget": "60万"})).id
    with workspace.acting_as("admin") as session:
        live = session.configuration
        rules = live.current.classifications.without("by_need")
        live.change(attrs.evolve(live.current, classifications=rules))
    with workspace.acting_as("sunjiu") as session:
        assert session.customers.get(key).tags == {("画像", "大客户")}
        assert [(item.tag.value, item.source) for item in session.customers.tags(key)] == [("大客户", "rule")]
        session.customers.tag(key, ("画像", "有欠款"), version=ANY)
        assert [item.source for item in session.customers.tags(key)] == ["rule", "member"]


def test_a_field_that_is_computed_from_now_on(workspace: Workspace) -> None:
    """What people had written goes, also while there is no formula yet, and comes back with undo."""
    with workspace.acting_as("sunjiu") as session:
        key = applied(session.customers.create({**ENTERPRISE, "founded_on": "2001-02-03"})).id
    with workspace.acting_as("admin") as session:
        live = session.configuration
        plan = live.plan(live.current.change_field("customer", "founded_on", kind="computed"))
        assert [(item.field, item.cause, item.records) for item in plan.effects] == [("founded_on", "derived", 1)]
        plan.apply()
    with workspace.acting_as("sunjiu") as session:
        assert session.customers.get(key).get("founded_on") is None
        assert session.customers.count(F.founded_on.contains("2001")) == 0
    with workspace.acting_as("admin") as session:
        session.configuration.undo(2).apply()
    with workspace.acting_as("sunjiu") as session:
        assert session.customers.count(F.founded_on == "2001-02-03") == 1


class Overtaken:
    """Units in which somebody else is faster, once, when records of a module are saved."""

    def __init__(self, held: Any, module: str) -> None:
        self._held = held
        self.module: str | None = module

    @contextmanager
    def begin(self, schema: Any, tenant: str) -> Iterator[Any]:
        """Begin a unit of the store."""
        with self._held.begin(schema, tenant) as unit:
            yield _OvertakenPart(unit, self)


class _OvertakenPart:
    def __init__(self, held: Any, units: Overtaken) -> None:
        self._held, self._units = held, units

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._held, name)
        return _OvertakenPart(found, self._units) if name == "records" else found

    def save(self, records: Sequence[Any]) -> None:
        """Save records, unless they are of the module."""
        if any(record.module == self._units.module for record in records):
            self._units.module = None
            raise StaleVersionError([Problem("stale_version", params={"expected": 1, "actual": 2})])
        self._held.save(records)


@pytest.mark.parametrize("address", ["memory", "sqlite"])
def test_a_change_that_was_taken_back_leaves_nothing_behind(address: str, tmp_path: Path) -> None:
    """What follows from a customer whose change failed half-way follows, in the same session, from what is stored."""
    known = standard_configuration()
    known = known.with_modules(attrs.evolve(known.modules["follow_up"], taggable=True))
    rule = Classification("watch", "follow_up", (Case(F.customer.contact_name == "王五", "关注"),), dimension="自定义")
    configuration = attrs.evolve(known, classifications=(*known.classifications.values(), rule))
    held = MemoryUnits() if address == "memory" else SqlAlchemyUnits.open(f"sqlite:///{tmp_path}/a.db")
    units = Overtaken(held, "nothing")
    workspace = Workspace(configuration, units=units, organisation=sample_organisation())
    with workspace.acting_as("lisi") as session:
        customer = applied(session.customers.create(ENTERPRISE)).id
        call = {
            "customer": customer,
            "at": "2024-03-01 10:00",
            "channel": "电话",
            "content": "问候",
            "status": "进行中",
        }
        session.follow_ups.create(call)
    with workspace.acting_as("lisi") as session:
        units.module = "follow_up"
        with pytest.raises(StaleVersionError):
            session.customers.update(customer, {"contact_name": "王五"}, version=1)
        assert session.customers.get(customer)["contact_name"] == "张三"
        assert applied(session.follow_ups.create(call)).tags == frozenset()
        session.customers.update(customer, {"contact_name": "王五"}, version=1)
        assert {view.tags for view in session.follow_ups.find().records} == {frozenset({Tag("自定义", "关注")})}
    if isinstance(held, SqlAlchemyUnits):
        held.dispose()
