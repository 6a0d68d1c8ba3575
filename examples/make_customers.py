"""Write `data/customers.xlsx`: 200 rows as a sales department might send them, with the usual mistakes.

The companies, people and numbers are made up. The same file comes out every time:
`python examples/make_customers.py [file]`.
"""

from __future__ import annotations

import random
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import xlsxwriter

HEADINGS: Final = (
    "客户名称", "客户类型", "所属行业", "联系人", "联系方式", "邮箱", "企业地址", "统一社会信用代码", "客户状态",
    "负责人", "年采购预算", "成立时间", "客户来源", "地区", "合同金额", "生效日期", "回款金额", "回款日期", "备注",
)  # fmt: skip
OWNERS: Final = ("李四(销售一部-1组)", "王五(销售一部-2组)")
PLACES: Final = (
    ("北京", "北京", "110108", "海淀区", "010"),
    ("上海", "上海", "310115", "浦东新区", "021"),
    ("深圳", "广东", "440305", "南山区", "0755"),
    ("杭州", "浙江", "330106", "西湖区", "0571"),
    ("苏州", "江苏", "320505", "虎丘区", "0512"),
    ("武汉", "湖北", "420111", "洪山区", "027"),
    ("成都", "四川", "510107", "武侯区", "028"),
    ("青岛", "山东", "370202", "市南区", "0532"),
)
BUSINESSES: Final = (
    ("制造业-机械", "精密机械"), ("制造业-IT设备", "智能设备"), ("制造业-电子", "电子"), ("制造业-汽车", "汽车部件"),
    ("信息技术-软件", "软件"), ("互联网", "网络科技"), ("零售", "商贸"), ("医疗", "医疗器械"), ("教育", "教育咨询"),
    ("物流", "供应链"), ("建筑房地产", "建设工程"), ("服务业", "企业服务"),
)  # fmt: skip
SOURCES: Final = ("官网", "转介绍", "展会", "电话营销", "广告", "合作伙伴")
FAMILY: Final = "赵钱孙周吴郑冯陈褚卫蒋沈韩杨"
GIVEN: Final = ("晓岚", "志远", "雨桐", "建国", "思齐", "婉清", "浩然", "明轩", "静姝", "立诚")
_DIGITS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def uscc(region: str, number: int) -> str:
    """Return a well-formed unified social credit code (GB 32100) that nobody holds."""
    body = f"91{region}MXX{number:06}"
    total = sum(_DIGITS.index(digit) * 3**place % 31 for place, digit in enumerate(body))
    return body + _DIGITS[-total % 31]


def money(chooser: random.Random, amount: int) -> object:
    """Return an amount as people type it: a number, grouped, in ten thousands, or full-width."""
    in_ten_thousands = f"{amount // 10_000}万"
    wide = str(amount).translate({ord("0") + digit: ord("０") + digit for digit in range(10)})
    return chooser.choice((amount, amount, f"{amount:,}.00", in_ten_thousands, f"￥{amount:,}", wide))


def day(chooser: random.Random, value: date) -> object:
    """Return a date as people type it: a date cell, a bare serial number, or text in several spellings."""
    serial = (value - date(1899, 12, 30)).days
    spelled = f"{value.year}年{value.month}月{value.day}日"
    return chooser.choice((value, value, value, serial, spelled, f"{value:%Y-%m-%d}", f"{value:%Y/%m/%d}"))


def phone(chooser: random.Random, number: int, area_code: str) -> object:
    """Return a made-up phone number as people type it."""
    mobile = f"1{chooser.choice(('38', '39', '37', '36', '58', '59'))}0000{number:04}"
    wide = mobile.translate({ord("0") + digit: ord("０") + digit for digit in range(10)})
    spaced = f"{mobile[:3]} {mobile[3:7]} {mobile[7:]}"
    return chooser.choice((mobile, mobile, int(mobile), spaced, f"+86 {mobile}", wide, f"{area_code}-6255{number:04}"))


def customer(chooser: random.Random, number: int) -> dict[str, Any]:
    """Return one row without mistakes."""
    city, region, code, district, area_code = chooser.choice(PLACES)
    industry, business = chooser.choice(BUSINESSES)
    kind = chooser.choices(("企业客户", "个人客户", "渠道客户"), (65, 20, 15))[0]
    contact = chooser.choice(FAMILY) + chooser.choice(GIVEN)
    status = chooser.choices(("高潜", "成交", "流失", "休眠"), (50, 28, 7, 15))[0]
    brand = chooser.choice("澜岑霁珩翊祺煦澄骞骁") + chooser.choice("野川屿朗禾原岚垣舟陌")
    row: dict[str, Any] = dict.fromkeys(HEADINGS)
    row |= {
        "客户名称": f"{city}{brand}{business}{'有限公司' if kind == '企业客户' else '经销部'}",
        "客户类型": kind,
        "所属行业": industry,
        "联系人": contact,
        "联系方式": phone(chooser, number, area_code),
        "邮箱": f"contact{number:03}@example.com" if chooser.random() < 0.7 else None,
        "客户状态": status if status != "高潜" or chooser.random() < 0.8 else None,
        "负责人": chooser.choice(OWNERS),
        "年采购预算": money(chooser, chooser.randint(5, 300) * 10_000),
        "客户来源": chooser.choice(SOURCES),
        "地区": region,
    }
    if kind == "个人客户":
        row |= {"客户名称": contact, "所属行业": None}
    else:
        row |= {
            "企业地址": f"{city}市{district}示例路{number}号",
            "成立时间": day(chooser, date(1998, 1, 1) + timedelta(days=chooser.randrange(9000))),
        }
    if kind == "企业客户":
        row["统一社会信用代码"] = uscc(code, number)
    if status == "成交":
        row |= deal(chooser)
    return row


def deal(chooser: random.Random) -> dict[str, Any]:
    """Return what a won customer has beside the rest."""
    amount = chooser.randint(3, 90) * 10_000
    since = date(2023, 1, 1) + timedelta(days=chooser.randrange(500))
    values = {"合同金额": money(chooser, amount), "生效日期": day(chooser, since)}
    if chooser.random() < 0.7:
        paid_on = day(chooser, since + timedelta(days=chooser.randrange(15, 90)))
        values |= {"回款金额": money(chooser, amount // 20_000 * 10_000 + 10_000), "回款日期": paid_on}
    return values


MISTAKES: Final[dict[int, dict[str, Any]]] = {
    8: {"联系方式": "1380000"},
    17: {"客户名称": None},
    23: {"统一社会信用代码": "91110108MXX000023A"},
    31: {"所属行业": "共享经济"},
    44: {"成立时间": "2023-02-30"},
    52: {"联系方式": 138000012345},
    63: {"负责人": "郑十一(销售一部-1组)"},
    71: {"客户状态": "成交", "合同金额": None, "生效日期": None},
    85: {"联系人": None},
    97: {"所属行业": "航天旅游", "联系方式": "见名片"},
    108: {"邮箱": "contact108@@example"},
    119: {"客户状态": "成交", "合同金额": "30万", "生效日期": "去年春天"},
    133: {"统一社会信用代码": "91310115MXX00133"},
    146: {"年采购预算": "-5万"},
    158: {"客户类型": "政府客户"},
    172: {"年采购预算": "面议"},
}
"""What is wrong in which row of data (from 1)."""

REPEATS: Final = {60: 12, 127: 95, 180: 33, 199: 140}
"""Rows that say again what an earlier row says."""

NAMESAKES: Final = {165: 3}
"""Rows with the customer name of an earlier row, and a phone number of their own."""


def customers(count: int = 200) -> list[dict[str, Any]]:
    """Return the rows, mistakes included."""
    chooser = random.Random(20240315)  # noqa: S311 - made-up data, the same every time
    rows: list[dict[str, Any]] = []
    names: set[str | None] = set()
    for number in range(1, count + 1):
        row = customer(chooser, number)
        if number in MISTAKES:
            # A mistake is made in a row that is right otherwise, and an enterprise's, so that every column applies.
            while row["客户类型"] != "企业客户" or row["客户状态"] == "成交":
                row = customer(chooser, number)
            row |= MISTAKES[number]
        while row["客户名称"] in names:
            row = customer(chooser, number)
        if number in REPEATS:
            row = rows[REPEATS[number] - 1] | {"备注": "补录"}
        if number in NAMESAKES:
            row["客户名称"] = rows[NAMESAKES[number] - 1]["客户名称"]
        names.add(row["客户名称"])
        rows.append(row)
    return rows


def write(path: Path) -> None:
    """Write the workbook."""
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as workbook:
        workbook.set_properties({"title": "客户信息", "created": datetime(2024, 3, 15, tzinfo=UTC)})
        sheet = workbook.add_worksheet("客户信息")
        heading = workbook.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
        sheet.write_row(0, 0, HEADINGS, heading)
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, len(HEADINGS) - 1, 16)
        for line, row in enumerate(customers(), start=1):
            sheet.write_row(line, 0, [row[name] for name in HEADINGS])


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data" / "customers.xlsx")
