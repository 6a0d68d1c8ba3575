"""One record as one actor may see it, for Python, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs

from custinfo.core.frozen import FrozenDict
from custinfo.core.messages import DEFAULT_MESSAGES, Messages
from custinfo.core.plain_values import plain_value
from custinfo.core.policy.grants import PSEUDO_FIELDS
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, RecordId, Share, Tag
from custinfo.core.schema import ModuleSchema
from custinfo.workspace.plain_views import text_of, texts_of, without_labels

__all__ = ["RecordView"]

_SETS: Final = ("tags", "shares")
_BESIDE: Final = ("owner", "department", "created_at", "updated_at", "archived_at", *_SETS)
"""What a view has beside the values of fields."""


@attrs.frozen
class RecordView:
    """One record as one actor may see it.

    `view["phone"]` or `view["联系方式"]` gives the typed value, a `Masked`, or `None` for a blank; a field that the
    actor may not see raises `KeyError`, just like one that does not exist. What is beside the fields is read the
    same way: `view["owner"]` is `view.owner`, and `view["tags"]` is `view.tags`, a set that may be empty.

    Args:
        id: Of the record.
        module: Key of its module.
        version: That of the record, to be passed back with a change of it.
        values: Key → typed value or `Masked` of the visible fields that are not blank.
        tags: Its tags; empty where they may not be seen.
        visible: Keys of what may be seen, masked or in full: fields, and `owner`, `tags` and the like.
        owner: Key of the member who is responsible; `None` for nobody, and where it may not be seen.
        department: Key of the owner's department when they became it; `None` as for `owner`.
        created_at: The instant of its first version, UTC; `None` where it may not be seen.
        updated_at: The instant of this version, UTC; `None` where it may not be seen.
        archived_at: Since when it is archived, UTC; `None` for a live one, and where it may not be seen.
        shares: With whom it is shared, shares that have ended among them; empty where they may not be seen.
    """

    id: RecordId
    module: ModuleKey
    version: int
    values: FrozenDict[FieldKey, Any] = attrs.field(repr=False)
    tags: frozenset[Tag] = attrs.field(repr=False)
    visible: frozenset[FieldKey] = attrs.field(repr=False)
    owner: MemberKey | None = attrs.field(repr=False, default=None)
    department: str | None = attrs.field(repr=False, default=None)
    created_at: datetime | None = attrs.field(repr=False, default=None)
    updated_at: datetime | None = attrs.field(repr=False, default=None)
    archived_at: datetime | None = attrs.field(repr=False, default=None)
    shares: frozenset[Share] = attrs.field(repr=False, default=frozenset())
    _schema: ModuleSchema | None = attrs.field(repr=False, default=None, eq=False)

    def __getitem__(self, name: str) -> Any:
        key = self._key(name)
        if key not in self.visible:
            raise KeyError(name)
        if key in _BESIDE:
            return getattr(self, key)
        return self.values.get(key)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._key(name) in self.values

    def keys(self) -> tuple[FieldKey, ...]:
        """Return the keys of the visible fields that are not blank, so that `dict(view)` gives their values."""
        return tuple(self.values)

    def __iter__(self) -> Iterator[FieldKey]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __reduce__(self) -> tuple[Any, ...]:
        return without_labels(self)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a visible field that is not blank, else `default`."""
        value = self.values.get(self._key(name))
        return default if value is None else value

    def text(self, name: str, language: str | None = None) -> str:
        """Return what to show people: labels for choices and people, masks, and "" for what is blank or hidden.

        A view that was sent elsewhere left the labels behind, and gives codes and keys. Tags and shares have no text:
        they are in `tags` and `shares`. Raises: KeyError for a name that no field has.

        Args:
            name: Key, label or alias of a field, or what is beside the fields.
            language: That of the labels; the configuration's if not given. What has no label in it reads in English.
        """
        key = self._key(name)
        value = self[key] if key in self.visible and key not in _SETS else None
        if (
            value is None
            and self._schema is not None
            and key not in PSEUDO_FIELDS
            and self._schema.resolve(name) is None
        ):
            raise KeyError(name)
        return text_of(self._schema, key, value, language)

    def to_dict(self, language: str | None = None, *, messages: Messages = DEFAULT_MESSAGES) -> dict[str, Any]:
        """Return what the actor may see as plain dicts, lists, texts and numbers, ready for JSON.

        `id`, `module` and `version` name the record. `values` has what `dict(view)` has, in forms of JSON that lose
        nothing: decimals as texts, such as `"805000.5"`; dates as `"2024-03-05"`, times as `"2024-03-05T02:30:00Z"`, in
        UTC; codes of choices, ids of references, keys of people, in a list where there are several; whole numbers as
        numbers, and as texts from 2⁵³ on, where JavaScript would round them. Given back in a change, each means the
        same value, in a field of a built-in kind. What stands in place of a value is an object, and no change takes it:
        `{"masked": "138****5678"}` has what the actor sees, `{"unreadable": true}` says that the key is missing.

        `texts` has for people what `text` gives of the values, and of what is beside them. `owner`, `department`,
        `created_at`, `updated_at`, `archived_at`, `tags` and `shares` are there where the actor may see them, in lists
        of objects the last two. What is hidden is nowhere, and neither is a field that is blank.

        Args:
            language: That of the texts; the configuration's if not given.
            messages: The catalogue; a host passes its own to add languages.
        """
        beside: dict[str, Any] = {key: getattr(self, key) for key in _BESIDE if key in self.visible}
        texts = texts_of(self._schema, {**self.values, **beside}, language, messages)
        sorted_ = {key: sorted(beside[key]) for key in _SETS if key in beside}
        named = {"id": self.id, "module": self.module, "version": self.version}
        return {**named, "values": plain_value(self.values), "texts": texts, **plain_value(beside | sorted_)}

    if not TYPE_CHECKING:  # for type checkers, an attribute that there is not is an error already

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(f'a RecordView has no {name!r}: values are read as view["name of the field"]')

    def _key(self, name: str) -> FieldKey:
        return (self._schema.resolve(name) if self._schema is not None else None) or name
