"""Sources into the store: read to the end, follow, hydrate, collect."""
