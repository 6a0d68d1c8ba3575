"""Finding records about the same customer, beside the usual way by keys, on made-up customers with injected duplicates.

The reference normalises names, blocks by four keys and verifies with rapidfuzz, as a good script does; it is given the
same values. In the plain set a duplicate shares phone or address of mail; in the hard one
half of them share neither, most have another contact, and names are cut short or spelt wrongly once more.
"""

from __future__ import annotations

import random
import re
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from operator import attrgetter

import attrs
from rapidfuzz import fuzz

from benchmarks.harness import Result, in_turns
from custinfo.core.duplicates.comparing import Traits
from custinfo.core.duplicates.index import Index
from custinfo.standard.modules import CUSTOMER
from custinfo.workspace.resembling import best_ratio

__all__ = ["run"]

_CITIES = (
    "北京",
    "上海",
    "杭州",
    "苏州",
    "宁波",
    "深圳",
    "广州",
    "成都",
    "武汉",
    "西安",
    "南京",
    "天津",
    "青岛",
    "长沙",
)
_BRANDS = (
    "霁川望潮云启明远恒瑞嘉盛华信宏泰晨曦博雅鼎立金石海纳百天工开物安邦定国春和景新锐智联优创领航东升致诚达"
    "松柏兰竹梅菊桐枫荷莲溪湖江河岭峰岳原野林森禾穗谷丰登瑜瑾琪琳珂珊璟玺钰铭锦绣绮彩虹霞云雨雪霜露"
)
_TRADES = (
    "科技", "电子", "物流", "机械", "软件", "贸易", "医药", "食品", "建材", "服饰", "教育", "传媒", "能源", "化工",
    "汽车配件", "网络技术", "生物工程", "环保设备", "家居用品", "文化传播", "信息技术", "自动化",
    "电气", "包装", "印刷", "餐饮管理", "工程咨询",
)  # fmt: skip
_FORMS = ("有限公司", "有限公司", "股份有限公司", "有限责任公司")
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = "伟芳娜洋静磊敏勇艳杰涛明超秀英华慧巧美娟玲桂芬凯健俊帆雪荣爱妹霞香月莺媛瑞凡佳嘉琼勤珍贞莉"

Row = dict[str, str]


@attrs.frozen
class Sample:
    """Rows, and which pairs of them are about the same customer."""

    rows: tuple[Row, ...]
    pairs: frozenset[tuple[int, int]]


def sample(count: int, *, hard: bool, seed: int = 11) -> Sample:
    """Return customers of whom one in twenty is there a second time, spelt otherwise."""
    rng = random.Random(seed)
    rows: list[Row] = []
    names: set[str] = set()
    while len(rows) < count - count // 20:
        row = _customer(rng, len(rows))
        if row["name"] not in names:  # a register holds each full name once
            names.add(row["name"])
            rows.append(row)
    pairs = []
    for source in rng.sample(range(len(rows)), count // 20):
        pairs.append((source, len(rows)))
        again = _again(rng, rows[source], apart=hard and rng.random() < 0.5)
        rows.append(_garbled(rng, again) if hard else again)
    return Sample(tuple(rows), frozenset(pairs))


def _phone(rng: random.Random) -> str:
    return f"+8613{rng.randrange(5, 10)}{rng.randrange(10**8):08}"


def _customer(rng: random.Random, number: int) -> Row:
    name = "".join(rng.choices(_BRANDS, k=rng.choice((2, 2, 2, 3, 4)))) + rng.choice(_TRADES)
    return {
        "name": rng.choice(_CITIES) + name + rng.choice(_FORMS),
        "contact_name": rng.choice(_SURNAMES) + "".join(rng.choices(_GIVEN, k=rng.choice((1, 2)))),
        "phone": _phone(rng),
        "email": f"contact{number}@example.com",
    }


def _again(rng: random.Random, row: Row, *, apart: bool) -> Row:
    """Return a customer as somebody else enters it; if `apart`, with a phone and a mail of its own."""
    again = {**row, "name": _respelt(rng, row["name"])}
    if rng.random() < (0.7 if apart else 0.3):
        again["contact_name"] = rng.choice(_SURNAMES) + rng.choice(_GIVEN)
    kept = () if apart else rng.choice((("phone", "email"), ("phone",), ("phone",), ("email",)))
    if "phone" not in kept:
        again["phone"] = _phone(rng)
    if "email" not in kept:
        again["email"] = f"sales{rng.randrange(10**9)}@example.org"
        if rng.random() < 0.5:
            del again["email"]
    return again


def _garbled(rng: random.Random, row: Row) -> Row:
    """Return a customer whose name was spelt wrongly once more, or cut short, as on a visiting card."""
    city, brand = row["name"][:2], _bare(row["name"])
    short = brand[: rng.choice((2, 3, 4))]
    return {**row, "name": rng.choice((city + _mistyped(rng, brand), _mistyped(rng, brand), short, row["name"]))}


def _bare(name: str) -> str:
    """Return the name without city and legal form."""
    bare = re.sub("(股份|责任)? ?有限(责任)?公司$|（.*?）", "", name)
    return bare[2:].removeprefix("市") if name.startswith(_CITIES) else bare


def _respelt(rng: random.Random, name: str) -> str:
    city, rest = name[:2], name[2:]
    brand = re.sub("(股份|责任)?有限(责任)?公司$", "", rest)
    forms: tuple[Callable[[], str], ...] = (
        lambda: name,
        lambda: city + "市" + rest,
        lambda: brand + "（" + city + "）有限公司",
        lambda: brand + "有限公司",
        lambda: city + brand,
        lambda: city + brand + "有限责任公司",
        lambda: name.replace("有限", " 有限"),
        lambda: city + _mistyped(rng, brand) + "有限公司",
    )
    return rng.choice(forms)()


def _mistyped(rng: random.Random, brand: str) -> str:
    place = rng.randrange(len(brand))
    match rng.randrange(3):
        case 0:
            return brand[:place] + rng.choice(_BRANDS) + brand[place + 1 :]
        case 1:
            return brand[:place] + brand[place + 1 :]
        case _:
            return brand[: place + 1] + rng.choice(_BRANDS) + brand[place + 1 :]


# --- the two ways


def keyed(rows: tuple[Row, ...]) -> set[tuple[int, int]]:
    """Return pairs as a script finds them: four keys, then names compared."""
    names = [_plain_name(row["name"]) for row in rows]
    blocks: list[dict[str, list[int]]] = [{}, {}, {}, {}]
    for number, (row, name) in enumerate(zip(rows, names, strict=True)):
        keys = (
            re.sub(r"\D", "", row["phone"])[-11:],
            row.get("email", "").lower(),
            name,
            name[:3] + row["contact_name"],
        )
        for block, key in zip(blocks, keys, strict=True):
            if key:
                block.setdefault(key, []).append(number)
    candidates = {
        pair
        for block in blocks
        for places in block.values()
        if 1 < len(places) <= 50
        for pair in combinations(places, 2)
    }
    return {(one, other) for one, other in candidates if _verified(rows, names, one, other)}


def _verified(rows: tuple[Row, ...], names: list[str], one: int, other: int) -> bool:
    similarity = fuzz.ratio(names[one], names[other])
    first, second = rows[one], rows[other]
    shared = first["phone"] == second["phone"] or (
        first.get("email") is not None and first.get("email") == second.get("email")
    )
    return similarity >= 60 if shared else similarity >= 90 and first["contact_name"] == second["contact_name"]


def _plain_name(name: str) -> str:
    form = unicodedata.normalize("NFKC", name).lower()
    form = re.sub(r"[\s()·.,-]", "", form)
    form = re.sub("(股份|集团|有限|责任)*公司$", "", form)
    return re.sub("^(?:" + "|".join(_CITIES) + ")市?", "", form)


def found_by_index(rows: tuple[Row, ...]) -> set[tuple[int, int]]:
    """Return pairs as custinfo finds them."""
    return {(one, likeness.other) for one, likeness in indexed(rows).pairs()}


def indexed(rows: tuple[Row, ...]) -> Index:
    """Return an index of rows by their numbers."""
    traits = Traits.of(CUSTOMER)
    index = Index(traits, best_ratio())
    columns = {key: [row.get(key) for row in rows] for key in ("name", "contact_name", "phone", "email")}
    index.add(range(len(rows)), traits.signatures(columns, len(rows)))
    return index


def quality(found: set[tuple[int, int]], pairs: frozenset[tuple[int, int]]) -> tuple[float, float]:
    """Return precision and recall."""
    right = len(found & pairs)
    return right / max(1, len(found)), right / len(pairs)


# --- the cases


def run(quick: bool) -> Iterator[Result]:
    """Measure time, precision and recall on both sets, and the probe of one new record."""
    count = 20_000 if quick else 100_000
    easy = sample(count, hard=False)
    ours, theirs = in_turns(
        lambda: found_by_index(easy.rows), lambda: keyed(easy.rows), clock=time.process_time, least=1, most=5
    )
    yield Result("duplicates", f"pairs among {count}", ours, "four keys and rapidfuzz", theirs, 1.5 / 0.86)
    precision, recall = quality(found_by_index(easy.rows), easy.pairs)
    least, reached = quality(keyed(easy.rows), easy.pairs)
    yield _share("precision", precision, 0.995, least)
    yield _share("recall", recall, 0.99, reached)
    hard = sample(count, hard=True)
    precision, recall = quality(found_by_index(hard.rows), hard.pairs)
    least, reached = quality(keyed(hard.rows), hard.pairs)
    yield _share("hard: precision", precision, 0.98, least)
    yield _share("hard: recall", recall, 0.5, reached)
    yield _probing(easy)


def _share(case: str, share: float, target: float, other: float) -> Result:
    """Return what is missing to the whole, in per mille, beside what may be missing; shares stand in the names."""
    name, allowed = f"{case} {share:.4f}: lost", f"{target} to be reached (by four keys: {other:.4f})"
    return Result("duplicates", name, 1000 * (1 - share), allowed, 1000 * (1 - target), 1.0, unit="‰")


def _probing(data: Sample) -> Result:
    index, rng = indexed(data.rows), random.Random(3)
    rows: list[Mapping[str, str]] = [_again(rng, rng.choice(data.rows), apart=False) for _ in range(500)]
    rows += [_customer(rng, number) for number in range(10**7, 10**7 + 500)]
    signature = index.traits.signature

    def probe() -> None:
        for row in rows:
            max(index.alike(signature(row)), key=attrgetter("score"), default=None)

    (together,) = in_turns(probe, clock=time.process_time)
    seconds = together / len(rows)
    return Result("duplicates", f"probe one new record among {len(index)}", seconds, "100 µs", 100e-6, 1.0)
