"""Encryption of field values with AES-GCM, and blind indexes with HMAC. Needs the extra `crypto`."""

from custinfo.adapters.crypto.keyring import Keyring

__all__ = ["Keyring"]
