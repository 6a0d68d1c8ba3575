"""Customer information as an embeddable library.

Open a `Workspace` on a database with a configuration, act in it as a member of the organisation, and use the
verbs of `session.customers`. Adapters are imported by those who need them: `custinfo.adapters.excel`,
`custinfo.adapters.sqlalchemy`, `custinfo.adapters.crypto`, `custinfo.adapters.memory`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custinfo.core.access_log import AccessEntry
    from custinfo.core.anchors import Anchor
    from custinfo.core.approval.calendars import WorkingDays
    from custinfo.core.approval.flows import (
        CountQuorum,
        DepartmentHead,
        FieldMember,
        Flow,
        NamedMember,
        PositionHolders,
        RoleHolders,
        ShareQuorum,
        Step,
        TimeLimit,
        Trigger,
        WeightQuorum,
    )
    from custinfo.core.classification import Case, Classification, Segment
    from custinfo.core.configuration import Configuration
    from custinfo.core.configuration_changes import ConfigurationChange
    from custinfo.core.converter import (
        configuration_from_json,
        configuration_to_json,
        organisation_from_json,
        organisation_to_json,
    )
    from custinfo.core.criteria import Criterion, F, InSegment, Tagged, criterion_from_json, criterion_to_json
    from custinfo.core.dictionaries import Dictionary, DictionaryValue
    from custinfo.core.erasure import ErasedField, ErasureCertificate
    from custinfo.core.errors import (
        ConfigurationError,
        ConflictError,
        CustinfoError,
        DuplicateValueError,
        FieldReservedError,
        IllegalTransitionError,
        InvalidCriterionError,
        InvalidCursorError,
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
    from custinfo.core.fields import FieldDefinition, Inheritance, ModuleDefinition
    from custinfo.core.life_cycles import LifeCycle, Transition
    from custinfo.core.messages import DEFAULT_MESSAGES, Messages
    from custinfo.core.organisation import Assignment, Department, Deputy, Member, Organisation, Position
    from custinfo.core.outbox import Event
    from custinfo.core.policy.grants import ALL_FIELDS, Fields, Grant, Role
    from custinfo.core.problems import Place, Problem
    from custinfo.core.records import ANY, CLEAR, ERASED, UNREADABLE, Attachment, Masked, Record, Share, Tag
    from custinfo.core.reports import Report
    from custinfo.core.retention import RetentionRule
    from custinfo.core.review.difference import ChangedRight, PolicyDifference, policy_diff
    from custinfo.core.review.entitlements import Entitlement
    from custinfo.core.review.lint import policy_lint
    from custinfo.core.review.matrix import PolicyMatrix, policy_matrix
    from custinfo.core.review.members import MemberDifference
    from custinfo.core.revisions import Revision
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
    from custinfo.core.statuses import http_status
    from custinfo.core.subject_access import AccessLimit, Held, SubjectAccess
    from custinfo.core.tags import TagDimension
    from custinfo.core.validation.organisations import check_organisation
    from custinfo.core.validation.whole import check_configuration
    from custinfo.workspace import Session, Workspace
    from custinfo.workspace.access_log import AccessLog, AccessPage
    from custinfo.workspace.approvals import Approvals
    from custinfo.workspace.backups import TenantSummary
    from custinfo.workspace.bulk import BulkOutcome, Refused
    from custinfo.workspace.collection import Records
    from custinfo.workspace.combining import Merged
    from custinfo.workspace.delivering import DeliveryReport, FailedDelivery
    from custinfo.workspace.explanations import Explanation
    from custinfo.workspace.feed import ChangePage
    from custinfo.workspace.handing_over import HandOverPlan, HandOverReport, Successor
    from custinfo.workspace.importing import Counts, PlannedRow, Progress
    from custinfo.workspace.integrity import IntegrityReport
    from custinfo.workspace.live_configuration import LiveConfiguration
    from custinfo.workspace.past import TagAssignment
    from custinfo.workspace.reindexing import IndexRotationReport
    from custinfo.workspace.replacing import ConfigurationPlan
    from custinfo.workspace.retention import Retention, RetentionItem, RetentionPage, RetentionReport
    from custinfo.workspace.revising import Clash, Effect, Failure
    from custinfo.workspace.rotation import RotationReport
    from custinfo.workspace.simulations import SimulatedRecord, Simulation
    from custinfo.workspace.undoing import UndoReport
    from custinfo.workspace.upkeep import verify_backup
    from custinfo.workspace.verification import AttestationReport, VerificationReport
    from custinfo.workspace.views import (
        Applied,
        AwaitingApproval,
        ChangeView,
        CompanionView,
        ExportView,
        InboxTask,
        ItemView,
        Outcome,
        Page,
        RecordView,
        RequestPage,
        RequestView,
    )

__all__ = [
    "ALL_FIELDS",
    "ANY",
    "CLEAR",
    "DEFAULT_MESSAGES",
    "ERASED",
    "UNREADABLE",
    "AccessEntry",
    "AccessLimit",
    "AccessLog",
    "AccessPage",
    "AllowedWhen",
    "Anchor",
    "Applied",
    "Approvals",
    "Assignment",
    "Attachment",
    "AttestationReport",
    "AwaitingApproval",
    "BulkOutcome",
    "Case",
    "ChangePage",
    "ChangeView",
    "ChangedRight",
    "Clash",
    "Classification",
    "CompanionView",
    "Configuration",
    "ConfigurationChange",
    "ConfigurationError",
    "ConfigurationPlan",
    "ConflictError",
    "CountQuorum",
    "Counts",
    "Criterion",
    "CustinfoError",
    "DateOrder",
    "DeliveryReport",
    "Department",
    "DepartmentHead",
    "Deputy",
    "Dictionary",
    "DictionaryValue",
    "DuplicateValueError",
    "Effect",
    "Entitlement",
    "ErasedField",
    "ErasureCertificate",
    "Event",
    "Explanation",
    "ExportView",
    "F",
    "FailedDelivery",
    "Failure",
    "FieldDefinition",
    "FieldMember",
    "FieldReservedError",
    "Fields",
    "Flow",
    "Grant",
    "HandOverPlan",
    "HandOverReport",
    "Held",
    "IllegalTransitionError",
    "InSegment",
    "InboxTask",
    "IndexRotationReport",
    "Inheritance",
    "IntegrityReport",
    "InvalidCriterionError",
    "InvalidCursorError",
    "InvalidInputError",
    "ItemView",
    "Length",
    "LifeCycle",
    "LiveConfiguration",
    "Masked",
    "MatchesBirthday",
    "Member",
    "MemberDifference",
    "Merged",
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
    "PolicyDifference",
    "PolicyMatrix",
    "Position",
    "PositionHolders",
    "Problem",
    "Progress",
    "Range",
    "Record",
    "RecordView",
    "Records",
    "Refused",
    "Report",
    "RequestPage",
    "RequestView",
    "Retention",
    "RetentionItem",
    "RetentionPage",
    "RetentionReport",
    "RetentionRule",
    "Revision",
    "Role",
    "RoleHolders",
    "RotationReport",
    "Satisfies",
    "Segment",
    "Session",
    "SessionEndedError",
    "Share",
    "ShareQuorum",
    "SimulatedRecord",
    "Simulation",
    "StaleVersionError",
    "Step",
    "StorageError",
    "SubjectAccess",
    "Successor",
    "Tag",
    "TagAssignment",
    "TagDimension",
    "Tagged",
    "TenantSummary",
    "TimeLimit",
    "Transition",
    "Trigger",
    "UndoReport",
    "UnreadableFileError",
    "VerificationReport",
    "WeightQuorum",
    "WorkingDays",
    "Workspace",
    "check_configuration",
    "check_organisation",
    "configuration_from_json",
    "configuration_to_json",
    "criterion_from_json",
    "criterion_to_json",
    "http_status",
    "organisation_from_json",
    "organisation_to_json",
    "policy_diff",
    "policy_lint",
    "policy_matrix",
    "verify_backup",
]

# Names are imported when they are first used, so that `import custinfo` costs a host next to nothing.
_HOMES = {
    "custinfo.workspace.combining": ("Merged",),
    "custinfo.workspace.bulk": (
        "BulkOutcome",
        "Refused",
    ),
    "custinfo.core.approval.calendars": ("WorkingDays",),
    "custinfo.core.outbox": ("Event",),
    "custinfo.core.access_log": ("AccessEntry",),
    "custinfo.workspace.access_log": ("AccessLog", "AccessPage"),
    "custinfo.core.policy.grants": (
        "ALL_FIELDS",
        "Fields",
        "Grant",
        "Role",
    ),
    "custinfo.core.approval.flows": (
        "CountQuorum",
        "DepartmentHead",
        "FieldMember",
        "Flow",
        "NamedMember",
        "PositionHolders",
        "RoleHolders",
        "ShareQuorum",
        "Step",
        "TimeLimit",
        "Trigger",
        "WeightQuorum",
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
    "custinfo.core.anchors": ("Anchor",),
    "custinfo.core.erasure": ("ErasedField", "ErasureCertificate"),
    "custinfo.workspace.backups": ("TenantSummary",),
    "custinfo.workspace.feed": ("ChangePage",),
    "custinfo.workspace.retention": ("Retention", "RetentionItem", "RetentionPage", "RetentionReport"),
    "custinfo.workspace.reindexing": ("IndexRotationReport",),
    "custinfo.workspace.rotation": ("RotationReport",),
    "custinfo.workspace.verification": ("AttestationReport", "VerificationReport"),
    "custinfo.workspace.collection": ("Records",),
    "custinfo.workspace.integrity": ("IntegrityReport",),
    "custinfo.workspace.upkeep": ("verify_backup",),
    "custinfo.workspace.approvals": ("Approvals",),
    "custinfo.workspace.explanations": ("Explanation",),
    "custinfo.workspace.handing_over": (
        "HandOverPlan",
        "HandOverReport",
        "Successor",
    ),
    "custinfo.workspace.delivering": ("DeliveryReport", "FailedDelivery"),
    "custinfo.workspace.importing": (
        "Counts",
        "PlannedRow",
        "Progress",
    ),
    "custinfo.workspace.simulations": (
        "SimulatedRecord",
        "Simulation",
    ),
    "custinfo.workspace.undoing": ("UndoReport",),
    "custinfo.core.classification": (
        "Case",
        "Classification",
        "Segment",
    ),
    "custinfo.core.configuration_changes": ("ConfigurationChange",),
    "custinfo.core.revisions": ("Revision",),
    "custinfo.workspace.live_configuration": ("LiveConfiguration",),
    "custinfo.workspace.past": ("TagAssignment",),
    "custinfo.workspace.replacing": ("ConfigurationPlan",),
    "custinfo.workspace.revising": (
        "Clash",
        "Effect",
        "Failure",
    ),
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
        "InSegment",
        "Tagged",
        "criterion_from_json",
        "criterion_to_json",
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
        "InvalidCriterionError",
        "InvalidCursorError",
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
        "Inheritance",
        "ModuleDefinition",
    ),
    "custinfo.core.life_cycles": (
        "LifeCycle",
        "Transition",
    ),
    "custinfo.core.organisation": (
        "Assignment",
        "Department",
        "Deputy",
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
        "ERASED",
        "UNREADABLE",
        "Attachment",
        "Masked",
        "Record",
        "Share",
        "Tag",
    ),
    "custinfo.core.reports": ("Report",),
    "custinfo.core.retention": ("RetentionRule",),
    "custinfo.core.review.difference": (
        "ChangedRight",
        "PolicyDifference",
        "policy_diff",
    ),
    "custinfo.core.review.entitlements": ("Entitlement",),
    "custinfo.core.review.lint": ("policy_lint",),
    "custinfo.core.review.matrix": (
        "PolicyMatrix",
        "policy_matrix",
    ),
    "custinfo.core.review.members": ("MemberDifference",),
    "custinfo.core.statuses": ("http_status",),
    "custinfo.core.validation.organisations": ("check_organisation",),
    "custinfo.core.validation.whole": ("check_configuration",),
    "custinfo.core.subject_access": ("AccessLimit", "Held", "SubjectAccess"),
    "custinfo.core.tags": ("TagDimension",),
    "custinfo.workspace": (
        "Session",
        "Workspace",
    ),
    "custinfo.workspace.views": (
        "Applied",
        "AwaitingApproval",
        "ChangeView",
        "CompanionView",
        "ExportView",
        "InboxTask",
        "ItemView",
        "Outcome",
        "Page",
        "RecordView",
        "RequestPage",
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
