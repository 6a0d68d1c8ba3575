"""A unit of work on any store of JSON documents: all that `custinfo.ports.documents.DocumentStore` leaves to do.

Questions are answered by reading a module (`custinfo.ports.scanning`). What only one may have, a unique value or a
reserved field, is a document of its own, the claim, whose key the store keeps unique: so it holds between units that
run at once.
"""

from custinfo.adapters.documents.units import DocumentUnit

__all__ = ["DocumentUnit"]
