"""Everything that is held about a person as a workbook: one line for each value, change, access and so on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from custinfo.adapters.excel._output import Target, written
from custinfo.adapters.excel._phrases import phrase
from custinfo.adapters.excel._styles import TEXT
from custinfo.adapters.excel._writer import Column, TableWriter, TextCell
from custinfo.core.messages import Translated
from custinfo.core.records import CLEAR, ERASED, UNREADABLE, FieldKey, Masked, Share, Tag
from custinfo.core.schema import ModuleSchema
from custinfo.core.subject_access import Held, SubjectAccess
from custinfo.workspace.session import Session

__all__ = ["write_subject_access"]

_COLUMNS: Final = {
    "section": 10,
    "module": 12,
    "record": 38,
    "held_at": 18,
    "held_by": 14,
    "held_what": 14,
    "field": 18,
    "held_before": 30,
    "held_value": 40,
    "held_note": 40,
}
_MARKS: Final[Mapping[Any, str]] = {ERASED: "held_erased", UNREADABLE: "held_unreadable", CLEAR: "held_clear"}

Line = dict[str, str]


def write_subject_access(
    session: Session, answer: SubjectAccess, target: Target, *, language: str | None = None
) -> None:
    """Write an answer of `Records.subject_access` into an .xlsx workbook, item by item.

    Each line says of which section, module and record it is, when, by whom and what, which field, and what it was
    before and is. What the rights of the actor keep out stands in lines of its own. All cells are text.

    Args:
        session: The session that gathered it: choices and people are named as its configuration has them.
        answer: The answer; its items are read here.
        target: A path (.xlsx), or a file open for writing bytes; nothing half-written stays after an error.
        language: Of headings and labels; that of the configuration when not given.

    Raises: OSError where the target can't be written; ValueError for a path that says another format (.csv);
        StorageError.
    """
    tongue = language or session.context.schema.configuration.language
    columns = [Column(phrase(tongue, name), width) for name, width in _COLUMNS.items()]
    lines = _Lines(session, tongue)
    with written(target) as file, TableWriter(file, phrase(tongue, "subject_access"), columns) as writer:
        cells = {name: TextCell(place, writer.style(TEXT)) for place, name in enumerate(_COLUMNS, start=1)}
        for line in lines.of(answer):
            writer.write([cells[name](line[name]) for name in _COLUMNS if line.get(name)])


class _Lines:
    """Turn what is held into lines."""

    def __init__(self, session: Session, language: str) -> None:
        self._context = session.context
        self._language = language

    def of(self, answer: SubjectAccess) -> Iterator[Line]:
        """Yield the lines of an answer."""
        for limit in answer.limits:
            named = [phrase(self._language, f"held_{section}") for section in limit.sections]
            named += [phrase(self._language, "held_records")] if limit.records else []
            line = {"section": phrase(self._language, "held_limit"), "module": self._schema(limit.module)[1]}
            yield {**line, "held_note": phrase(self._language, "held_kept_out", parts=self._list(named))}
        for item in answer:
            schema, label = self._schema(item.module)
            head = {
                "section": phrase(self._language, f"held_{item.section}"),
                "module": label,
                "record": item.record_id,
            }
            for line in self._of_item(item, schema):
                yield {**head, **line}

    def _list(self, items: Iterable[str]) -> str:
        return phrase(self._language, "list").join(items)

    def _schema(self, module: str) -> tuple[ModuleSchema, str]:
        schema = self._context.module(module)
        return schema, schema.definition.label_in(self._language)

    def _of_item(self, item: Held, schema: ModuleSchema) -> Iterator[Line]:
        data = item.data
        match item.section:
            case "record":
                yield from self._of_record(data, schema)
            case "change":
                yield from self._of_fields(data, schema, data["at"], data["actor"], data["fields"])
            case "request":
                proposed = {key: (data["base"].get(key), value) for key, value in data["proposed"].items()}
                yield from self._of_fields(data, schema, data["submitted_at"], data["submitted_by"], proposed)
                yield from map(self._of_entry, data["trail"])
            case "import":
                yield self._line(data["started_at"], data["actor"], data["state"])
            case "access":
                fields = self._list(schema.label(key, self._language) for key in data["fields"])
                line = self._line(data["at"], data["actor"], data["verb"], data["purpose"])
                yield {**line, "field": fields}
            case "erasure":
                line = self._line(data["at"], data["actor"], "erase", data["reason"])
                yield from ({**line, "field": schema.label(part["field"], self._language)} for part in data["fields"])

    def _of_record(self, data: Mapping[str, Any], schema: ModuleSchema) -> Iterator[Line]:
        beside = {key: data[key] for key in ("owner", "department", "created_at", "archived_at", "tags", "shares")}
        for key, value in {**data["values"], **beside}.items():
            text = self._text(schema, key, value)
            if text:
                yield {**self._line(data["updated_at"]), "field": schema.label(key, self._language), "held_value": text}
        for key in data["withheld"]:
            note = phrase(self._language, "held_withheld")
            yield {"field": schema.label(key, self._language), "held_note": note}

    def _of_fields(
        self, data: Mapping[str, Any], schema: ModuleSchema, at: datetime, by: str, fields: Mapping[FieldKey, Any]
    ) -> Iterator[Line]:
        line = self._line(at, by, data["action"], data["reason"])
        for key, (old, new) in fields.items():
            before, after = self._text(schema, key, old), self._text(schema, key, new)
            yield {**line, "field": schema.label(key, self._language), "held_before": before, "held_value": after}

    def _of_entry(self, entry: Mapping[str, Any]) -> Line:
        return self._line(entry["at"], entry["actor"], entry["command"], entry["comment"])

    def _line(self, at: datetime | None, by: str | None = None, what: str = "", note: str | None = None) -> Line:
        moment = "" if at is None else f"{at.astimezone(self._context.schema.zone):%Y-%m-%d %H:%M:%S}"
        known = None if by is None else self._context.schema.directory.member(by)
        name = (by or "") if known is None else known.name
        told = note.in_language(self._language) if isinstance(note, Translated) else note or ""
        return {"held_at": moment, "held_by": name, "held_what": what, "held_note": told}

    def _text(self, schema: ModuleSchema, key: FieldKey, value: Any) -> str:
        """Return the text of a value, or what stands in its place."""
        if value is None:
            return ""
        if isinstance(value, Masked):
            return value.text
        if value in (ERASED, UNREADABLE, CLEAR):
            return phrase(self._language, _MARKS[value])
        if key == "tags":
            return "; ".join(f"{tag.dimension}:{tag.value}" for tag in (Tag(*pair) for pair in value))
        if key == "shares":
            return "; ".join(f"{share.kind}:{share.key}" for share in (Share(*part) for part in value))
        return schema.render(key, value) if key in schema.renderers else str(value)
