"""Customer information as an embeddable library.

Open a `Workspace` on a database with a configuration, act in it as a member of the organisation, and use the
verbs of `session.customers`. Adapters are imported by those who need them: `custinfo.adapters.excel`,
`custinfo.adapters.sqlalchemy`, `custinfo.adapters.crypto`, `custinfo.adapters.memory`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custinfo.core.configuration import Configuration
    from custinfo.core.converter import (
        configuration_from_json,
        configuration_to_json,
        organisation_from_json,
        organisation_to_json,
    )
    from custinfo.core.criteria import Criterion, F, Tagged
    from custinfo.core.dictionaries import Dictionary, DictionaryValue
    from custinfo.core.errors import (
        ConfigurationError,
        ConflictError,
        CustinfoError,
        DuplicateValueError,
        FieldReservedError,
        IllegalTransitionError,
        InvalidInputError,
        MissingExtraError,
        NotFoundError,
        PermissionDeniedError,
        StaleVersionError,
        StorageError,
        UnreadableFileError,
    )
    from custinfo.core.fields import FieldDefinition, ModuleDefinition
    from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position
    from custinfo.core.problems import Place, Problem
    from custinfo.core.records import ANY, CLEAR, UNREADABLE, Attachment, Masked, Record, Tag
    from custinfo.core.tags import TagDimension
    from custinfo.workspace import Session, Workspace
    from custinfo.workspace.views import (
        Applied,
        AwaitingApproval,
        ChangeView,
        InboxTask,
        Outcome,
        Page,
        RecordView,
        RequestView,
    )

__all__ = [
    "ANY",
    "CLEAR",
    "UNREADABLE",
    "Applied",
    "Assignment",
    "Attachment",
    "AwaitingApproval",
    "ChangeView",
    "Configuration",
    "ConfigurationError",
    "ConflictError",
    "Criterion",
    "CustinfoError",
    "Department",
    "Dictionary",
    "DictionaryValue",
    "DuplicateValueError",
    "F",
    "FieldDefinition",
    "FieldReservedError",
    "IllegalTransitionError",
    "InboxTask",
    "InvalidInputError",
    "Masked",
    "Member",
    "MissingExtraError",
    "ModuleDefinition",
    "NotFoundError",
    "Organisation",
    "Outcome",
    "Page",
    "PermissionDeniedError",
    "Place",
    "Position",
    "Problem",
    "Record",
    "RecordView",
    "RequestView",
    "Session",
    "StaleVersionError",
    "StorageError",
    "Tag",
    "TagDimension",
    "Tagged",
    "UnreadableFileError",
    "Workspace",
    "configuration_from_json",
    "configuration_to_json",
    "organisation_from_json",
    "organisation_to_json",
]

# Names are imported when they are first used, so that `import custinfo` costs a host next to nothing.
_HOMES = {
    "custinfo.core.configuration": ("Configuration",),
    "custinfo.core.converter": (
        "configuration_from_json",
        "configuration_to_json",
        "organisation_from_json",
        "organisation_to_json",
    ),
    "custinfo.core.criteria": (
        "Criterion",
        "F",
        "Tagged",
    ),
    "custinfo.core.dictionaries": (
        "Dictionary",
        "DictionaryValue",
    ),
    "custinfo.core.errors": (
        "ConfigurationError",
        "ConflictError",
        "CustinfoError",
        "DuplicateValueError",
        "FieldReservedError",
        "IllegalTransitionError",
        "InvalidInputError",
        "MissingExtraError",
        "NotFoundError",
        "PermissionDeniedError",
        "StaleVersionError",
        "StorageError",
        "UnreadableFileError",
    ),
    "custinfo.core.fields": (
        "FieldDefinition",
        "ModuleDefinition",
    ),
    "custinfo.core.organisation": (
        "Assignment",
        "Department",
        "Member",
        "Organisation",
        "Position",
    ),
    "custinfo.core.problems": (
        "Place",
        "Problem",
    ),
    "custinfo.core.records": (
        "ANY",
        "CLEAR",
        "UNREADABLE",
        "Attachment",
        "Masked",
        "Record",
        "Tag",
    ),
    "custinfo.core.tags": ("TagDimension",),
    "custinfo.workspace": (
        "Session",
        "Workspace",
    ),
    "custinfo.workspace.views": (
        "Applied",
        "AwaitingApproval",
        "ChangeView",
        "InboxTask",
        "Outcome",
        "Page",
        "RecordView",
        "RequestView",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # type checkers see the imports above, and so tell a misspelt name

    def __getattr__(name: str) -> Any:
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(home), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
