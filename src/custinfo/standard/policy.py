"""The eight roles and what each may do (requirements §2.3). What no grant allows is refused."""

from __future__ import annotations

from typing import Final

from custinfo.core.criteria import F
from custinfo.core.frozen import FrozenDict
from custinfo.core.policy.grants import ALL_FIELDS, Fields, Grant, Role

__all__ = ["GRANTS", "PUBLIC_POOL", "ROLES", "SHARING"]

ROLES: Final = tuple(
    Role(key, FrozenDict({"zh": chinese, "en": english}))
    for key, chinese, english in (
        ("sales", "销售专员", "Sales"),
        ("team_lead", "销售组长", "Team lead"),
        ("department_manager", "部门经理", "Department manager"),
        ("customer_service", "客服", "Customer service"),
        ("finance", "财务", "Finance"),
        ("data_administrator", "数据管理员", "Data administrator"),
        ("senior_administrator", "高级管理员", "Senior administrator"),
        ("system_administrator", "系统管理员", "System administrator"),
    )
)

SENSITIVE: Final = ("id_number", "bank_account")
STATUS_ONLY: Final = Fields.only("status")
MASKED_ACCOUNT: Final = FrozenDict({"bank_account": "last4"})

_SALES: Final = (
    Grant(
        "sales",
        "customer",
        frozenset({"view", "create", "tag", "export", "archive"}),
        view=ALL_FIELDS,
        edit=ALL_FIELDS,
    ),
    # An owner may submit a new identity number for approval (flow sensitive_field) without reading the old one.
    Grant("sales", "customer", frozenset({"edit"}), edit=Fields.everything_but(also=("id_number",))),
    Grant(
        "sales",
        "follow_up",
        frozenset({"view", "create", "edit", "tag", "export", "archive"}),
        through="customer",
        view=ALL_FIELDS,
        edit=Fields.everything_but("owner"),
    ),
)

_LEADERS: Final = (
    Grant("team_lead", "customer", frozenset({"view"}), "team", view=ALL_FIELDS),
    Grant(
        "team_lead",
        "follow_up",
        frozenset({"view", "edit"}),
        "team",
        through="customer",
        view=ALL_FIELDS,
        edit=STATUS_ONLY,
    ),
    Grant(
        "department_manager",
        "customer",
        frozenset({"view", "transfer", "approve"}),
        "subtree",
        view=ALL_FIELDS,
        mask=MASKED_ACCOUNT,
    ),
    Grant(
        "department_manager",
        "follow_up",
        frozenset({"view", "edit"}),
        "subtree",
        through="customer",
        view=ALL_FIELDS,
        edit=STATUS_ONLY,
    ),
)

_SERVICES: Final = (
    Grant(
        "customer_service",
        "customer",
        frozenset({"view", "edit"}),
        "all",
        view=ALL_FIELDS,
        edit=Fields.only("id_number"),
        mask=FrozenDict({"phone": "phone"}),
    ),
    Grant(
        "finance",
        "customer",
        frozenset({"view"}),
        "all",
        condition=F.status == "成交",
        view=Fields.only("name", "paid_amount", "paid_on"),
    ),
)

_ADMINISTRATORS: Final = (
    Grant(
        "data_administrator",
        "customer",
        frozenset({"view", "create", "edit", "import", "merge", "approve", "archive", "tag", "erase"}),
        "all",
        view=ALL_FIELDS,
        edit=Fields.everything_but(also=SENSITIVE),
        mask=MASKED_ACCOUNT.set("id_number", "last4"),
    ),
    Grant(
        "data_administrator",
        "follow_up",
        frozenset({"view", "create", "edit", "import", "archive", "erase"}),
        "all",
        view=ALL_FIELDS,
        edit=ALL_FIELDS,
    ),
    Grant(
        "senior_administrator",
        "customer",
        frozenset({"view", "export", "approve", "decrypt"}),
        "all",
        view=Fields.everything_but(also=SENSITIVE),
    ),
    Grant("senior_administrator", "follow_up", frozenset({"view", "export"}), "all", view=ALL_FIELDS),
    Grant("system_administrator", "customer", frozenset({"configure"}), "all"),
    Grant("system_administrator", "follow_up", frozenset({"configure"}), "all"),
)

GRANTS: Final = (*_SALES, *_LEADERS, *_SERVICES, *_ADMINISTRATORS)

SHARING: Final = (
    Grant("sales", "customer", frozenset({"share"})),
    Grant("department_manager", "customer", frozenset({"share"}), "subtree"),
    Grant("sales", "customer", frozenset({"view", "edit", "tag"}), "shared", view=ALL_FIELDS, edit=ALL_FIELDS),
    Grant(
        "sales",
        "follow_up",
        frozenset({"view", "create", "edit"}),
        "shared",
        through="customer",
        view=ALL_FIELDS,
        edit=Fields.everything_but("owner"),
    ),
)
"""Grants that a host may add: salespeople share their customers with each other, managers those of their department."""

PUBLIC_POOL: Final = (
    Grant(
        "sales",
        "customer",
        frozenset({"view", "claim"}),
        "pool",
        view=ALL_FIELDS,
        mask=FrozenDict({"phone": "phone", "email": "email"}),
    ),
    Grant("sales", "customer", frozenset({"release"})),
    Grant("department_manager", "customer", frozenset({"release"}), "subtree"),
)
"""Grants that a host may add for a public pool (公海): salespeople look, claim, and give back what is theirs."""
