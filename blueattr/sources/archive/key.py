"""The key to an archive."""

from blueattr.sources.key import Key

__all__ = ["KEY", "ArchiveKey"]


KEY = "BLUEATTR_JETSTREAM_KEY"
"""The environment variable that holds the key to an archive."""


class ArchiveKey(Key):
    """The key to an archive; see `blueattr.sources.key.Key`."""

    __slots__ = ()

    variable = KEY
