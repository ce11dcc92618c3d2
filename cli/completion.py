"""What Tab offers for the values of options: names of topics, indicators, protocols, sizes.

The shell asks with every Tab, so nothing here opens a store or loads a library of numbers.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from blueattr.errors import BlueattrError

__all__ = ["indicators", "protocols", "since", "sizes", "topic", "topics"]


_INDICATORS = ("lin", "heat", "var", "gini", "hill", "entropy", "threshold")
_PROTOCOLS = ("visibility", "top", "active", "random")
_SINCE = ("yesterday", "last-week")
_SIZES = ("100", "1000", "10000", "100000")


def topic(ctx: Any, incomplete: str) -> list[str]:
    """Offer the topics, and ``all``."""
    return [name for name in (*_known(ctx), "all") if name.startswith(incomplete)]


def topics(ctx: Any, incomplete: str) -> list[str]:
    """Offer the topics, of which several may be named, ``all-topics`` and ``all``."""
    return [*_several(incomplete, _known(ctx), ("all-topics", "all"))]


def indicators(incomplete: str) -> list[str]:
    """Offer the indicators, of which several may be named, and ``all``."""
    return [*_several(incomplete, _INDICATORS, ("all",))]


def protocols(incomplete: str) -> list[str]:
    """Offer the ways to draw samples, of which several may be named, and ``all``."""
    return [*_several(incomplete, _PROTOCOLS, ("all",))]


def sizes(incomplete: str) -> list[str]:
    """Offer sizes of samples, of which several may be named."""
    return [*_several(incomplete, _SIZES)]


def since(incomplete: str) -> list[str]:
    """Offer the windows that have names; a date is typed."""
    return [name for name in _SINCE if name.startswith(incomplete)]


def _several(incomplete: str, names: Iterable[str], alone: Iterable[str] = ()) -> Iterator[str]:
    """Complete the last of several names with commas; offer none twice.

    Parameters
    ----------
    names
        What may be named together.
    alone
        What stands for several names, and so by itself.
    """
    before, comma, last = incomplete.rpartition(",")
    named = before.split(",")
    for name in (*names, *(() if comma else alone)):
        if name.startswith(last) and name not in named:
            yield before + comma + name


def _known(ctx: Any) -> list[str]:
    """Return the names of the topics; of the bundled ones if the user's file is not right."""
    from blueattr.panel.topics import load, shipped

    path = ctx.params.get("topics") or ctx.params.get("topics_file")
    try:
        return [*load(None if path is None else Path(path))]
    except BlueattrError:
        return [*shipped()]
