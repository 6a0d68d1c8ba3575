"""Words for the codes that parameters may be: kinds of fields, operators, states of requests, commands, attributes.

`kind_money` is what the parameter `kind` reads like where it is `money`. What is not here, such as a host's own kinds,
reads as its code.
"""

from __future__ import annotations

from typing import Final

from custinfo.core.records import SYSTEM_LABELS

__all__ = ["CHINESE_TERMS", "ENGLISH_TERMS"]

_TERMS: Final = {
    "kind_text": ("文本", "text"),
    "kind_long_text": ("多行文本", "text of several lines"),
    "kind_integer": ("整数", "whole number"),
    "kind_decimal": ("数字", "number"),
    "kind_money": ("金额", "amount of money"),
    "kind_boolean": ("是/否", "yes or no"),
    "kind_date": ("日期", "date"),
    "kind_datetime": ("日期时间", "date and time"),
    "kind_choice": ("单选", "choice"),
    "kind_multiple_choice": ("多选", "multiple choice"),
    "kind_phone": ("电话号码", "phone number"),
    "kind_email": ("邮箱", "e-mail address"),
    "kind_url": ("网址", "web address"),
    "kind_uscc": ("统一社会信用代码", "unified social credit code"),
    "kind_resident_id": ("居民身份证号码", "resident identity number"),
    "kind_reference": ("引用", "reference"),
    "kind_user": ("人员", "person"),
    "kind_department": ("部门", "department"),
    "kind_attachment": ("附件", "attachment"),
    "kind_computed": ("计算", "computed"),
    "kind_encrypted": ("加密", "encrypted"),
    "kind_tags": ("标签", "tags"),
    "operator_eq": ("“等于”", "“equal to”"),
    "operator_ne": ("“不等于”", "“not equal to”"),
    "operator_lt": ("“小于”", "“less than”"),
    "operator_le": ("“小于或等于”", "“at most”"),
    "operator_gt": ("“大于”", "“greater than”"),
    "operator_ge": ("“大于或等于”", "“at least”"),
    "operator_contains": ("“包含”", "“contains”"),
    "operator_startswith": ("“以…开头”", "“starts with”"),
    "operator_under": ("“属于…及下级”", "“under”"),
    "operator_has": ("“含有选项”", "“has”"),
    "operator_within": ("“在…期间内”", "“within”"),
    "operator_mentions": ("“提及”", "“mentions”"),
    "operator_lastfour": ("“后四位”", "“last four”"),
    "operator_sort": ("“排序”", "“sort”"),
    "operator_search": ("“搜索”", "“search”"),
    "operator_total": ("“合计”", "“total”"),
    "operator_day": ("“按日分组”", "“group by day”"),
    "operator_month": ("“按月分组”", "“group by month”"),
    "operator_quarter": ("“按季度分组”", "“group by quarter”"),
    "operator_year": ("“按年分组”", "“group by year”"),
    "state_draft": ("草稿", "a draft"),
    "state_pending": ("审批中", "pending"),
    "state_returned": ("已退回", "returned"),
    "state_approved": ("已批准", "approved"),
    "state_applied": ("已生效", "in effect"),
    "state_needs_rebase": ("数据已变更，需重新提交", "in conflict with the record"),
    "state_rejected": ("已拒绝", "rejected"),
    "state_withdrawn": ("已撤回", "withdrawn"),
    "state_expired": ("已过期", "expired"),
    "command_submit": ("提交", "submission"),
    "command_approve": ("同意", "approval"),
    "command_reject": ("拒绝", "rejection"),
    "command_return": ("退回", "return"),
    "command_resubmit": ("重新提交", "resubmission"),
    "command_rebase": ("按最新数据重新提交", "new proposal"),
    "command_withdraw": ("撤回", "withdrawal"),
    "command_transfer": ("转交", "transfer"),
    "command_delegate": ("委派", "delegation"),
    "command_add_signer": ("加签", "further signer"),
    "command_take_back": ("收回决定", "taking back of decisions"),
    "command_remind": ("催办", "reminder"),
    "command_escalate": ("升级", "escalation"),
    "command_expire": ("过期", "expiry"),
    "command_rescue": ("改派", "change of approvers"),
    "command_cancel": ("取消", "cancellation"),
}

_FIELDS: Final = {f"field_{key}": (labels["zh"], labels["en"]) for key, labels in SYSTEM_LABELS.items()}

CHINESE_TERMS: Final = {key: chinese for key, (chinese, _) in (_TERMS | _FIELDS).items()}
ENGLISH_TERMS: Final = {key: english for key, (_, english) in (_TERMS | _FIELDS).items()}
