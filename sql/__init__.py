"""Every query and every step of a commit, one a file; the schema as forward-only migrations."""
