"""What is kept of an import."""

from __future__ import annotations

import pickle

from custinfo.core.frozen import FrozenDict
from custinfo.core.importing import ImportBatch
from custinfo.testing._samples import NOW


def test_an_import_starts_running_at_the_top() -> None:
    """A new batch has committed nothing."""
    batch = ImportBatch("b1", "customer", "digest", "sunjiu", NOW)
    assert (batch.state, batch.position, batch.counts) == ("running", 0, FrozenDict())
    assert pickle.loads(pickle.dumps(batch)) == batch
