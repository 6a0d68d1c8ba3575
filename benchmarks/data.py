"""Made-up customers in a workbook, as people have them: 12 columns, 2 % bad rows."""

from __future__ import annotations

import random
from pathlib import Path

import xlsxwriter

__all__ = ["HEADER", "customer_rows", "validation_rows", "write_workbook"]

HEADER = (
    "客户名称", "客户类型", "所属行业", "联系人", "联系方式", "邮箱",
    "统一社会信用代码", "客户状态", "负责人", "年采购预算", "地区", "提交日期",
)  # fmt: skip
_CODE = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_NAMES = ("张伟", "王芳", "李娜", "刘洋", "陈静", "杨磊", "赵敏", "黄勇")


def _credit_code(number: int) -> str:
    body = f"91110105MA{number:07}"
    total = sum(_CODE.index(character) * weight for character, weight in zip(body, _WEIGHTS, strict=True))
    return body + _CODE[(31 - total % 31) % 31]


def customer_rows(count: int, seed: int = 7) -> list[tuple[object, ...]]:
    """Return rows in the order of `HEADER`; every fiftieth has a bad phone."""
    rng = random.Random(seed)
    industries = ("制造业", "制造业-汽车", "信息技术-软件", "零售", "物流", "教育")
    regions = ("华东-上海", "华东-江苏", "华北-北京", "华南-广东")
    rows: list[tuple[object, ...]] = []
    for number in range(count):
        phone = "12345" if number % 50 == 49 else f"13{rng.randrange(5, 10)}{rng.randrange(10**8):08}"
        rows.append(
            (
                f"示例{number:06}科技有限公司",
                "企业客户",
                rng.choice(industries),
                rng.choice(_NAMES),
                phone,
                f"contact{number}@example.com",
                _credit_code(number),
                rng.choice(("高潜", "休眠")),
                rng.choice(("李四(销售一部-1组)", "王五(销售一部-2组)")),
                rng.randrange(1, 5000) * 1000,
                rng.choice(regions),
                f"2024-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
            )
        )
    return rows


def _resident_id(rng: random.Random) -> str:
    body = (
        f"110101{rng.randrange(1950, 2005)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}{rng.randrange(1000):03}"
    )
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]


def validation_rows(count: int, bad: float, seed: int = 7) -> list[dict[str, object]]:
    """Return rows of twelve fields by key; in a share `bad` of them one value is wrong, each field in turn."""
    rng = random.Random(seed)
    wrong = {
        "phone": "12345",
        "email": "nobody",
        "uscc": "91110105MA0000000X",
        "id_number": "110101199001010000",
        "status": "不明",
        "annual_budget": -1,
        "submitted_on": "2024-13-01",
    }
    rows: list[dict[str, object]] = []
    for number in range(count):
        row: dict[str, object] = {
            "name": f"示例{number:06}科技有限公司",
            "customer_type": "企业客户",
            "industry": rng.choice(("制造业", "汽车", "软件", "零售", "物流", "教育")),
            "contact_name": rng.choice(_NAMES),
            "phone": f"13{rng.randrange(5, 10)}{rng.randrange(10**8):08}",
            "email": f"contact{number}@example.com",
            "uscc": _credit_code(number),
            "id_number": _resident_id(rng),
            "status": rng.choice(("高潜", "流失", "休眠")),
            "address": f"北京市海淀区中关村大街{number}号",
            "annual_budget": rng.randrange(1, 5000) * 1000,
            "submitted_on": f"2024-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        }
        if bad and number % round(1 / bad) == 0:
            key = list(wrong)[number // round(1 / bad) % len(wrong)]
            row[key] = wrong[key]
        rows.append(row)
    return rows


def write_workbook(path: Path, rows: list[tuple[object, ...]]) -> None:
    """Write rows under their headings."""
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("客户")
        sheet.write_row(0, 0, HEADER)
        for number, row in enumerate(rows, start=1):
            sheet.write_row(number, 0, row)
