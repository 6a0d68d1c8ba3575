"""The permission policy: grants as data, compiled per actor and module."""
