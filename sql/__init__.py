"""Every query of the store, one statement a file; the schema as forward-only migrations."""
