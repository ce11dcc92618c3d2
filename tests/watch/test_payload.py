"""What the page and Prometheus get of a picture."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from blueattr.notify.metrics import exposition
from blueattr.watch.payload import payload, picture_metrics
from blueattr.watch.picture import FeedState, Picture
from support.watch_pictures import BEGUN, CHOICE, empty, hostile, picture

HIDDEN = re.compile(r"[\x00-\x1f\u202a-\u202e\u2066-\u2069]")
MADE = {"full": picture(3), "groups": picture(3, replace(CHOICE, by="lang")),
        "hostile": hostile(), "empty": empty()}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_a_payload_is_one_line_of_json_that_breaks_no_stream(name: str) -> None:
    sent = payload(MADE[name])
    assert b"\n" not in sent
    assert b"\r" not in sent
    got = json.loads(sent)
    assert got["question"]
    assert not HIDDEN.search(sent.decode())
    for table in got["tables"].values():
        assert all(len(row) == len(table["heads"]) for row in table["rows"])


def test_a_payload_has_the_shares_the_sample_and_links_to_posts() -> None:
    got = json.loads(payload(picture()))
    assert [tier["said"] for tier in got["tiers"]] == ["11.0 %", "38.0 %", "51.0 %"]
    assert got["sample"]["tiers"] == [0.45, 0.42, 0.13]
    assert len(got["history"]["ends"]) == len(got["history"]["tiers"]) == 121
    links = got["tables"]["posts"]["links"]
    assert links[0].startswith("https://bsky.app/profile/did:plc:mossyharbour")
    assert len(links) == len(got["tables"]["posts"]["rows"]) == 8
    synthetic = json.loads(payload(replace(picture(), synthetic=True)))
    assert set(synthetic["tables"]["posts"]["links"]) == {None}
    assert "synthetic data" in synthetic["question"]


def test_a_long_history_is_thinned_and_keeps_its_last_moment() -> None:
    made = picture()
    later = [replace(made.history[0], end=BEGUN + timedelta(minutes=k)) for k in range(1000)]
    long = replace(made, history=tuple(later))
    got = json.loads(payload(long))["history"]
    assert 100 < len(got["ends"]) <= 240
    assert got["ends"][-1] == long.history[-1].end.timestamp() * 1000
    assert got["ends"] == sorted(got["ends"])


def _exposed(made: Picture) -> dict[str, float]:
    lines = exposition(picture_metrics(made)).decode().splitlines()
    values = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: float(value) for name, _, value in values}


def test_metrics_have_rate_lag_gaps_and_the_share_of_each_tier_and_group() -> None:
    feed = FeedState(90, 3, 5, 0.25, 4096, BEGUN)
    made = _exposed(replace(picture(1, replace(CHOICE, by="lang")), feed=feed))
    shares = [value for name, value in made.items() if name.startswith("blueattr_tier_share_ratio")]
    assert sum(shares) == pytest.approx(1)
    assert (
        made['blueattr_group_share_ratio{topic="mythos",indicator="heat",by="lang",group="en"}']
        == 0.64
    )
    wanted = {"watch_events_total": 10_000, "watch_events_per_second": 612,
                        "lag_seconds": 1.4, "window_gaps": 0, "watch_kept_total": 90,
                        "watch_rejected_total": 3, "watch_looks_total": 5,
                        "watch_look_seconds_total": 0.25, "store_size_bytes": 4096,
                        "store_commit_timestamp_seconds": BEGUN.timestamp()}  # fmt: skip
    for name, value in wanted.items():
        assert made[f"blueattr_{name}"] == value, name


def test_metrics_of_what_is_not_there_are_left_out_and_hostile_names_stay_in_their_label() -> None:
    made = _exposed(empty())
    assert not any("share" in name or "lag" in name or "posts" in name for name in made)
    assert made["blueattr_watch_events_per_second"] == 0
    text = exposition(picture_metrics(replace(
        hostile(), choice=replace(CHOICE, topic='a"} 1\nb{c="\\'))))  # fmt: skip
    assert all(re.fullmatch(rb'(#.*|blueattr_\w+(\{(\w+="([^"\\\n]|\\.)*",?)*\})? \S+)', line)
               for line in text.splitlines())  # fmt: skip
