"""Tests for those who implement custinfo's ports, and samples to write tests with.

`RepositoryContract` tests a store, `DirectoryContract` a directory of people, and `UpkeepContract` the upkeep of a
store's tenants where it has any; `LogContract` and `AccessContract` do so for the log and the access log,
`PurgingContract` and `WritingContract` for what is purged, and for units that write from their beginning.
`run_conformance` plays random histories on a store. None of them needs pytest, but to skip what a store lacks: any
runner will do that calls the methods of a class.
`custinfo.testing.strategies`, which needs hypothesis and is imported by itself, makes records and criteria at random;
`find_disagreement` then tells whether a store answers as the language of criteria says.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from custinfo.testing._access_contract import AccessContract
    from custinfo.testing._log_contract import LogContract
    from custinfo.testing._model import find_disagreement
    from custinfo.testing._purging_contract import PurgingContract
    from custinfo.testing._samples import (
        NOW,
        full_record,
        make_change,
        make_event,
        make_record,
        make_request,
        next_version,
        record_id,
        sample_configuration,
        sample_directory,
        sample_schema,
    )
    from custinfo.testing._upkeep_contract import UpkeepContract
    from custinfo.testing._writing_contract import WritingContract
    from custinfo.testing.conformance import run_conformance
    from custinfo.testing.contract import RepositoryContract
    from custinfo.testing.directory import DirectoryContract

__all__ = [
    "NOW",
    "AccessContract",
    "DirectoryContract",
    "LogContract",
    "PurgingContract",
    "RepositoryContract",
    "UpkeepContract",
    "WritingContract",
    "find_disagreement",
    "full_record",
    "make_change",
    "make_event",
    "make_record",
    "make_request",
    "next_version",
    "record_id",
    "run_conformance",
    "sample_configuration",
    "sample_directory",
    "sample_schema",
]

_HOMES: Final = {
    "custinfo.testing._access_contract": ("AccessContract",),
    "custinfo.testing._log_contract": ("LogContract",),
    "custinfo.testing._model": ("find_disagreement",),
    "custinfo.testing._purging_contract": ("PurgingContract",),
    "custinfo.testing._samples": (
        "NOW",
        "full_record",
        "make_change",
        "make_event",
        "make_record",
        "make_request",
        "next_version",
        "record_id",
        "sample_configuration",
        "sample_directory",
        "sample_schema",
    ),
    "custinfo.testing._upkeep_contract": ("UpkeepContract",),
    "custinfo.testing._writing_contract": ("WritingContract",),
    "custinfo.testing.conformance": ("run_conformance",),
    "custinfo.testing.contract": ("RepositoryContract",),
    "custinfo.testing.directory": ("DirectoryContract",),
}
_HOME_OF: Final = {name: module for module, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # what needs no pytest is there without it

    def __getattr__(name: str) -> Any:
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(home), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
