"""The DuckDB file: what is kept, and how a commit changes it."""
