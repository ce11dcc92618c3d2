"""A picture as the page gets it, and as Prometheus does."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import orjson

from blueattr.notify.metrics import Metric, MetricValue
from blueattr.report.numbers import count, lasting, percent
from blueattr.studies.carriers.records import post_address
from blueattr.watch.picture import PastShares, Picture
from blueattr.watch.tables import EMPTY, NUMBERS, by_share, table_of
from blueattr.watch.words import (
    answer,
    brief,
    clock,
    day_and_clock,
    mark_sentence,
    names_of_tiers,
    question,
    sample_words,
    state,
    time_in,
    what_is_watched,
    whole_minute,
)

__all__ = ["payload", "picture_metrics"]


_MOST_MOMENTS = 240
_MOST_MINUTES = 180
_MOST_MARKS = 20
_LONGEST_NAME = 40


def payload(picture: Picture) -> bytes:
    """Return what the page shows as one line of JSON.

    All that strangers wrote is made harmless for a terminal, too; the page sets it as text.
    """
    tables = {name: _table(picture, name) for name in ("accounts", "rising", "posts", "groups")}
    tables["posts"]["links"] = [
        None if picture.synthetic else post_address(post.uri) for post in by_share(picture)
    ]
    sample = picture.sample
    return orjson.dumps({
        "question": question(picture),
        "answer": answer(picture),
        "watched": what_is_watched(picture.choice),
        "time": day_and_clock(picture.end),
        "end": _milliseconds(picture),
        "tiers": [{"name": name, "share": tier.share, "said": percent(tier.share),
                   "agents": count(tier.agents)}
                  for name, tier in zip(names_of_tiers(picture), picture.tiers, strict=True)],
        "groups": [{"name": brief(one.group, _LONGEST_NAME), "share": one.share,
                    "said": percent(one.share)} for one in picture.groups],
        "history": _history(picture.history),
        "sample": None if sample is None or not sample.tiers else {
            "size": f"{sample.size:,} visible accounts", "tiers": sample.tiers,
            "full": sample.full, "time": clock(sample.time)},
        "sampled": _sampled(picture),
        "series": _series(picture),
        "tables": tables,
        "marks": [{"at": one.time.timestamp() * 1000, "said": mark_sentence(one, picture)}
                  for one in picture.marks[:_MOST_MARKS]],
        "changes": [row[0] for row in table_of(picture, "changes")[1]],
        "state": state(picture),
        "link": "replay" if picture.mode == "replay" else "live",
        "involved": f"{count(picture.n_involved)} of {count(picture.n_agents)}",
    })  # fmt: skip


def _sampled(picture: Picture) -> str:
    sample = picture.sample
    if sample is None or not sample.tiers:
        return sample_words(picture)
    return f"Both of the time that is named; means of {sample.seeds} samples."


def _milliseconds(picture: Picture) -> float:
    return picture.end.timestamp() * 1000


def _table(picture: Picture, name: str) -> dict[str, Any]:
    heads, rows = table_of(picture, name)
    # The caption says the rest.
    heads = (*heads[:-1], heads[-1].partition(" ")[0])
    return {"heads": heads, "numbers": [head in NUMBERS for head in heads], "rows": rows,
            "empty": EMPTY[name]}  # fmt: skip


def _thinned(history: Sequence[PastShares]) -> Sequence[PastShares]:
    """Leave out moments, the last of which always stays."""
    step = -(-len(history) // _MOST_MOMENTS) or 1
    return history[::-1][::step][::-1]


def _history(history: Sequence[PastShares]) -> dict[str, Any]:
    kept = _thinned(history)
    ends = [one.end for one in (kept[:1] and (kept[0], kept[-1]))]
    return {"ends": [one.end.timestamp() * 1000 for one in kept],
            "clocks": [time_in(end, ends[-1], ends[-1] - ends[0]) for end in ends],
            "span": lasting((kept[-1].end - kept[0].end).total_seconds()) if kept else "",
            "tiers": [_rounded(one.tiers) for one in kept],
            "groups": [_rounded(one.groups) for one in kept]}  # fmt: skip


def _rounded(shares: Sequence[float]) -> list[float]:
    return [round(share, 4) for share in shares]


def _series(picture: Picture) -> dict[str, Any] | None:
    series = picture.series
    if series is None or not series.posts:
        return None
    return {"participants": _binned(series.participants), "posts": _binned(series.posts),
            "now": [count(whole_minute(values)) for values in (series.participants, series.posts)],
            "most": [count(max(series.participants)), count(max(series.posts))],
            "minutes": len(series.posts)}  # fmt: skip


def _binned(values: Sequence[int]) -> list[float]:
    if len(values) <= _MOST_MINUTES:
        return list(values)
    edges = [k * len(values) // _MOST_MINUTES for k in range(_MOST_MINUTES + 1)]
    return [round(sum(values[a:b]) / (b - a), 2) for a, b in pairwise(edges)]


def picture_metrics(picture: Picture) -> list[Metric]:
    """Return the metrics of a picture."""
    choice = picture.choice
    about = {"topic": choice.topic, "indicator": choice.indicator}
    window = str(int(choice.window.total_seconds()))

    def one(name: str, sentence: str, value: float | None, kind: str = "gauge") -> Metric:
        return Metric(name, sentence, [] if value is None else [MetricValue(value)], kind)

    tiers = [MetricValue(tier.share, {**about, "tier": tier.tier}) for tier in picture.tiers]
    groups = [MetricValue(part.share, {**about, "by": choice.by, "group": part.group})
              for part in picture.groups]  # fmt: skip
    agents = [
        MetricValue(number, {"topic": choice.topic, "panel": panel})
        for panel, number in (("active", picture.n_agents), ("involved", picture.n_involved))
    ]
    total = [] if picture.total is None else [
        MetricValue(picture.total, {**about, "window_seconds": window})]  # fmt: skip
    series, feed = picture.series, picture.feed
    minute = series is not None and bool(series.posts)
    return [
        one("watch_events_total", "Events read since the start.", picture.events, "counter"),
        one("watch_events_per_second", "Events read a second.", picture.rate),
        one("last_event_timestamp_seconds", "Time of the last event.", picture.end.timestamp()),
        one("lag_seconds", "How far that is behind.", picture.lag),
        one("window_gaps", "Gaps in the window.", len(picture.gaps)),
        one("watch_participants_per_minute", "Accounts that took part in the last minute.",
            whole_minute(series.participants) if series is not None and minute else None),
        one("watch_posts_per_minute", "Posts of the last minute.",
            whole_minute(series.posts) if series is not None and minute else None),
        Metric("agents", "Agents of each panel.", agents),
        Metric("watch_indicator", "The indicator of the whole panel.", total),
        Metric("tier_share_ratio", "The share of each tier in an indicator.", tiers),
        Metric("group_share_ratio", "The share of each group in an indicator.", groups),
        *([] if feed is None else [
            one("watch_kept_total", "Events kept since the start.", feed.kept, "counter"),
            one("watch_rejected_total", "Lines rejected since the start.", feed.rejected,
                "counter"),
            one("watch_looks_total", "How often the store was read since the start.", feed.looks,
                "counter"),
            one("watch_look_seconds_total", "How long that took.", feed.look_seconds, "counter"),
            one("store_size_bytes", "The size of the store's file.", feed.store_bytes),
            one("store_commit_timestamp_seconds", "When the store was last committed to.",
                None if feed.committed_at is None else feed.committed_at.timestamp()),
        ]),
    ]  # fmt: skip
