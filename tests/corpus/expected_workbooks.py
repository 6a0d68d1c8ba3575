"""What each real workbook holds, found out by looking at its XML and at the list of sources, not by reading it."""

import datetime as dt
from collections.abc import Mapping

import attrs

Cells = Mapping[tuple[int, str], object]


@attrs.frozen
class Sheet:
    """Say what one worksheet holds: `cells` by worksheet row and clean header."""

    name: str
    header_row: int
    count: int
    header: tuple[str, ...]
    cells: Cells = attrs.field(factory=dict)
    first_column: int = 1


CUSTOMER_LIKE = ("管轴编号", "管廊编号", "责任区域", "位置标识", "是否为吊架", "吊架百分比", "排序")
GOODS = (
    *("产品条码", "产品名称", "产品代码", "客户代码", "产品型号", "申报价值", "货币单位", "品牌名称"),
    *("尺寸(长x宽x高)", "重量(KG)", "类型", "是否行", "公式测试", "身份证", "性别"),
)
CONTACT = (
    *("First Name", "Last Name", "Company", "Address 1", "Address 2", "City", "State", "Postal Code"),
    *("Home", "Office", "Fax", "Mobile", "E-Mail Address", "XactNet Address"),
)
STAFF = ("Ben Ashley", "Tom Brooks", "Jimmy Cooney", "Sue Daniels", "Berlinda Fong", "Terry Jones")
RECIPE = (
    *(
        "序号",
        "原料编号",
        "厂定名称",
        "标准中文名",
        "INCI名",
        "原料含量（%）",
        "原料中成分含量（%）",
        "配方中成分含量（%）",
    ),
    *("使用目的", "配方中原料使用目的", "使用部位/纳米级/色淀类型", "备案用CAS", "成分序列号", "备案用商品名称"),
)
ATTENDANCE = ("领域", "平台", "小微", "节点组织", "人事范围", "总人数", "时段一天数", "时段二天数", "时段三天数")
REPORT = (
    *("Date", "Agency", "Customer", "Campaign", "Publisher", "Format", "Inventory", "Impressions", "Clicks"),
    *("CTR (%)", "Price", "Price model", "Revenue"),
)
NO_DATA_NOTE: Cells = {(3, "Date"): "At the moment no data for report", (3, "Revenue"): None}
MOMENT = dt.datetime(2023, 1, 1)  # noqa: DTZ001 -- spreadsheets know no zone

EXPECTED: Mapping[str, str | tuple[Sheet, ...]] = {
    # refused, by the code
    "calamine__pass_protected.xlsx": "password_protected",
    "poi__protected_passtika.xlsx": "password_protected",
    "excelize__test__encryptAES.xlsx": "password_protected",
    "sheetjs__password_2002_40_xor.xls": "password_protected",
    "calamine__too_small.xls": "not_a_workbook",
    "poi__invalid.xlsx": "not_a_workbook",
    "poi__poc-xmlbomb.xlsx": "unsafe_workbook",
    "poi__clusterfuzz-testcase-minimized-XLSX2CSVFuzzer-5636439151607808.xlsx": "corrupt_workbook",
    "poi__clusterfuzz-testcase-minimized-POIXSSFFuzzer-5185049589579776.xlsx": "corrupt_workbook",
    "poi__clusterfuzz-testcase-minimized-POIXSSFFuzzer-5265527465181184.xlsx": "corrupt_workbook",
    "poi__duplicate-filename.xlsx": "corrupt_workbook",
    "poi__sample-beta.xlsx": "corrupt_workbook",  # the format of a beta version of Excel 2007: no reader knows it
    "poi__51585.xlsx": "no_data",
    # cells, but nothing that looks like a header
    "calamine__any_sheets.xlsx": "no_header",
    "calamine__date_iso.xlsx": "no_header",
    "calamine__errors.xlsx": "no_header",
    "sheetjs__1900.xlsx": "no_header",
    "sheetjs__1904.xlsx": "no_header",
    "xlsx2csv__datetime.xlsx": "no_header",
    "xlsx2csv__escape.xlsx": "no_header",
    "xlsx2csv__float.xlsx": "no_header",
    "xlsx2csv__junk-small.xlsx": "no_header",
    # one cell of text is a header without rows
    "calamine__has_x000D_.xlsx": (Sheet("Sheet1", 1, 0, ("ABC DEF",)),),
    "calamine__issue_419.xlsx": (Sheet("Sheet1", 1, 0, ("Hello",)),),
    "easyexcel__compatibility__t09.xlsx": (Sheet("Sheet1", 1, 0, ("SH_x000D_Z002",)),),
    "poi__64420.xlsm": (
        Sheet("Sheet A", 1, 0, ("Contetn of Sheet A",)),
        Sheet("Sheet B", 1, 0, ("Content of Sheet B",)),
    ),
    # Chinese templates and what people do to them
    "magicodes__Import__管轴导入数据带有空行.xlsx": (
        Sheet(
            "导入数据",
            2,
            6,
            CUSTOMER_LIKE,
            {
                (3, "管轴编号"): "ZZ-01",
                (3, "排序"): 0,
                (5, "管廊编号"): None,
                (11, "管轴编号"): None,
                (11, "位置标识"): "右",
                (11, "排序"): 4,
            },
        ),
    ),
    "magicodes__Errors__数据错误.xlsx": (
        Sheet(
            "Sheet1",
            1,
            12,
            GOODS,
            {
                (2, "产品条码"): 123123,
                (2, "公式测试"): dt.date(2019, 9, 26),
                (2, "身份证"): "430626200009129046",
                (2, "性别"): "女",
                (3, "重量(KG)"): "李",
                (4, "产品名称"): " 左侧空格测试",
                (4, "公式测试"): "今天",
                (5, "公式测试"): None,
                (6, "产品条码"): "12 3123",
                (8, "产品代码"): "重复",
                (13, "产品条码"): "1231 23",
            },
        ),
    ),
    "magicodes__Import__ColumnIndex导入测试.xlsx": (
        Sheet(
            "导入数据",
            1,
            16,
            ("姓名", "电话", "年龄（Age）", "列索引测试1", "ColumnIndexZeroTest2"),
            {(2, "电话"): 18787000001, (17, "姓名"): "祝科昌", (17, "电话"): 18787000016, (17, "年龄（Age）"): None},
        ),
    ),
    "magicodes__Import__合并行.xlsx": (
        Sheet(
            "Sheet1",
            1,
            13,
            ("学号", "姓名", "性别"),
            {
                (2, "姓名"): "张三",
                (4, "姓名"): "张三",
                (5, "姓名"): "李四",
                (9, "姓名"): "王五",
                (9, "性别"): "男",
                (10, "性别"): "女",
                (14, "姓名"): "王五",
                (14, "性别"): "女",
                (14, "学号"): 13,
            },
        ),
    ),
    "magicodes__Import__requiredif.xlsx": (
        Sheet("导入数据", 1, 2, ("名称是否必填", "名称"), {(2, "名称是否必填"): "是", (3, "名称"): None}),
    ),
    "magicodes__Import__Issue549.xlsx": (
        Sheet("导入数据", 1, 1, ("姓名", "年龄"), {(2, "姓名"): "小明", (2, "年龄"): 28}, first_column=3),
    ),
    "magicodes__Import__图片导入模板非表头非第一行并且带有不规整的行.xlsx": (
        Sheet(
            "测试",
            2,
            25,
            ("加粗文本", "普通文本", "图1", "数值", "名称", "日期", "图"),
            {
                (3, "数值"): 87.52,
                (3, "图1"): None,
                (3, "日期"): dt.datetime(1986, 11, 18, 8, 51, 8),  # noqa: DTZ001
                (27, "加粗文本"): "gastropub",
                (27, "数值"): 37.66,
            },
        ),
    ),
    "miniexcel__xlsx__TestIssue222.xlsx": (
        Sheet("1", 1, 2, ("订单创建时间", "订单付款时间"), {(2, "订单创建时间"): dt.date(2021, 4, 29)}),
    ),
    "easyexcel__compatibility__t05.xlsx": (
        Sheet(
            "模板",
            1,
            5,
            ("日期时间标题",),
            {
                (2, "日期时间标题"): MOMENT.replace(microsecond=400_000),
                (3, "日期时间标题"): MOMENT.replace(microsecond=499_000),
                (4, "日期时间标题"): MOMENT.replace(microsecond=500_000),
                (5, "日期时间标题"): MOMENT.replace(microsecond=501_000),
                (6, "日期时间标题"): MOMENT.replace(microsecond=995_000),
            },
        ),
    ),
    "easyexcel__compatibility__t04.xlsx": (
        Sheet(
            "工作表1",
            1,
            56,
            (
                *("序号", "ID号", "工位号", "eblock编码", "PACK位置", "PACK编码"),
                *("PCS编码", "水机", "程序版本号", "异常情况", "调试时间", "调试状态"),
            ),
            {
                (2, "ID号"): 11,
                (9, "ID号"): 11,
                (2, "PCS编码"): "1111111111111111111111",
                (10, "序号"): 2,
                (57, "PACK位置"): "8号",
                (57, "PACK编码"): "AASJK28F152A012239S0052",
            },
        ),
    ),
    "easyexcel__compatibility__t03.xlsx": (
        Sheet(
            "重算文件",
            1,
            1,
            (
                *("单据号", "服务产品编码", "用户昵称", "来源系统", "计费节点", "用户类型编码"),
                *("费用项名称", "报价版本ID", "报价明细ID", "重算一级原因", "重算二级原因", "重算三级原因"),
            ),
            {(2, "报价明细ID"): 6, (2, "重算三级原因"): 3},
        ),
    ),
    "easyexcel__compatibility__t02.xlsx": (
        Sheet(
            "测试配方1027",
            2,
            1,
            (*RECIPE, "备案用生产制造商", "原料报送码", "是否新原料", "注册号/备案号"),
            {(3, "原料编号"): "01502200", (3, "原料含量（%）"): 100, (3, "是否新原料"): "0", (3, "备案用CAS"): None},
        ),
    ),
    "calamine__issue_530.xlsx": (
        Sheet(
            "出勤分类组织汇总表",
            4,
            1,
            (*ATTENDANCE, "时段四天数", "时段五天数", "其他时段天数"),
            {(5, "总人数"): "9", (5, "人事范围"): None, (5, "其他时段天数"): "2"},
            first_column=3,
        ),
    ),
    # what other writers make
    "calamine__empty_s_attribute.xlsx": (
        Sheet("Sheet1", 1, 4, ("Name", "Value"), {(2, "Name"): "John", (5, "Value"): 4}),
    ),
    "calamine__whitespace_trim.xlsx": (
        Sheet(
            "inlineStr",
            1,
            2,
            ("trimmed value", "value with tabs", "clean text"),
            {(2, "trimmed value"): "line1\nline2", (2, "value with tabs"): "  line1\nline2  "},
        ),
        Sheet(
            "SharedStrings",
            1,
            2,
            ("trimmed value", "preserved value", "clean text"),
            {(2, "preserved value"): "  line1\nline2  "},
        ),
    ),
    "calamine__merged_range.xlsx": (
        Sheet("Sheet1", 1, 2, ("A1", "B1", "C1", "E1", "F1", "G1", "H1"), {(3, "A1"): "A3", (4, "H1"): "H4"}),
        Sheet("Sheet2", 1, 2, ("A1", "B1", "C1", "E1", "F1"), {(3, "C1"): "C3", (4, "C1"): "C3", (4, "B1"): "B4"}),
    ),
    "calamine__nonstandard-xml-ns-prefix.xlsx": (Sheet("Sheet1", 1, 2, ("a", "b"), {(2, "a"): 1, (3, "b"): 4}),),
    "poi__64508.xlsx": (
        Sheet(
            "sheet1",
            1,
            4,
            (
                *("Partner ID ( ID za DDV )", "Document number", "Date of document", "Position - number"),
                *("Order number", "Barcode", "Quantity - number"),
            ),
            {
                (2, "Date of document"): dt.date(2020, 6, 8),
                (2, "Order number"): None,
                (5, "Barcode"): "0630996415818",
                (5, "Quantity - number"): 12,
            },
        ),
    ),
    "poi__51626_contact.xlsx": (
        Sheet(
            "Sheet1",
            1,
            2,
            CONTACT,
            {
                (3, "Postal Code"): "04001",
                (3, "Office"): "801-555-7712x4563;801-555-9999",
                (5, "Company"): "@%#",
                (5, "First Name"): None,
            },
        ),
    ),
    "poi__SampleSS.strict.xlsx": (
        Sheet("First Sheet", 2, 1, ("2nd row", "2nd row 2nd column"), {(4, "2nd row"): "This one is red"}),
        Sheet("Sheet Number 2", 6, 1, ("cb=1", "cb=10", "cb=2", "cb=sum"), {(7, "cb=1"): 1, (7, "cb=sum"): 13}),
    ),
    "poi__InlineStrings.xlsx": (
        Sheet(
            "Sheet1",
            1,
            6,
            ("Numbers", "Strings", "Inline Strings", "Formulas"),
            {(2, "Inline Strings"): "1st Inline String", (7, "Inline Strings"): "The End", (7, "Formulas"): 9},
        ),
    ),
    "poi__style-alternate-content.xlsx": (
        Sheet("Sheet2", 10, 22, ("순번", "IP대역", "비고"), {(11, "순번"): 1, (25, "순번"): 15, (25, "비고"): None}),
    ),
    "poi__60384.xlsx": (
        Sheet("Tarif", 2, 5, ("Bezeichnung", "Wert", "Standardwert"), {(3, "Wert"): 0.1, (8, "Bezeichnung"): "Titel"}),
    ),
    "sheetjs__Attendance.xlsx": (
        Sheet(
            "Attendance - Attendance",
            2,
            24,
            ("Date", *STAFF, "Angelina Little", "Linda Smith"),
            {
                (3, "Date"): dt.date(2020, 10, 1),
                (3, "Ben Ashley"): False,
                (3, "Tom Brooks"): True,
                (25, "Date"): dt.date(2020, 10, 23),
                (26, "Date"): "Total",
                (26, "Tom Brooks"): 1,
            },
        ),
    ),
    "tablib__bad_dimensions.xlsx": (
        Sheet("Sheet1", 1, 3, ("PN", "Qty", "Price"), {(2, "Qty"): 10000, (3, "Qty"): None, (4, "Price"): 0.001}),
    ),
    "tablib__ragged.xlsx": (Sheet("Sheet1", 1, 1, ("a", "b"), {(2, "a"): 1, (2, "b"): None}),),
    "tablib__founders.xlsx": (
        Sheet("Feuille1", 1, 3, ("first_name", "last_name", "gpa"), {(2, "gpa"): 90, (4, "last_name"): "Jefferson"}),
    ),
    "miniexcel__data__Test10,000x10.xlsx": (Sheet("Sheet1", 1, 9999, ("HelloWorld1",) * 10),),
    "xlsx2csv__no_cell_ids.xlsx": (Sheet("Sheet1", 2, 1, REPORT, NO_DATA_NOTE),),
    "xlsx2csv__empty_row.xlsx": (Sheet("Sheet1", 2, 1, REPORT, NO_DATA_NOTE),),
    "xlsx2csv__last-column-empty.xlsx": (
        Sheet("Sheet1", 1, 5, ("A", "B", "C"), {(2, "C"): None, (3, "C"): "even more things", (6, "A"): 1}),
    ),
    "xlsx2csv__namespace.xlsx": (
        Sheet(
            "Data",
            6,
            1,
            (
                *("Atlas level", "Data section (File Name)", "Data section (LIMS)", "Anatomical Abbr"),
                *("Anatomical Structure", "PHAL", "", "", "CTB", "", "", "BDA", "", "", "FG", "", ""),
            ),
            {(7, "PHAL"): "Contra", (7, "FG"): "Contra", (7, "Atlas level"): None},
        ),
    ),
    "xlsx2csv__sheets.xlsx": (
        Sheet(
            "Реестр",
            1,
            5,
            ("№", "URL", "Название", "Вер.", "Сост.", "Аналитик", "Заказчик"),
            {(2, "Вер."): "1.0", (2, "Аналитик"): "Фамилия ", (6, "№"): 5},
        ),
        Sheet(
            "Вариант использования",
            1,
            19,
            ("№", "Элемент", "Описание", "Результат шага (Выход)", "Ссылки"),
            {(2, "№"): "1", (2, "Описание"): "Полный код (номер) сценария", (20, "Элемент"): "Шаг"},
        ),
    ),
}
