"""A policy as a whole: printed as a matrix, compared with another, examined for what is odd about it (POL-4)."""
