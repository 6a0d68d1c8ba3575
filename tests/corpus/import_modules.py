"""What the real workbooks are imported into: modules as data, labelled as the files are headed.

Run as a program, it imports files in a process of its own, bounded in memory and time, and prints a line of JSON
before and after each.
"""

import json
import resource
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from custinfo import (
    Assignment,
    Configuration,
    Department,
    Dictionary,
    DictionaryValue,
    F,
    FieldDefinition,
    InvalidInputError,
    Member,
    ModuleDefinition,
    Organisation,
    Position,
    UnreadableFileError,
    Workspace,
)
from custinfo.adapters.excel import plan_import
from custinfo.core.policy.grants import ALL_FIELDS, Action, Grant, Role
from custinfo.core.rules import Pattern
from custinfo.standard import standard_configuration

IMPORTER = "importer"
SECONDS = 10
ADDRESS_SPACE = 600 * 1024 * 1024

ORGANISATION = Organisation(
    (Department("archive", "档案室"),),
    (Position("importer", "录入员", ("importer",)),),
    (Member(IMPORTER, "录入员甲", (Assignment("archive", "importer"),)),),
)


def field(key: str, kind: str, label: str, **settings: Any) -> FieldDefinition:
    """Return a field with a label in Chinese, or whatever language the file has."""
    return FieldDefinition(key, kind, label, **settings)


def choice(key: str, dictionary: str, label: str, **settings: Any) -> FieldDefinition:
    """Return a field that takes the entries of a dictionary."""
    return field(key, "choice", label, options={"dictionary": dictionary}, **settings)


def texts(*labels: str) -> tuple[FieldDefinition, ...]:
    """Return fields of text, `c1`, `c2` and so on, named as a file heads its columns."""
    return tuple(field(f"c{number}", "text", label) for number, label in enumerate(labels, start=1))


def entries(key: str, *labels: str) -> Dictionary:
    """Return a dictionary whose codes are its labels."""
    return Dictionary(key, tuple(DictionaryValue(label, label) for label in labels))


PIPES = ModuleDefinition(
    "pipe",
    (
        field("number", "text", "管轴编号", required=True),
        field("gallery", "text", "管廊编号"),
        field("area", "text", "责任区域"),
        choice("position", "position", "位置标识"),
        field("hangs", "boolean", "是否为吊架"),
        field("share", "text", "吊架百分比"),
        field("order", "integer", "排序"),
    ),
    match_keys=(("number",),),
)
GOODS = ModuleDefinition(
    "goods",
    (
        field("barcode", "text", "产品条码", rules=(Pattern("[0-9]+", "只有数字"),)),
        field("name", "text", "产品名称"),
        field("code", "text", "产品代码", unique=True),
        field("customer", "integer", "客户代码"),
        field("model", "integer", "产品型号"),
        field("declared", "decimal", "申报价值"),
        field("currency", "integer", "货币单位"),
        field("brand", "integer", "品牌名称"),
        field("size", "text", "尺寸(长x宽x高)", rules=(Pattern("[0-9]+x[0-9]+x[0-9]+", "长x宽x高"),)),
        field("weight", "decimal", "重量(KG)"),
        choice("type", "ordinal", "类型"),
        field("is_row", "boolean", "是否行"),
        field("day", "date", "公式测试"),
        field("id_number", "resident_id", "身份证"),
        choice("gender", "gender", "性别"),
    ),
)
PICTURES = ModuleDefinition(
    "picture",
    (
        field("bold", "text", "加粗文本"),
        field("plain", "text", "普通文本"),
        field("amount", "decimal", "数值"),
        field("name", "text", "名称"),
        field("at", "datetime", "日期"),
    ),
)
NAMES = ModuleDefinition(
    "name",
    (
        field("needed", "boolean", "名称是否必填"),
        field("name", "text", "名称", required_when=F.needed == True),  # noqa: E712 -- a criterion, not a comparison
    ),
)
ORDERS = ModuleDefinition(
    "order", (field("ordered_on", "date", "订单创建时间"), field("paid_on", "date", "订单付款时间"))
)
MOMENTS = ModuleDefinition("moment", (field("at", "datetime", "日期时间标题"),))
PACKS = ModuleDefinition(
    "pack",
    (
        field("number", "integer", "序号"),
        field("id_number", "integer", "ID号"),
        field("place", "integer", "工位号"),
        field("eblock", "text", "eblock编码"),
        field("position", "text", "PACK位置"),
        field("code", "text", "PACK编码", required=True, unique=True),
        field("pcs", "text", "PCS编码"),
        field("machine", "text", "水机"),
        field("release", "long_text", "程序版本号"),
        field("fault", "text", "异常情况"),
        field("tested", "text", "调试时间"),
        field("state", "text", "调试状态"),
    ),
)
RECIPES = ModuleDefinition(
    "recipe",
    (
        field("number", "integer", "序号"),
        field("material", "text", "原料编号"),
        field("factory_name", "text", "厂定名称"),
        field("standard_name", "text", "标准中文名"),
        field("inci", "text", "INCI名"),
        field("content", "decimal", "原料含量（%）"),
        field("content_of_material", "decimal", "原料中成分含量（%）"),
        field("content_of_recipe", "decimal", "配方中成分含量（%）"),
        field("purpose", "text", "使用目的"),
        field("cas", "text", "备案用CAS"),
        field("serial", "text", "成分序列号"),
        field("trade_name", "text", "备案用商品名称"),
        field("producer", "text", "备案用生产制造商"),
        field("report_code", "text", "原料报送码"),
        field("is_new", "boolean", "是否新原料"),
    ),
)
ATTENDANCE = ModuleDefinition(
    "attendance",
    (
        field("day", "date", "Date", required=True),
        field("ben", "boolean", "Ben Ashley"),
        field("tom", "boolean", "Tom Brooks"),
        field("jimmy", "boolean", "Jimmy Cooney"),
        field("sue", "boolean", "Sue Daniels"),
        field("berlinda", "boolean", "Berlinda Fong"),
        field("terry", "boolean", "Terry Jones"),
        field("angelina", "boolean", "Angelina Little"),
        field("linda", "boolean", "Linda Smith"),
    ),
)
CALENDAR = ModuleDefinition(
    "calendar",
    (field("serial", "integer", "Serial"), field("day", "date", "Day"), field("spelled", "date", "Spelled")),
)
INLINE = ModuleDefinition(
    "inline",
    (
        field("number", "integer", "Numbers"),
        field("text", "text", "Strings"),
        field("inline", "text", "Inline Strings"),
        field("formula", "integer", "Formulas"),
    ),
)
SUMS = ModuleDefinition(
    "sum", tuple(field(f"c{number}", "integer", label) for number, label in enumerate(("cb=1", "cb=10", "cb=2"), 1))
)
CELLS = ModuleDefinition(
    "cell",
    (
        field("text", "text", "Text"),
        field("long_text", "long_text", "Long text"),
        field("number", "decimal", "Number"),
        field("day", "date", "Date"),
        field("at", "datetime", "Moment"),
        field("yes", "boolean", "Yes"),
    ),
)
LINES = ModuleDefinition(
    "line",
    (
        field("partner", "text", "Partner ID ( ID za DDV )"),
        field("document", "text", "Document number"),
        field("dated", "date", "Date of document"),
        field("position", "integer", "Position - number"),
        field("order", "text", "Order number"),
        field("barcode", "text", "Barcode"),
        field("quantity", "decimal", "Quantity - number"),
    ),
    match_keys=(("document", "position"),),
)
PRICES = ModuleDefinition(
    "price", (field("number", "text", "PN"), field("quantity", "integer", "Qty"), field("price", "decimal", "Price"))
)
TARIFFS = ModuleDefinition("tariff", (field("name", "text", "Bezeichnung"), field("value", "decimal", "Wert")))
RANGES = ModuleDefinition(
    "range", (field("number", "integer", "순번", required=True), field("range", "text", "IP대역"), *texts("비고"))
)
STAFF = ModuleDefinition(
    "staff",
    (
        field("area", "text", "领域"),
        field("group", "text", "小微"),
        field("scope", "text", "人事范围"),
        field("total", "integer", "总人数"),
        field("first", "integer", "时段一天数"),
        field("other", "integer", "其他时段天数"),
    ),
)
REGISTER = ModuleDefinition("register", texts("№", "URL", "Название", "Вер.", "Сост.", "Аналитик", "Заказчик"))
STEPS = ModuleDefinition("step", texts("№", "Элемент", "Описание", "Результат шага (Выход)", "Ссылки"))
THREE = ModuleDefinition("three", texts("A", "B", "C"))
TEN = ModuleDefinition("ten", texts(*(f"Column {number}" for number in range(1, 11))))
HELLO = ModuleDefinition("hello", texts("HelloWorld1"))
SPACES = ModuleDefinition(
    "space", (field("trimmed", "text", "trimmed value"), field("kept", "long_text", "value with tabs"))
)
MERGED = ModuleDefinition(
    "merged", tuple(field(f"in_{label[0].lower()}", "text", label) for label in ("A1", "B1", "C1", "E1", "F1"))
)
REPLAY = ModuleDefinition(
    "replay",
    (
        field("document", "text", "单据号"),
        field("user_type", "integer", "用户类型编码"),
        field("detail", "integer", "报价明细ID"),
    ),
)
PAIRS = ModuleDefinition(
    "pair",
    (
        field("left", "integer", "a"),
        field("right", "integer", "b"),
        field("name", "text", "Name"),
        field("value", "integer", "Value"),
    ),
)
REPORTS = ModuleDefinition(
    "report",
    texts(
        *("Date", "Agency", "Customer", "Campaign", "Publisher", "Format", "Inventory", "Impressions", "Clicks"),
        *("CTR (%)", "Price", "Price model", "Revenue"),
    ),
)
REGIONS = ModuleDefinition("region", texts("Atlas level", "Anatomical Structure", "PHAL", "CTB", "BDA", "FG"))
MACRO = ModuleDefinition("macro", texts("Content of Sheet B"))

MODULES = (
    *(PIPES, GOODS, PICTURES, NAMES, ORDERS, MOMENTS, PACKS, RECIPES, ATTENDANCE, CALENDAR, INLINE, SUMS, CELLS),
    *(LINES, PRICES, TARIFFS, RANGES, STAFF, REGISTER, STEPS, THREE, TEN, HELLO, SPACES, MERGED, REPLAY, MACRO),
    *(PAIRS, REPORTS, REGIONS),
)
DICTIONARIES = (
    entries("position", "左", "中", "右"),
    entries("ordinal", "第一", "第二"),
    entries("gender", "男", "女"),
)


def granted(*modules: str) -> tuple[Grant, ...]:
    """Return what lets the importer do their work in some modules."""
    actions: frozenset[Action] = frozenset({"view", "create", "edit", "import"})
    return tuple(Grant(IMPORTER, module, actions, "all", view=ALL_FIELDS, edit=ALL_FIELDS) for module in modules)


CORPUS = Configuration(
    modules=MODULES,
    dictionaries=DICTIONARIES,
    roles=(Role(IMPORTER),),
    grants=granted(*(module.key for module in MODULES)),
)
STANDARD = attrs.evolve(standard_configuration().with_roles(Role(IMPORTER)), grants=granted("customer"))
"""The standard modules, unchanged, in which the importer is the only role that may do anything."""


def people(*fields: FieldDefinition, country: str = "CN", language: str = "zh") -> Configuration:
    """Return the standard configuration for lists of people: individuals of whom the name is enough."""
    customer = STANDARD.modules["customer"].fields
    eased = (
        attrs.evolve(customer["customer_type"], default="个人客户"),
        attrs.evolve(customer["contact_name"], required=False),
        attrs.evolve(customer["phone"], required=False),
    )
    changed = STANDARD.with_fields("customer", *eased, *fields).with_dictionaries(*DICTIONARIES)
    return attrs.evolve(changed, country=country, language=language)


def open_workspace(url: str = "memory://", configuration: Configuration = CORPUS) -> Workspace:
    """Return a workspace with the one importer."""
    return Workspace.open(url, configuration, organisation=ORGANISATION)


# --- as a program


def outcome(path: Path, module: str) -> Mapping[str, object]:
    """Return what came of importing one file: the code that refuses it, or rows by outcome."""
    with open_workspace() as workspace, workspace.acting_as(IMPORTER) as session:
        try:
            plan = plan_import(session, module, path)
        except (UnreadableFileError, InvalidInputError) as error:
            return {"code": error.code, "error": type(error).__name__}
        counts = plan.apply().counts
        saved = session.records(module).count()
        return {"rows": [row.row for row in plan.rows], "counts": attrs.asdict(counts), "saved": saved}


def peak_mebibytes() -> int:
    """Return the most memory that this process ever had in use; what its parent had does not count."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def main() -> None:
    """Import each file that the command line names as `module=path`."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    for argument in sys.argv[1:]:
        module, _, path = argument.partition("=")
        signal.alarm(SECONDS)  # its default ends the process, even inside a library
        sys.stdout.write(json.dumps({"begin": argument}) + "\n")
        sys.stdout.flush()
        begin = time.perf_counter()
        result = outcome(Path(path), module)
        seconds = time.perf_counter() - begin
        line = {"of": argument, "seconds": seconds, "peak_mebibytes": peak_mebibytes(), **result}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
