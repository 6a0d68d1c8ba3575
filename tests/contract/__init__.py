"""The contract of stores, on each adapter."""
