"""Changing the configuration while it is in use: previewed, applied, undone, and known to everybody at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from custinfo import (
    ANY,
    ConfigurationPlan,
    ConflictError,
    F,
    FieldDefinition,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    Report,
    Tagged,
    Workspace,
)
from custinfo.adapters.excel import plan_import
from custinfo.core.approval.flows import Flow, NamedMember, Step, Trigger
from custinfo.core.classification import Case, Classification
from custinfo.core.fields import ModuleDefinition
from custinfo.core.policy.grants import ALL_FIELDS, Action, Fields, Grant
from custinfo.core.records import Tag
from custinfo.standard import sample_organisation, standard_configuration
from tests.adapters.excel.sheets_by_hand import workbook as workbook_of
from tests.unit.workspace.story import ENTERPRISE, applied


def customers(workspace: Workspace, *values: dict[str, Any], tags: Any = ()) -> list[str]:
    """Create a customer for each of `values` on top of the usual ones, and return their ids."""
    ids: list[str] = []
    with workspace.acting_as("sunjiu") as session:
        for number, own in enumerate(values):
            basics = {**ENTERPRISE, "name": f"公司{number}", "phone": f"1380000{number:04}"}
            basics.pop("uscc", None)
            ids.append(applied(session.customers.create({**basics, **own}, tags=tags)).id)
    return ids


def values_of(workspace: Workspace, ids: list[str], field: str) -> list[Any]:
    """Return the values of a field as a senior administrator sees them."""
    with workspace.acting_as("zhoushi") as session:
        return [session.customers.get(key).get(field) for key in ids]


def change(workspace: Workspace, key: str, *, failing: Any = "refuse", **attributes: Any) -> ConfigurationPlan:
    """Change a field of customers as the system administrator, and return the plan that did it."""
    with workspace.acting_as("admin") as session:
        live = session.configuration
        plan = live.plan(live.current.change_field("customer", key, **attributes))
        plan.apply(reason="按需调整", failing=failing)
        return plan


def effects(plan: ConfigurationPlan) -> list[tuple[str, str, int, int]]:
    """Return (field, cause, records, failing) of each effect."""
    return [(effect.field, effect.cause, effect.records, effect.failing) for effect in plan.effects]


def test_a_field_is_added_relabelled_retired_and_restored(workspace: Workspace) -> None:
    """A field lives its whole life at run time, and its data stays through all of it."""
    with workspace.acting_as("admin") as session:
        live = session.configuration
        floor = FieldDefinition("floor_area", "integer", {"zh": "建筑面积", "en": "Floor area"})
        assert live.change(live.current.with_fields("customer", floor), reason="新需求").version == 2
    [key] = customers(workspace, {"建筑面积": "1,200"})
    change(workspace, "floor_area", label={"zh": "使用面积", "en": "Usable area"})
    with workspace.acting_as("sunjiu") as session:
        assert session.customers.get(key)["使用面积"] == 1200
        with pytest.raises(InvalidInputError) as caught:
            session.customers.update(key, {"建筑面积": "3"}, version=1)
        assert caught.value.code == "unknown_field"
    change(workspace, "floor_area", retired=True)
    with workspace.acting_as("sunjiu") as session:
        assert session.customers.get(key)["floor_area"] == 1200
        applied(session.customers.update(key, {"address": "新址"}, version=1))
        with pytest.raises(InvalidInputError) as caught:
            session.customers.update(key, {"floor_area": "3"}, version=2)
        assert caught.value.code == "retired_field"
    change(workspace, "floor_area", retired=False)
    with workspace.acting_as("sunjiu") as session:
        assert applied(session.customers.update(key, {"floor_area": "3"}, version=2))["floor_area"] == 3


def test_fields_are_reordered(workspace: Workspace) -> None:
    """The order in which people see fields is a change like any other."""
    with workspace.acting_as("admin") as session:
        live = session.configuration
        plan = live.plan(live.current.reorder_fields("customer", "phone", "name"))
        assert [(item.part, item.key, item.attributes) for item in plan.changes] == [("module", "customer", ("order",))]
        plan.apply()
        assert list(live.current.modules["customer"].fields)[:3] == ["phone", "name", "customer_type"]
    assert list(workspace.configuration.modules["customer"].fields)[:2] == ["name", "customer_type"]
    with workspace.acting_as("admin"):
        assert list(workspace.configuration.modules["customer"].fields)[:2] == ["phone", "name"]


def test_who_when_and_why(workspace: Workspace) -> None:
    """Each version says who made it, when and why; the first is what the host's code gave."""
    change(workspace, "address", label="公司地址")
    with workspace.acting_as("admin") as session:
        first, second = session.configuration.revisions()
        assert (first.version, first.actor, first.reason) == (1, None, None)
        assert (second.version, second.actor, second.reason, second.undone) == (2, "admin", "按需调整", None)
        assert first.at == second.at < session.now()
        assert session.configuration.at(1) == standard_configuration()
        assert session.configuration.at(2) == session.configuration.current
        with pytest.raises(NotFoundError):
            session.configuration.at(3)


def test_what_nobody_changed_is_not_undone(workspace: Workspace) -> None:
    """Before the first change at run time there is no version to go back to."""
    with workspace.acting_as("admin") as session:
        current = session.configuration.current
        with pytest.raises(NotFoundError):
            session.configuration.undo(current.version)
        assert session.configuration.current == current


def test_of_two_administrators_one_is_told(workspace: Workspace) -> None:
    """Whoever changes a version that is no longer in force is refused, with their plan and without it."""
    with workspace.acting_as("admin") as session:
        mine = session.configuration.current.change_field("customer", "address", label="地址一")
        stale = session.configuration.plan(
            session.configuration.current.change_field("customer", "email", label="信箱")
        )
        session.configuration.change(mine)
        for late in (lambda: session.configuration.plan(mine), stale.apply, lambda: session.configuration.undo(1)):
            with pytest.raises(ConflictError) as caught:
                late()
            assert caught.value.code == "configuration_changed"
            assert dict(caught.value.problems[0].params) == {"expected": 1, "actual": 2}
        assert session.configuration.current.modules["customer"].fields["email"].label["zh"] == "邮箱"


def test_every_workspace_goes_on_under_the_new_version(tmp_path: Path) -> None:
    """Another process sees the change in its next session; one that writes under the old version is told."""
    url = f"sqlite:///{tmp_path}/customers.db"
    settings: dict[str, Any] = {"organisation": sample_organisation()}
    with (
        Workspace.open(url, standard_configuration(), **settings) as one,
        Workspace.open(url, standard_configuration(), **settings) as other,
    ):
        [key] = customers(one, {"address": "12"})
        assert values_of(other, [key], "address") == ["12"]
        change(one, "address", kind="integer")
        assert values_of(other, [key], "address") == [12]
        assert other.configuration.version == 2
        [second] = customers(other, {"name": "另一家", "phone": "13900000000", "address": "７"})
        assert values_of(one, [second], "address") == [7]


def test_a_change_of_kind_is_previewed_applied_and_undone(workspace: Workspace) -> None:
    """The preview counts what converts and says what doesn't, and why; undoing gives every value back."""
    given = ["12", "1,234", "约 30", None, "12.0", "x"]
    ids = customers(workspace, *[{"address": text} if text else {} for text in given])
    with workspace.acting_as("admin") as session:
        live = session.configuration
        plan = live.plan(live.current.change_field("customer", "address", kind="integer"))
        assert effects(plan) == [("address", "converted", 5, 2)]
        assert [(item.record_id, [problem.code for problem in item.problems]) for item in plan.effects[0].failures] == [
            (ids[2], ["invalid_number"]),
            (ids[5], ["invalid_number"]),
        ]
        with pytest.raises(InvalidInputError) as caught:
            plan.apply()
        assert [(item.code, item.field, item.params["count"]) for item in caught.value.problems] == [
            ("conversion_failing", "address", 2)
        ]
        assert live.current.version == 1
    assert values_of(workspace, ids, "address") == given
    change(workspace, "address", kind="integer", failing="clear")
    assert values_of(workspace, ids, "address") == [12, 1234, None, None, 12, None]
    with workspace.acting_as("sunjiu") as session:
        assert [view.id for view in session.customers.find(F.address >= 1000).records] == [ids[1]]
        last = session.customers.history(ids[2])[-1]
        assert (last.channel, last.reason, dict(last.fields), last.configuration_version) == (
            "configuration", "按需调整", {"address": ("约 30", None)}, 2,
        )  # fmt: skip
        assert session.customers.as_of(ids[1], session.customers.history(ids[1])[0].at)["address"] == "1,234"
        applied(session.customers.update(ids[0], {"address": 99}, version=2))
    with workspace.acting_as("admin") as session:
        undoing = session.configuration.undo(2)
        assert effects(undoing) == [("address", "converted", 1, 0), ("address", "restored", 4, 0)]
        assert undoing.apply(reason="改回").undone == 2
    assert values_of(workspace, ids, "address") == ["99", "1,234", "约 30", None, "12.0", "x"]
    assert workspace.configuration.modules["customer"].fields["address"].kind == "text"
    with workspace.acting_as("sunjiu") as session:
        assert [dict(item.fields)["address"] for item in session.customers.history(ids[0])] == [
            (None, "12"), ("12", 12), (12, 99), (99, "99"),
        ]  # fmt: skip


CONVERSIONS: list[tuple[dict[str, Any], dict[str, Any], list[tuple[Any, Any]]]] = [
    ({"kind": "text"}, {"kind": "date"}, [("2024/3/5", date(2024, 3, 5)), ("2024年3月", None)]),
    ({"kind": "date"}, {"kind": "text"}, [("2024-03-05", "2024-03-05")]),
    ({"kind": "datetime"}, {"kind": "date"}, [("2024-03-05 23:30", date(2024, 3, 5))]),
    ({"kind": "decimal"}, {"kind": "integer"}, [("3", 3), ("3.5", None)]),
    ({"kind": "integer"}, {"kind": "money", "options": {"currency": "CNY"}}, [("12", Decimal(12))]),
    ({"kind": "money", "options": {"currency": "CNY"}}, {"kind": "decimal"}, [("¥1,200.50", Decimal("1200.5"))]),
    ({"kind": "money", "options": {"currency": "CNY"}}, {"kind": "text"}, [("1200.5", "1200.50")]),
    ({"kind": "boolean"}, {"kind": "text"}, [("Y", "是"), ("否", "否")]),
    ({"kind": "text"}, {"kind": "boolean"}, [("是", True), ("也许", None)]),
    ({"kind": "text"}, {"kind": "choice", "options": {"dictionary": "source"}}, [("展会", "展会"), ("月球", None)]),
    ({"kind": "choice", "options": {"dictionary": "industry"}}, {"kind": "text"}, [("电子", "制造业-电子")]),
    (
        {"kind": "choice", "options": {"dictionary": "industry"}},
        {"kind": "multiple_choice", "options": {"dictionary": "industry"}},
        [("电子", ("电子",))],
    ),
    (
        {"kind": "multiple_choice", "options": {"dictionary": "industry"}},
        {"kind": "choice", "options": {"dictionary": "industry"}},
        [("电子", "电子"), ("电子、农业", None)],
    ),
    ({"kind": "text"}, {"kind": "phone"}, [("+86 138 0000 0009", "13800000009"), ("12", None)]),
    ({"kind": "text"}, {"kind": "user"}, [("李四", "lisi"), ("无名氏", None)]),
]


@pytest.mark.parametrize(("old", "new", "pairs"), CONVERSIONS)
def test_conversions(workspace: Workspace, old: Any, new: Any, pairs: list[tuple[str, Any]]) -> None:
    """Values go from one kind to another as people would expect; those that have no place are told."""
    with workspace.acting_as("admin") as session:
        live = session.configuration
        live.change(live.current.with_fields("customer", FieldDefinition("trial", label="试用", **old)))
    ids = customers(workspace, *[{"trial": raw} for raw, _ in pairs])
    before = values_of(workspace, ids, "trial")
    assert None not in before
    plan = change(workspace, "trial", failing="clear", **{"options": {}, **new})
    failing = sum(value is None for _, value in pairs)
    assert effects(plan) == [("trial", "converted", len(pairs), failing)]
    assert values_of(workspace, ids, "trial") == [value for _, value in pairs]
    with workspace.acting_as("admin") as session:
        session.configuration.undo(3).apply()
    assert values_of(workspace, ids, "trial") == before


def test_reverting_across_a_conversion(workspace: Workspace) -> None:
    """A value of a former kind comes back as one of the present kind, or is refused where there is none."""
    ids = customers(workspace, {"address": "12"}, {"address": "x"})
    change(workspace, "address", kind="integer", failing="clear")
    with workspace.acting_as("sunjiu") as session:
        applied(session.customers.update(ids[0], {"address": 5}, version=2))
        assert applied(session.customers.revert(ids[0], to_version=1, version=3))["address"] == 12
        with pytest.raises(InvalidInputError) as caught:
            session.customers.revert(ids[1], to_version=1, version=2)
        assert [(problem.code, problem.field) for problem in caught.value.problems] == [("invalid_number", "address")]


def test_uniqueness_is_added_after_a_preflight(workspace: Workspace) -> None:
    """Clashes are listed and stand in the way; without them the values of all live records are unique from then on."""
    ids = customers(workspace, *[{"address": text} for text in ("a", "b", "a", "b", "c", "a")])
    with workspace.acting_as("sunjiu") as session:
        session.customers.archive(ids[5], version=1)
    with workspace.acting_as("admin") as session:
        live = session.configuration
        wanted = live.current.change_field("customer", "address", unique=True)
        plan = live.plan(wanted)
        assert [(clash.field, clash.record_ids) for clash in plan.clashes] == [
            ("address", (ids[0], ids[2])),
            ("address", (ids[1], ids[3])),
        ]
        with pytest.raises(InvalidInputError) as caught:
            plan.apply()
        assert [problem.code for problem in caught.value.problems] == ["not_unique_yet", "not_unique_yet"]
    with workspace.acting_as("sunjiu") as session:
        session.customers.update(ids[2], {"address": "d"}, version=1)
        session.customers.update(ids[3], {"address": ""}, version=1)
    change(workspace, "address", unique=True)
    with workspace.acting_as("sunjiu") as session:
        with pytest.raises(InvalidInputError) as caught:
            session.customers.update(ids[3], {"address": "c"}, version=2)
        assert caught.value.code == "not_unique"
        with pytest.raises(InvalidInputError):
            session.customers.restore(ids[5], version=2)
        assert session.customers.get(ids[0]).version == 1
    change(workspace, "address", unique=False)
    with workspace.acting_as("sunjiu") as session:
        applied(session.customers.update(ids[3], {"address": "c"}, version=2))


def test_values_that_change_places_stay_unique(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unique field is converted though the stored form of one record's value was that of another's before."""
    monkeypatch.setattr("custinfo.workspace.migrating._PAGE", 1)
    with workspace.acting_as("admin") as session:
        live = session.configuration
        live.change(live.current.with_fields("customer", FieldDefinition("trial", "decimal", "试用", unique=True)))
    ids = customers(workspace, {"trial": "12000000"}, {"trial": "12"})
    assert effects(change(workspace, "trial", kind="integer")) == [("trial", "converted", 2, 0)]
    assert values_of(workspace, ids, "trial") == [12_000_000, 12]
    with workspace.acting_as("sunjiu") as session, pytest.raises(InvalidInputError):
        session.customers.update(ids[1], {"trial": "12000000"}, version=2)


def test_encryption_is_turned_on_and_off(workspace: Workspace) -> None:
    """Stored values are sealed when a field becomes encrypted, and opened when it no longer is."""
    ids = customers(workspace, {"bank_account": "工行 123"}, {})
    assert effects(change(workspace, "bank_account", encrypted=True)) == [("bank_account", "sealed", 1, 0)]
    assert values_of(workspace, ids, "bank_account") == ["工行 123", None]
    with workspace.acting_as("admin") as session:
        stored = session.context.unit.records.get("customer", ids)  # type: ignore[arg-type]
        assert "工行" not in str(attrs.asdict(stored[ids[0]]))  # type: ignore[index]
    assert effects(change(workspace, "bank_account", encrypted=False)) == [("bank_account", "opened", 1, 0)]
    assert values_of(workspace, ids, "bank_account") == ["工行 123", None]


def test_entries_are_merged_with_the_records_following(workspace: Workspace) -> None:
    """Merging shows how many records follow; archived ones too, and undoing gives each its entry back."""
    ids = customers(workspace, {"source": "展会"}, {"source": "转介绍"}, {"source": "展会"}, {})
    with workspace.acting_as("sunjiu") as session:
        session.customers.archive(ids[2], version=1)
    with workspace.acting_as("admin") as session:
        live = session.configuration
        merged = live.current.dictionaries["source"].merged("展会", "转介绍")
        plan = live.plan(live.current.with_dictionaries(merged))
        assert effects(plan) == [("source", "merged", 2, 0)]
        plan.apply(reason="合并来源")
    assert values_of(workspace, ids, "source") == ["转介绍", "转介绍", "转介绍", None]
    with workspace.acting_as("sunjiu") as session:
        assert session.customers.count(F.source == "展会") == 2
        assert applied(session.customers.update(ids[3], {"source": "展会"}, version=1))["source"] == "转介绍"
    with workspace.acting_as("admin") as session:
        session.configuration.undo(2).apply()
    assert values_of(workspace, ids, "source") == ["展会", "转介绍", "展会", "转介绍"]


def test_tags_are_renamed_with_the_records_following(workspace: Workspace) -> None:
    """A renamed tag is the new one on every record, and the old name still finds it."""
    ids = customers(workspace, {}, {}, tags=[("需求", "采购设备")])
    with workspace.acting_as("admin") as session:
        live = session.configuration
        renamed = live.current.tag_dimensions["需求"].renamed("采购设备", "设备采购")
        plan = live.plan(live.current.with_tag_dimensions(renamed))
        assert effects(plan) == [("tags", "merged", 2, 0)]
        plan.apply()
    with workspace.acting_as("sunjiu") as session:
        assert session.customers.get(ids[0]).tags == {("需求", "设备采购")}
        assert session.customers.count(Tagged("需求", "采购设备")) == 2
        assert session.customers.distribution("需求") == {"设备采购": 2}


def test_what_records_have_cannot_be_left_out(workspace: Workspace) -> None:
    """Fields, entries, dimensions and modules go only where no record has them; the way out is to retire them."""
    customers(workspace, {"address": "x", "source": "展会"}, tags=[("需求", "采购设备")])
    with workspace.acting_as("admin") as session:
        live = session.configuration
        current = live.current
        module = current.modules["customer"]
        fields = attrs.evolve(module, fields=module.fields.without("address", "main_business"))
        source = attrs.evolve(
            current.dictionaries["source"], values=current.dictionaries["source"].values.without("展会")
        )
        dimensions = current.tag_dimensions.without("需求")
        for proposed, key in [
            (current.with_modules(fields), "address"),
            (current.with_dictionaries(source), "展会"),
            (attrs.evolve(current, tag_dimensions=dimensions), "需求"),
        ]:
            plan = live.plan(proposed)
            assert [(item.code, item.field, item.params["count"]) for item in plan.problems] == [
                ("still_in_use", key, 1)
            ]
            with pytest.raises(InvalidInputError):
                plan.apply()
        unused = attrs.evolve(module, fields=module.fields.without("main_business"))
        assert live.change(current.with_modules(unused)).version == 2


def test_a_configuration_that_contradicts_itself(workspace: Workspace) -> None:
    """Everything that is wrong stands in the plan, and nothing is put in force."""
    with workspace.acting_as("admin") as session:
        live = session.configuration
        wrong = live.current.with_fields(
            "customer", FieldDefinition("a", "nonsense", "甲"), FieldDefinition("b", "choice", "乙")
        )
        plan = live.plan(wrong)
        assert {problem.field for problem in plan.problems} == {"a", "b"}
        with pytest.raises(InvalidInputError):
            plan.apply()
        assert live.current.version == 1
        same = live.plan(live.current)
        assert [problem.code for problem in same.problems] == ["nothing_to_change"]


def test_only_who_may_configure_changes_anything(workspace: Workspace) -> None:
    """Changing needs `configure` on every module concerned; others see no revisions either."""
    with workspace.acting_as("zhoushi") as session:
        live = session.configuration
        proposed = live.current.change_field("customer", "address", label="x")
        for attempt in (
            lambda: live.plan(proposed),
            live.revisions,
            lambda: live.at(1),
            lambda: live.refresh("customer"),
        ):
            with pytest.raises(PermissionDeniedError):
                attempt()


def test_who_configures_one_module_does_not_reach_another(url: str) -> None:
    """Grants, fields, dictionaries and flows of a module are its administrator's, and nobody else's."""
    configuration = standard_configuration()
    only_follow_ups = tuple(
        grant
        for grant in configuration.grants
        if not (grant.role == "system_administrator" and grant.module == "customer")
    )
    configuration = attrs.evolve(configuration, grants=only_follow_ups)
    with (
        Workspace.open(url, configuration, organisation=sample_organisation()) as workspace,
        workspace.acting_as("admin") as session,
    ):
        live = session.configuration
        current = live.current
        source = current.dictionaries["source"].renamed("展会", "展览会")
        grab = Grant("system_administrator", "customer", frozenset({"view"}), "all", view=ALL_FIELDS)
        for proposed in (
            current.change_field("customer", "address", label="x"),
            current.with_grants(grab),
            current.with_dictionaries(source),
            attrs.evolve(current, flows=current.flows.without("customer_lost")),
            attrs.evolve(current, time_zone="UTC"),
        ):
            with pytest.raises(PermissionDeniedError):
                live.plan(proposed)
        assert live.change(current.change_field("follow_up", "content", label="内容")).version == 2


def test_a_new_module_with_its_grants(workspace: Workspace) -> None:
    """A module and who may use it come in one change, and records of it at once."""
    with workspace.acting_as("admin") as session:
        live = session.configuration
        fields = (FieldDefinition("title", "text", "名称", required=True), FieldDefinition("size", "integer", "规模"))
        project = ModuleDefinition("project", fields, "项目", title_field="title")
        everything: frozenset[Action] = frozenset({"view", "create", "edit", "archive", "tag"})
        grant = Grant("sales", "project", everything, "own", view=ALL_FIELDS, edit=Fields.everything_but("size"))
        live.change(live.current.with_modules(project).with_grants(grant), reason="项目管理")
    with workspace.acting_as("lisi") as session:
        record = applied(session.records("project").create({"名称": "一期"}))
        assert session.records("project").get(record.id)["名称"] == "一期"
        with pytest.raises(PermissionDeniedError):
            session.records("project").create({"名称": "二期", "规模": 3})


def test_a_pending_request_holds_its_field(workspace: Workspace) -> None:
    """A field is not converted under a request that waits; the plan names the request."""
    [key] = customers(workspace, {"status": "高潜", "owner": "lisi"})
    with workspace.acting_as("lisi") as session:
        request = session.customers.update(key, {"status": "流失"}, version=ANY).request  # type: ignore[union-attr]
    with workspace.acting_as("admin") as session:
        live = session.configuration
        wanted = live.current.change_field("customer", "address", kind="long_text")
        assert live.plan(wanted).problems == ()
        states = live.current.dictionaries["customer_status"].merged("高潜", "休眠")
        plan = live.plan(live.current.with_dictionaries(states))
        assert [(item.code, item.field, item.params["request_id"]) for item in plan.problems] == [
            ("field_reserved", "status", request.id)
        ]


def test_nothing_is_half_done(workspace: Workspace) -> None:
    """A session that fails after the change takes it back, records and configuration alike."""
    ids = customers(workspace, {"address": "12"})
    with pytest.raises(LookupError), workspace.acting_as("admin") as session:
        live = session.configuration
        live.change(live.current.change_field("customer", "address", kind="integer"))
        assert live.current.version == 2
        raise LookupError
    assert values_of(workspace, ids, "address") == ["12"]
    assert workspace.configuration.version == 1
    with workspace.acting_as("admin") as session:
        assert session.configuration.revisions() == ()


def test_the_session_goes_on_under_the_new_configuration(workspace: Workspace) -> None:
    """What comes after the change in the same session sees it, and an import that was planned before is refused."""
    with workspace.acting_as("admin") as session:
        live = session.configuration
        grant = Grant("system_administrator", "customer", frozenset({"view"}), "all", view=ALL_FIELDS)
        live.change(live.current.with_grants(grant))
        assert session.customers.count() == 0


def test_a_request_about_a_blank_field_stands_in_the_way(workspace: Workspace) -> None:
    """A request that holds a field is named though the record has no value there as yet."""
    [key] = customers(
        workspace, {"status": "成交", "contract_amount": 1, "effective_on": "2024-01-01", "owner": "lisi"}
    )
    with workspace.acting_as("lisi") as session:
        values = {"address": "12", "contact_name": "另一人"}
        request = session.customers.update(key, values, version=ANY).request  # type: ignore[union-attr]
    with workspace.acting_as("admin") as session:
        live = session.configuration
        plan = live.plan(live.current.change_field("customer", "address", kind="date"))
        assert [(item.code, item.params["request_id"]) for item in plan.problems] == [("field_reserved", request.id)]


def test_encryption_without_a_keyring(url: str) -> None:
    """Nothing is sealed, and nothing cleared, where there is no key."""
    with Workspace.open(url, standard_configuration(), organisation=sample_organisation()) as workspace:
        ids = customers(workspace, {"bank_account": "工行 123"})
        with pytest.raises(InvalidInputError) as caught:
            change(workspace, "bank_account", encrypted=True, failing="clear")
        assert "keyring_missing" in {problem.code for problem in caught.value.problems}
        assert values_of(workspace, ids, "bank_account") == ["工行 123"]


def test_sealing_leaves_no_open_value_behind(workspace: Workspace) -> None:
    """The change that seals a value holds the old one sealed too; undoing opens it again."""
    ids = customers(workspace, {"bank_account": "工行 123"}, {"bank_account": "建行 456"})
    change(workspace, "bank_account", encrypted=True)
    with workspace.acting_as("zhoushi") as session:
        last = session.context.unit.history.of_record("customer", ids[0])[-1]  # type: ignore[arg-type]
        assert "工行" not in repr([tuple(item) for item in last.fields])
        assert session.customers.history(ids[0])[-1].fields["bank_account"] == ("工行 123", "工行 123")
    with workspace.acting_as("admin") as session:
        session.configuration.undo(2).apply()
    assert values_of(workspace, ids, "bank_account") == ["工行 123", "建行 456"]
    with workspace.acting_as("zhoushi") as session:
        assert session.customers.count(F.bank_account == "建行 456") == 1


def test_an_encrypted_field_of_another_kind(workspace: Workspace) -> None:
    """History and revert of an encrypted field that was converted, or opened, know the kind of the time."""
    with workspace.acting_as("admin") as session:
        live = session.configuration
        live.change(live.current.with_fields("customer", FieldDefinition("trial", "integer", "试用", encrypted=True)))
    [key] = customers(workspace, {"trial": "20240305"})
    change(workspace, "trial", kind="date")
    with workspace.acting_as("sunjiu") as session:
        assert session.customers.get(key)["trial"] == date(2024, 3, 5)
        assert [item.fields["trial"] for item in session.customers.history(key)] == [
            (None, 20240305), (20240305, date(2024, 3, 5)),
        ]  # fmt: skip
        applied(session.customers.update(key, {"trial": "2025-01-01"}, version=2))
    change(workspace, "trial", encrypted=False)
    with workspace.acting_as("sunjiu") as session:
        assert applied(session.customers.revert(key, to_version=1, version=4))["trial"] == date(2024, 3, 5)
        assert session.customers.count(F.trial == "2024-03-05") == 1


def test_reverting_to_merged_entries_and_tags(workspace: Workspace) -> None:
    """What was merged since comes back as what it is now."""
    [key] = customers(workspace, {"source": "展会"}, tags=[("需求", "采购设备")])
    with workspace.acting_as("sunjiu") as session:
        session.customers.update(key, {"source": ""}, version=1)
        session.customers.tag(key, remove=("需求", "采购设备"), version=2)
    with workspace.acting_as("admin") as session:
        live = session.configuration
        current = live.current
        entries = current.dictionaries["source"].merged("展会", "转介绍")
        tags = current.tag_dimensions["需求"].renamed("采购设备", "设备采购")
        live.change(current.with_dictionaries(entries).with_tag_dimensions(tags))
    with workspace.acting_as("sunjiu") as session:
        view = applied(session.customers.revert(key, to_version=1, version=3))
        assert view["source"] == "转介绍"
        assert view.tags == {("需求", "设备采购")}


def test_amounts_do_not_change_their_currency(workspace: Workspace) -> None:
    """A hundred yuan are not a hundred dollars: every amount has no place in the other currency."""
    ids = customers(workspace, {"annual_budget": "100"}, {})
    with workspace.acting_as("admin") as session:
        live = session.configuration
        plan = live.plan(live.current.change_field("customer", "annual_budget", options={"currency": "USD"}))
        assert effects(plan) == [("annual_budget", "converted", 1, 1)]
        assert [problem.code for problem in plan.problems] == ["conversion_failing"]
    assert values_of(workspace, ids, "annual_budget") == [Decimal(100), None]


def test_undoing_an_import_after_a_conversion(workspace: Workspace, tmp_path: Path) -> None:
    """What an import had cleared or changed comes back as the present kind of the field has it."""
    [key] = customers(workspace, {"address": "12", "main_business": "x"})
    path = tmp_path / "in.xlsx"
    path.write_bytes(workbook_of(["id", "主营业务"], [key, "y"]))
    with workspace.acting_as("sunjiu") as session:
        report = plan_import(session, "customer", path).apply()
    with workspace.acting_as("admin") as session:
        live = session.configuration
        fields = FieldDefinition("trial", "integer", "试用")
        live.change(live.current.with_fields("customer", fields))
    undone = workspace.undo_import(report.batch_id, actor="sunjiu")
    assert undone.reverted == (key,)
    change(workspace, "address", kind="integer")
    with workspace.acting_as("sunjiu") as session:
        assert (session.customers.get(key)["address"], session.customers.get(key)["main_business"]) == (12, "x")


def test_somebody_can_always_configure(workspace: Workspace) -> None:
    """The last grant to configure a module is not taken away."""
    with workspace.acting_as("admin") as session:
        live = session.configuration
        grants = tuple(grant for grant in live.current.grants if grant.role != "system_administrator")
        plan = live.plan(attrs.evolve(live.current, grants=grants))
        assert [problem.code for problem in plan.problems] == ["nobody_configures", "nobody_configures"]
        assert plan.problems[0].message("zh") == "将没有任何人可以配置客户"


def test_warnings_of_a_proposed_configuration(workspace: Workspace) -> None:
    """What is only worth a look stands in the plan and stops nobody; what is wrong says the field's label."""
    with workspace.acting_as("admin") as session:
        live = session.configuration
        field = FieldDefinition("trial", "money", "试用", options={"curency": "USD"})
        plan = live.plan(live.current.with_fields("customer", field))
        assert [(problem.code, problem.severity) for problem in plan.problems] == [("unknown_option", "warning")]
        assert Report.of(plan).ok
    customers(workspace, {"address": "x"})
    with workspace.acting_as("admin") as session:
        plan = session.configuration.plan(
            session.configuration.current.change_field("customer", "address", kind="date")
        )
        assert not Report.of(plan).ok
        assert plan.problems[0].message("zh") == "企业地址：有 1 个值不符合新的定义"


DEALS = (
    ModuleDefinition(
        "deal",
        (
            FieldDefinition("title", "text", "名称", required=True),
            FieldDefinition("firm", "reference", "公司", options={"module": "firm"}),
            FieldDefinition("note", "text", "备注"),
        ),
        title_field="title",
    ),
    ModuleDefinition(
        "firm",
        (FieldDefinition("title", "text", "名称", required=True), FieldDefinition("size", "text", "人数")),
        title_field="title",
    ),
    ModuleDefinition("paper", (FieldDefinition("title", "text", "名称"), FieldDefinition("pages", "text", "页数"))),
)
WORKING: frozenset[Action] = frozenset({"view", "create", "edit", "transfer", "import", "configure"})


@pytest.fixture
def deals(url: str) -> Workspace:
    """The data administrator has modules of their own, which they configure as well."""
    grants = [Grant("data_administrator", item.key, WORKING, "all", view=ALL_FIELDS, edit=ALL_FIELDS) for item in DEALS]
    configuration = standard_configuration().with_modules(*DEALS).with_grants(*grants)
    return Workspace.open(url, configuration, organisation=sample_organisation())


def test_what_is_filled_in_after_the_plan(deals: Workspace) -> None:
    """What is left out is looked at again when the plan is applied: nothing is changed, and nothing is lost."""
    with deals.acting_as("sunjiu") as session:
        live, papers = session.configuration, session.records("paper")
        paper = live.current.modules["paper"]
        fields = {key: field for key, field in paper.fields.items() if key != "pages"}
        plan = live.plan(live.current.with_modules(attrs.evolve(paper, fields=fields)))
        assert plan.problems == ()
        record = applied(papers.create({"title": "合同", "pages": "12"}))
        with pytest.raises(InvalidInputError) as caught:
            plan.apply()
        assert [(item.code, item.params["count"]) for item in caught.value.problems] == [("still_in_use", 1)]
        assert live.revisions() == ()
        applied(papers.update(record.id, {"pages": ""}, version=1))
        assert plan.apply().version == 2
        assert dict(papers.get(record.id)) == {"title": "合同"}


def test_a_request_for_many_is_in_the_way_too(url: str) -> None:
    """What many rows of an import wait for holds the field of each record, as a request for one does."""
    grant = Grant("data_administrator", "paper", WORKING, "all", view=ALL_FIELDS, edit=ALL_FIELDS)
    flow = Flow("pages", Trigger("paper", ("update",), ("pages",)), (Step("one", (NamedMember("zhoushi"),)),))
    known = standard_configuration().with_modules(DEALS[2]).with_grants(grant)
    configuration = attrs.evolve(known, flows=(*known.flows.values(), flow))
    workspace = Workspace.open(url, configuration, organisation=sample_organisation())
    with workspace.acting_as("sunjiu") as session:
        ids = [applied(session.records("paper").create({"title": title})).id for title in "甲乙"]
        rows = "".join(f"{key},12\n" for key in ids)
        report = plan_import(session, "paper", f"id,页数\n{rows}".encode()).apply()
        assert (report.counts.awaiting, len(report.requests)) == (2, 1)
        pages = attrs.evolve(DEALS[2].fields["pages"], kind="integer")
        plan = session.configuration.plan(session.configuration.current.with_fields("paper", pages))
        problems = [(item.code, item.field, item.params.get("request_id")) for item in plan.problems]
        assert problems == [("field_reserved", "pages", report.requests[0])] * 2
        with pytest.raises(InvalidInputError):
            plan.apply()


def test_a_plan_is_applied_again_after_it_failed(deals: Workspace) -> None:
    """What a plan had done when it was taken back is done again, references followed to what is stored."""
    with deals.acting_as("sunjiu") as session:
        live = session.configuration
        firm = applied(session.records("firm").create({"title": "甲公司", "size": "12"}))
        deal = applied(session.records("deal").create({"title": "单", "firm": firm.id}))
        wanted = live.current.with_fields("firm", attrs.evolve(DEALS[1].fields["size"], kind="integer"))
        wanted = wanted.with_fields("paper", attrs.evolve(DEALS[2].fields["pages"], kind="integer"))
        big = Classification("big", "deal", (Case(F.firm.size >= 10, "大客户"),), dimension="自定义")
        plan = live.plan(attrs.evolve(wanted, classifications=(*wanted.classifications.values(), big)))
        session.records("paper").create({"title": "文件", "pages": "若干"})
        with pytest.raises(InvalidInputError):
            plan.apply()
        assert plan.apply(failing="clear").version == 2
        assert session.records("deal").get(deal.id).tags == {Tag("自定义", "大客户")}
        assert session.records("firm").get(firm.id)["size"] == 12
