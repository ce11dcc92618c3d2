"""What the catalogs of stores hold: exactly what the migrations up to a schema version make."""

import json
import os
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeAlias

from blueattr.store.integrity.seal import headers

__all__ = [
    "KNOWN",
    "Entry",
    "checked_version",
    "digest",
    "note_checked",
    "plural",
    "sort_excluded",
]


Entry = tuple[str, str, str]
"""Kind, name and text of a thing that a catalog defines (``sql/store/integrity/catalog.sql``)."""


_EXCLUDED = re.compile(r"(?<= EXCLUDE \()[^()']+(?=\))")


def sort_excluded(entries: Sequence[Entry]) -> list[Entry]:
    """Sort the names in each EXCLUDE of a catalog, which the engine writes in no order."""
    return [
        (kind, name, _EXCLUDED.sub(lambda names: ", ".join(sorted(names[0].split(", "))), text))
        for kind, name, text in entries
    ]


_FileState: TypeAlias = tuple[object, ...]


# The schema versions of files whose catalogs this process has checked, and that are as they were
# then: to list the functions that a file defines, the engine lists all of its own, in 15 ms.
_CHECKED: dict[_FileState, int] = {}
_MOST_CHECKED = 64


def _state(file: int) -> _FileState:
    """Return what no change of an open file leaves as it is: the system notes when it changes."""
    there = os.fstat(file)
    times = there.st_mtime_ns, there.st_ctime_ns
    return there.st_dev, there.st_ino, there.st_size, *times, sha256(headers(file)).digest()


def checked_version(file: int) -> int | None:
    """Return the schema version of an open file whose catalog was checked; None if none was.

    A file is known only as long as it is the same and nothing has changed it.
    """
    return _CHECKED.get(_state(file))


def note_checked(file: int, version: int) -> None:
    """Note that the catalog of an open file is that of a schema version."""
    if len(_CHECKED) >= _MOST_CHECKED:
        _CHECKED.clear()
    _CHECKED[_state(file)] = version


def plural(kind: str) -> str:
    """Return the word for several things of a kind."""
    return f"{kind}es" if kind == "index" else f"{kind}s"


def digest(entries: Sequence[Entry]) -> str:
    """Return a hash of a catalog."""
    return sha256(json.dumps(entries).encode()).hexdigest()


KNOWN: dict[int, str] = {
    1: "783006e1b85f472e41dd1686cdae1a32cb756a6a8d82bf65cfdb068e01db4690",
    2: "507ac6aab6edc7f9f6ce9b07c4cf0d42131803d03ebe8fe7e46fac0d1add1c8a",
    3: "686e488ec2634110e5a9ecb3770c8fcd4fd200208f4067c854729d643a9f8bc1",
    4: "6c8b502a75e5ad85a5d6bdaf87a35a361314e0e8b9b6dd7bd59e6cc16484c11a",
    5: "adb099adce231b622ba9f082e42cb9e907ac7ecf12ae2a2ccdec628c5862b164",
    6: "6ca04a666ce04f5be11a1531e86172fc7dbeff44806bda4dcd385c586c807c91",
    7: "9a4ee985a2d62326e752f9a6589880df9f087599b69db06deeb9575cd6f902eb",
    8: "a2ed308b174d959924daaf237c35e6fd8f1679460292324642abb4075cb24fa8",
    9: "f62a076edfdc1155690b5882e6e5db2559d27d1a0c0897857a6da48c6c0397cb",
    10: "49caefb8b1e9cbef2353de33e5c0ac788adb86622c5307aeb9cd66ceb23d2bfa",
}
"""The catalog of each schema version, as the engine writes it in the release that is pinned.

Only a short cut: where a catalog is another, the migrations are run in memory to see what it should
be, which takes 20 ms. A test compares.
"""
