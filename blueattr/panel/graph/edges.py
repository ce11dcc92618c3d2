"""Who answered, reposted, quoted or followed whom: edges among agents, each with its time."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from blueattr.errors import NoAnswerError, UsageError
from blueattr.panel.query import StoreView
from blueattr.panel.topics import Topic
from blueattr.store.account_numbers import known_accounts, past_account
from blueattr.store.engine.rows import arrays
from blueattr.suggest import did_you_mean

__all__ = ["FOLLOWS", "GRAPHS", "Edges", "check_graphs", "edges_among"]


FOLLOWS = "follows"

GRAPHS: dict[str, str] = {
    "replies": "reply",
    "reposts": "repost",
    "quotes": "quote",
    FOLLOWS: "follow",
}
"""The kinds of edges as users ask for them, each with what one edge is called."""

_CODES = {name: code for code, name in enumerate(GRAPHS, 1)}  # as sql/panel/graph has them
_ROWS = 1 << 20


@dataclass(frozen=True, eq=False)
class Edges:
    """Interactions of one agent with another, each with its time; in order of time.

    Parameters
    ----------
    source, target
        uint32 (m,): the places, among the panel's agents in order of DID, of who acted, and of
        whose record or account it was about.
    code
        uint8 (m,): see `kinds`.
    time
        int64 (m,): when, in microseconds of UTC since 1970.
    left_out
        Of each kind, by its name, the number of interactions that count but have an end outside;
        None where such are not looked for.
    """

    source: npt.NDArray[np.uint32]
    target: npt.NDArray[np.uint32]
    code: npt.NDArray[np.uint8]
    time: npt.NDArray[np.int64]
    left_out: dict[str, int | None]

    def __len__(self) -> int:
        return int(self.source.size)

    def kinds(self) -> pl.Series:
        """Return what each edge is, such as ``reply``."""
        names = pl.Series("kind", ["", *GRAPHS.values()], pl.String)
        return names.gather(self.code.astype(np.uint32))

    def counts(self) -> dict[str, tuple[int, int, int]]:
        """Count the edges, sources and targets of each kind that was asked for, by its name."""
        found = {}
        for name in self.left_out:
            these = self.code == _CODES[name]
            sources, targets = (
                int(np.count_nonzero(np.bincount(end[these]))) for end in (self.source, self.target)
            )
            found[name] = int(np.count_nonzero(these)), sources, targets
        return found


def check_graphs(names: str | Iterable[str]) -> tuple[str, ...]:
    """Parse the kinds of edges that are asked for.

    Parameters
    ----------
    names
        One or several names of `GRAPHS`, separated by commas or in a list.

    Raises
    ------
    UsageError
        There is none, or one of them is not known.
    """
    parts = names.split(",") if isinstance(names, str) else [str(name) for name in names]
    wanted = tuple(dict.fromkeys(part.strip() for part in parts))
    for name in wanted or ("",):
        if name not in GRAPHS:
            hint = did_you_mean(name, GRAPHS, f"there are {', '.join(GRAPHS)}", quoted=True)
            raise UsageError(f"--graph {name!r} is no kind of edges; {hint}")
    return wanted


def edges_among(
    view: StoreView,
    topic: Topic | None,
    graphs: Collection[str],
    is_node: npt.NDArray[np.bool_] | None = None,
) -> Edges:
    """Find the interactions among agents of a window.

    Replies, reposts and quotes are those that c counts, follows those that b counts: of the topic
    (follows are of none), in the window, of accounts that are not gone at its end, not with
    oneself, and each relation once.

    Parameters
    ----------
    view
        The window and the panel.
    topic
        None for all events.
    graphs
        Names of `GRAPHS`.
    is_node
        Which of the panel's agents to look among, bool (n,); by default all.

    Raises
    ------
    UsageError, NoAnswerError
        c does not count a kind: it was left out, or the store does not know it in all the window.
    """
    _refuse_uncounted(view, graphs)
    agents = view.built.agents["account"].to_numpy()
    place = np.full(past_account(view.store), -1, np.int32)
    nodes = np.arange(agents.size) if is_node is None else np.flatnonzero(is_node)
    place[agents[nodes]] = nodes
    parts = [_NONE]
    left_out: dict[str, int | None] = dict.fromkeys(graphs, 0)
    view.count(topic)
    start, end = (t.replace(tzinfo=None) for t in (view.window.start, view.window.end))
    wanted = [_CODES[name] for name in graphs if name != FOLLOWS]
    with known_accounts(view.store):
        if wanted:
            statement = "panel/graph/of_all" if topic is None else "panel/graph/of_topic"
            limits = {"start": start, "end": end} if topic is None else {}
            outside = np.zeros(len(_CODES) + 1, np.int64)
            for batch in view.store.batches(statement, _ROWS, **limits):
                part, out = _inside(batch, place, wanted)
                parts.append(part)
                outside += np.bincount(out, minlength=outside.size)
            left_out |= {name: int(outside[_CODES[name]]) for name in graphs if name != FOLLOWS}
        if FOLLOWS in graphs:
            # Those among nodes are few. No agent is gone, so that all of these count.
            left_out[FOLLOWS] = None
            batches = view.store.batches("panel/graph/follows", _ROWS, start=start, end=end)
            parts += [_inside(batch, place, [_CODES[FOLLOWS]])[0] for batch in batches]
    source, target, code, time = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = _order(source, target, code, time)
    return Edges(source[order], target[order], code[order], time[order], left_out)


_Places: TypeAlias = npt.NDArray[np.uint32]
_Codes: TypeAlias = npt.NDArray[np.uint8]
_Times: TypeAlias = npt.NDArray[np.int64]
_Part: TypeAlias = tuple[_Places, _Places, _Codes, _Times]

_NONE: _Part = (
    np.empty(0, np.uint32), np.empty(0, np.uint32), np.empty(0, np.uint8), np.empty(0, np.int64)
)  # fmt: skip


def _order(source: _Places, target: _Places, code: _Codes, time: _Times) -> npt.NDArray[np.intp]:
    """Sort by time; at one time in an order that does not depend on when records were ingested."""
    order = np.argsort(time, kind="stable")
    same = time[order[1:]] == time[order[:-1]]
    # Few are of one time: only these are compared by all they have.
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    rows = order[tied]
    order[tied] = rows[np.lexsort((code[rows], target[rows], source[rows], time[rows]))]
    return order


def _refuse_uncounted(view: StoreView, graphs: Collection[str]) -> None:
    influence = view.influence
    if {*graphs} - {FOLLOWS}:
        view.refuse_counts()
    for name in graphs:
        if name == FOLLOWS or name in influence.kinds:
            continue
        if influence.note:
            raise NoAnswerError(f"there are no {name} to make a graph of. {influence.note}")
        raise UsageError(
            f"--graph {name} is not what c counts: --influence has {', '.join(influence.kinds)}"
        )


def _inside(
    batch: pa.RecordBatch, place: npt.NDArray[np.int32], wanted: Collection[int]
) -> tuple[_Part, npt.NDArray[np.uint8]]:
    """Return the edges of a batch by places, and the codes of those that have an end outside."""
    account, subject, code, time = arrays(batch)
    is_wanted = np.zeros(len(_CODES) + 1, np.bool_)
    is_wanted[list(wanted)] = True
    asked = is_wanted[code]
    # Most givers of all follows are no nodes: of these the other end is not looked up.
    source = place[account]
    rows = np.flatnonzero(asked & (source >= 0))
    target = place[subject[rows]]
    rows, target = rows[target >= 0], target[target >= 0]
    asked[rows] = False
    part = source[rows].astype(np.uint32), target.astype(np.uint32), code[rows], time[rows]
    return part, code[asked]
