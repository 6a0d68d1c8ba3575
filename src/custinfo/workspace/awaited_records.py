"""The new records of somebody's own that wait for approval: whoever hands them in again is told so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import attrs

from custinfo.core.approval.requests import OPEN_STATES, RequestId
from custinfo.core.records import FieldKey, ModuleKey, Record, Sealed
from custinfo.workspace.approval_paths import proposed
from custinfo.workspace.context import Context
from custinfo.workspace.finding_requests import RequestFilter, RequestFinder

__all__ = ["AwaitedRecords"]


@attrs.define(slots=False)
class AwaitedRecords:
    """Know the new records of one module that one session's actor has submitted; they are read when asked for."""

    context: Context
    module: ModuleKey

    def request_for(self, after: Record) -> RequestId | None:
        """Return the open request of the actor that would make the very same record."""
        if not self._known:
            return None
        patch, _ = proposed(self.context, None, after, ())
        return self._known.get(self._form(patch))

    @cached_property
    def _known(self) -> Mapping[str, RequestId]:
        finder = RequestFinder(self.context)
        filters = [RequestFilter(self.module, state=state) for state in sorted(OPEN_STATES)]
        requests = [request for wanted in filters for request in finder.page("submitted", wanted, None, None)[0]]
        return {
            self._form(part.patch): request.id
            for request in requests
            for part in request.items or (request,)
            if (part.action or request.action) == "create"
        }

    def _form(self, patch: Mapping[FieldKey, Any]) -> str:
        """Return a form in which the same values are the same text; of encrypted ones, their oldest digest."""
        context, schema, indexes = self.context, self.context.module(self.module), self.context.sealer.blind_indexes
        encrypted = {field.key: field for field in schema.encrypted_fields}
        values = dict(patch)
        for key in encrypted.keys() & values.keys():
            value = values.pop(key)
            known = value.claims if type(value) is Sealed else indexes(encrypted[key], self.module, value)
            values[f"{key}#"] = known[-1] if known else None  # what was sealed under a former key has that one alone
        data = context.compiled.codec(self.module).encode_values(values)
        return json.dumps(data, sort_keys=True, ensure_ascii=False)
