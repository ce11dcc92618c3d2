"""The order of agents by their DIDs: most are told apart by eight letters, as a number."""

from bisect import bisect_left
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

__all__ = ["are_told_apart", "by_did", "find_places"]


_WORD = 8
_PLC = int.from_bytes(b"did:plc:")
# If one of so many DIDs has the letters of another, all are sorted as texts.
_SELDOM = 8
_SOME = 1000
_FEW = 64  # times as many agents as are looked for: these are few


def are_told_apart(dids: pl.Series) -> bool:
    """Return whether `by_did` is quicker than sorting texts: by some of them, text (n,)."""
    some = dids.gather_every(max(1, len(dids) // _SOME))
    letters = some.filter(some.str.starts_with("did:plc:")).str.slice(_WORD, _WORD)
    return (len(some) - letters.n_unique()) * _SELDOM <= len(some)


def by_did(dids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return the order that sorts the identifiers of agents, which nearly all are DIDs of PLC.

    They are sorted by the eight letters after ``did:plc:`` first, which nearly always differ.

    Parameters
    ----------
    dids
        Of type string or large_string, without nulls.

    Returns
    -------
    ndarray
        int64 (n,), positions.
    """
    parts = [_first_words(chunk) for chunk in dids.chunks]
    usual = np.concatenate([np.empty(0, np.bool_), *(part[0] for part in parts)])
    letters = np.concatenate([np.empty(0, np.uint64), *(part[1] for part in parts)])
    # A frame takes them without the functions of Arrow, which a series would import.
    most, texts = np.flatnonzero(usual), pl.DataFrame(pa.table({"did": dids}))["did"]
    first = np.argsort(letters)
    same = np.flatnonzero(letters[first[1:]] == letters[first[:-1]])
    order = most[first]
    if (len(texts) - most.size + same.size) * _SELDOM > len(texts):
        everyone: npt.NDArray[np.int64] = texts.arg_sort().to_numpy().astype(np.int64)
        return everyone
    tied = np.union1d(same, same + 1)
    order[tied] = order[tied][texts.gather(order[tied]).arg_sort().to_numpy()]
    others = np.flatnonzero(~usual)
    others = others[texts.gather(others).arg_sort().to_numpy()]
    order = np.concatenate([order, others])
    # Other methods may sort before plc.
    if most.size and others.size and texts[int(others[0])] < texts[int(order[most.size - 1])]:
        order = order[texts.gather(order).arg_sort().to_numpy()]
    return order


def find_places(dids: pl.Series, wanted: Iterable[str]) -> npt.NDArray[np.int64]:
    """Find agents in a panel.

    Parameters
    ----------
    dids
        str (n,), each once; in order, few are found soonest.
    wanted
        Of the agents to find.

    Returns
    -------
    ndarray
        int64 (k,), their positions; -1 for one that is not there.
    """
    names = pl.Series("did", wanted if isinstance(wanted, pl.Series) else list(wanted), pl.String)
    if len(names) * _FEW < len(dids):
        # A join would put all of the panel into a table.
        return _find_few(dids, names.to_list())
    rows = pl.DataFrame({"did": dids, "row": np.arange(len(dids))})
    found = names.to_frame().join(rows, on="did", how="left", maintain_order="left")["row"]
    places: npt.NDArray[np.int64] = found.fill_null(-1).to_numpy().astype(np.int64)
    return places


def _find_few(dids: pl.Series, names: list[str]) -> npt.NDArray[np.int64]:
    """Find agents by halving, and who is not found so among all: these may be in no order."""
    n = len(dids)
    known = {}
    for name in names:
        at = bisect_left(dids, name)
        if at < n and dids[at] == name:
            known[name] = at
    if missing := [name for name in names if name not in known]:
        rest = dids.is_in(pl.Series(missing, dtype=pl.String).implode()).arg_true()
        known.update(zip(dids.gather(rest).to_list(), rest.to_list(), strict=True))
    return np.array([known.get(name, -1) for name in names], np.int64)


def _first_words(
    dids: pa.StringArray | pa.LargeStringArray,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint64]]:
    """Return which DIDs are of PLC and not short, and the first letters of these as a number."""
    _, where, what = dids.buffers()
    wide = np.int32 if dids.type == pa.string() else np.int64
    ends = np.frombuffer(where, wide)[dids.offset : dids.offset + len(dids) + 1]
    size = len(what) if what else 0
    if size < 2 * _WORD:
        return np.zeros(len(dids), np.bool_), np.empty(0, np.uint64)
    # The eight bytes from each one on, the first the highest, as strings are ordered.
    words = np.ndarray((size - _WORD + 1,), ">u8", what, strides=(1,))
    usual = np.diff(ends) >= 2 * _WORD
    usual[usual] = words[ends[:-1][usual]] == _PLC
    return usual, words[ends[:-1][usual] + _WORD].astype(np.uint64)
