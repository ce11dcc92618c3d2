"""Faults that were found and mended, by their numbers: each is an edit that takes one fix out."""

from strength.faults import others, stores, streams
from strength.faults.fault import Fault

__all__ = ["FAULTS", "ROWS", "Fault"]


ROWS = 23
"""How many faults were found; each has one fix or more in the table."""


FAULTS = tuple(sorted([*streams.FAULTS, *stores.FAULTS, *others.FAULTS], key=lambda one: one.row))
"""One for each fix, by number."""
