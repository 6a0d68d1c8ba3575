"""The approval flows of the requirements, §2.4.

That of material isn't among them: it needs a module of documents, which a host defines.
"""

from __future__ import annotations

from typing import Final

from custinfo.core.approval.flows import DepartmentHead, Flow, RoleHolders, Step, Trigger
from custinfo.core.criteria import F
from custinfo.core.frozen import FrozenDict

__all__ = ["FLOWS"]

_SENIOR: Final = (RoleHolders("senior_administrator"),)
_MANAGER: Final = Step(
    "manager",
    (DepartmentHead("owner"),),
    FrozenDict({"zh": "部门经理审批", "en": "Department manager"}),
    fallback=_SENIOR,
)

FLOWS: Final = (
    Flow(
        "customer_lost",
        Trigger("customer", fields=("status",), after=F.status == "流失"),
        (_MANAGER,),
        FrozenDict({"zh": "客户流失审批", "en": "Customer lost"}),
    ),
    Flow(
        "sensitive_field",
        Trigger("customer", fields=("id_number",)),
        (
            Step(
                "data_administrator",
                (RoleHolders("data_administrator"),),
                FrozenDict({"zh": "数据管理员审批", "en": "Data administrator"}),
                fallback=_SENIOR,
            ),
        ),
        FrozenDict({"zh": "敏感字段变更审批", "en": "Sensitive field"}),
    ),
    Flow(
        "key_contact",
        Trigger("customer", fields=("contact_name", "phone"), before=F.status == "成交"),
        (_MANAGER,),
        FrozenDict({"zh": "重要联系人变更审批", "en": "Key contact"}),
    ),
)
