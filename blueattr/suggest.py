"""Suggest names: "did you mean …?" with the known name that is nearest to a misspelt one."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]


def did_you_mean(name: str, known: Iterable[str], otherwise: str, *, quoted: bool = False) -> str:
    """Suggest the known name that is nearest to a misspelt one.

    Parameters
    ----------
    name
        The misspelt name.
    known
        The names to choose from.
    otherwise
        The hint if no known name is near.
    quoted
        Whether to quote the suggested name.

    Returns
    -------
    str
        The end of an error message.

    Examples
    --------
    >>> did_you_mean("sizs", ["seeds", "sizes"], "known: seeds, sizes")
    'did you mean sizes?'
    >>> did_you_mean("x", ["seeds", "sizes"], "known: seeds, sizes")
    'known: seeds, sizes'
    """
    nearest = get_close_matches(name, list(known), n=1)
    if not nearest:
        return otherwise
    return f"did you mean {nearest[0]!r}?" if quoted else f"did you mean {nearest[0]}?"
