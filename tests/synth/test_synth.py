"""The event generator: its lines, its references, its distance from the published counts."""

import base64
import gzip
import hashlib
import importlib
import io
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
import zstandard

from blueattr import synth
from blueattr.errors import OutputError, UsageError
from blueattr.synth import (
    SAMPLE_SPEC,
    SCHEMA,
    Names,
    SynthSpec,
    contents,
    event_batches,
    write_file,
    write_lines,
)
from blueattr.synth.memories import BloomFilter, Recent, Removable
from blueattr.synth.network import Calendar, SyntheticAccounts, find, in_time
from blueattr.synth.text import HEAT, LANGUAGES, TOPICS

SMALL = SynthSpec(agents=300, days=4, seed=7, topic_share=0.4)
NETWORK = SynthSpec(agents=20_000, days=8)
SECOND = 1_000_000
DAY = 86_400 * SECOND
TID = re.compile(r"[234567abcdefghij][234567a-z]{12}")
DID = re.compile(r"did:plc:[a-z2-7]{24}")
URI = re.compile(r"at://(did:plc:[a-z2-7]{24})/([a-z.]+)/([2-7a-z]{13})")
LINK = re.compile(r"https://(www\.)?[a-z.-]+\.example/[0-9]+")
CID = re.compile(r"bafyrei[a-h][a-z2-7]{50}[aeimquy4]")
NAMES = {
    "app.bsky.feed.post",
    "app.bsky.feed.repost",
    "app.bsky.feed.like",
    "app.bsky.feed.threadgate",
    "app.bsky.graph.follow",
    "app.bsky.graph.block",
    "app.bsky.graph.listitem",
    "app.bsky.actor.profile",
}
Line = dict[str, Any]


def write(spec: SynthSpec) -> bytes:
    out = io.BytesIO()
    counts = write_lines(spec, out)
    data = out.getvalue()
    assert counts.size == len(data)
    assert counts.lines == data.count(b"\n") == sum(counts.by_kind.values())
    return data


def unpack(packed: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(packed).read()


def start_us(spec: SynthSpec) -> int:
    return int(spec.start.timestamp()) * SECOND


def decode_tid(tid: str) -> int:
    number = 0
    for character in tid:
        number = number * 32 + "234567abcdefghijklmnopqrstuvwxyz".index(character)
    return number >> 10


@pytest.fixture(scope="module")
def data() -> bytes:
    return write(SMALL)


@pytest.fixture(scope="module")
def events(data: bytes) -> list[Line]:
    return [json.loads(line) for line in data.splitlines()]


@pytest.fixture(scope="module")
def small() -> pl.DataFrame:
    return pl.concat(event_batches(SMALL))


@pytest.fixture(scope="module")
def network() -> pl.DataFrame:
    frame = pl.concat(event_batches(NETWORK))
    assert frame.height > 1_500_000
    return frame


def made(frame: pl.DataFrame, *kinds: str) -> pl.DataFrame:
    found = frame.filter(pl.col("kind").is_in(kinds) & (pl.col("operation") == "create"))
    assert found.height
    return found


def quantiles(values: pl.Series, *at: float) -> list[float]:
    return [float(np.quantile(values.to_numpy(), q)) for q in at]


def assert_within(found: list[float], expected: list[float], factor: float) -> None:
    for a, b in zip(found, expected, strict=True):
        assert b / factor <= a <= b * factor, (found, expected)


# The lines.


@pytest.mark.slow
def test_every_line_is_compact_json_of_the_v1_shape(data: bytes, events: list[Line]) -> None:
    assert len(events) > 10_000
    shapes: Counter[str] = Counter()
    for line, event in zip(data.decode().splitlines(), events, strict=True):
        assert json.dumps(event, ensure_ascii=False, separators=(",", ":")) == line
        assert DID.fullmatch(event["did"])
        assert list(event) == ["did", "time_us", "kind", event["kind"], "synthetic"]
        assert event["synthetic"] is True
        body = event[event["kind"]]
        shapes[event["kind"] + " " + body.get("operation", "")] += 1
        if event["kind"] != "commit":
            assert body["did"] == event["did"]
            assert body["seq"] > 0
            told = datetime.fromisoformat(body["time"])
            assert (told - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) == event[
                "time_us"
            ]
            continue
        assert TID.fullmatch(body["rev"])
        assert body["collection"] in NAMES
        assert body["rkey"] == "self" or TID.fullmatch(body["rkey"])
        assert (body["rkey"] == "self") == (body["collection"] == "app.bsky.actor.profile")
        if body["operation"] == "delete":
            assert list(body) == ["rev", "operation", "collection", "rkey"]
        else:
            assert list(body) == ["rev", "operation", "collection", "rkey", "record", "cid"]
            assert CID.fullmatch(body["cid"])
            assert body["record"]["$type"] == body["collection"]
            assert re.fullmatch(
                r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["record"]["createdAt"]
            )
    assert set(shapes) == {
        "commit create", "commit update", "commit delete", "identity ", "account ",
    }  # fmt: skip


def test_a_cid_has_the_form_of_one(events: list[Line]) -> None:
    cid = next(e["commit"]["cid"] for e in events if e.get("commit", {}).get("cid"))
    raw = base64.b32decode(cid[1:].upper() + "=" * (-len(cid[1:]) % 8))
    assert raw[:4] == bytes([1, 0x71, 0x12, 0x20])  # CIDv1, DAG-CBOR, SHA-256, 32 bytes
    assert len(raw) == 36


def check_post(record: dict[str, Any], seen: Counter[str]) -> None:
    assert record["text"]
    langs = record.get("langs", ["en"])
    assert {tag.removesuffix("-US") for tag in langs} <= set(LANGUAGES)
    assert len(langs) == len(set(langs)) <= 2
    seen["two languages"] += len(langs) == 2
    seen["region"] += langs[0] == "en-US"
    for end in ("parent", "root") if "reply" in record else ():
        assert URI.fullmatch(record["reply"][end]["uri"])
        seen[end] += 1
    for facet in record.get("facets", []):
        (feature,), index = facet["features"], facet["index"]
        shown = record["text"].encode()[index["byteStart"] : index["byteEnd"]].decode()
        if feature["$type"] == "app.bsky.richtext.facet#link":
            assert LINK.fullmatch(feature["uri"])
            assert shown
            assert record.get("embed", {}).get("external", feature)["uri"] == feature["uri"]
            seen["link"] += 1
        elif feature["$type"] == "app.bsky.richtext.facet#mention":
            assert DID.fullmatch(feature["did"])
            assert shown
            seen["mention"] += 1
        else:
            assert shown == "#" + feature["tag"]
            seen["facet"] += 1
            seen["facet beyond ASCII"] += not feature["tag"].isascii()
    seen["tags"] += len(record.get("tags", []))
    if "external" in (embed := record.get("embed", {})):
        assert embed["external"]["title"]
        assert LINK.fullmatch(embed["external"]["uri"])
        seen["title"] += 1
    elif embed:
        inner = embed["record"]
        if embed["$type"] == "app.bsky.embed.recordWithMedia":
            assert embed["media"]["images"]
            inner = inner["record"]
        _, collection, _ = URI.fullmatch(inner["uri"]).groups()  # type: ignore[union-attr] # a miss fails the test
        assert CID.fullmatch(inner["cid"])
        seen["quote" if collection == "app.bsky.feed.post" else collection] += 1
        seen[embed["$type"]] += 1


def test_records_have_what_their_collection_asks_for(events: list[Line]) -> None:
    seen: Counter[str] = Counter()
    for event in events:
        record = event.get("commit", {}).get("record")
        if record is None:
            continue
        kind = record["$type"].rpartition(".")[2]
        seen[kind] += 1
        if kind in {"like", "repost"}:
            _, collection, _ = URI.fullmatch(record["subject"]["uri"]).groups()  # type: ignore[union-attr] # a miss fails the test
            assert collection == "app.bsky.feed.post"
            assert CID.fullmatch(record["subject"]["cid"])
            if "via" in record:
                _, collection, _ = URI.fullmatch(record["via"]["uri"]).groups()  # type: ignore[union-attr] # a miss fails the test
                assert (kind, collection) == ("repost", "app.bsky.feed.repost")
                assert CID.fullmatch(record["via"]["cid"])
                seen["via"] += 1
        elif kind in {"follow", "block"}:
            assert DID.fullmatch(record["subject"])
            assert record["subject"] != event["did"]
        elif kind == "post":
            check_post(record, seen)
        elif kind == "profile":
            assert record["displayName"]
    wanted = (
        "like repost follow block listitem threadgate post profile parent root facet tags title "
        "region link mention quote via app.bsky.feed.generator app.bsky.embed.recordWithMedia"
    )
    assert all(seen[name] for name in [*wanted.split(), "facet beyond ASCII", "two languages"]), (
        seen
    )


def test_texts_hold_what_breaks_careless_readers(events: list[Line]) -> None:
    texts = "".join(
        e["commit"]["record"].get("text", "") for e in events if "record" in e.get("commit", {})
    )
    for character in ('"', "\n", "ß", "ü", "ç", "猫", "고", "😂"):
        assert character in texts


@pytest.mark.slow
def test_account_events_and_profiles_say_what_happened() -> None:
    # More accounts and days, so that every status comes.
    spec = SynthSpec(agents=2000, days=14, like_fraction=0, activity=0.01)
    events = [json.loads(line) for line in write(spec).splitlines()]
    profiles = [e for e in events if e.get("commit", {}).get("rkey") == "self"]
    labels = [e["commit"]["record"].get("labels") for e in profiles]
    assert {told["$type"] for told in labels if told} == {"com.atproto.label.defs#selfLabels"}
    values = [[value["val"] for value in told["values"]] if told else [] for told in labels]
    assert all(told == sorted(set(told)) for told in values)
    bots, hidden = (sum(val in told for told in values) for val in ("bot", "!no-unauthenticated"))
    assert 0.002 < bots / len(profiles) < 0.02
    assert hidden / len(profiles) == pytest.approx(0.04, abs=0.015)
    assert {e["commit"]["operation"] for e in profiles} == {"create", "update"}
    handles = [e["identity"].get("handle") for e in events if e["kind"] == "identity"]
    assert 0.05 < handles.count(None) / len(handles) < 0.15
    accounts = [e for e in events if e["kind"] == "account"]
    seen = Counter(e["account"].get("status", "") for e in accounts)
    assert set(seen) == {"", "deleted", "takendown", "suspended", "deactivated"}
    assert all(e["account"]["active"] == ("status" not in e["account"]) for e in accounts)


def test_lines_and_columns_tell_the_same(events: list[Line], small: pl.DataFrame) -> None:
    assert small.schema == SCHEMA
    assert small["seq"].to_list() == list(range(1, small.height + 1))
    assert [e["time_us"] for e in events] == small["time_us"].to_list()
    names = Names(SMALL.seed)
    assert [e["did"] for e in events] == names.did(small["agent"].to_numpy()).to_list()
    posts = made(small, "post", "reply")
    texts = [
        e["commit"]["record"]["text"]
        for e in events
        if e.get("commit", {}).get("collection") == "app.bsky.feed.post"
        and e["commit"]["operation"] == "create"
    ]
    assert texts == contents(posts)["text"].to_list()


def test_what_columns_leave_out_is_null_or_neutral(small: pl.DataFrame) -> None:
    assert small.null_count().sum_horizontal()[0] == 0
    rest = small.filter(~pl.col("kind").is_in(["post", "reply"]))
    assert rest.select((pl.col("topic") == -1).all(), (pl.col("words") == 0).all()).row(0) == (
        True,
        True,
    )


# The same again.


@pytest.mark.slow
def test_the_same_spec_gives_the_same_bytes(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert write(SMALL) == data
    monkeypatch.setattr(synth, "_LINES", 777)
    assert write(SMALL) == data


_FINGERPRINT = """
import hashlib
from blueattr.synth import SynthSpec
from blueattr.synth.stream import SyntheticStream
stream = SyntheticStream(SynthSpec(agents=50_000, days=3, like_fraction=0))
accounts = stream.accounts
for _ in zip(range(12), stream.batches()):
    pass
arrays = [*accounts.rates, accounts.presence, accounts.fame, accounts.sure_kind, accounts.birth,
          stream.calendar.passed, stream.sure, stream.recent.weight, stream.recent.post,
          stream.recent.chances(12 * 3600.0)]
print(hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest())
"""


@pytest.mark.slow
def test_processors_draw_the_same() -> None:
    # exp() and its kin differ in the last bit between instruction sets.
    core = importlib.import_module("numpy._core._multiarray_umath")
    found = [f for f in core.__cpu_dispatch__ if core.__cpu_features__.get(f)]
    if not found:
        pytest.skip("numpy has one way to compute on this processor")
    prints = [
        subprocess.run(
            [sys.executable, "-c", _FINGERPRINT],
            env={**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(disabled)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for disabled in ([], found)
    ]
    assert len(prints[0]) == 65
    assert prints[0] == prints[1]


@pytest.mark.slow
def test_another_seed_gives_other_people(data: bytes) -> None:
    other = write(SynthSpec(agents=300, days=4, seed=8, topic_share=0.4))
    dids = [set(re.findall(rb'^\{"did":"([^"]*)', d, re.MULTILINE)) for d in (data, other)]
    assert len(dids[0]) > 300
    assert not dids[0] & dids[1]


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"])
def test_a_file_is_compressed_by_its_name(tmp_path: Path, name: str) -> None:
    spec = SynthSpec(agents=20, days=1)
    path = tmp_path / name
    path.write_bytes(b"old")
    write_file(spec, path)
    once = path.read_bytes()
    write_file(spec, path)
    assert path.read_bytes() == once
    raw = {
        ".gz": gzip.decompress,
        ".zst": unpack,
    }.get(path.suffix, bytes)(once)
    assert raw == write(spec)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    spec = SynthSpec(agents=20, days=1)
    (tmp_path / "folder.jsonl").mkdir()
    for path in (tmp_path / "folder.jsonl", tmp_path / "nowhere" / "a.jsonl"):
        with pytest.raises(OutputError, match="cannot write"):
            write_file(spec, path)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.jsonl"]


def test_an_interrupted_run_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"old")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(synth, "lines", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_file(SynthSpec(agents=20, days=1), path)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.jsonl", b"old")]


def test_a_pipe_is_written_to_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_file(SynthSpec(agents=5, days=1), pipe)
    reader.join(30)
    assert read == [write(SynthSpec(agents=5, days=1))]
    assert pipe.is_fifo()


@pytest.mark.slow
def test_the_bundled_sample_is_what_its_spec_says() -> None:
    packed = (resources.files("blueattr.data") / "sample.jsonl.zst").read_bytes()
    assert len(packed) < 3_000_000
    assert unpack(packed) == write(SAMPLE_SPEC)


def as_before(line: bytes) -> Line:
    """An event without the languages, quotes, links, mentions, labels and ways that were added."""
    event: Line = json.loads(line)
    record = event.get("commit", {}).get("record", {})
    facets = [
        facet for facet in record.pop("facets", [])
        if facet["features"][0]["$type"] == "app.bsky.richtext.facet#tag"
    ]  # fmt: skip
    labels = record.pop("labels", {"values": []})["values"]
    record |= {
        "via": None,
        "langs": [tag.removesuffix("-US") for tag in record.get("langs", [])[:1]],
        "embed": record.get("embed", {}).get("external", {}).get("title"),
        "facets": facets,
        "bot": record.get("$type") == "app.bsky.actor.profile" and {"val": "bot"} in labels,
    }
    return event


@pytest.mark.slow
def test_the_sample_has_the_events_texts_and_draws_that_it_had_before_it_had_quotes() -> None:
    data = unpack((resources.files("blueattr.data") / "sample.jsonl.zst").read_bytes())
    assert data.count(b'"via"') > 4000
    assert data.count(b'"app.bsky.embed.record"') > 1000
    digest = hashlib.sha256()
    for line in data.splitlines():
        digest.update(json.dumps(as_before(line), sort_keys=True).encode())
    assert digest.hexdigest() == "37419c69b43e3c2f7131421e52ac28993fbc8c2fda7943e994bca8a3c5910de4"


@pytest.mark.parametrize(
    "wrong",
    [
        {"agents": 0},
        {"agents": 30_000_001},
        {"days": 0},
        {"days": 3661},
        {"seed": -1},
        {"start": datetime(2026, 4, 9, 1, tzinfo=UTC)},
        {"start": datetime(2026, 4, 9)},  # noqa: DTZ001 - the error is the point
        {"start": datetime(2026, 4, 9, tzinfo=timezone(timedelta(hours=2)))},
        {"start": datetime(2019, 4, 9, tzinfo=UTC)},
        {"like_fraction": 1.5},
        {"like_fraction": float("nan")},
        {"topic_share": -0.1},
        {"activity": 0.0},
    ],
)
def test_a_spec_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        SynthSpec(**wrong)


@pytest.mark.few(1)
@pytest.mark.parametrize("agents", [1, 2, 3, 10])
def test_the_smallest_networks_work(agents: int) -> None:
    for seed in range(5):
        spec = SynthSpec(agents=agents, days=1, seed=seed, like_fraction=0)
        frame = pl.concat(event_batches(spec))
        kept = made(frame, "post", "reply", "repost", "follow")
        assert kept["agent"].n_unique() == agents
        assert [json.loads(line)["did"] for line in write(spec).splitlines()]


@pytest.mark.slow
def test_every_agent_writes_something_that_is_kept(network: pl.DataFrame) -> None:
    kept = made(network, "post", "reply", "repost", "follow")["agent"]
    assert kept.n_unique() == NETWORK.agents
    assert kept.max() == NETWORK.agents - 1


def test_a_like_fraction_of_zero_leaves_out_likes_alone() -> None:
    spec = SynthSpec(agents=300, days=4, like_fraction=0)
    kinds = set(pl.concat(event_batches(spec))["kind"].unique())
    assert "like" not in kinds
    assert {"post", "reply", "repost", "follow", "block"} <= kinds


# What refers to what, and when.


@pytest.mark.slow
def test_repositories_move_forward(network: pl.DataFrame) -> None:
    commits = network.filter(~pl.col("kind").is_in(["identity", "account"]))
    steps = commits.select(step=pl.col("rev_us").diff().over("agent"))["step"].drop_nulls()
    assert steps.len() > 1_000_000
    assert (steps > 0).all()


def test_keys_are_near_their_events(events: list[Line]) -> None:
    checked = 0
    for event in events:
        commit = event.get("commit", {})
        if commit.get("operation") != "create" or commit["rkey"] == "self":
            continue
        if commit["collection"] == "app.bsky.feed.threadgate":
            continue  # It has the key of its post.
        key, rev = decode_tid(commit["rkey"]), decode_tid(commit["rev"])
        assert key < rev < event["time_us"] < key + SECOND
        checked += 1
    assert checked > 10_000


@pytest.mark.slow
def test_keys_are_unique_in_their_repository(network: pl.DataFrame) -> None:
    records = made(network, "post", "reply", "repost", "follow", "like", "block")
    collection = pl.col("kind").cast(pl.String).replace("reply", "post")
    assert not records.select(collection, "agent", "rkey_us").is_duplicated().any()


@pytest.mark.slow
def test_times_stay_in_the_window_and_step_back_as_often_as_measured(
    network: pl.DataFrame,
) -> None:
    time = network["time_us"]
    first = start_us(NETWORK)
    assert first <= time.min() < first + 60 * SECOND  # type: ignore[operator] # a number
    assert first + NETWORK.days * DAY - 60 * SECOND < time.max() < first + NETWORK.days * DAY  # type: ignore[operator] # a number
    assert time.n_unique() == network.height
    back = (time.diff().drop_nulls() < 0).mean()
    assert back == pytest.approx(147 / 3069, abs=0.003)


def test_replies_reposts_and_likes_name_posts_seen_before_or_older_than_the_window(
    network: pl.DataFrame,
) -> None:
    posts = made(network, "post", "reply").select(
        subject="agent",
        subject_rkey_us="rkey_us",
        at="seq",
        parent_root=pl.when(pl.col("kind") == "post").then("agent").otherwise("root"),
        parent_root_rkey_us=pl.when(pl.col("kind") == "post")
        .then("rkey_us")
        .otherwise("root_rkey_us"),
    )
    answers = made(network, "reply", "repost", "like").join(
        posts, on=["subject", "subject_rkey_us"], how="left"
    )
    old = answers["at"].is_null()
    assert 0.03 < float(old.mean()) < 0.15  # type: ignore[arg-type] # a number
    assert (answers.filter(old)["subject_rkey_us"] < start_us(NETWORK)).all()
    assert (answers.filter(~old)["at"] < answers.filter(~old)["seq"]).all()

    replies = answers.filter(pl.col("kind") == "reply")
    known = replies.filter(pl.col("at").is_not_null())
    assert (known["root"] == known["parent_root"]).all()
    assert (known["root_rkey_us"] == known["parent_root_rkey_us"]).all()
    deep = known.filter(pl.col("root_rkey_us") != pl.col("subject_rkey_us")).height
    assert 0.1 < deep / known.height < 0.6
    own = (known["agent"] == known["subject"]).mean()
    assert 0.05 < float(own) < 0.25  # type: ignore[arg-type] # a number


def test_nobody_follows_twice_or_themselves(network: pl.DataFrame) -> None:
    follows = made(network, "follow")
    assert not (follows["agent"] == follows["subject"]).any()
    assert follows.select("agent", "subject").is_duplicated().mean() < 0.001  # type: ignore[operator] # a number
    reposts = made(network, "repost").select("agent", "subject", "subject_rkey_us")
    assert reposts.is_duplicated().mean() < 0.01  # type: ignore[operator] # a number


@pytest.mark.few(2)
@pytest.mark.parametrize("kinds", [("post", "reply"), ("repost",), ("follow",), ("like",)])
def test_removals_name_a_record_once(network: pl.DataFrame, kinds: tuple[str, ...]) -> None:
    records = made(network, *kinds).select("agent", "rkey_us", made="seq")
    removed = network.filter((pl.col("kind") == kinds[0]) & (pl.col("operation") == "delete"))
    assert removed.height > 1000
    joined = removed.join(records, on=["agent", "rkey_us"], how="left")
    known = joined["made"].is_not_null()
    assert 0.6 < float(known.mean()) < 0.9  # type: ignore[arg-type] # a number
    assert (joined.filter(known)["made"] < joined.filter(known)["seq"]).all()
    assert not joined.filter(known).select("agent", "rkey_us").is_duplicated().any()
    assert (joined.filter(~known)["rkey_us"] < start_us(NETWORK)).all()


def test_accounts_begin_and_end(network: pl.DataFrame) -> None:
    said = network.filter(pl.col("kind") == "account")
    joined = said.filter(pl.col("status") == "active")
    left = said.filter(pl.col("status") != "active")
    assert joined.height > 1000
    assert left.height > 50
    assert not said["agent"].is_duplicated().any()
    first = network.group_by("agent").agg(pl.col("seq").min(), kinds=pl.col("kind").head(3))
    begun = joined.join(first, on="agent", suffix="_first")
    assert (begun["seq"] == begun["seq_first"]).all()
    assert begun["kinds"].to_list() == [["account", "identity", "profile"]] * begun.height
    last = network.group_by("agent").agg(pl.col("seq").max())
    ended = left.join(last, on="agent", suffix="_last")
    assert (ended["seq"] == ended["seq_last"]).all()
    # Nobody else is new: a profile is created where an account begins.
    assert set(made(network, "profile")["agent"]) == set(joined["agent"])


# The published counts.


def test_shares_of_events_by_kind(network: pl.DataFrame) -> None:
    shares = {
        (kind, operation): 100 * n / network.height
        for kind, operation, n in network.group_by("kind", "operation").len().iter_rows()
    }
    published = {
        ("like", "create"): 66.4,
        ("repost", "create"): 10.55,
        ("follow", "create"): 6.75,
        ("post", "create"): 6.35,
        ("reply", "create"): 5.32,
        ("follow", "delete"): 1.05,
        ("like", "delete"): 0.83,
        ("block", "create"): 0.68,
        ("repost", "delete"): 0.41,
        ("profile", "update"): 0.28,
        ("profile", "create"): 0.07,
    }
    for which, share in published.items():
        assert shares[which] == pytest.approx(share, rel=0.1), which
    assert sum(shares.values()) - sum(shares[which] for which in published) < 2


def test_users_do_what_users_do(network: pl.DataFrame) -> None:
    everyone = network["agent"].n_unique()
    for kinds, share in (
        (("like",), 0.749),
        (("post", "reply"), 0.471),
        (("follow",), 0.450),
        (("repost",), 0.311),
        (("block",), 0.084),
    ):
        assert made(network, *kinds)["agent"].n_unique() / everyone == pytest.approx(
            share, rel=0.06
        ), kinds


def test_events_per_user_are_log_normal_with_the_published_quantiles(
    network: pl.DataFrame,
) -> None:
    commits = network.filter(~pl.col("kind").is_in(["identity", "account"]))
    counts = commits.group_by("agent").len()["len"]
    assert_within(
        quantiles(counts, 0.5, 0.75, 0.9, 0.95, 0.99), [8, 39, 159, 341, 1185], factor=1.35
    )
    logs = counts.log()
    assert logs.mean() == pytest.approx(2.399, abs=0.2)
    assert logs.std() == pytest.approx(1.854, abs=0.1)


def test_posts_per_poster(network: pl.DataFrame) -> None:
    counts = made(network, "post", "reply").group_by("agent").len()["len"]
    assert_within(quantiles(counts, 0.5, 0.75, 0.9, 0.99), [4, 12, 38, 236], factor=1.3)


def test_active_days(network: pl.DataFrame) -> None:
    commits = network.filter(~pl.col("kind").is_in(["identity", "account"]))
    days = commits.group_by("agent", day=pl.col("time_us") // DAY).len()
    assert_within(quantiles(days["len"], 0.5, 0.75, 0.9, 0.99), [3, 8.8, 26.8, 168], factor=1.45)
    assert days.group_by("agent").len()["len"].median() in (3, 4)


@pytest.mark.slow
def test_time_of_day_and_of_week() -> None:
    # The hours of the stream's events.
    frame = pl.concat(event_batches(SynthSpec(agents=3000, days=7)))
    hours = frame.group_by(hour=pl.col("time_us") // (DAY // 24) % 24).len().sort("hour")["len"]
    shape = (hours / hours.mean()).to_numpy()
    assert shape[14:22].min() > shape[[*range(14), 22, 23]].max() * 0.97
    assert set(np.argsort(shape)[:4]) == {6, 7, 8, 9} or shape[6:10].max() < 0.75
    assert 0.55 < shape.min() < 0.75
    assert 1.2 < shape.max() < 1.35
    # The factors of a year's days.
    calendar = Calendar(SynthSpec(agents=1, days=364), 1.0)
    weeks = calendar.day_weight.reshape(52, 7)  # The default start is a Thursday.
    assert weeks.std() / weeks.mean() == pytest.approx(0.12, abs=0.03)
    by_day = weeks.mean(axis=0) / weeks.mean()
    assert by_day[3] == pytest.approx(0.92, abs=0.04)
    assert by_day[6] == pytest.approx(1.05, abs=0.04)


def test_followers_have_the_published_quantiles(network: pl.DataFrame) -> None:
    accounts = SyntheticAccounts(SynthSpec(agents=300_000, like_fraction=0))
    old = ~accounts.names.new(np.arange(accounts.n))
    fame = pl.Series(accounts.fame[old])
    assert_within(
        quantiles(fame, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999),
        [1, 6, 34, 85, 400, 701, 2238, 11241],
        factor=1.15,
    )
    # Above the last quantile, a power law: the Hill estimate of its exponent.
    tail = np.sort(accounts.fame[accounts.fame > 8245].astype(float))
    assert tail.size > 30
    assert 1 + 1 / np.mean(np.log(tail / 8245)) == pytest.approx(2.25, abs=0.5)
    # What is received in the window follows: quantiles among those who are followed at all.
    received = made(network, "follow").group_by("subject").len()["len"]
    p50, p90, p99 = quantiles(received, 0.5, 0.9, 0.99)
    assert p90 / p50 > 4
    assert p99 / p90 > 4


def test_popularity_is_skewed_and_not_the_same_as_activity(network: pl.DataFrame) -> None:
    received = made(network, "follow").group_by(agent="subject").len("b")
    answered = made(network, "reply", "repost").filter(pl.col("agent") != pl.col("subject"))
    panel = (
        pl.DataFrame({"agent": np.arange(NETWORK.agents)})
        .join(received, on="agent", how="left")
        .join(made(network, "post", "reply", "repost").group_by("agent").len("a"),
              on="agent", how="left")
        .join(answered.group_by(agent="subject").len("c"), on="agent", how="left")
        .fill_null(0)
        .sort("b", "a", descending=True)
    )  # fmt: skip
    n = panel.height
    for feature, top, idle in (("a", 0.25, 0.5), ("b", 0.75, 0.75), ("c", 0.75, 0.8)):
        followed = panel[feature].to_numpy().astype(float)
        values = np.sort(followed)[::-1] / followed.sum()
        assert 0.2 < values[: n // 100].sum() < 0.75
        assert (values == 0).mean() < idle
        # There is a middle and a tail.
        assert values[n // 100 : n // 10].sum() > 0.2
        assert values[n // 10 :].sum() > 0.05
        assert followed[: n // 100].sum() / followed.sum() < top
    spearman = panel.select(
        ab=pl.corr("a", "b", method="spearman"), bc=pl.corr("b", "c", method="spearman")
    ).row(0)
    assert 0.1 < spearman[0] < 0.6
    assert 0.2 < spearman[1] < 0.8


def test_languages(network: pl.DataFrame) -> None:
    posts = made(network, "post", "reply")
    counts = dict(posts.group_by("language").len().iter_rows())
    for language, share in (("en", 60.8), ("", 11.7), ("ja", 10.6), ("pt", 2.8), ("de", 2.8)):
        found = 100 * counts[LANGUAGES.index(language)] / posts.height
        assert found == pytest.approx(share, rel=0.2, abs=0.8), language


def test_lags_of_the_time_that_records_claim(network: pl.DataFrame) -> None:
    frame = network.filter(pl.col("operation") == "create")
    lag = (frame["time_us"] - frame["created_us"]) / SECOND
    assert_within(quantiles(lag, 0.5, 0.95, 0.99), [0.6, 4.8, 24], factor=1.5)
    hours = lag / 3600
    assert hours.min() == pytest.approx(-9, abs=0.1)
    assert 8 < hours.max() / 24 / 365 < 12.1  # type: ignore[operator] # a number


def test_new_accounts(network: pl.DataFrame) -> None:
    new = made(network, "profile")["agent"].n_unique()
    assert new / network["agent"].n_unique() == pytest.approx(0.055, abs=0.004)


def test_handles_are_like_the_networks() -> None:
    names = Names(3)
    agents = np.arange(200_000)
    handles = names.handle(agents)
    assert handles.str.ends_with(".test").all()
    handles = handles.str.strip_suffix(".test")
    assert handles.n_unique() == handles.len()
    assert handles.str.contains(r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]+$").all()
    assert 0.86 < handles.str.ends_with(".bsky.social").mean() < 0.95  # type: ignore[operator] # a number
    assert handles.str.ends_with(".brid.gy").mean() == pytest.approx(0.0034, abs=0.0005)
    digits = handles.str.contains(r"^[^.]*[0-9]{3,}\.").to_numpy()
    new = names.new(agents)
    assert 0.026 < digits.mean() < 0.054
    assert digits[new].mean() == pytest.approx(0.118, abs=0.01)
    assert names.did(agents).n_unique() == agents.size


# Topics.


def topics() -> dict[str, dict[str, Any]]:
    text = (resources.files("blueattr.data") / "topics.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text)["topics"])


def matches(topic: dict[str, Any], frame: pl.DataFrame) -> pl.Series:
    # A plain reading of the published rule, apart from the pipeline's own.
    words = "|".join(re.escape(word) for word in topic["keywords"])
    pattern = rf"(?i)(^|\W)({words})($|\W)"
    tags = pl.col("tag").str.to_lowercase().is_in(topic["hashtags"])
    return frame.select(
        pl.col("text").str.contains(pattern)
        | pl.col("title").str.contains(pattern).fill_null(value=False)
        | tags.fill_null(value=False)
    ).to_series()


def test_the_shipped_topics() -> None:
    assert [(name, t["title"], t["category"]) for name, t in topics().items()] == [
        ("mythos", "Mythos", "technology"),
        ("trump-tariffs", "Trump-Tariffs", "politics"),
        ("the-masters", "The Masters", "sports"),
        ("earth-day-climate", "Earth Day-Climate", "society"),
        ("wrestlemania", "WrestleMania", "entertainment"),
    ]
    assert tuple(topics()) == TOPICS
    for topic in topics().values():
        assert set(topic) == {"title", "category", "keywords", "hashtags"}
        assert all(word == word.strip().lower() for word in topic["keywords"])
        assert all(
            re.fullmatch(r"[^\W_]+", tag) and tag == tag.lower() for tag in topic["hashtags"]
        )
        for words in (topic["keywords"], topic["hashtags"]):
            assert words
            assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    "text",
    [
        "A new edition of the Cthulhu mythos",
        "Der Mythos vom Fliegen",
        "my masters degree in climate control",
        "electricity tariffs go up",
        "the political climate on Earth, day after day",
        "wrestling with a Romanian word",
    ],
)
def test_what_only_looks_like_a_topic_is_not_one(text: str) -> None:
    frame = pl.DataFrame({"text": [text], "tag": ["mythos"], "title": ["Masters of the universe"]})
    assert not any(matches(topic, frame)[0] for topic in topics().values())


def test_posts_match_the_topic_they_are_on_and_no_other(small: pl.DataFrame) -> None:
    posts = made(small, "post", "reply")
    frame = contents(posts)
    on = posts["topic"]
    ways: Counter[str] = Counter()
    for number, (name, topic) in enumerate(topics().items()):
        assert (on == number).sum() > 20, name
        assert (matches(topic, frame) == (on == number)).all(), name
        for text, tag, in_text, title in frame.filter(on == number).iter_rows():
            ways["tag" if tag and in_text else "tags" if tag else "title" if title else "text"] += 1
            assert text
    assert set(ways) == {"text", "tag", "tags", "title"}


def test_every_phrase_tag_and_title_matches_its_own_topic_alone() -> None:
    rows = [
        (language, topic, style, number * 4161)
        for language in range(len(LANGUAGES))
        for topic in range(-1, len(TOPICS))
        for style in range(4)
        for number in range(60)
    ]
    posts = pl.DataFrame(rows, ["language", "topic", "style", "words"], orient="row").with_columns(
        words=pl.col("words") | pl.col("words").shift(7).fill_null(0) * 262_144
    )
    frame = contents(posts)
    for number, topic in enumerate(topics().values()):
        assert (matches(topic, frame) == (posts["topic"] == number)).all()


def test_without_topics_nothing_matches() -> None:
    spec = SynthSpec(agents=2000, days=2, topic_share=0, like_fraction=0)
    frame = contents(made(pl.concat(event_batches(spec)), "post", "reply"))
    assert frame.height > 5000
    assert not any(matches(topic, frame).any() for topic in topics().values())


def test_topics_burst_and_have_daily_participants(network: pl.DataFrame) -> None:
    on = made(network, "post", "reply").filter(pl.col("topic") >= 0)
    spread = made(network, "reply", "repost").join(
        on.select("topic", subject="agent", subject_rkey_us="rkey_us"),
        on=["subject", "subject_rkey_us"],
        suffix="_of",
    )
    takes_part = pl.concat(
        [on.select("topic", "agent", "time_us"),
         spread.select("agent", "time_us", topic="topic_of").select("topic", "agent", "time_us")]
    )  # fmt: skip
    days = takes_part.group_by("topic", day=pl.col("time_us") // DAY).agg(
        pl.col("agent").n_unique()
    )
    assert days.height == len(TOPICS) * NETWORK.days
    # At the network's size each of these is 84 times as many.
    assert days["agent"].min() * 1_671_587 / NETWORK.agents > 3 * 1000  # type: ignore[operator] # a number
    of_all = takes_part.group_by("topic").agg(pl.col("agent").n_unique())["agent"] / NETWORK.agents
    assert of_all.max() < 0.5  # type: ignore[operator] # a number
    heat = np.array(HEAT)
    assert ((heat.max(axis=1) / np.median(heat, axis=1)) > 1.4).all()
    masters = on.filter((pl.col("topic") == 2) & (pl.col("kind") == "post")).group_by(
        day=pl.col("time_us") // DAY
    ).len().sort("day")["len"]  # fmt: skip
    assert masters[:4].sum() > 3 * masters[4:].sum()


def test_topics_follow_the_calendar_of_another_start() -> None:
    later = SynthSpec(agents=1, start=datetime(2026, 5, 7, tzinfo=UTC), days=20)
    assert (Calendar(later, 1.0).heat[:14] == Calendar(SynthSpec(agents=1), 1.0).heat).all()
    earlier = SynthSpec(agents=1, start=datetime(2026, 4, 8, tzinfo=UTC), days=2)
    assert (Calendar(earlier, 1.0).heat[1] == Calendar(SynthSpec(agents=1), 1.0).heat[0]).all()


# The rings that bound the memory.


def test_recent_posts_are_kept_up_to_the_capacity() -> None:
    recent = Recent(5)
    for k in range(4):
        post = np.array([[k, k], [10 * k, 10 * k + 1]])
        recent.add(post, post, np.ones(2), 0.0, np.array([k, k], np.int8))
    assert recent.size == 5
    assert sorted(recent.post[1].tolist()) == [11, 20, 21, 30, 31]
    # Half the weight every five hours.
    assert recent.chances(5 * 3600.0).tolist() == [0.5, 1.0, 1.5, 2.0, 2.5]
    many = np.arange(16).reshape(2, 8)
    recent.add(many, many, np.ones(8), 0.0, np.zeros(8, np.int8))
    assert sorted(recent.post[0].tolist()) == [3, 4, 5, 6, 7]


def test_sorting_and_looking_up_are_what_the_plain_ways_give() -> None:
    rng = np.random.default_rng(5)
    for values in (50, 1 << 40):  # with many ties, and without any
        time = rng.integers(values, size=5000).astype(float)
        assert (np.unique(time).size < time.size) == (values == 50)
        assert in_time(time).tolist() == np.argsort(time, kind="stable").tolist()
    total = np.cumsum(rng.integers(3, size=900).astype(float))
    place = np.concatenate(
        [rng.random(4000), [0.0, np.nextafter(1, 0), 1.0], total[:-1] / total[-1]]
    )
    plain = np.searchsorted(total, place * total[-1], side="right")
    assert plain.max() == total.size
    assert find(total, place).tolist() == np.minimum(plain, total.size - 1).tolist()


def test_a_record_is_removed_at_most_once() -> None:
    removable = Removable(8)
    assert removable.take(np.random.default_rng(0), 3).shape == (2, 0)
    removable.add(np.arange(12), np.arange(12) + 100)
    rng = np.random.default_rng(0)
    taken = np.concatenate([removable.take(rng, 3) for _ in range(50)], axis=1)
    assert sorted(taken[0].tolist()) == [4, 5, 6, 7, 8, 9, 10, 11]
    assert (taken[1] == taken[0] + 100).all()


def test_the_filter_knows_what_it_has_seen() -> None:
    seen = BloomFilter(100_000, 1 << 40)
    pairs = np.random.default_rng(0).integers(1 << 40, size=(2, 50_000))
    first = seen.fresh(*pairs)
    assert first.mean() > 0.9
    assert not seen.fresh(*pairs).any()
    twice = np.repeat(np.random.default_rng(1).integers(1 << 40, size=(2, 1000)), 2, axis=1)
    assert not BloomFilter(100, 100).fresh(*twice)[1::2].any()


# Bots, by handle.

BOTS = {
    "bot-word": [
        "news-bot.bsky.social", "bot.example.com", "alice.bot", "3bot.bsky.social",
        "bot9.bsky.social", "my.bot.example.com", "two-bots.bsky.social", "NEWS-BOT.bsky.social",
    ],
    "bot-suffix": [
        "newsbot.bsky.social", "weatherbot.bsky.social", "quakebot.bsky.social",
        "artbot2.bsky.social", "daily-photobot.bsky.social", "poembot.example.com",
        "x.arxivbot.example.org",
    ],
    "bot-prefix": ["botnews.bsky.social", "x.botweather.example.com"],
    "bridge": ["lena.mastodon.example.ap.brid.gy", "example.com.web.brid.gy", "npub1x.mostr.pub"],
    "feed": [
        "rss-daily.bsky.social", "city-feed.bsky.social", "feed.example.com", "sitenews-rss.net",
        "newsrss.bsky.social",
    ],
    "mirror": [
        "someone.mirror.example.com", "x.mirror", "newsmirror.bsky.social",
        "twitter-mirror.bsky.social", "unofficial-mirror.example.org",
    ],
    "auto-poster": ["auto-poster.bsky.social", "city.autopost.example.com", "automated.example"],
    "digit-tail": ["anna12345678.bsky.social", "user9999999.example.com", "1234567.bsky.social"],
}  # fmt: skip
PEOPLE = [
    "abbott.bsky.social", "abbot.bsky.social", "talbot.bsky.social", "cabot.bsky.social",
    "chabot.bsky.social", "marcribot.bsky.social", "lambot.bsky.social", "lebot.bsky.social",
    "turbot.bsky.social", "robot.bsky.social", "robots.example.com", "mrrobot.bsky.social",
    "robotham.bsky.social", "robotics.example.edu", "botany.bsky.social", "botanist.example.com",
    "bothwell.example.com", "botha.bsky.social", "botond.bsky.social", "bottega.example.com",
    "sabotage.bsky.social", "anna1995.bsky.social", "anna121295.bsky.social", "handle.invalid",
    "black-mirror.bsky.social", "mirrorball.bsky.social", "mirror-lake.bsky.social",
    "feedback.bsky.social", "rssmith.bsky.social", "mystery.brid.gylabs.com", "brid.gy",
    "automatedthoughts.bsky.social", "alice.bottom.example.com", "42.example.com",
]  # fmt: skip


def rules() -> list[dict[str, str]]:
    text = (resources.files("blueattr.data") / "bots.toml").read_text(encoding="utf-8")
    return list(tomllib.loads(text)["rules"])


def fired(handles: list[str]) -> list[str]:
    """Name the first rule that fires on each handle; two engines must agree."""
    names = [""] * len(handles)
    for rule in reversed(rules()):
        found = pl.Series(handles).str.contains("(?i)" + rule["pattern"]).to_list()
        query = "SELECT list_transform(?::VARCHAR[], lambda h: regexp_matches(h, ?, 'i'))"
        other = duckdb.execute(query, [handles, rule["pattern"]]).fetchone()
        assert other == (found,), rule["name"]
        names = [rule["name"] if hit else name for hit, name in zip(found, names, strict=True)]
    return names


def test_the_shipped_rules_have_names_and_reasons() -> None:
    assert [rule["name"] for rule in rules()] == list(BOTS)
    assert all(set(rule) == {"name", "pattern", "why"} and rule["why"] for rule in rules())


@pytest.mark.parametrize("name", BOTS)
def test_handles_that_say_bot(name: str) -> None:
    assert fired(BOTS[name]) == [name] * len(BOTS[name])


def test_handles_of_people() -> None:
    assert dict(zip(PEOPLE, fired(PEOPLE), strict=True)) == dict.fromkeys(PEOPLE, "")


@pytest.mark.slow
def test_rules_find_the_generators_bots_and_nobody_else() -> None:
    names = Names(0)
    agents = np.arange(50_000)
    handles = names.handle(agents).str.strip_suffix(".test")
    hit = np.array(fired(handles.to_list()))
    bots = names.bot(agents)
    assert bots.mean() == pytest.approx(0.02, abs=0.003)
    assert 0.4 < (hit[bots] != "").mean() < 0.7
    others = Counter(hit[~bots].tolist())
    assert set(others) == {"", "bridge", "digit-tail"}
    assert {"bot-word", "bot-suffix", "feed", "mirror"} <= set(hit[bots].tolist())
