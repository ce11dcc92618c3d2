"""Panels in parts, and engines that run their tasks in unusual ways."""

import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from blueattr.attribution.attribute import AttributionResult
from blueattr.cluster.engine import TaskEngine
from blueattr.errors import FeatureError

CUTS: dict[str, Callable[[pl.DataFrame, int, int], pl.DataFrame]] = {
    "by DID": lambda frame, k, parts: frame.sort("did")[
        k * frame.height // parts : (k + 1) * frame.height // parts
    ],
    "by hash": lambda frame, k, parts: frame.sort("did").filter(pl.col("did").hash(1) % parts == k),
    "shuffled": lambda frame, k, parts: frame.sample(fraction=1, shuffle=True, seed=1)[
        k * frame.height // parts : (k + 1) * frame.height // parts
    ],
}


def cut(frame: pl.DataFrame, folder: Path, kind: str, parts: int) -> tuple[Path, ...]:
    """Write a panel in parts."""
    folder.mkdir(parents=True)
    paths = []
    for k in range(parts):
        path = folder / f"part-{k}.parquet"
        CUTS[kind](frame, k, parts).write_parquet(path)
        paths.append(path)
    return tuple(paths)


def same(one: AttributionResult, other: AttributionResult) -> None:
    """Compare everything that both have, to the bit; but where the features came from."""
    for name in (
        "indicator", "method", "steps", "total", "attributed", "means", "moment", "n_agents",
        "n_involved", "tiers", "panel", "active", "remarks", "cutoffs",
    ):  # fmt: skip
        assert getattr(one, name) == getattr(other, name), (one.indicator, name)
    assert one.agents.equals(other.agents), one.indicator


@dataclass
class Scrambled:
    """Runs each task twice, in any order, and gives what the last run gave."""

    seed: int

    def run(
        self, _: str, task: Callable[[Any], Any], arguments: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        sent = [pickle.dumps(one) for one in arguments]
        for k in np.random.default_rng(self.seed).permutation(len(sent)).tolist():
            task(_arrived(sent[k]))
            yield k, _arrived(pickle.dumps(task(_arrived(sent[k]))))


def _arrived(sent: bytes) -> Any:
    return pickle.loads(sent)  # noqa: S301 - what was just made here


@dataclass
class Stopping:
    """Runs the tasks of another engine, until a stage ends with an error."""

    engine: TaskEngine
    stage: str
    error: BaseException

    def run(
        self, stage: str, task: Callable[[Any], Any], arguments: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        for k, result in self.engine.run(stage, task, arguments):
            yield k, result
            if stage == self.stage:
                raise self.error


@dataclass
class Deadly:
    """Kills the worker of the first task of each stage, once it has done its work."""

    engine: TaskEngine
    folder: Path

    def run(
        self, stage: str, task: Callable[[Any], Any], arguments: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        jobs = [
            (task, argument, self.folder / f"{stage}-{k}" if k == 0 else None)
            for k, argument in enumerate(arguments)
        ]
        return self.engine.run(stage, die_once, jobs)


def die_once(job: tuple[Callable[[Any], Any], Any, Path | None]) -> Any:
    task, argument, mark = job
    result = task(argument)
    if mark is not None and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return result


def slow_at_first(k: int) -> int:
    time.sleep(0.3 * (k == 1))
    if k:
        raise FeatureError(f"part {k}")
    return k


def wait_and_square(k: int) -> int:
    time.sleep(0.5)
    return k * k
