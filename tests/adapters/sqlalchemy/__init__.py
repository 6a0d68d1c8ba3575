"""Tests of the SQLAlchemy adapter beyond the contract."""
