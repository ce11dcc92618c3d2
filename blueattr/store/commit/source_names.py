"""Names of sources, in which a forgotten account's DID is replaced by its mark."""

import re
from collections.abc import Mapping, Sequence

import polars as pl

from blueattr.store.database import Store

__all__ = ["CANDIDATES", "replace_dids", "without_forgotten"]


CANDIDATES = "candidate"
"""What `without_forgotten` registers."""


# As in file names, where a colon is often spelled in another way.
_DID = re.compile(r"did(?::|%3a|[-_.])[a-z]+(?::|%3a|[-_.])[a-z0-9._:%-]*[a-z0-9_-]", re.IGNORECASE)
_COLON = re.compile(r":|%3a|[-_.]", re.IGNORECASE)
_END = re.compile(r"[a-z0-9]+", re.IGNORECASE)


def replace_dids(name: str, marks: Mapping[str, str]) -> str:
    """Replace DIDs in the name of a source.

    Parameters
    ----------
    name
        Such as the path of a file.
    marks
        What replaces each DID.
    """
    # The longest first: did:web:example.org.uk before did:web:example.org.
    for did in sorted(marks, key=len, reverse=True):
        spelled = r"(?::|%3a|[-_.])".join(map(re.escape, did.split(":")))
        # No mark has a backslash, which would be read as an escape.
        name = re.sub(f"{spelled}(?![a-z0-9])", marks[did], name, flags=re.IGNORECASE)
    return name


def without_forgotten(store: Store, names: Sequence[str]) -> list[str]:
    """Replace the DIDs of accounts that a store has forgotten in the names of sources.

    Parameters
    ----------
    store
        With the macro keyed_hash. The caller unregisters `CANDIDATES`, after its transaction.
    names
        Such as the paths of files.
    """
    candidates = sorted(set[str]().union(*map(_candidates, names)))
    if not candidates:
        return list(names)
    store.register(CANDIDATES, pl.DataFrame({"did": candidates}))
    marks = dict(store.frame("store/forget/marks").rows())
    return [replace_dids(name, marks) for name in names]


def _candidates(name: str) -> set[str]:
    """Return all that can be a DID in a name: where one ends, an extension or more words begin."""
    found: set[str] = set()
    for match in _DID.finditer(name.lower()):
        head = _COLON.sub(":", match[0], count=2)
        method = head.index(":", 4) + 1
        for end in _END.finditer(head, method):
            did = head[: end.end()]
            found |= {did, head[:method] + head[method : end.end()].replace("%3a", "%3A")}
    return found
