"""The metrics of a run: how it ended, what the store has, and the shares of the latest report."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from blueattr.analysis.upkeep.status import Status, status
from blueattr.errors import StoreError
from blueattr.notify.metrics import Metric, MetricValue
from blueattr.runs.history.shares import RunShares, read_shares
from blueattr.runs.plan import Plan
from blueattr.runs.publish import latest
from blueattr.store.store_file import store_file

__all__ = ["run_metrics"]


def run_metrics(plan: Plan, end: Mapping[str, Any], now: datetime | None = None) -> list[Metric]:
    """Return the metrics of a run that has ended.

    Parameters
    ----------
    plan
        What it did.
    end
        What it noted at its end.
    now
        The time, with a zone; None for that of the clock.

    Returns
    -------
    list of Metric
        Without those of the store where that cannot be read: how the run ended is told all the
        same.
    """
    now = now or datetime.now(UTC)
    metrics = [
        _one("run_exit_code", "The exit code of the last run.", int(end["exit_code"])),
        _one("run_end_timestamp_seconds", "When the last run ended.", now.timestamp()),
        _one("run_duration_seconds", "How long the last run took.", float(end["seconds"])),
        _one("window_gaps", "Gaps in the window of the last run's report.", int(end["gaps"])),
    ]
    query = plan.query
    if store_file(query.db).exists():
        with suppress(StoreError):
            metrics += _of_store(status(query.db, query.memory, samples=False), now)
    manifest = latest(plan.reports)
    shares = None if manifest is None else read_shares(manifest.get("shares"))
    return metrics + ([] if shares is None else _of_shares(shares))


def _one(name: str, about: str, value: float, kind: str = "gauge") -> Metric:
    return Metric(name, about, [MetricValue(value)], kind)


def _of_store(found: Status, now: datetime) -> list[Metric]:
    kept = found.totals["events"]
    # One row is one sample of a reason; each has the lines of all.
    rejected = found.rejected.select("reason", "lines").unique(maintain_order=True).rows()
    metrics = [
        _one("store_events", "Events that the store has.", int(kept)),
        _one("store_size_bytes", "The size of the store's file.", found.size),
        _one("store_gaps", "Gaps in what the store covers.", len(found.gaps)),
        Metric(
            "rejected_lines_total",
            "Lines that were rejected, by reason.",
            [MetricValue(lines, {"reason": reason}) for reason, lines in rejected],
            "counter",
        ),
    ]
    if found.coverage:
        last = found.coverage[-1].end
        metrics += [
            _one("last_event_timestamp_seconds", "Until when the store covers.", last.timestamp()),
            _one("lag_seconds", "How far that is behind.", max((now - last).total_seconds(), 0.0)),
        ]
    return metrics


def _of_shares(shares: RunShares) -> list[Metric]:
    tiers, agents = [], []
    for topic in shares.topics:
        agents.append(MetricValue(topic.n_agents, {"topic": topic.topic, "panel": "active"}))
        agents.append(MetricValue(topic.n_involved, {"topic": topic.topic, "panel": "involved"}))
        for one in topic.found:
            tiers += [
                MetricValue(share, {"topic": topic.topic, "indicator": one.indicator, "tier": tier})
                for tier, share in zip(one.tiers, one.shares, strict=True)
            ]
    return [
        Metric("agents", "Agents of each panel.", agents),
        Metric("tier_share_ratio", "The share of each tier in an indicator.", tiers),
    ]
