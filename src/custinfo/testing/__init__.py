"""Tests for those who implement custinfo's ports, and samples to write tests with.

`RepositoryContract` tests a store, `DirectoryContract` a directory of people, and `UpkeepContract` the upkeep of a
store's tenants where it has any. `run_conformance` plays random histories on a store, and needs no pytest.
`custinfo.testing.strategies`, which needs hypothesis and is imported by itself, makes records and criteria at random;
`find_disagreement` then tells whether a store answers as the language of criteria says.
"""

from custinfo.testing._access_contract import AccessContract
from custinfo.testing._log_contract import LogContract
from custinfo.testing._model import find_disagreement
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
from custinfo.testing.conformance import run_conformance
from custinfo.testing.contract import RepositoryContract
from custinfo.testing.directory import DirectoryContract

__all__ = [
    "NOW",
    "AccessContract",
    "DirectoryContract",
    "LogContract",
    "RepositoryContract",
    "UpkeepContract",
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
