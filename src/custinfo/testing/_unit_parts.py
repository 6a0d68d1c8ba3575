"""What a unit of work has beyond its repositories, typed for contracts that need it."""

from __future__ import annotations

from custinfo.ports.history import AnchorRepository, ChangeLog, Reindexing, Rewriting
from custinfo.ports.units import UnitOfWork

__all__ = ["anchors", "log", "reindexing", "rewriting"]


def log(unit: UnitOfWork) -> ChangeLog:
    """Return the log of a unit."""
    found: ChangeLog = unit.log  # type: ignore[attr-defined]
    return found


def anchors(unit: UnitOfWork) -> AnchorRepository:
    """Return the anchors of a unit."""
    found: AnchorRepository = unit.anchors  # type: ignore[attr-defined]
    return found


def rewriting(unit: UnitOfWork) -> Rewriting:
    """Return what rewrites in a unit."""
    found: Rewriting = unit.rewriting  # type: ignore[attr-defined]
    return found


def reindexing(unit: UnitOfWork) -> Reindexing:
    """Return what rewrites digests in a unit."""
    found: Reindexing = unit.rewriting  # type: ignore[attr-defined]
    return found
