"""Files with a judge's scores: read with every check, and shared out."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blueattr.errors import InputError, UsageError
from blueattr.judges.score_file import read_scores, shared_out

GOOD: dict[str, Any] = {
    "schema_version": 1, "kind": "judgement", "judge": "mast", "host": "127.0.0.1:1", "model": "m",
    "scenario": "economy", "record": "0" * 64, "indicator": "inflation", "baseline": "zero",
    "step": 7, "window": 2, "more": [],
    "agents": [{"index": 0, "agent": "a", "score": 3, "value": 1.0},
               {"index": 1, "agent": "b", "score": None}, {"index": 2, "agent": "c", "score": 1.0}],
}  # fmt: skip


def test_scores_come_back_and_who_has_none_is_no_0(tmp_path: Path) -> None:
    file = tmp_path / "scores.json"
    file.write_text(json.dumps(GOOD))
    found = read_scores(file)
    assert (found.judge, found.step, found.window, found.agents) == ("mast", 7, 2, ("a", "b", "c"))
    np.testing.assert_array_equal(found.scores, [3, np.nan, 1])
    np.testing.assert_array_equal(found.values(-8.0), [-6, np.nan, -2])
    assert np.isnan(shared_out(np.zeros(2))).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "validation"}, "holds no scores"), ({"schema_version": 2}, "another version"),
        ({"judge": 3}, "'judge'"), ({"record": None}, "'record'"), ({"step": True}, "'step'"),
        ({"window": 0}, "no steps"), ({"agents": []}, "no agents"), ({"agents": {}}, "'agents'"),
        ({"agents": [3]}, "agent 0 is not where"),
        ({"agents": GOOD["agents"][::-1]}, "agent 0 is not where"),
        ({"agents": [{"index": 0, "agent": "a"}]}, "no 'score'"),
        *(({"agents": [{"index": 0, "agent": "a", "score": bad}]}, "no number from 0 to")
          for bad in (-1, True, "3", math.nan, math.inf, 1e308, 10**400)),
    ],
)  # fmt: skip
def test_scores_that_cannot_be_are_refused(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    file = tmp_path / "scores.json"
    file.write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(InputError, match=words):
        read_scores(file)


def test_what_is_no_file_of_scores_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "scores.json"
    for data in (b"", b"[[[", b"\xff", b"[]", b"[" * 100_000):
        file.write_bytes(data)
        with pytest.raises(InputError):
            read_scores(file)
    with pytest.raises(InputError, match="cannot read"):
        read_scores(tmp_path)
    with pytest.raises(UsageError, match="is an address"):
        read_scores("s3://b/scores.json")
