"""The standard configuration is that of the requirements, chapter 2, written down by hand."""

from __future__ import annotations

from typing import Any

import pytest

from custinfo.core.approval.flows import DepartmentHead, RoleHolders
from custinfo.core.criteria import F
from custinfo.core.dictionaries import Ambiguous
from custinfo.core.rules import Length, MatchesBirthday, NotBefore, Range
from custinfo.standard import sample_organisation, standard_configuration

STANDARD = standard_configuration()

Row = tuple[str, str, str, bool]
"""Key, Chinese label, kind, required."""

CUSTOMER: list[Row] = [
    ("name", "客户名称", "text", True),
    ("customer_type", "客户类型", "choice", True),
    ("industry", "所属行业", "choice", False),
    ("contact_name", "联系人", "text", True),
    ("phone", "联系方式", "phone", True),
    ("email", "邮箱", "email", False),
    ("address", "企业地址", "text", False),
    ("uscc", "统一社会信用代码", "uscc", False),
    ("status", "客户状态", "choice", True),
    ("registered_scale", "注册规模", "choice", False),
    ("annual_budget", "年采购预算", "money", False),
    ("founded_on", "成立时间", "date", False),
    ("legal_representative", "法人代表", "text", False),
    ("main_business", "主营业务", "text", False),
    ("bank_account", "开户行信息", "text", False),
    ("source", "客户来源", "choice", False),
    ("region", "地区", "choice", False),
    ("current_need", "当前需求", "long_text", False),
    ("special_notes", "特殊备注", "long_text", False),
    ("submitted_by", "资料提交人", "user", False),
    ("submitted_on", "提交日期", "date", False),
    ("archive_status", "归档状态", "choice", False),
    ("id_number", "证件号码", "resident_id", False),
    ("preferred_products", "偏好产品", "text", False),
    ("birthday", "生日", "date", False),
    ("occupation", "职业", "text", False),
    ("contract_amount", "合同金额", "money", False),
    ("effective_on", "生效日期", "date", False),
    ("paid_amount", "回款金额", "money", False),
    ("paid_on", "回款日期", "date", False),
]
FOLLOW_UP: list[Row] = [
    ("customer", "客户", "reference", True),
    ("at", "跟进时间", "datetime", True),
    ("channel", "跟进方式", "choice", False),
    ("contact_name", "联系人", "text", False),
    ("content", "跟进内容", "long_text", True),
    ("next_at", "下次跟进时间", "datetime", False),
    ("status", "跟进状态", "choice", False),
]


@pytest.mark.parametrize(("module", "rows"), [("customer", CUSTOMER), ("follow_up", FOLLOW_UP)])
def test_fields(module: str, rows: list[Row]) -> None:
    """Every field has its key, label, kind and required mark, in this order."""
    fields = STANDARD.modules[module].fields.values()
    assert [(field.key, field.label["zh"], field.kind, field.required) for field in fields] == rows


def test_modules() -> None:
    """Customers and follow-ups, and how their owner is called."""
    assert {key: module.label["zh"] for key, module in STANDARD.modules.items()} == {
        "customer": "客户",
        "follow_up": "跟进记录",
    }
    customer, follow_up = STANDARD.modules["customer"], STANDARD.modules["follow_up"]
    assert (customer.owner_label["zh"], follow_up.owner_label["zh"]) == ("负责人", "跟进人")
    assert (customer.title_field, customer.type_field) == ("name", "customer_type")
    assert customer.match_keys == (("uscc",), ("id_number",), ("name", "phone"))
    assert follow_up.fields["customer"].options == {"module": "customer"}


SETTINGS: dict[str, set[str]] = {
    "unique": {"uscc", "id_number"},
    "encrypted": {"id_number"},
    "retired": set(),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_flags_of_customer_fields(setting: str) -> None:
    """Which fields are unique, encrypted and retired."""
    fields = STANDARD.modules["customer"].fields.values()
    assert {field.key for field in fields if getattr(field, setting)} == SETTINGS[setting]


def test_sensitivity() -> None:
    """The phone is masked for some; account and identity number are sensitive."""
    fields = STANDARD.modules["customer"].fields.values()
    assert {field.key: field.sensitivity for field in fields if field.sensitivity != "normal"} == {
        "phone": "masked",
        "bank_account": "sensitive",
        "id_number": "sensitive",
    }


ENTERPRISE, INDIVIDUAL, WON = F.customer_type == "企业客户", F.customer_type == "个人客户", F.status == "成交"
APPLIES: dict[str, Any] = {
    "uscc": ENTERPRISE,
    "registered_scale": ~INDIVIDUAL,
    "founded_on": ~INDIVIDUAL,
    "legal_representative": ~INDIVIDUAL,
    "main_business": ~INDIVIDUAL,
    "preferred_products": INDIVIDUAL,
    "birthday": INDIVIDUAL,
    "occupation": INDIVIDUAL,
}
RULES: dict[str, tuple[Any, ...]] = {
    "name": (Length(maximum=200),),
    "contact_name": (Length(maximum=100),),
    "annual_budget": (Range(minimum=0),),
    "id_number": (MatchesBirthday("birthday"),),
    "contract_amount": (Range(minimum=0),),
    "paid_amount": (Range(minimum=0),),
}


def test_rules_and_conditions() -> None:
    """Which rules, conditions and defaults each customer field has."""
    fields = STANDARD.modules["customer"].fields.values()
    assert {field.key: field.applies_when for field in fields if field.applies_when is not None} == APPLIES
    assert {field.key: field.required_when for field in fields if field.required_when is not None} == {
        "contract_amount": WON,
        "effective_on": WON,
    }
    assert {field.key: field.rules for field in fields if field.rules} == RULES
    assert {field.key: field.default for field in fields if field.default is not None} == {"status": "高潜"}
    follow_up = STANDARD.modules["follow_up"].fields
    assert {field.key: field.rules for field in follow_up.values() if field.rules} == {"next_at": (NotBefore("at"),)}
    assert follow_up["status"].default == "进行中"


def test_money_is_in_renminbi() -> None:
    """Every amount is in CNY."""
    fields = STANDARD.modules["customer"].fields.values()
    assert {field.key: field.options["currency"] for field in fields if field.kind == "money"} == {
        "annual_budget": "CNY",
        "contract_amount": "CNY",
        "paid_amount": "CNY",
    }


DICTIONARIES: dict[str, tuple[str, ...]] = {
    "customer_type": ("企业客户", "个人客户", "渠道客户"),
    "customer_status": ("高潜", "成交", "流失", "休眠"),
    "archive_status": ("待审核", "更新中", "已归档"),
    "follow_up_channel": ("电话", "邮件", "会议", "拜访", "微信"),
    "follow_up_status": ("进行中", "已完成"),
}


@pytest.mark.parametrize("key", DICTIONARIES)
def test_dictionaries(key: str) -> None:
    """The flat lists of the requirements; codes are the users' own words."""
    values = STANDARD.dictionaries[key].values.values()
    assert tuple(value.label["zh"] for value in values) == DICTIONARIES[key]
    assert all(value.code == value.label["zh"] and value.state == "active" for value in values)


def test_hierarchies() -> None:
    """Industries and regions have levels; a region finds its provinces."""
    industry, region = STANDARD.dictionaries["industry"], STANDARD.dictionaries["region"]
    assert industry.find("制造业-IT设备") == "IT设备"
    assert industry.ancestry("IT设备") == ("制造业", "IT设备")
    assert region.find("华东 > 上海") == "上海"
    assert region.subtree("华东") == ("华东", "上海", "江苏", "浙江", "安徽", "福建", "江西", "山东")
    provinces = [value.code for value in region.values.values() if value.parent is not None]
    assert len(provinces) == 34


@pytest.mark.parametrize("key", STANDARD.dictionaries)
def test_every_entry_is_found_by_every_name(key: str) -> None:
    """Code, labels and aliases are unambiguous in every dictionary."""
    dictionary = STANDARD.dictionaries[key]
    for value in dictionary.values.values():
        for text in (value.code, *value.label.values(), *value.aliases, dictionary.path_label(value.code, "en")):
            found = dictionary.find(text)
            assert not isinstance(found, Ambiguous), text
            assert found == value.code, text


def test_every_choice_has_its_dictionary() -> None:
    """Which field takes which list."""
    found = {
        f"{module.key}.{field.key}": field.options["dictionary"]
        for module in STANDARD.modules.values()
        for field in module.fields.values()
        if field.kind == "choice"
    }
    assert found == {
        "customer.customer_type": "customer_type",
        "customer.industry": "industry",
        "customer.status": "customer_status",
        "customer.registered_scale": "scale",
        "customer.source": "source",
        "customer.region": "region",
        "customer.archive_status": "archive_status",
        "follow_up.channel": "follow_up_channel",
        "follow_up.status": "follow_up_status",
    }


def test_no_two_fields_share_a_name() -> None:
    """Within a module each label and alias names one field."""
    for module in STANDARD.modules.values():
        names = [name for field in module.fields.values() for name in {item.casefold() for item in field.names()}]
        assert len(names) == len(set(names))


def test_tag_dimensions() -> None:
    """Five closed vocabularies and one open."""
    dimensions = STANDARD.tag_dimensions
    assert {key: dimension.open for key, dimension in dimensions.items()} == {
        "行业": False,
        "状态": False,
        "需求": False,
        "规模": False,
        "合作阶段": False,
        "自定义": True,
    }
    assert dimensions["状态"].values == ("高潜", "成交", "流失", "休眠")
    assert dimensions["合作阶段"].values == ("潜在", "意向", "成交", "流失")
    assert "采购设备" in dimensions["需求"].values


def test_roles() -> None:
    """The eight roles with their Chinese names."""
    assert {key: role.label["zh"] for key, role in STANDARD.roles.items()} == {
        "sales": "销售专员",
        "team_lead": "销售组长",
        "department_manager": "部门经理",
        "customer_service": "客服",
        "finance": "财务",
        "data_administrator": "数据管理员",
        "senior_administrator": "高级管理员",
        "system_administrator": "系统管理员",
    }


def test_grants_name_what_exists() -> None:
    """No grant names a role, module or field that is not there."""
    for grant in STANDARD.grants:
        module = STANDARD.modules[grant.module]
        assert grant.role in STANDARD.roles
        assert {*grant.view.names, *grant.edit.names, *grant.mask} <= set(module.fields)
        assert grant.through is None or module.fields[grant.through].kind == "reference"


PEOPLE: list[tuple[str, str, str, str]] = [
    ("lisi", "李四", "sales1-1", "sales"),
    ("wangwu", "王五", "sales1-2", "sales"),
    ("zhangsan", "张三", "sales1-1", "team_lead"),
    ("zhaojl", "赵经理", "sales1", "department_manager"),
    ("liuqi", "刘七", "service", "customer_service"),
    ("qianba", "钱八", "finance", "finance"),
    ("sunjiu", "孙九", "data", "data_administrator"),
    ("zhoushi", "周十", "data", "senior_administrator"),
    ("admin", "系统管理员", "data", "system_administrator"),
]


def test_people() -> None:
    """Nine people with their names, departments and roles."""
    organisation = sample_organisation()
    found = [
        (member.key, member.name, department, role)
        for member in organisation.members.values()
        for role, department in organisation.roles_of(member.key)
    ]
    assert found == PEOPLE
    assert organisation.find_member("李四(销售一部-1组)") == "lisi"


def test_departments() -> None:
    """One sales department with two teams, and three departments beside it."""
    organisation = sample_organisation()
    assert {key: (item.name, item.parent, item.kind) for key, item in organisation.departments.items()} == {
        "sales1": ("销售一部", None, "department"),
        "sales1-1": ("1组", "sales1", "team"),
        "sales1-2": ("2组", "sales1", "team"),
        "service": ("客服中心", None, "department"),
        "finance": ("财务部", None, "department"),
        "data": ("数据部", None, "department"),
    }
    assert organisation.departments["sales1"].head == "zhaojl"


def test_flows() -> None:
    """What needs approval, and whose."""
    assert list(STANDARD.flows) == ["customer_lost", "sensitive_field", "key_contact"]
    lost, sensitive, contact = STANDARD.flows.values()
    assert all(flow.trigger.module == "customer" and not flow.allow_own for flow in (lost, sensitive, contact))
    assert (lost.trigger.fields, lost.trigger.before, lost.trigger.after) == (("status",), None, F.status == "流失")
    assert (sensitive.trigger.fields, sensitive.trigger.before, sensitive.trigger.after) == (("id_number",), None, None)
    assert (contact.trigger.fields, contact.trigger.before) == (("contact_name", "phone"), F.status == "成交")
    assert [step.approvers for flow in (lost, contact) for step in flow.steps] == [(DepartmentHead("owner"),)] * 2
    assert [step.approvers for step in sensitive.steps] == [(RoleHolders("data_administrator"),)]


def test_two_calls_give_equal_values() -> None:
    """The standard configuration is a value."""
    assert standard_configuration() == STANDARD
    assert hash(standard_configuration()) == hash(STANDARD)
    assert sample_organisation() == sample_organisation()
