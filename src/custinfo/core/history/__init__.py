"""History: typed changes, and what follows from folding over them."""
