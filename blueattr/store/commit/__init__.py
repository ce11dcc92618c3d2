"""A commit: what waits for it, how it changes a store, and how far a source was read."""
