"""Logs of the original systems: their files become a record, and its replay is compared."""
