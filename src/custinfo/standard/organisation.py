"""A small organisation to try things with (requirements §2.3)."""

from __future__ import annotations

from custinfo.core.frozen import FrozenDict
from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position

__all__ = ["sample_organisation"]

_DEPARTMENTS = (
    Department("sales1", "销售一部", head="zhaojl"),
    Department("sales1-1", "1组", "sales1", "team", head="zhangsan"),
    Department("sales1-2", "2组", "sales1", "team"),
    Department("service", "客服中心"),
    Department("finance", "财务部"),
    Department("data", "数据部"),
)

_POSITIONS = (
    Position("sales", "销售专员", ("sales",)),
    Position("team_lead", "销售组长", ("team_lead",)),
    Position("department_manager", "部门经理", ("department_manager",)),
    Position("customer_service", "客服", ("customer_service",)),
    Position("finance", "财务", ("finance",)),
    Position("data_administrator", "数据管理员", ("data_administrator",)),
    Position("senior_administrator", "高级管理员", ("senior_administrator",)),
    Position("system_administrator", "系统管理员", ("system_administrator",)),
)

_MEMBERS = (
    ("lisi", "李四", "sales1-1", "sales"),
    ("wangwu", "王五", "sales1-2", "sales"),
    ("zhangsan", "张三", "sales1-1", "team_lead"),
    ("zhaojl", "赵经理", "sales1", "department_manager"),
    ("liuqi", "刘七", "service", "customer_service"),
    ("qianba", "钱八", "finance", "finance"),
    ("sunjiu", "孙九", "data", "data_administrator"),
    ("zhoushi", "周十", "data", "senior_administrator"),
    ("admin", "系统管理员", "data", "system_administrator"),
)


def sample_organisation() -> Organisation:
    """Return 销售一部 with two teams, 客服中心, 财务部 and 数据部, and nine people in the standard roles.

    >>> sample_organisation().roles_of("lisi")
    (('sales', 'sales1-1'),)
    """
    return Organisation(
        FrozenDict({item.key: item for item in _DEPARTMENTS}),
        FrozenDict({item.key: item for item in _POSITIONS}),
        FrozenDict(
            {
                key: Member(key, name, (Assignment(department, position),), f"E{number:03}")
                for number, (key, name, department, position) in enumerate(_MEMBERS, start=1)
            }
        ),
    )
