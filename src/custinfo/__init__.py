"""Customer information as an embeddable library.

Open a `Workspace` on a database with a configuration, act in it as a member of the organisation, and use the
verbs of `session.customers`. Adapters are imported by those who need them: `custinfo.adapters.excel`,
`custinfo.adapters.sqlalchemy`, `custinfo.adapters.crypto`, `custinfo.adapters.memory`.
"""

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
