"""A topic as it happens: an engine that keeps the numbers, and the faces that show them."""
