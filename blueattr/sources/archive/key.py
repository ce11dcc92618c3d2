"""The key to an archive."""

from blueattr.sources.key import ServerKey

__all__ = ["KEY", "ArchiveKey"]


KEY = "BLUEATTR_JETSTREAM_KEY"
"""The environment variable that holds the key to an archive."""


class ArchiveKey(ServerKey):
    """The key to an archive; see `blueattr.sources.key.ServerKey`."""

    __slots__ = ()

    variable = KEY
