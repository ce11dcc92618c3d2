"""Results of every kernel on small inputs, as JSON: compiled, or in Python where the JIT is off."""

import json
import sys
from typing import Any

import numpy as np

from blueattr import kernels
from blueattr.decode.cut_lines import LINE_LIMIT
from blueattr.decode.parser.dids import Dids
from blueattr.decode.parser.layout import (
    FOLLOW,
    HAS_OTHER,
    HAS_ROOT,
    HAS_SUBJECT,
    KIND_MASK,
    OTHER_HIGH,
    ROOT_HIGH,
    SUBJECT_HIGH,
    SUBJECT_RKEY,
)
from blueattr.decode.parser.scanner import Scanner
from blueattr.kernels import games, repeats, resampling, tallies
from blueattr.kernels.machine_code import config
from support.events_builder import as_v2
from support.spoiled_lines import VALID


def _parser() -> list[Any]:
    """Every kind of line, in both versions, and a few that are refused."""
    lines = [shape(event) for event in VALID for shape in (dict, as_v2)]
    text = "".join(json.dumps(line, ensure_ascii=len(str(line)) % 2 > 0) + "\n" for line in lines)
    data = np.frombuffer(text.encode(), np.uint8)
    found = Scanner().scan(data, 0, len(data), LINE_LIMIT)
    assert found.account_events is not None
    dids = Dids()
    codes, mentioned = dids.intern(found)
    bits = found.flags
    # What a line lacks is arbitrary.
    present = np.ones(found.numbers.shape, bool)
    present[SUBJECT_HIGH:ROOT_HIGH] = bits & HAS_SUBJECT != 0
    present[SUBJECT_RKEY] &= bits & KIND_MASK != FOLLOW
    present[ROOT_HIGH:OTHER_HIGH] = bits & HAS_ROOT != 0
    present[OTHER_HIGH:] = bits & HAS_OTHER != 0
    return [
        np.where(present, found.numbers, 0), bits, *found.words, found.word_ends, found.tag_ends,
        found.domain_ends, found.mentions, mentioned, found.unparsed, found.skipped,
        str(found.span), found.account_events.words,
        found.account_events.ends, codes[0], dids.letters(),
    ]  # fmt: skip


def results() -> dict[str, Any]:
    """Return the results by the name of what they are of."""
    rng = np.random.default_rng(3)
    a, b, c = rng.exponential(size=(3, 3000))
    few = np.round(a)
    groups = rng.integers(0, 3, a.size).astype(np.uint8)
    streams = rng.integers(0, 1 << 63, 5).astype(np.uint64)
    account, subject = rng.integers(1, 50, (2, 400)).astype(np.uint32)
    code = rng.integers(0, len(tallies.CODES), 400).astype(np.uint8)
    tally = tallies.Tally(1, 50)
    tally.add(account, subject, code)
    sums = np.zeros((1, 50), np.int64)
    tallies.add_up(account, [code.astype(np.int32)], 1, sums)
    found = repeats.find_repeats(few, 100)
    assert found is not None
    starts, counts = np.array([0, 1500, 3000]), rng.integers(1, 1000, (5, 2))
    mean, squares = np.zeros((2, 3000))
    games.welford(a, 1, mean, squares)
    out = {
        "parser": _parser(),
        "sums": [*kernels.exact_sums(a, -b), *kernels.group_sums(a, groups, 3)],
        "aggregates": [kernels.aggregate(a, b, c, kind, (0.5, 0.3, 0.2), 7.0) for kind in range(3)],
        "combine": kernels.combine(a, b, c, (1.0, -2.0, 3.0)),
        "spread": kernels.spread_about_mean(a.copy(), kernels.exact_sum(a) / a.size),
        "excess": [kernels.pairwise_excess(x.copy(), 2.0) for x in (a, few)],
        "repeats": [found.values, found.counts],
        "ranks": kernels.rank_correlations(a, few, 1e-12),
        "order": kernels.argsort(a),
        "tallies": [*tally.take(), sums],
        "permutation": games.permutation(300, streams[0]),
        "coalitions": games.coalition_sums(np.stack([a, b]), streams),
        "welford": [mean, squares],
        "resampled": resampling.resample_sums(
            np.stack([a, b]), starts, np.array([0, 1]), counts, streams, 2
        ),
        "resampled excess": resampling.resample_excess(
            np.sort(a), groups, starts, counts, streams, 3
        ),
    }
    plain: dict[str, Any] = json.loads(json.dumps(out, default=_plain))
    return plain


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


if __name__ == "__main__":
    assert config.DISABLE_JIT
    json.dump(results(), sys.stdout)
