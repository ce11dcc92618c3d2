"""The seal of a store's file: what tells, at each opening, that every block is in its place.

The engine notices a block that was changed by the checksum at its head, but not one that is whole
and belongs elsewhere. So each commit ends by writing a hash of the heads of all blocks behind the
last one, where the engine does not look. It overwrites the seal with the next block that it adds.
"""

import hashlib
import os

__all__ = ["headers", "is_there", "is_whole", "write"]


# The three headers that a file of the engine begins with, a block, and the checksum at its head.
_HEADERS = 3 * 4096
_BLOCK = 256 << 10
_HEAD = 8
_MAGIC = b"blueattr seal 1\n"
_SIZE = len(_MAGIC) + 32
# Heads that are asked for ahead, where the disk has to be waited for.
_AHEAD = 512


def headers(file: int) -> bytes:
    """Return the headers of an open file, which the engine writes anew with each change."""
    return os.pread(file, _HEADERS, 0)


def write(file: int) -> None:
    """Seal a file, which the engine has nothing left to write to.

    Parameters
    ----------
    file
        A descriptor, for reading and writing.
    """
    blocks, rest = divmod(os.fstat(file).st_size - _HEADERS, _BLOCK)
    seal = _seal(file, blocks)
    end = _HEADERS + blocks * _BLOCK
    if rest == _SIZE and os.pread(file, _SIZE, end) == seal:
        return
    os.pwrite(file, seal, end)
    os.ftruncate(file, end + _SIZE)


def is_there(file: int) -> bool:
    """Return whether a file ends with a seal, of whatever it was when that was written."""
    size = os.fstat(file).st_size
    return size >= _SIZE and os.pread(file, len(_MAGIC), size - _SIZE) == _MAGIC


def is_whole(file: int) -> bool:
    """Return whether each block of a file is the one that was there when it was sealed.

    What is in a block is not read: the engine compares it with the block's head when it is.

    Parameters
    ----------
    file
        A descriptor.
    """
    there = os.fstat(file)
    blocks, rest = divmod(there.st_size - _HEADERS - _SIZE, _BLOCK)
    # A file may say that it is of any size; one that has room for each head is read.
    if rest or blocks < 0 or not is_there(file) or 0 < there.st_blocks < blocks:
        return False
    return os.pread(file, _SIZE, _HEADERS + blocks * _BLOCK) == _seal(file, blocks)


def _seal(file: int, blocks: int) -> bytes:
    digest = hashlib.blake2b(headers(file), digest_size=_SIZE - len(_MAGIC))
    for first in range(0, blocks, _AHEAD):
        places = range(
            _HEADERS + first * _BLOCK, _HEADERS + min(first + _AHEAD, blocks) * _BLOCK, _BLOCK
        )
        if hasattr(os, "posix_fadvise"):
            for place in places:
                os.posix_fadvise(file, place, _HEAD, os.POSIX_FADV_WILLNEED)
        digest.update(b"".join([os.pread(file, _HEAD, place) for place in places]))
    return _MAGIC + digest.digest()
