"""Runs of a record, for the tests of the list of runs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from blueattr.runs.history.record import Run
from blueattr.runs.history.shares import IndicatorShares, RunShares, TopicShares

__all__ = ["START", "ran", "topic"]


START = datetime(2026, 5, 1, tzinfo=UTC)


def ran(k: int, *topics: TopicShares, version: int = 2, **end: Any) -> Run:
    started = START + timedelta(hours=k)
    name = f"{started:%Y-%m-%dT%H%M%SZ}"
    fields = {"report": name, "gaps": 0, "window": ["2026-04-17T00:00:00Z", "2026-05-01T00:00:00Z"]}
    return Run(
        name, started, 1, "fine", 0, 1.5, (), {}, {**fields, **end},
        RunShares(name, version, 100 + k, "", topics),
    )  # fmt: skip


def topic(*shares: float, name: str = "mythos", **changed: Any) -> TopicShares:
    names = ("top 1 %", "next 9 %", "other 90 %")[: len(shares)]
    found = IndicatorShares("heat", "asked", names, shares)
    return TopicShares(name, name.title(), 100, 40, (replace(found, **changed),))
