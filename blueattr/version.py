"""The version of the package, as pyproject.toml states it."""

__all__ = ["__version__"]


__version__ = "0.2.0"
