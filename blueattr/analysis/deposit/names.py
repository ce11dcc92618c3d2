"""Names of accounts in what a user writes: definitions of topics, titles, notes."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from typing import Any, TypeVar, cast

__all__ = ["IMPORTED_HANDLE", "Cleaner", "marked", "texts", "words"]


_T = TypeVar("_T")


IMPORTED_HANDLE = r"^x:[^:]*:@?(?:[A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*$"
"""Regular expression (Python's and Rust's dialect) of accounts of an import that are named by
their handles."""


# As regular expressions and addresses write them, too: alice\.bsky\.social, did%3Aplc%3Aabc.
_DOT = r"\\*\."
_HANDLE = re.compile(rf"[a-z0-9-]+(?:{_DOT}[a-z0-9-]+)+", re.IGNORECASE)
# What stands out as one: behind @, in the address of a profile, or at a host of handles alone.
_MARKED = re.compile(rf"(?:@|/profile/)({_HANDLE.pattern})", re.IGNORECASE)
_HOSTS = (".bsky.social", ".brid.gy")
_COLON = r"(?:\\*:|%3A)"
_DID = re.compile(
    rf"did{_COLON}[a-z]+{_COLON}[A-Za-z0-9._%\\-](?:[A-Za-z0-9._%\\:-]*[A-Za-z0-9_-])?",
    re.IGNORECASE,
)
# Classes and edges of regular expressions, whose letter is no part of the word behind it.
_ESCAPE = re.compile(r"\\+[bBAzZsSdDwW]")
_HIDDEN_HANDLE, _HIDDEN_DID = "(a handle)", "(an account)"


def texts(value: Any) -> Iterator[str]:
    """Yield every text in lists and objects of JSON, names of fields included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield str(key)
            yield from texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts(part)


def words(found: Iterable[str]) -> set[str]:
    r"""Return what could be a handle in some texts, in lower case.

    >>> sorted(words([r"\bAlice\.bsky\.social\b of www.example.org"]))
    ['alice.bsky.social', 'bsky.social', 'example.org', 'www.example.org']
    """
    names: set[str] = set()
    for text in found:
        for hit in _HANDLE.findall(_ESCAPE.sub(" ", text)):
            labels = hit.replace("\\", "").lower().split(".")
            names.update(".".join(labels[k:]) for k in range(len(labels) - 1))
    return names


def marked(found: Iterable[str]) -> set[str]:
    r"""Return what must be a handle in some texts, whether or not anybody knows it.

    >>> sorted(marked([r"@alice.example.org on example.org, bob\.bsky\.social of bsky.social"]))
    ['alice.example.org', 'bob.bsky.social']
    """
    plain = [_ESCAPE.sub(" ", text) for text in found]
    shown = {hit for text in plain for hit in _MARKED.findall(text)}
    hosted = {hit for text in plain for hit in _HANDLE.findall(text)}
    names = [{hit.replace("\\", "").lower() for hit in hits} for hits in (shown, hosted)]
    return names[0] | {name for name in names[1] if name.endswith(_HOSTS)}


@dataclass(frozen=True)
class Cleaner:
    """Takes names of accounts out of texts.

    Parameters
    ----------
    handles
        Those to take out, in lower case.
    dids
        Whether to take out DIDs, too.
    """

    handles: frozenset[str]
    dids: bool

    def clean(self, value: Any) -> Any:
        """Return a value of JSON without names; what is no text stays."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.clean(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean(part) for part in value]
        return value.isoformat() if isinstance(value, date) else value

    def part(self, value: _T) -> _T:
        """Return a dataclass, of which texts in its fields have no names."""
        return cast("_T", self._part(value))

    def _part(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, tuple | list):
            return type(value)(self._part(one) for one in value)
        if is_dataclass(value) and not isinstance(value, type):
            parts = {one.name: getattr(value, one.name) for one in fields(value) if one.init}
            return replace(value, **{name: self._part(one) for name, one in parts.items()})
        return value

    def text(self, text: str) -> str:
        """Return a text without names."""
        if self.dids:
            text = _DID.sub(_HIDDEN_DID, text)
        # The longest first, as one can end with another.
        for handle in sorted(self.handles, key=lambda name: (-len(name), name)):
            spelled = re.escape(handle).replace(r"\.", _DOT)
            text = re.sub(spelled, _HIDDEN_HANDLE, text, flags=re.IGNORECASE)
        return text
