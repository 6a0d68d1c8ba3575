"""Approval: flows as data, requests as values, and a pure machine between them."""
