"""Encryption of field values with AES-GCM, and blind indexes with HMAC. Needs the extra `crypto`."""

from custinfo.core.errors import MissingExtraError

try:
    import cryptography as _cryptography  # noqa: F401 - to say what to install
except ModuleNotFoundError as _error:
    raise MissingExtraError.of("crypto", "cryptography") from _error

from custinfo.adapters.crypto.keyring import Keyring

__all__ = ["Keyring"]
