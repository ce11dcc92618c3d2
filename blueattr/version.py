"""The version of the package, as pyproject.toml states it."""

__all__ = ["METHOD_VERSION", "__version__"]


__version__ = "0.2.0"

METHOD_VERSION = 3
"""Raised with each change of a default that changes numbers; CHANGELOG.md explains each.

1: 0.1.0. 2: a window in days consists of whole UTC days. 3: c counts
quotes.
"""
