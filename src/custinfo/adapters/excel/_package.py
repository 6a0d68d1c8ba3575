"""The parts of an Office Open XML workbook: which sheets it has, and whether they are safe to read."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

import attrs

from custinfo.adapters.excel._archive import XML_ENDINGS, Archive
from custinfo.adapters.excel._exact_extent import exact_extent
from custinfo.adapters.excel._extent import Extent
from custinfo.adapters.excel._limits import Limits, other_format, refusal
from custinfo.adapters.excel._parsing import text_sizes
from custinfo.adapters.excel._quick_extent import quick_extent, reference_extent
from custinfo.adapters.excel._relations import (
    DECLARED,
    last_word,
    local_name,
    moved_parts,
    parsed,
    relations,
    respelled_relations,
)
from custinfo.adapters.excel._seen import SeenFormat, SeenNumbers
from custinfo.adapters.excel._sniff import format_of_package
from custinfo.adapters.excel._styled_cells import seen_styles
from custinfo.adapters.excel._unseen import hidden_columns

__all__ = ["Package", "SheetPart", "inspect"]

ROOT: Final = re.compile(rb"<(?:[\w.-]+:)?[A-Za-z_]")
UNIQUE: Final = re.compile(rb"""uniqueCount=["'](\d{1,9})["']""")
STRING_TABLE: Final = re.compile(rb"<(?:[\w.-]+:)?sst\b.*?(?=<(?:[\w.-]+:)?si\b|\Z)", re.DOTALL)
MANY: Final = 1_000_000
STRING_END: Final = re.compile(rb"</(?:[\w.-]+:)?si\s*>")
SHORTEST_HEAD: Final = 4096
LONGEST_STRING: Final = 4 * 1024 * 1024
WORKBOOK: Final = "xl/workbook.xml"
ANY_WORKBOOK: Final = re.compile(r"(?:.*/)?workbook\d*\.xml", re.IGNORECASE)
READ_KINDS: Final = ("worksheet", "sharedStrings", "styles")
NARROWEST_CELL: Final = 22
MOST_SHEETS: Final = 1_000


@attrs.frozen
class SheetPart:
    """Name a sheet and say what it spans; `extent` is None for what is not a worksheet, or `missing` in the file."""

    name: str
    visible: bool
    extent: Extent | None
    size: int = 0
    part: str = ""
    missing: bool = False
    hidden_columns: tuple[tuple[int, int], ...] = ()
    seen: SeenNumbers | None = attrs.field(default=None, eq=False, repr=False)


@attrs.frozen
class Package:
    """Hold the sheets of a workbook in its order, how many bytes it unpacks to, and whether days count from 1904.

    `seen_styles` are the styles of cells whose numbers are seen with zeros in front or as days, by their numbers.
    `pictures` says whether shared strings have the word by which a formula shows a picture in its cell.
    `replaced` are the parts that readers get in other words: where the sheets are, spelled so that they agree.
    `moved` are the names under which the fast reader looks for parts, with those that they have.
    """

    sheets: tuple[SheetPart, ...]
    size: int
    of_1904: bool = False
    seen_styles: Mapping[int, SeenFormat] = attrs.field(factory=dict, repr=False)
    pictures: bool = False
    replaced: Mapping[str, bytes] = attrs.field(factory=dict, repr=False)
    moved: Mapping[str, str] = attrs.field(factory=dict)


@attrs.define
class _Findings:
    """Collect what a look at every part found: the sheets, and the lengths of the shared strings."""

    extents: dict[str, Extent] = attrs.field(factory=dict)
    lengths: list[int] = attrs.field(factory=list)
    hidden_columns: dict[str, tuple[tuple[int, int], ...]] = attrs.field(factory=dict)
    string_parts: set[str] = attrs.field(factory=set)
    pictures: bool = False
    uneven: bool = False

    def length_of(self, index: int) -> int:
        """Return the length of a shared string, the longest when the numbering is not certain."""
        if self.uneven or len(self.string_parts) > 1:
            return max(self.lengths)
        return self.lengths[index] if index < len(self.lengths) else 0


def inspect(archive: Archive, limits: Limits) -> Package:
    """Return what the workbook holds, after every byte of it was looked at.

    Raises: UnreadableFileError: not_a_workbook, corrupt_workbook, unsafe_workbook or workbook_too_large.
    """
    workbook = _workbook_part(archive)
    findings = _Findings()
    strings = _string_parts(archive, workbook)
    for name in archive.entries:
        _scan(archive, name, findings, only_strings=name.casefold() in strings)
    _check_text(archive, findings, limits)
    parts = _worksheet_parts(archive, workbook)
    _refine(archive, findings.extents, sorted(set(parts.values())), limits)
    sheets = tuple(_sheets(archive, workbook, parts, findings))
    size = sum(entry.file_size for entry in archive.entries.values())
    of_1904 = _counts_from_1904(archive, workbook)
    return Package(
        sheets,
        size,
        of_1904=of_1904,
        seen_styles=_seen_styles(archive, workbook, of_1904=of_1904),
        pictures=findings.pictures,
        replaced=respelled_relations(archive, workbook),
        moved=moved_parts(archive, workbook),
    )


def _scan(archive: Archive, name: str, findings: _Findings, *, only_strings: bool) -> None:
    chunks = archive.chunks(name)
    first = _head(chunks)
    if not _is_xml(name, first):
        deque(chunks, maxlen=0)  # to the end, for its checksum
    elif b"sheetData" in first and not only_strings:
        findings.extents[name] = quick_extent(chain([first], chunks)) or exact_extent(archive.chunks(name))
        findings.hidden_columns[name] = hidden_columns(first)
    elif _note_strings(name, chain([first], chunks), findings, archive.entries[name].file_size):
        if only_strings:
            raise refusal("corrupt_workbook")
        findings.extents[name] = exact_extent(archive.chunks(name))
        findings.hidden_columns[name] = hidden_columns(next(archive.chunks(name), b""))


def _head(chunks: Iterator[bytes]) -> bytes:
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= SHORTEST_HEAD:
            break
    return first


def _is_xml(name: str, first: bytes) -> bool:
    """Return whether a part is XML. Raises: UnreadableFileError when it is XML of a kind that is not read."""
    if not name.endswith(XML_ENDINGS) or name.startswith("__MACOSX/"):
        return False
    if first.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in first[:64]:
        raise refusal("unsafe_workbook", reason="UTF-16 XML")
    if DECLARED.search(first):
        raise refusal("unsafe_workbook", reason="DOCTYPE")
    start = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start and not (start.startswith(b"<") and ROOT.search(start)):
        raise refusal("corrupt_workbook")
    return True


def _check_counts(text: bytes, size: int) -> None:
    """Refuse a number of strings that the part cannot hold: the reader reserves room for as many as it says."""
    for table in STRING_TABLE.findall(text) if b"sst" in text else ():
        counts = UNIQUE.findall(table)
        if len(counts) != table.count(b"uniqueCount") or any(int(count) > max(MANY, size) for count in counts):
            raise refusal("corrupt_workbook")


def _note_strings(name: str, chunks: Iterable[bytes], findings: _Findings, size: int) -> bool:
    """Note the lengths of a part's shared strings; return whether it holds cells after all."""
    carry, cells, strings = b"", False, False
    for chunk in chunks:
        text = carry + chunk
        cells = cells or b"sheetData" in text
        strings = strings or b"si>" in text
        findings.uneven = findings.uneven or b"si/>" in text
        _check_counts(text, size)
        findings.pictures = findings.pictures or b"DISPIMG(" in text
        if not strings:
            carry = text[-64:]
            continue
        *ended, carry = text.split(b"</si>") if b"</si>" in text else STRING_END.split(text)
        findings.lengths.extend(map(len, ended))
        if ended:
            findings.string_parts.add(name)
        if len(carry) > LONGEST_STRING:
            raise refusal("corrupt_workbook")
    return cells


def _check_text(archive: Archive, findings: _Findings, limits: Limits) -> None:
    """Refuse sheets with too much text, whose cells share long strings, say: the reader makes a copy for each cell."""
    sizes, longest = [archive.entries[name].file_size for name in findings.extents], max(findings.lengths, default=0)
    if sum(size + size // NARROWEST_CELL * longest for size in sizes) <= limits.most_text_bytes:
        return
    total = 0
    for name in findings.extents:
        for size in text_sizes(archive.chunks(name), findings.length_of):
            total += size
            if total > limits.most_text_bytes:
                raise refusal("workbook_too_large", what="text", limit=limits.most_text_bytes)


def _refine(archive: Archive, extents: dict[str, Extent], names: list[str], limits: Limits) -> None:
    """Replace the quick bounds by closer ones, as long as they are too large together."""
    read = {name: archive.entries[name].file_size for name in names if name in extents}
    for closer in (reference_extent, exact_extent):
        too_much = sum(extents[name].area for name in read) > limits.most_cells
        for name, size in read.items():
            if not extents[name].exact and (too_much or extents[name].is_sparse(size)):
                extents[name] = closer(archive.chunks(name), extents[name])


def _workbook_part(archive: Archive) -> str:
    named = {target for _, kind, target in relations(archive, "") if last_word(kind) == "officeDocument"}
    if len({*named, WORKBOOK} & archive.entries.keys()) > 1:  # which of them is read is up to the reader
        raise refusal("corrupt_workbook")
    likely = [name for name in archive.entries if ANY_WORKBOOK.fullmatch(name)]
    candidates: list[str] = [*named, WORKBOOK, *(likely if len(likely) == 1 else ())]
    for name in candidates:
        if name in archive.entries and name.endswith(".xml"):
            return name
    raise other_format(format_of_package(archive.entries))


def _string_parts(archive: Archive, workbook: str) -> set[str]:
    targets = {target for _, kind, target in relations(archive, workbook) if last_word(kind) == "sharedStrings"}
    return {name.casefold() for name in ("xl/sharedStrings.xml", *targets)}


def _seen_styles(archive: Archive, workbook: str, *, of_1904: bool) -> dict[int, SeenFormat]:
    targets = {target for _, kind, target in relations(archive, workbook) if last_word(kind) == "styles"}
    named = targets & archive.entries.keys()
    return seen_styles(archive.chunks(named.pop()), of_1904=of_1904) if len(named) == 1 else {}


def _worksheet_parts(archive: Archive, workbook: str) -> dict[str, str]:
    """Return the part of each relation to a worksheet; charts, dialogs and macro sheets have other types."""
    parts: dict[str, str] = {}
    for identifier, kind, target in relations(archive, workbook):
        if identifier in parts:
            raise refusal("corrupt_workbook")
        if last_word(kind) in READ_KINDS and not target.endswith(".xml"):
            raise other_format(format_of_package(archive.entries))
        parts[identifier] = target if last_word(kind) == "worksheet" else ""
    return parts


def _counts_from_1904(archive: Archive, workbook: str) -> bool:
    found = (element for element in parsed(archive, workbook).iter() if local_name(element.tag) == "workbookPr")
    return any(element.get("date1904") in ("1", "true") for element in found)


def _sheets(archive: Archive, workbook: str, parts: dict[str, str], findings: _Findings) -> Iterator[SheetPart]:
    root = parsed(archive, workbook)
    if local_name(root.tag) != "workbook":
        raise other_format(format_of_package(archive.entries))
    listed = [element for element in root.iter() if local_name(element.tag) == "sheet"]
    if len(listed) > MOST_SHEETS:
        raise refusal("workbook_too_large", what="sheets", limit=MOST_SHEETS)
    if len({element.get("name", "") for element in listed}) < len(listed):  # readers find a sheet by its name
        raise refusal("corrupt_workbook")
    for element in listed:
        identifiers = [value for key, value in element.items() if key.endswith("}id")]
        if len(identifiers) > 1:
            raise refusal("corrupt_workbook")
        identifier = identifiers[0] if identifiers else ""
        part = parts.get(identifier)
        missing = part is None or (part != "" and part not in archive.entries)
        part = part or ""
        size = archive.entries[part].file_size if part in archive.entries else 0
        visible = element.get("state", "visible") == "visible"
        extent, hidden = findings.extents.get(part), findings.hidden_columns.get(part, ())
        yield SheetPart(element.get("name", ""), visible, extent, size, part, missing, hidden)
