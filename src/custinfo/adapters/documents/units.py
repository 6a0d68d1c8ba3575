"""Units of work on documents."""

from __future__ import annotations

from contextlib import AbstractContextManager

from custinfo.adapters.documents._log import DocumentAnchors, DocumentLog, DocumentRewriting
from custinfo.adapters.documents._records import DocumentRecords
from custinfo.adapters.documents._repositories import (
    DocumentAccesses,
    DocumentApprovals,
    DocumentConfigurations,
    DocumentHistory,
    DocumentImports,
    DocumentOutbox,
)
from custinfo.adapters.documents._shelf import Shelf
from custinfo.core.documents import Documents
from custinfo.core.schema import Schema
from custinfo.ports.documents import DocumentStore
from custinfo.ports.repositories import RecordQueries
from custinfo.ports.scanning import ScanQueries

__all__ = ["DocumentUnit"]


class DocumentUnit:
    """The `UnitOfWork` of a store of documents.

    Args:
        store: The documents of one tenant, in one transaction.
        schema: The configuration.
        queries: What answers queries, where the store's own language does it better than reading a module.
    """

    def __init__(self, store: DocumentStore, schema: Schema, queries: RecordQueries | None = None) -> None:
        """Make the repositories."""
        self._store = store
        shelf = Shelf(store, schema, Documents(schema))
        self.records: DocumentRecords = DocumentRecords(shelf)
        self.queries: RecordQueries = queries or ScanQueries(schema, self.records.all, self.records.get)
        self.history: DocumentHistory = DocumentHistory(shelf)
        self.approvals: DocumentApprovals = DocumentApprovals(shelf)
        self.imports: DocumentImports = DocumentImports(shelf)
        self.configurations: DocumentConfigurations = DocumentConfigurations(shelf)
        self.outbox: DocumentOutbox = DocumentOutbox(shelf)
        self.log: DocumentLog = DocumentLog(shelf)
        self.anchors: DocumentAnchors = DocumentAnchors(shelf)
        self.rewriting: DocumentRewriting = DocumentRewriting(shelf)
        self.accesses: DocumentAccesses = DocumentAccesses(shelf)

    def under(self, schema: Schema, /) -> DocumentUnit:
        """Return the same unit as another configuration sees its records; queries read the module then."""
        return DocumentUnit(self._store, schema)

    def atomic(self) -> AbstractContextManager[None]:
        """Take back everything done inside if the block raises."""
        return self._store.atomic()

    def commit(self) -> None:
        """Make permanent what was done so far."""
        self._store.commit()
