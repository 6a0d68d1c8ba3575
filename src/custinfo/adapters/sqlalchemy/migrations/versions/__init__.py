"""The revisions, oldest first by their chain and not by their names."""
