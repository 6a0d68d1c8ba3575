"""Validation: rules as data, and the one engine that runs them on every channel."""
