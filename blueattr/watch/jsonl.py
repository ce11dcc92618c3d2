"""Pictures as lines of JSON, to pipe: numbers as `blueattr attribute` writes them."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TextIO

from blueattr.report.escape import safe_json
from blueattr.report.parts.shared_fields import tiers_json
from blueattr.report.tables import SCHEMA_VERSION, Json
from blueattr.watch.picture import BesideSample, GroupShare, Mark, Picture, RisingAccount

__all__ = ["line", "write"]


def write(pictures: Iterable[Picture], stream: TextIO) -> None:
    """Write a line for each picture as it comes."""
    for picture in pictures:
        stream.write(f"{line(picture)}\n")
        stream.flush()


def line(picture: Picture) -> str:
    """Return a picture as one line of JSON, without its end.

    What was before is not in it: earlier lines have it.
    """
    encoded = json.dumps(_content(picture), ensure_ascii=False, allow_nan=False)
    return safe_json(encoded)


def _content(picture: Picture) -> dict[str, Json]:
    series = picture.series
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "watch",
        "topic": picture.choice.topic,
        "indicator": picture.choice.indicator,
        "panel": picture.choice.panel,
        "start": _iso(picture.start),
        "end": _iso(picture.end),
        "total": picture.total,
        "n_agents": picture.n_agents,
        "n_involved": picture.n_involved,
        "tiers": tiers_json(picture.tiers),
        "by": picture.choice.by or None,
        "groups": [_group(one) for one in picture.groups],
        "undefined": picture.undefined or None,
        "participants_minute": series.participants[-1] if series else None,
        "posts_minute": series.posts[-1] if series else None,
        "leaders": [_account(one) for one in picture.leaders],
        "risers": [_account(one) for one in picture.risers],
        "posts": [
            {
                "did": post.did, "handle": post.handle, "uri": post.uri, "time": _iso(post.time),
                "text": post.text, "share": post.share,
            }
            for post in picture.posts
        ],
        "sample": None if picture.sample is None else _sample(picture.sample),
        "marks": [_mark(one) for one in picture.marks],
        "mode": picture.mode,
        "events": picture.events,
        "rate": picture.rate,
        "lag": picture.lag,
        "gaps": [
            {"start": _iso(gap.start), "end": _iso(gap.end), "reason": gap.reason}
            for gap in picture.gaps
        ],
        "synthetic": picture.synthetic,
        "notes": list(picture.notes),
    }  # fmt: skip


def _iso(time: datetime) -> str:
    """Write a time to the microsecond, as ``--from`` and ``--to`` take it."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _group(one: GroupShare) -> dict[str, Json]:
    return {
        "group": one.group, "agents": one.agents, "value": one.value, "share": one.share,
        "agents_involved": one.agents_involved, "share_involved": one.share_involved,
    }  # fmt: skip


def _account(one: RisingAccount) -> dict[str, Json]:
    return {
        "did": one.did, "handle": one.handle, "value": one.value, "share": one.share,
        "before": one.before,
    }  # fmt: skip


def _sample(sample: BesideSample) -> dict[str, Json]:
    return {
        "size": sample.size, "seeds": sample.seeds, "tiers": list(sample.tiers),
        "full": list(sample.full), "time": _iso(sample.time), "note": sample.note or None,
    }  # fmt: skip


def _mark(mark: Mark) -> dict[str, Json]:
    return {
        "time": _iso(mark.time), "what": mark.what, "before": mark.before, "after": mark.after,
        "unit": mark.unit,
        "contributed": [
            {"did": one.did, "handle": one.handle, "by": one.by} for one in mark.contributed
        ],
    }  # fmt: skip
