"""Ports: what custinfo needs from the outside, as small Protocols that a host may implement."""

from custinfo.core.approval.calendars import WorkingCalendar
from custinfo.core.organisation import DeputyDirectory, Directory, PositionDirectory, VersionedDirectory
from custinfo.ports.access_log import AccessRepository
from custinfo.ports.history import AnchorRepository, ChangeLog, ChangeQuery, Purging, Reindexing, Rewriting
from custinfo.ports.repositories import (
    ApprovalQueries,
    ApprovalRepository,
    ConfigurationRepository,
    Grouping,
    HistoryRepository,
    ImportRepository,
    Order,
    OutboxRepository,
    Query,
    RecordQueries,
    RecordRepository,
    RequestQuery,
    TotalQueries,
)
from custinfo.ports.system import (
    BlindIndex,
    Clock,
    DataKeys,
    EvidenceKeys,
    Ids,
    IndexKeys,
    Keyring,
    ManyDataKeys,
    ManyIds,
    SealContext,
)
from custinfo.ports.units import UnitOfWork, Units
from custinfo.ports.upkeep import Disagreement, Unreadable, Upkeep

__all__ = [
    "AccessRepository",
    "AnchorRepository",
    "ApprovalQueries",
    "ApprovalRepository",
    "BlindIndex",
    "ChangeLog",
    "ChangeQuery",
    "Clock",
    "ConfigurationRepository",
    "DataKeys",
    "DeputyDirectory",
    "Directory",
    "Disagreement",
    "EvidenceKeys",
    "Grouping",
    "HistoryRepository",
    "Ids",
    "ImportRepository",
    "IndexKeys",
    "Keyring",
    "ManyDataKeys",
    "ManyIds",
    "Order",
    "OutboxRepository",
    "PositionDirectory",
    "Purging",
    "Query",
    "RecordQueries",
    "RecordRepository",
    "Reindexing",
    "RequestQuery",
    "Rewriting",
    "SealContext",
    "TotalQueries",
    "UnitOfWork",
    "Units",
    "Unreadable",
    "Upkeep",
    "VersionedDirectory",
    "WorkingCalendar",
]
