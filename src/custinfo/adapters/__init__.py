"""Adapters: custinfo's ports on real stores, files and ciphers. Each is imported only by those who use it."""
