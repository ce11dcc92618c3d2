"""Reports on what is in a store: status, panel, ingests."""
