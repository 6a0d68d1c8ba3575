"""How the parts of an Office Open XML workbook refer to each other, and under which names readers look for them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from custinfo.adapters.excel._archive import Archive
from custinfo.adapters.excel._limits import refusal

__all__ = ["DECLARED", "last_word", "local_name", "moved_parts", "parsed", "relations", "respelled_relations"]

DECLARED: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
LARGEST_INDEX_PART: Final = 8 * 1024 * 1024
UPWARDS: Final = re.compile(r"^(?:\.\./)+")
ROOT_RELATIONS: Final = "_rels/.rels"
OFFICE_DOCUMENT: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
RELATIONS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
FIXED: Final = {"sharedStrings": "xl/sharedStrings.xml", "styles": "xl/styles.xml"}
"""Where the fast reader looks for parts, whatever the relations say."""


def parsed(archive: Archive, name: str) -> ET.Element:
    """Return a small part. Raises: UnreadableFileError: corrupt_workbook, unsafe_workbook or workbook_too_large."""
    if archive.entries[name].file_size > LARGEST_INDEX_PART:
        raise refusal("workbook_too_large", what=name, limit=LARGEST_INDEX_PART)
    content = archive.read(name)
    if DECLARED.search(content):
        raise refusal("unsafe_workbook", reason="DOCTYPE")
    try:
        return ET.fromstring(content)  # noqa: S314 -- DOCTYPE was refused just above
    except (ET.ParseError, ValueError, LookupError) as error:
        raise refusal("corrupt_workbook") from error


def local_name(name: str) -> str:
    """Return the name of an element without its namespace."""
    return name.rpartition("}")[2]


def last_word(kind: str) -> str:
    """Return the word at the end of a relation's type, which has no other in strict files."""
    return kind.rpartition("/")[2]


def _relations_part(archive: Archive, part: str) -> str | None:
    """Return the part with the relations of another one."""
    folder, _, base = part.rpartition("/")
    wanted = f"{folder}/_rels/{base}.rels".lstrip("/").casefold()  # names of parts have no case
    return next((entry for entry in archive.entries if entry.casefold() == wanted), None)


def relations(archive: Archive, part: str) -> Iterator[tuple[str, str, str]]:
    """Yield identifier, type and target part of a part's relations."""
    name = _relations_part(archive, part)
    if name is None:
        return
    folder = part.rpartition("/")[0]
    spelled = {entry.casefold(): entry for entry in archive.entries}
    for relation in parsed(archive, name).iter():
        if local_name(relation.tag) == "Relationship":
            target = relation.get("Target", "").strip().replace("\\", "/")
            yield relation.get("Id", ""), relation.get("Type", ""), _resolved(target, folder, spelled)


def _resolved(target: str, folder: str, spelled: Mapping[str, str]) -> str:
    """Return the part that a relation leads to; where there is none, the only one that another reading leads to."""
    rooted, below = target.lstrip("/"), posixpath.join(folder, target.lstrip("/"))
    meant = posixpath.normpath(rooted if target.startswith("/") else below)
    if (part := spelled.get(meant.casefold())) is not None:
        return part
    readings = {posixpath.normpath(path) for path in (rooted, below, unquote(rooted), unquote(below))}
    others = {UPWARDS.sub("", path).casefold() for path in readings} & spelled.keys()
    return spelled[min(others)] if len(others) == 1 else meant


def respelled_relations(archive: Archive, workbook: str) -> dict[str, bytes]:
    """Return the workbook's relations with the parts that they mean: every reader resolves a path in its own way.

    Where nothing says which part is the workbook, that is said, too.
    """
    replaced: dict[str, bytes] = {}
    if _relations_part(archive, "") is None:
        replaced[ROOT_RELATIONS] = _relations_xml([("r1", OFFICE_DOCUMENT, workbook)])
    if (name := _relations_part(archive, workbook)) is not None:
        replaced[name] = _relations_xml(relations(archive, workbook))
    return replaced


def _relations_xml(found: Iterable[tuple[str, str, str]]) -> bytes:
    root = ET.Element("Relationships", xmlns=RELATIONS)
    for identifier, kind, target in found:
        ET.SubElement(root, "Relationship", Id=identifier, Type=kind, Target=f"/{target}")
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def moved_parts(archive: Archive, workbook: str) -> dict[str, str]:
    """Return the parts that have other names than usual, by the usual ones.

    Raises: UnreadableFileError (corrupt_workbook) where two parts are for one thing.
    """
    moved: dict[str, str] = {}
    for _, kind, target in relations(archive, workbook):
        name = FIXED.get(last_word(kind)) if target in archive.entries else None
        if name is not None and moved.setdefault(name, target) != target:  # which one counts is up to the reader
            raise refusal("corrupt_workbook")
    return {name: target for name, target in moved.items() if target.casefold() != name.casefold()}
