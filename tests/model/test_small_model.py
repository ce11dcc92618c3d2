"""Judges by a real, small model: the command, a real server, and what comes of its answers."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from blueattr.errors import ExitCode
from blueattr.judges.methods import METHODS
from support.cli_world import ok, refused, run
from support.places import ROOT

pytestmark = pytest.mark.model

HERE = Path(__file__).resolve().parent
HOME = ROOT / ".venv-judge"


@contextmanager
def model(context: int) -> Iterator[str]:
    """The address of a server whose model reads so many tokens at once."""
    if not (HOME / "ready").exists():
        pytest.skip("the model is not installed in .venv-judge: make test-judge")
    process = subprocess.Popen(
        [HOME / "bin" / "python", HERE / "serve.py", str(context)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), "the server did not start"
        yield url
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with model(4096) as url:
        yield url


def record(folder: Path, agents: int) -> Path:
    path = folder / f"{agents}.json"
    ok("scenario", "run", "economy", "--agents", agents, "--seed", 1, "--out", path)
    return path


def test_a_real_model_scores_every_row_and_asks_nothing_twice(server: str, tmp_path: Path) -> None:
    words = ("judge", record(tmp_path, 6), "--base-url", server, "--model", "smollm2",
             "--repeats", 2, "--format", "json")  # fmt: skip
    plan = ok(*words, "--dry-run").json
    found = ok(*words).json
    assert (found["missing"], found["wanted"], found["form"]) == (0, 12, "json_schema")
    assert found["requests"] == plan["requests"] == found["sent"] == 2
    assert all(0 <= one["score"] <= 100 for one in found["agents"])
    # What it counted stands beside what was estimated, and is about that.
    assert found["uncounted"] == 0
    assert 0.5 < found["prompt_tokens"] / found["estimated_prompt_tokens"] < 2
    assert found["answer_tokens"] > 0
    assert len(found["position_bias"]["taus"]) == 2
    again = ok(*words).json
    assert (again["sent"], again["from_folder"]) == (0, 2)
    assert again["agents"] == found["agents"]


@pytest.mark.parametrize("name", METHODS)
def test_every_judge_goes_through_with_a_real_model(name: str, server: str, tmp_path: Path) -> None:
    # What it says is worth nothing, and may be 0 for everybody; but it is an answer.
    done = run(
        "judge", record(tmp_path, 2), "--base-url", server, "--model", "smollm2", "--judge", name,
        "--repeats", 1, "--temperature", 0, "--format", "json",
    )  # fmt: skip
    assert done.code in {ExitCode.OK, ExitCode.NO_ANSWER}, done.stderr
    found = done.json
    assert (found["missing"], found["tossed"]) == (0, 0)
    assert all(one["score"] is not None for one in found["agents"])
    if name == "who-when-steps":
        assert found["form"] == "logprobs"
        assert all(0 < one["score"] < 1 for one in found["agents"])


def test_a_prompt_that_is_too_long_for_a_real_model_is_asked_in_smaller_batches(
    tmp_path: Path,
) -> None:
    with model(1280) as url:
        words = ("judge", record(tmp_path, 12), "--base-url", url, "--model", "smollm2",
                 "--judge", "who-when", "--repeats", 1, "--format", "json")  # fmt: skip
        found = ok(*words).json
    assert found["halved"] >= 1
    assert (found["missing"], found["wanted"]) == (0, 12)


def test_an_answer_that_a_real_model_could_not_end_is_an_error(server: str, tmp_path: Path) -> None:
    words = ("judge", record(tmp_path, 2), "--base-url", server, "--model", "smollm2")
    refused(
        ExitCode.SOURCE, *words, "--max-tokens", 3, "--quiet", says="was cut off before its end"
    )
