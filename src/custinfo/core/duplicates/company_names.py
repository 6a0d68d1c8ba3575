"""Names of companies without what people leave out: legal form, region, brackets, blanks."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from custinfo.core.duplicates.regions import PROVINCE_OF, leading_region
from custinfo.core.text import narrowed

__all__ = ["CompanyName", "company_name", "ordinal_marks"]

_DROPPED: Final = re.compile(r"[\s·•.,，。、:：;；'\"‘’“”&＆/\\_*#!！?？|~`@^+=<>《》「」-]+")
_BRACKETS: Final = re.compile(r"[(\[{【〔](.*?)[)\]}】〕]")
_OPENING: Final = re.compile(r"[(\[{【〔]")
_FORMS: Final = (
    "股份有限公司", "有限责任公司", "有限公司", "股份公司", "集团公司", "总公司", "公司", "集团", "控股", "商行",
    "经营部", "工作室", "事务所", "合伙企业", "ltd", "inc", "llc", "corp", "limited", "company", "co",
)  # fmt: skip
_FORMS_BY_END: Final = {end: tuple(form for form in _FORMS if form[-1] == end) for end in {form[-1] for form in _FORMS}}
"""The same, by their last character: one look tells a name that ends in none of them."""
_BRANCHES: Final = ("分公司", "办事处", "分店", "分行", "支行", "子公司")
_INNER_FORMS: Final = re.compile("(?:股份|集团)?有限(?:责任)?公司|集团(?:公司)?")
_EVERYWHERE: Final = frozenset({"中国", "集团", "国际", "有限合伙", "普通合伙", "特殊普通合伙", "china"})
_MARKS: Final = re.compile("[0-9]+|[a-z]+|[零一二三四五六七八九十甲乙丙丁戊己庚辛]")


class CompanyName(NamedTuple):
    """A name taken apart: what tells it from others, the region, empty where it names none, and all of it, plain."""

    core: str
    region: str
    form: str


def company_name(text: str) -> CompanyName:
    """Return a name taken apart; of a person's name the whole is its core.

    >>> company_name("霁川 科技（苏州）有限公司")
    CompanyName(core='霁川科技', region='苏州', form='霁川科技(苏州)有限公司')
    >>> company_name("霁川科技有限公司苏州分公司").core
    '霁川科技苏州分公司'
    """
    form = narrowed(text).lower()
    form = name = text if form == text else form  # an index holds as many as there are records
    region = ""
    if not form.isalnum():
        form = name = _DROPPED.sub("", form)
        if _OPENING.search(form):
            inside: list[str] = []
            name = _BRACKETS.sub(lambda match: _unbracketed(match[1], inside), form)
            region = inside[-1] if inside else ""
    leading, core = leading_region(name)
    if core.endswith(_BRANCHES):
        return CompanyName(_INNER_FORMS.sub("", core), leading or region, form)
    while (rest := _without_form(core)) != core:
        core = rest
    return CompanyName(core, leading or region, form)


def _without_form(core: str) -> str:
    """Return a name without the legal form at its end, unless that is all there is."""
    for legal in _FORMS_BY_END.get(core[-1:], ()):
        if core.endswith(legal):
            return core.removesuffix(legal) or core
    return core


def ordinal_marks(core: str) -> list[str]:
    """Return the numbers, letters and ordinals in a name: what differs in them is somebody else.

    >>> ordinal_marks("示例第二12号科技")
    ['二', '12']
    """
    return _MARKS.findall(core)


def _unbracketed(text: str, regions: list[str]) -> str:
    """Return what stays of the text in brackets; a region goes to `regions`."""
    name = text.removesuffix("市").removesuffix("省")
    if name in PROVINCE_OF:
        regions.append(name)
        return ""
    return "" if text in _EVERYWHERE else text
