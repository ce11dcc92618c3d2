"""Parse numbers of bytes, to download or to hold in memory."""

import re

from blueattr.errors import UsageError

__all__ = ["download_limit", "memory_limit"]


# With less, no command could keep to it, whatever it reads.
_LEAST_MEMORY, _MOST_MEMORY = 900 << 20, 1 << 50
_BYTE_UNITS = "KMGT"


def download_limit(text: str | int) -> int:
    """Parse a number of bytes to download, such as 20GB or 500M; the units are powers of 1000."""
    size = _bytes(text, 1000)
    if not 0 < size <= _MOST_MEMORY:
        raise UsageError(f"--max-bytes {text!r} is not a number of bytes, such as 20GB or 500MB")
    return size


def memory_limit(text: str | int) -> int:
    """Parse a number of bytes such as 4GB, 800M or 2.5 GiB; the units are powers of 1024."""
    size = _bytes(text, 1024)
    if not _LEAST_MEMORY <= size <= _MOST_MEMORY:
        raise UsageError(
            f"--memory-limit {text!r} is not an amount of memory that can be kept to; write 900MB "
            "or more, such as 4GB"
        )
    return size


def _bytes(text: str | int, thousand: int) -> int:
    match = re.fullmatch(r"\s*([0-9]{1,18}(?:\.[0-9]+)?)\s*([KMGT]?)(?:I?B)?\s*", str(text).upper())
    power = 1 + _BYTE_UNITS.find(match[2] or " ") if match else 0
    return int(float(match[1]) * thousand**power) if match else 0
