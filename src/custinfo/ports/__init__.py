"""Ports: what custinfo needs from the outside, as small Protocols that a host may implement."""

from custinfo.core.organisation import DeputyDirectory, Directory, VersionedDirectory
from custinfo.ports.history import AnchorRepository, ChangeLog, ChangeQuery, Rewriting
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
from custinfo.ports.system import BlindIndex, Clock, DataKeys, EvidenceKeys, Ids, Keyring, SealContext
from custinfo.ports.units import UnitOfWork, Units
from custinfo.ports.upkeep import Disagreement, Unreadable, Upkeep

__all__ = [
    "AnchorRepository",
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
    "Keyring",
    "Order",
    "OutboxRepository",
    "Query",
    "RecordQueries",
    "RecordRepository",
    "Rewriting",
    "SealContext",
    "TotalQueries",
    "UnitOfWork",
    "Units",
    "Unreadable",
    "Upkeep",
    "VersionedDirectory",
]
