"""Customer information as an embeddable library.

Open a `Workspace` on a database with a configuration, act in it as a member of the organisation, and use the
verbs of `session.customers`. Adapters are imported by those who need them: `custinfo.adapters.excel`,
`custinfo.adapters.sqlalchemy`, `custinfo.adapters.crypto`, `custinfo.adapters.memory`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custinfo.core.approval.flows import DepartmentHead, FieldMember, Flow, NamedMember, RoleHolders, Step, Trigger
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
        NotYourDecisionError,
        PermissionDeniedError,
        SessionEndedError,
        StaleVersionError,
        StorageError,
        UnreadableFileError,
    )
    from custinfo.core.fields import FieldDefinition, ModuleDefinition
    from custinfo.core.messages import DEFAULT_MESSAGES, Messages
    from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position
    from custinfo.core.policy.grants import ALL_FIELDS, Fields, Grant, Role
    from custinfo.core.problems import Place, Problem
    from custinfo.core.records import ANY, CLEAR, UNREADABLE, Attachment, Masked, Record, Tag
    from custinfo.core.rules import (
        AllowedWhen,
        DateOrder,
        Length,
        MatchesBirthday,
        NotBefore,
        OneOfValues,
        Pattern,
        Range,
        Satisfies,
    )
    from custinfo.core.tags import TagDimension
    from custinfo.workspace import Session, Workspace
    from custinfo.workspace.approvals import Approvals
    from custinfo.workspace.collection import Records
    from custinfo.workspace.explaining import Explanation
    from custinfo.workspace.importing import Counts, PlannedRow, Progress
    from custinfo.workspace.undoing import UndoReport
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
    "ALL_FIELDS",
    "ANY",
    "CLEAR",
    "DEFAULT_MESSAGES",
    "UNREADABLE",
    "AllowedWhen",
    "Applied",
    "Approvals",
    "Assignment",
    "Attachment",
    "AwaitingApproval",
    "ChangeView",
    "Configuration",
    "ConfigurationError",
    "ConflictError",
    "Counts",
    "Criterion",
    "CustinfoError",
    "DateOrder",
    "Department",
    "DepartmentHead",
    "Dictionary",
    "DictionaryValue",
    "DuplicateValueError",
    "Explanation",
    "F",
    "FieldDefinition",
    "FieldMember",
    "FieldReservedError",
    "Fields",
    "Flow",
    "Grant",
    "IllegalTransitionError",
    "InboxTask",
    "InvalidInputError",
    "Length",
    "Masked",
    "MatchesBirthday",
    "Member",
    "Messages",
    "MissingExtraError",
    "ModuleDefinition",
    "NamedMember",
    "NotBefore",
    "NotFoundError",
    "NotYourDecisionError",
    "OneOfValues",
    "Organisation",
    "Outcome",
    "Page",
    "Pattern",
    "PermissionDeniedError",
    "Place",
    "PlannedRow",
    "Position",
    "Problem",
    "Progress",
    "Range",
    "Record",
    "RecordView",
    "Records",
    "RequestView",
    "Role",
    "RoleHolders",
    "Satisfies",
    "Session",
    "SessionEndedError",
    "StaleVersionError",
    "Step",
    "StorageError",
    "Tag",
    "TagDimension",
    "Tagged",
    "Trigger",
    "UndoReport",
    "UnreadableFileError",
    "Workspace",
    "configuration_from_json",
    "configuration_to_json",
    "organisation_from_json",
    "organisation_to_json",
]

# Names are imported when they are first used, so that `import custinfo` costs a host next to nothing.
_HOMES = {
    "custinfo.core.policy.grants": (
        "ALL_FIELDS",
        "Fields",
        "Grant",
        "Role",
    ),
    "custinfo.core.approval.flows": (
        "DepartmentHead",
        "FieldMember",
        "Flow",
        "NamedMember",
        "RoleHolders",
        "Step",
        "Trigger",
    ),
    "custinfo.core.rules": (
        "AllowedWhen",
        "DateOrder",
        "Length",
        "MatchesBirthday",
        "NotBefore",
        "OneOfValues",
        "Pattern",
        "Range",
        "Satisfies",
    ),
    "custinfo.core.messages": (
        "DEFAULT_MESSAGES",
        "Messages",
    ),
    "custinfo.workspace.collection": ("Records",),
    "custinfo.workspace.approvals": ("Approvals",),
    "custinfo.workspace.explaining": ("Explanation",),
    "custinfo.workspace.importing": (
        "Counts",
        "PlannedRow",
        "Progress",
    ),
    "custinfo.workspace.undoing": ("UndoReport",),
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
        "NotYourDecisionError",
        "PermissionDeniedError",
        "SessionEndedError",
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
