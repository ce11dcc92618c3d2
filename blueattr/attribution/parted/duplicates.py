"""DIDs that two parts share, found by 64 bits of a hash of each: 8 bytes an agent move."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from blueattr.attribution.frames import quote
from blueattr.attribution.parted import looking
from blueattr.attribution.parted.looking import FirstFound
from blueattr.attribution.parted.part import PartSetting
from blueattr.cluster.engine import TaskEngine
from blueattr.errors import FeatureError

__all__ = ["apart", "refuse_shared"]


_BUCKET = 1 << 22
"""About so many agents have their hashes in one bucket."""


def apart(found: Sequence[FirstFound]) -> list[int] | None:
    """Return parts in order of their DIDs, where each ends before the next begins; else None."""
    filled = [k for k, one in enumerate(found) if one.means.n]
    order = sorted(filled, key=lambda k: found[k].lowest)
    if all(found[k].highest < found[after].lowest for k, after in pairwise(order)):
        return order
    return None


@dataclass(frozen=True)
class _Place:
    path: Path
    did: str


def refuse_shared(
    engine: TaskEngine, found: Sequence[FirstFound], paths: Sequence[Path], setting: PartSetting
) -> None:
    """Refuse an agent that is in two parts.

    Parameters
    ----------
    engine
        Runs the tasks.
    found
        Of each part, in order of DID within.
    paths
        The user's files.
    setting
        What all tasks are told.

    Raises
    ------
    FeatureError
        The first such agent by DID, with the names of both files.
    """
    parts = [one.part for one in found]
    buckets = max(1, -(-setting.n // _BUCKET))
    keys = dict(engine.run("names", looking.keys, [(part, setting, buckets) for part in parts]))
    jobs = [
        tuple((keys[k][0], keys[k][1][b], keys[k][1][b + 1]) for k in range(len(parts)))
        for b in range(buckets)
    ]
    twice = sorted({one for _, same in engine.run("repeats", looking.same, jobs) for one in same})
    if not twice:
        return
    places = defaultdict(list)
    wanted = [(part, setting, tuple(twice[:100])) for part in parts]
    for k, dids in sorted(engine.run("repeats", looking.named, wanted)):
        for did in dids:
            places[did].append(paths[k])
    # Two DIDs with one hash are no agent that repeats.
    repeated = sorted(did for did, files in places.items() if len(files) > 1)
    if repeated:
        one, other = places[repeated[0]][:2]
        more = len(repeated) - 1
        others = f", and {more} more agent{'s' * (more > 1)}" if more else ""
        raise FeatureError(
            f"agent {quote(repeated[0])} occurs more than once: in {one} and in {other}{others}"
        )
