"""Certificates of erasure: what of a person was erased, where, when, by whom and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs

from custinfo.core.frozen import FrozenDict
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, RecordId
from custinfo.core.stored import instant_to_text

__all__ = ["ErasedField", "ErasureCertificate"]

_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Certificate of erasure",
        "record": "Record: {record} ({module}), version {version}",
        "when": "Erased at: {at}",
        "who": "By: {actor}",
        "approval": "Approved as: {approval}",
        "why": "Reason: {reason}",
        "what": "Erased for good:",
        "field": "- {label}: changes in the history: {changes}, approval requests: {requests}{key}",
        "key": "; its encryption key was destroyed",
        "proof": "Proof in the history: {proof}",
    },
    "zh": {
        "title": "个人信息清除证明",
        "record": "记录：{record}（{module}），第 {version} 版",
        "when": "清除时间：{at}",
        "who": "操作人：{actor}",
        "approval": "审批单：{approval}",
        "why": "原因：{reason}",
        "what": "已永久清除：",
        "field": "- {label}：历史变更 {changes} 处，审批单 {requests} 份{key}",
        "key": "；加密密钥已销毁",
        "proof": "历史存证：{proof}",
    },
}


@attrs.frozen
class ErasedField:
    """Say of one field in how many changes and requests its values were erased, and whether its data key was destroyed.

    `field` is its key, and `labels` are what people call it, by language. `key_destroyed` is true where it was
    encrypted with a key of its own: whatever copy is left of its values can't be opened any more.
    """

    field: FieldKey
    labels: FrozenDict[str, str]
    changes: int
    requests: int
    key_destroyed: bool = False


@attrs.frozen
class ErasureCertificate:
    """Certify what was erased of a record; it holds no value, and may be given to the person or the authority.

    Args:
        module: Key of the record's module.
        record_id: The record.
        version: The one of the record whose change says so in the history.
        at: When, UTC.
        actor: Key of the member who erased it.
        reason: Why, as they said it.
        fields: What was erased.
        approval: The id of the request by which it was approved; `None` where none was needed.
        proof: The evidence of the change; `None` without a key for evidence.
    """

    module: ModuleKey
    record_id: RecordId
    version: int
    at: datetime
    actor: MemberKey
    reason: str
    fields: tuple[ErasedField, ...]
    approval: str | None = None
    proof: str | None = None

    def to_json(self) -> str:
        """Return it as JSON text."""
        data = {**attrs.asdict(self), "at": instant_to_text(self.at)}
        return json.dumps(data, ensure_ascii=False, indent=2)

    def to_text(self, language: str = "zh") -> str:
        """Return it for people, in Chinese or English."""
        texts = _TEXTS.get(language, _TEXTS["en"])
        told = {**attrs.asdict(self, recurse=False), "record": self.record_id, "at": instant_to_text(self.at)}
        lines = [texts[name].format(**told) for name in ("title", "record", "when", "who")]
        lines += [texts["approval"].format(**told)] if self.approval else []
        lines += [texts[name].format(**told) for name in ("why", "what")]
        for item in self.fields:
            label = item.labels.get(language) or next(iter(item.labels.values()), item.field)
            key = texts["key"] if item.key_destroyed else ""
            counts = {"changes": item.changes, "requests": item.requests}
            lines.append(texts["field"].format(label=label, key=key, **counts))
        lines += [texts["proof"].format(**told)] if self.proof else []
        return "\n".join(lines) + "\n"
