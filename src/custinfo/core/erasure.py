"""Certificates of erasure: what of a person was erased, where, when, by whom and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from custinfo.core.frozen import FrozenDict, label_in
from custinfo.core.messages import Translated
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
        module_labels: What people call the module, by language.
        actor_name: That of the member; `None` where nobody knows them any more.
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
    module_labels: FrozenDict[str, str] = FrozenDict()
    actor_name: str | None = None

    def to_json(self) -> str:
        """Return it as JSON text."""
        data = {**attrs.asdict(self), "at": instant_to_text(self.at)}
        return json.dumps(data, ensure_ascii=False, indent=2)

    def to_text(self, language: str = "zh") -> str:
        """Return it for people, in Chinese or English."""
        texts = _TEXTS.get(language, _TEXTS["en"])
        told = self._told(language)
        lines = [texts[name].format(**told) for name in ("title", "record", "when", "who")]
        lines += [texts["approval"].format(**told)] if self.approval else []
        lines += [texts[name].format(**told) for name in ("why", "what")]
        for item in self.fields:
            key = texts["key"] if item.key_destroyed else ""
            counts = {"changes": item.changes, "requests": item.requests}
            lines.append(texts["field"].format(label=label_in(item.labels, language, item.field), key=key, **counts))
        lines += [texts["proof"].format(**told)] if self.proof else []
        return "\n".join(lines) + "\n"

    def _told(self, language: str) -> dict[str, Any]:
        """Return the attributes in words: keys stay for programs, and beside the name of a member, who may share it."""
        reason = self.reason.in_language(language) if isinstance(self.reason, Translated) else self.reason
        named = "{name}（{key}）" if language == "zh" else "{name} ({key})"
        words = {
            "record": self.record_id,
            "module": label_in(self.module_labels, language, self.module),
            "at": instant_to_text(self.at),
            "actor": named.format(name=self.actor_name, key=self.actor) if self.actor_name else self.actor,
            "reason": reason,
        }
        return {**attrs.asdict(self, recurse=False), **words}
