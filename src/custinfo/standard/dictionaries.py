"""Dictionaries and tag dimensions.

The codes are the users' own words, so that what records store, criteria say and exports show is what people say;
English names are accepted as aliases everywhere.
"""

from __future__ import annotations

from typing import Final

from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.frozen import FrozenDict
from custinfo.core.tags import TagDimension

__all__ = ["DICTIONARIES", "TAG_DIMENSIONS"]


def _value(chinese: str, english: str, alias: str, parent: str | None = None) -> DictionaryValue:
    labels = FrozenDict({"zh": chinese, "en": english})
    return DictionaryValue(chinese, labels, parent=parent, aliases=(alias,))


def _dictionary(key: str, chinese: str, english: str, *values: DictionaryValue) -> Dictionary:
    return Dictionary(
        key, FrozenDict({value.code: value for value in values}), FrozenDict({"zh": chinese, "en": english})
    )


def _provinces(region: str, *names: tuple[str, str]) -> tuple[DictionaryValue, ...]:
    return tuple(_value(chinese, english, english.lower().replace(" ", "_"), region) for chinese, english in names)


CUSTOMER_TYPE: Final = _dictionary(
    "customer_type",
    "客户类型",
    "Customer type",
    _value("企业客户", "Enterprise", "enterprise"),
    _value("个人客户", "Individual", "individual"),
    _value("渠道客户", "Channel", "channel"),
)

STATUS: Final = _dictionary(
    "customer_status",
    "客户状态",
    "Customer status",
    _value("高潜", "High potential", "high_potential"),
    _value("成交", "Won", "won"),
    _value("流失", "Lost", "lost"),
    _value("休眠", "Dormant", "dormant"),
)

INDUSTRY: Final = _dictionary(
    "industry",
    "所属行业",
    "Industry",
    _value("制造业", "Manufacturing", "manufacturing"),
    _value("IT设备", "IT equipment", "it_equipment", "制造业"),
    _value("汽车", "Automotive", "automotive", "制造业"),
    _value("电子", "Electronics", "electronics", "制造业"),
    _value("机械", "Machinery", "machinery", "制造业"),
    _value("化工", "Chemicals", "chemicals", "制造业"),
    _value("信息技术", "Information technology", "information_technology"),
    _value("软件", "Software", "software", "信息技术"),
    _value("互联网", "Internet", "internet", "信息技术"),
    _value("金融", "Finance", "financial_services"),
    _value("零售", "Retail", "retail"),
    _value("医疗", "Health care", "health_care"),
    _value("教育", "Education", "education"),
    _value("建筑房地产", "Construction and property", "construction"),
    _value("物流", "Logistics", "logistics"),
    _value("能源", "Energy", "energy"),
    _value("农业", "Agriculture", "agriculture"),
    _value("政府", "Public sector", "public_sector"),
    _value("服务业", "Services", "services"),
    _value("其他", "Other", "other"),
)

REGION: Final = _dictionary(
    "region",
    "地区",
    "Region",
    _value("华东", "East China", "east"),
    *_provinces(
        "华东",
        ("上海", "Shanghai"),
        ("江苏", "Jiangsu"),
        ("浙江", "Zhejiang"),
        ("安徽", "Anhui"),
        ("福建", "Fujian"),
        ("江西", "Jiangxi"),
        ("山东", "Shandong"),
    ),
    _value("华北", "North China", "north"),
    *_provinces(
        "华北",
        ("北京", "Beijing"),
        ("天津", "Tianjin"),
        ("河北", "Hebei"),
        ("山西", "Shanxi"),
        ("内蒙古", "Inner Mongolia"),
    ),
    _value("华南", "South China", "south"),
    *_provinces("华南", ("广东", "Guangdong"), ("广西", "Guangxi"), ("海南", "Hainan")),
    _value("华中", "Central China", "central"),
    *_provinces("华中", ("河南", "Henan"), ("湖北", "Hubei"), ("湖南", "Hunan")),
    _value("西南", "Southwest China", "southwest"),
    *_provinces(
        "西南", ("重庆", "Chongqing"), ("四川", "Sichuan"), ("贵州", "Guizhou"), ("云南", "Yunnan"), ("西藏", "Tibet")
    ),
    _value("西北", "Northwest China", "northwest"),
    *_provinces(
        "西北", ("陕西", "Shaanxi"), ("甘肃", "Gansu"), ("青海", "Qinghai"), ("宁夏", "Ningxia"), ("新疆", "Xinjiang")
    ),
    _value("东北", "Northeast China", "northeast"),
    *_provinces("东北", ("辽宁", "Liaoning"), ("吉林", "Jilin"), ("黑龙江", "Heilongjiang")),
    _value("港澳台", "Hong Kong, Macau and Taiwan", "hmt"),
    *_provinces("港澳台", ("香港", "Hong Kong"), ("澳门", "Macau"), ("台湾", "Taiwan")),
    _value("海外", "Overseas", "overseas"),
)

SCALE: Final = _dictionary(
    "scale",
    "规模",
    "Scale",
    _value("微型", "Micro", "micro"),
    _value("小型", "Small", "small"),
    _value("中型", "Medium", "medium"),
    _value("大型", "Large", "large"),
)

SOURCE: Final = _dictionary(
    "source",
    "客户来源",
    "Source",
    _value("官网", "Web site", "web_site"),
    _value("转介绍", "Referral", "referral"),
    _value("展会", "Exhibition", "exhibition"),
    _value("电话营销", "Telemarketing", "telemarketing"),
    _value("广告", "Advertisement", "advertisement"),
    _value("合作伙伴", "Partner", "partner"),
    _value("其他", "Other", "other"),
)

ARCHIVE_STATUS: Final = _dictionary(
    "archive_status",
    "归档状态",
    "Archive status",
    _value("待审核", "Pending review", "pending_review"),
    _value("更新中", "Being updated", "being_updated"),
    _value("已归档", "Archived", "archived"),
)

CHANNEL: Final = _dictionary(
    "follow_up_channel",
    "跟进方式",
    "Channel",
    _value("电话", "Phone call", "phone"),
    _value("邮件", "E-mail", "email"),
    _value("会议", "Meeting", "meeting"),
    _value("拜访", "Visit", "visit"),
    _value("微信", "WeChat", "wechat"),
)

FOLLOW_UP_STATUS: Final = _dictionary(
    "follow_up_status",
    "跟进状态",
    "Follow-up status",
    _value("进行中", "In progress", "in_progress"),
    _value("已完成", "Done", "done"),
)

DICTIONARIES: Final = (
    CUSTOMER_TYPE,
    STATUS,
    INDUSTRY,
    REGION,
    SCALE,
    SOURCE,
    ARCHIVE_STATUS,
    CHANNEL,
    FOLLOW_UP_STATUS,
)


def _dimension(chinese: str, english: str, *values: str, is_open: bool = False, single: bool = False) -> TagDimension:
    labels = FrozenDict({"zh": chinese, "en": english})
    return TagDimension(chinese, values, labels, (english.lower(),), open=is_open, single=single)


TAG_DIMENSIONS: Final = (
    _dimension("行业", "Industry", *INDUSTRY.children(None)),
    _dimension("状态", "Status", *STATUS.values, single=True),
    _dimension("需求", "Need", "采购设备", "技术服务", "软件系统", "系统集成", "培训", "咨询", "其他"),
    _dimension("规模", "Scale", *SCALE.values, single=True),
    _dimension("合作阶段", "Stage", "潜在", "意向", "成交", "流失", single=True),
    _dimension("自定义", "Custom", is_open=True),
)
