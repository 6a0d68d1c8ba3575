"""Records that are likely about the same: normalised, blocked by what they share, compared, and scored with reasons."""
