"""The modules `customer` (客户基本信息表) and `follow_up` (客户跟进记录表)."""

from __future__ import annotations

from typing import Any, Final

from custinfo.core.criteria import Criterion, F
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.rules import Length, MatchesBirthday, NotBefore, Range

__all__ = ["CUSTOMER", "FOLLOW_UP"]

ENTERPRISE: Final[Criterion] = F.customer_type == "企业客户"
INDIVIDUAL: Final[Criterion] = F.customer_type == "个人客户"
NOT_INDIVIDUAL: Final[Criterion] = ~INDIVIDUAL
WON: Final[Criterion] = F.status == "成交"
NOT_NEGATIVE: Final = (Range(minimum=0),)


def _field(key: str, kind: str, chinese: str, english: str, *aliases: str, **settings: Any) -> FieldDefinition:
    return FieldDefinition(key, kind, FrozenDict({"zh": chinese, "en": english}), aliases=aliases, **settings)


def _choice(key: str, dictionary: str, chinese: str, english: str, *aliases: str, **settings: Any) -> FieldDefinition:
    return _field(key, "choice", chinese, english, *aliases, options={"dictionary": dictionary}, **settings)


def _money(key: str, chinese: str, english: str, *aliases: str, **settings: Any) -> FieldDefinition:
    return _field(key, "money", chinese, english, *aliases, options={"currency": "CNY"}, rules=NOT_NEGATIVE, **settings)


_BASICS: Final = (
    _field(
        "name", "text", "客户名称", "Name", "公司名称", "企业名称", "单位名称", "客户", required=True, indexed=True,
        rules=(Length(maximum=200),),
        help={
            "zh": "企业填写工商登记全称，不用简称；个人填写姓名或昵称",
            "en": "The full registered name, or a person's name",
        },
    ),
    _choice("customer_type", "customer_type", "客户类型", "Customer type", "客户类别", required=True, indexed=True),
    _choice("industry", "industry", "所属行业", "Industry", "客户行业", "行业", indexed=True),
    _field("contact_name", "text", "联系人", "Contact", "联系人姓名", required=True, rules=(Length(maximum=100),)),
    _field(
        "phone", "phone", "联系方式", "Phone", "电话", "联系电话", "手机", "手机号", "手机号码", required=True,
        indexed=True, sensitivity="masked", mask="phone",
        help={
            "zh": "11 位手机号，或带区号的固定电话",
            "en": "A mobile number of 11 digits, or a landline with area code",
        },
    ),
    _field("email", "email", "邮箱", "E-mail", "电子邮箱", "邮件", mask="email"),
    _field("address", "text", "企业地址", "Address", "地址", "客户地址", "注册地址"),
    _field(
        "uscc", "uscc", "统一社会信用代码", "Unified social credit code", "信用代码", unique=True,
        applies_when=ENTERPRISE, mask="last4",
    ),
    _choice("status", "customer_status", "客户状态", "Status", required=True, default="高潜", indexed=True),
)  # fmt: skip

_ENTERPRISE: Final = (
    _choice("registered_scale", "scale", "注册规模", "Registered scale", "企业规模", applies_when=NOT_INDIVIDUAL),
    _money("annual_budget", "年采购预算", "Annual budget", indexed=True),
    _field("founded_on", "date", "成立时间", "Founded on", "成立日期", applies_when=NOT_INDIVIDUAL),
    _field(
        "legal_representative", "text", "法人代表", "Legal representative", "法定代表人", applies_when=NOT_INDIVIDUAL
    ),
    _field("main_business", "text", "主营业务", "Main business", applies_when=NOT_INDIVIDUAL),
    _field("bank_account", "text", "开户行信息", "Bank account", sensitivity="sensitive", mask="last4"),
    _choice("source", "source", "客户来源", "Source", "来源"),
    _choice("region", "region", "地区", "Region", "所属省份", indexed=True),
    _field("current_need", "long_text", "当前需求", "Current need"),
    _field("special_notes", "long_text", "特殊备注", "Notes", "备注"),
    _field("submitted_by", "user", "资料提交人", "Submitted by"),
    _field("submitted_on", "date", "提交日期", "Submitted on"),
    _choice("archive_status", "archive_status", "归档状态", "Archive status"),
)

_INDIVIDUAL: Final = (
    _field(
        "id_number", "resident_id", "证件号码", "Identity number", "身份证号", "身份证号码", "身份证",
        sensitivity="sensitive", encrypted=True, unique=True, mask="last4", rules=(MatchesBirthday("birthday"),),
    ),
    _field("preferred_products", "text", "偏好产品", "Preferred products", applies_when=INDIVIDUAL),
    _field("birthday", "date", "生日", "Birthday", applies_when=INDIVIDUAL),
    _field("occupation", "text", "职业", "Occupation", applies_when=INDIVIDUAL),
)  # fmt: skip

_DEAL: Final = (
    _money("contract_amount", "合同金额", "Contract amount", required_when=WON),
    _field("effective_on", "date", "生效日期", "Effective on", required_when=WON),
    _money("paid_amount", "回款金额", "Paid amount"),
    _field("paid_on", "date", "回款日期", "Paid on"),
)

CUSTOMER: Final = ModuleDefinition(
    "customer",
    FrozenDict({field.key: field for field in (*_BASICS, *_ENTERPRISE, *_INDIVIDUAL, *_DEAL)}),
    FrozenDict({"zh": "客户", "en": "Customer"}),
    title_field="name",
    type_field="customer_type",
    owner_label=FrozenDict({"zh": "负责人", "en": "Owner"}),
    owner_aliases=("归属人", "业务员", "销售"),
    match_keys=(("uscc",), ("id_number",), ("name", "phone")),
    duplicate_keys=(("name",),),
)

FOLLOW_UP: Final = ModuleDefinition(
    "follow_up",
    FrozenDict(
        {
            field.key: field
            for field in (
                _field("customer", "reference", "客户", "Customer", options={"module": "customer"}, required=True,
                       indexed=True),
                _field("at", "datetime", "跟进时间", "At", required=True, indexed=True),
                _choice("channel", "follow_up_channel", "跟进方式", "Channel"),
                _field("contact_name", "text", "联系人", "Contact"),
                _field("content", "long_text", "跟进内容", "Content", "跟进记录", "沟通内容", required=True),
                _field("next_at", "datetime", "下次跟进时间", "Next at", rules=(NotBefore("at"),), indexed=True),
                _choice("status", "follow_up_status", "跟进状态", "Status", default="进行中"),
            )
        }
    ),
    FrozenDict({"zh": "跟进记录", "en": "Follow-up"}),
    owner_label=FrozenDict({"zh": "跟进人", "en": "Owner"}),
    taggable=False,
)  # fmt: skip
