"""A report as text, JSON, CSV, Parquet and HTML."""
