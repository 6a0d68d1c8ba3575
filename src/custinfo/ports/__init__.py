"""Ports: what custinfo needs from the outside, as small Protocols that a host may implement."""

from custinfo.core.organisation import DeputyDirectory, Directory, VersionedDirectory
from custinfo.ports.repositories import (
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
    TotalQueries,
)
from custinfo.ports.system import Clock, Ids, Keyring, SealContext
from custinfo.ports.units import UnitOfWork, Units
from custinfo.ports.upkeep import Disagreement, Unreadable, Upkeep

__all__ = [
    "ApprovalRepository",
    "Clock",
    "ConfigurationRepository",
    "DeputyDirectory",
    "Directory",
    "Disagreement",
    "Grouping",
    "HistoryRepository",
    "Ids",
    "ImportRepository",
    "Keyring",
    "Order",
    "OutboxRepository",
    "Query",
    "RecordQueries",
    "RecordRepository",
    "SealContext",
    "TotalQueries",
    "UnitOfWork",
    "Units",
    "Unreadable",
    "Upkeep",
    "VersionedDirectory",
]
