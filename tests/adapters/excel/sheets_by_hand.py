"""Workbooks made cell by cell, as good and as bad writers make them."""

import base64
import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence

import xlsxwriter

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LINKS = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'


SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{SHEETS}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{SHEETS}.worksheet+xml"/></Types>'
)


def workbook(*rows: Sequence[object], merges: Sequence[str] = (), top: int = 0, left: int = 0) -> bytes:
    """Return an .xlsx with one sheet; a merged range stands as "A1:B2" and keeps its first value."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        sheet = book.add_worksheet("客户")
        for reference in merges:
            sheet.merge_range(reference, "")
        for row, values in enumerate(rows, start=top):
            for column, value in enumerate(values, start=left):
                if value is not None:
                    sheet.write(row, column, value)
    return file.getvalue()


def parts(sheet: str, *, strings: str | None = None, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the parts of a workbook around the given worksheet XML."""
    made = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": f'<Relationships {PACKAGE}><Relationship Id="r1" Type="{KINDS}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {MAIN} {LINKS}><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships {PACKAGE}><Relationship Id="r1" Type="{KINDS}/worksheet" '
        f'Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="{KINDS}/sharedStrings" '
        'Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet,
        **(more or {}),
    }
    if strings is not None:
        made["xl/sharedStrings.xml"] = strings
    return made


def zipped(files: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip of the files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def worksheet(cells: str) -> str:
    """Return worksheet XML around rows."""
    return f"<worksheet {MAIN}><sheetData>{cells}</sheetData></worksheet>"


def text_cell(reference: str, text: str) -> str:
    """Return the XML of a cell that holds its text itself."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def old_workbook() -> bytes:
    """Return an .xls that xlwt 1.3 wrote: sheet 客户 with a header, two rows, a date and #N/A; a hidden sheet."""
    return zlib.decompress(base64.b85decode(OLD_WORKBOOK))


OLD_WORKBOOK = (
    "c-rk)O-NKx6#nj;H{*=?Gh-Tzfek`dqr!wlZgfg0+c;Q6zk+Eqn3!V>1z8I%n^gow1QoR~Y|+LFq8}=#T~J`<A}9ncTD6FvpoRK6"
    "=gfPPnt?+lOuTQn=iGblJ?EZx&$;*Ac`rwN<Ab+LCol)~aA4Z-z%@grsCcY~7u0VUT(!8HieV$G;BiwRT~0jAf04s6<akd&!!7+O"
    "QQ$q5792vPCmstdA{xYpHpM>FDV=gp!xbt8@QYtXLiY<@D)gp|eI#^)NX`hYqp{;^4@Sa~V6B<QyR>rYD<G<HPjudjWGzbYjPtnf"
    "tV)e_Vq>DS?O>L5l<9dG0)@0O7LO&kU5M+*1$qh9-QCsE=s1cg+(Y<g1c0yBzJ3z0<%=s<Ao=&%@|@qu-4w*R^7EPw^uySvIGK~k"
    "!xo);G<9w7`t~Fxd5eoP!-WH#(P%6_i6%M5xj3ML7~P$}omAHy89PnvV{AnSu~+A=UL@wf@R@~yR!@Xjq~qO=CA3LuYC|C*A<DX="
    "xok|%5$~*XBwuz{9?>WYrS6kG=B3A&yz%9AQ+so`RV4lL?nu31R`TP(zzNnM<pSw(2z62kibkc-lVWwb)JugH(-`6v%_U}K^MH&w"
    "CA}3iPmN$SylO^$HPw@!w%#vGeh9Cj`f%gKvEt!3;X#zsGDS(Be*>seRqFC3#)GiMm3bD83HASSF1a<Y>APXRMhh{;JCWcMnriXt"
    "sB}v+*DBR=P|J~S>D1Cq%W59WN-XnQIcW8iSSGFGm3_X3$K)-arA3I};W?g*b*JVgDccPywyKE-v#n}k)n$5-iYAA;UMs>~?xa)q"
    "Cl(_oRGMaMPN;cv!fmZ8=37-8Hf-3iVZ(-vKZBB+Uh00Wn>TE}r{$R6b*89H+n-7PTWmuQ{SMP#%1ww9PoOuW{8<L4vTUgZ>R8_k"
    "89QnA1iH{JespD=zjV)5GoNR{ir&Asg)*IgIuk$t@%%pksWTC%"
)


def excel_95(*rows: Sequence[str], page: int, encoding: str) -> bytes:
    """Return an .xls of Excel 95: a sheet 客户 of texts in `encoding`, in a file that says its code page is `page`."""
    sheet = _record(0x809, struct.pack("<4H", 0x500, 0x10, 0, 0))
    sheet += _record(0x200, struct.pack("<5H", 0, len(rows), 0, max(map(len, rows)), 0))
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            text = value.encode(encoding)
            sheet += _record(0x204, struct.pack("<4H", row, column, 0, len(text)) + text)
    name = "客户".encode(encoding, "replace")
    head = _record(0x809, struct.pack("<4H", 0x500, 5, 0, 0)) + _record(0x42, struct.pack("<H", page))
    at = len(head) + 4 + 7 + len(name) + 4
    head += _record(0x85, struct.pack("<IBBB", at, 0, 0, len(name)) + name) + _record(0x0A, b"")
    return compound("Book", head + sheet + _record(0x0A, b""))


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<2H", kind, len(data)) + data


def compound(name: str, stream: bytes) -> bytes:
    """Return a compound file with one stream, in sectors of 512 bytes: table, directory, and the stream behind them."""
    stream = stream.ljust(-(-max(len(stream), 4096) // 512) * 512, b"\0")
    none, end = 0xFFFFFFFF, 0xFFFFFFFE
    count = len(stream) // 512
    table = [0xFFFFFFFD, end, *range(3, count + 2), end]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    header += struct.pack("<7I", 1, 1, 0, 4096, end, 0, end) + struct.pack("<2I", 0, 0) + struct.pack("<I", none) * 108
    entries = _entry("Root Entry", 5, end, 0, child=1) + _entry(name, 2, 2, len(stream))
    entries += bytes(1024)[: 512 - len(entries)]
    return header + struct.pack(f"<{len(table)}I", *table).ljust(512, b"\xff") + entries + stream


def _entry(name: str, kind: int, start: int, size: int, child: int = 0xFFFFFFFF) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<3I", 0xFFFFFFFF, 0xFFFFFFFF, child)
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBB", len(text), kind, 1)
        + links
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
