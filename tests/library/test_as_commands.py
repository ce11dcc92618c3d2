"""The library answers what the commands answer: options, defaults, and every field of the JSON."""

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import blueattr
from blueattr.report import render
from blueattr.report.formats.text import Terminal
from blueattr.report.pages.notebook import report_of
from support.cli_world import COMMANDS, ok

TOPIC = ("--topic", "mythos")
FAST: dict[str, dict[str, Any]] = {
    "compare-scales": {"sizes": "5,20", "seeds": 2},
    "sensitivity": {"size": 10, "seeds": 2},
    "bootstrap": {"resamples": 100},
    "validate": {"n": "20", "exact": 5, "permutations": "16", "coalitions": "16"},
}
METHODS = ("attribute", "compare-scales", "bootstrap", "sensitivity", "validate", "convergence")
WHO = {"bots", "keep_bots", "max_rate", "popularity", "missing_followers", "influence"}
OF_A_STORE = {"match", "topics", "topic", "start", "end", "window", "complete", "scale",
              "against", *WHO}  # fmt: skip


def flags(options: dict[str, Any]) -> list[str]:
    """Spell options as one would on the command line."""
    words = []
    for name, value in options.items():
        flag = {"start": "from", "end": "to"}.get(name, name.replace("_", "-"))
        words += [f"--{flag}"] if value is True else [f"--{flag}", str(value)]
    return words


def timeless(value: Any) -> Any:
    """Leave out what a validation measures by the clock, and how often it does."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if "seconds" not in k}
        return {k: timeless(v) for k, v in kept.items() if not (k == "runs" and isinstance(v, int))}
    return [timeless(one) for one in value] if isinstance(value, list) else value


def content(result: object) -> Any:
    return timeless(json.loads(render(report_of(result), "json")))


def asked(name: str, *words: object) -> Any:
    return timeless(ok(*name.split(), *words, "--format", "json").json)


@pytest.fixture(scope="module")
def store(db: Path) -> blueattr.Store:
    return blueattr.open(db)


CHOICES: list[dict[str, Any]] = [
    {},
    {"indicator": "all", "panel": "involved"},
    {"indicator": "lin,hill", "start": "2026-05-02", "window": "5d", "tiers": "5,20",
     "aggregator": "geometric", "weights": "0.5,0.25,0.25", "scale": "raw", "keep_bots": True,
     "max_rate": "500/3", "method": "quadrature", "steps": 8},
]  # fmt: skip


def of_store() -> Iterator[Any]:
    for name in METHODS:
        for choice in range(len(CHOICES)):
            # Many coalitions of a quadrature each take long.
            if (name, choice) != ("validate", len(CHOICES) - 1):
                often = choice and name not in {"validate", "sensitivity"}
                yield pytest.param(name, choice, marks=() if often else pytest.mark.slow)


@pytest.mark.few(2)
@pytest.mark.parametrize(("name", "choice"), [*of_store()])
def test_a_question_to_a_store_has_the_answer_of_the_command(
    name: str, choice: int, store: blueattr.Store, db: Path
) -> None:
    known = inspect.signature(getattr(store, name.replace("-", "_"))).parameters
    options = {**CHOICES[choice], **FAST.get(name, {})}
    options = {key: value for key, value in options.items() if key in known}
    if name == "convergence":
        options |= {"steps": "5,10"}
    result = getattr(store, name.replace("-", "_"))("mythos", **options)
    assert content(result) == asked(name, *TOPIC, "--db", db, *flags(options))


@pytest.mark.few(2)
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("as_frame", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_question_to_a_panel_has_the_answer_of_the_command(
    name: str, as_frame: bool, panel_file: Path
) -> None:
    options = {"indicator": "all", **FAST.get(name, {})}
    source = pl.read_parquet(panel_file) if as_frame else panel_file
    result = getattr(blueattr, name.replace("-", "_"))(source, **options)
    expected = asked(name, "--features", panel_file, *flags(options))
    if as_frame:
        expected = json.loads(json.dumps(expected).replace(f'"{panel_file}"', '"in memory"'))
    assert content(result) == expected


@pytest.mark.slow
def test_other_questions_to_a_store_have_the_answers_of_their_commands(
    store: blueattr.Store, db: Path, here: Path
) -> None:
    assert content(store.status()) == asked("status", "--db", db)
    assert content(store.panel(keep_bots=True)) == asked("panel", "--keep-bots", "--db", db)
    assert content(store.panel("mythos")) == asked("panel", *TOPIC, "--db", db)
    assert content(store.topics()) == asked("topics check", "--db", db)
    assert content(store.topics("mythos", window="3d")) == asked(
        "topics check", "mythos", "--window", "3d", "--db", db
    )
    assert content(blueattr.topics()) == asked("topics list")
    by_day = store.attribute("mythos", by="day")
    assert content(by_day) == asked("attribute", *TOPIC, "--by", "day", "--db", db)
    for by in ("tier", "domain,tier"):
        groups = store.attribute("mythos", by=by.split(","), indicator="all")
        named = ("--by", by, "--indicator", "all", "--db", db)
        assert content(groups) == asked("attribute", *TOPIC, *named)
    weeks = ["--before", "2026-05-01..2026-05-07", "--after", "2026-05-08..2026-05-14"]
    grouped = store.change("mythos", since="last-week", by="domain")
    assert content(grouped) == asked(
        "change", *TOPIC, "--since", "last-week", "--by", "domain", "--db", db
    )
    change = store.change("mythos", "all", before=weeks[1], after=weeks[3], panel="involved")
    words = ["--indicator", "all", "--panel", "involved", "--db", db]
    assert content(change) == asked("change", *TOPIC, *weeks, *words)
    assert content(store.change("mythos", since="last-week", tiers=(5, 20))) == asked(
        "change", *TOPIC, "--since", "last-week", "--tiers", "5,20", "--db", db
    )
    ok("change", *TOPIC, "--since", "last-week", "--db", db, "--out", "theirs.svg")
    store.change("mythos", since="last-week").plot().save("ours.svg")
    assert Path("ours.svg").read_bytes() == Path("theirs.svg").read_bytes()
    posts = store.posts("mythos", "var", panel="involved", top=3)
    words = ["--indicator", "var", "--panel", "involved", "--top", "3", "--db", db]
    assert content(posts) == asked("posts", *TOPIC, *words)
    why = store.why("@User1.bsky.social", "mythos", "var", resamples=100, top=3, choices=True)
    words = ["--indicator", "var", "--resamples", 100, "--top", 3, "--choices", "--db", db]
    assert content(why) == asked("why", "user1.bsky.social", *TOPIC, *words)
    graph = store.export("net.gexf", "mythos", "lin", graph=["replies", "follows"], window="5d")
    words = ["--graph", "replies,follows", "--indicator", "lin", "--window", "5d", "--db", db]
    assert content(graph) == asked("export", *TOPIC, *words, "--out", "theirs.gexf")
    assert Path("net.gexf").read_bytes() == Path("theirs.gexf").read_bytes()
    grid = store.compare_scales(["mythos", "trump-tariffs"], "all", sizes=[5], seeds=2)
    words = ["--topic", "mythos,trump-tariffs", "--indicator", "all", "--sizes", 5, "--seeds", 2]
    assert content(grid) == asked("compare-scales", *words, "--db", db)
    ok("features", *TOPIC, "--db", db, "--out", "theirs.parquet")
    assert store.features("mythos").equals(pl.read_parquet("theirs.parquet"))


def test_an_agent_of_a_panel_is_explained_as_by_the_command(panel_file: Path) -> None:
    who = pl.read_parquet(panel_file)["did"][0]
    made = blueattr.why(panel_file, who, "lin", choices=True)
    assert content(made) == asked("why", who, "--features", panel_file, "--indicator", "lin",
                                  "--choices")  # fmt: skip


@pytest.mark.slow
def test_a_report_is_that_of_the_command_to_the_byte(
    store: blueattr.Store, db: Path, panel_file: Path, here: Path
) -> None:
    few = {"sizes": "5", "seeds": 1, "top": 3}
    (ours,) = store.report("ours.html", "mythos", **few)
    ok("report", *TOPIC, "--db", db, "--out", "theirs.html", *flags(few))
    assert ours == Path("ours.html")
    assert ours.read_bytes() == Path("theirs.html").read_bytes()
    ours_too = store.report("two", ["mythos", "trump-tariffs"], format="json", **few)
    words = ["--topic", "mythos,trump-tariffs", "--format", "json", *flags(few)]
    ok("report", *words, "--db", db, "--out", "theirs")
    theirs_too = sorted(Path("theirs").iterdir())
    assert sorted(path.name for path in ours_too) == [path.name for path in theirs_too]
    for path in theirs_too:
        assert Path("two", path.name).read_bytes() == path.read_bytes()
    (own,) = blueattr.write_report(panel_file, "own.html", **few)
    ok("report", "--features", panel_file, "--out", "theirs2.html", *flags(few))
    assert own.read_bytes() == Path("theirs2.html").read_bytes()
    (page,) = blueattr.write_report(pl.read_parquet(panel_file), "frame.html", **few)
    assert "This command gives the same report" in own.read_text()
    assert "This command gives the same report" not in page.read_text()


COUNTERPARTS: dict[str, Callable[..., Any] | None] = {
    **{name: getattr(blueattr.Store, name.replace("-", "_")) for name in METHODS},
    "change": blueattr.Store.change,
    "posts": blueattr.Store.posts,
    "why": blueattr.Store.why,
    "export": blueattr.Store.export,
    "correct": None,  # a sample is no store
    "deposit": blueattr.deposit,
    "rehydrate": blueattr.rehydrate,
    "design": blueattr.Store.design,
    "report": blueattr.Store.report,
    "panel": blueattr.Store.panel,
    "features": blueattr.Store.features,
    "topics check": blueattr.Store.topics,
    "topics list": blueattr.topics,
    "status": blueattr.Store.status,
    "collect": blueattr.Store.collect,
    "judge": blueattr.judge_scenario,
    "scenario attribute": blueattr.attribute_scenario,
    "scenario compare": blueattr.compare_scenarios,
    "scenario import": blueattr.import_scenario,
    "scenario list": None,  # a program names what it runs
    "scenario run": blueattr.run_scenario,
}
ON_FEATURES: dict[str, Callable[..., Any]] = {
    **{name: getattr(blueattr, name.replace("-", "_")) for name in METHODS},
    "correct": blueattr.correct,
    "design": blueattr.design,
    "report": blueattr.write_report,
    "why": blueattr.why,
}
# Where a result goes and how it looks, which a program decides by itself; and what a store has been
# opened with.
# Of a panel in files alone.
OF_A_FILE = {"features", "columns", "cluster", "shared", "send_code", "insecure", "tls_ca",
             "tls_cert", "tls_key"}  # fmt: skip
OF_OUTPUT = {"form", "out", "verbose", "agents", "quiet", "memory", "db"}
# What another option of the library says too.
SAID_OTHERWISE = {
    # blueattr.write_scenario_page; Partitions.report
    "report": {
        "all_topics",
        "record",
        "events",
        "cluster",
        "insecure",
        "tls_ca",
        "tls_cert",
        "tls_key",
    },
    "compare-scales": {"all_topics"},
    "status": {"max_lag", "events"},  # blueattr.Status.newest; Partitions.status
    "topics check": {"names", "events"},  # Partitions.topics
    "export": {"partitioned", "buckets", "no_text"},  # Store.export_partitions
    "features": {"events"},  # blueattr.open_partitions
    "judge": {"export"},  # blueattr.scenario_trace
    "scenario run": {"agents", "scenario"},  # a number there; what a program has already
    # With a column of chances, the features that the library is given are a pilot.
    "design": {"pilot", "pi", "weight", "size", "population_size", "population"},
}
CALLED = {
    "correct": {"sample": "features"},
    "deposit": {"out": "path", "license_": "license", "db": "db"},
    "export": {"out": "path"},
    "rehydrate": {"db": "db"},
    "report": {"out": "path", "form": "format"},
}


def options_of(command: str) -> dict[str, Any]:
    called = CALLED.get(command, {})
    left_out = (OF_OUTPUT - called.keys()) | SAID_OTHERWISE.get(command, set())
    return {
        called.get(one.name, one.name): () if one.name == "match" else one.default
        for one in COMMANDS[command].params
        if one.name not in left_out
    }


def spelled(default: Any) -> Any:
    if isinstance(default, tuple | list):
        return ",".join(map(str, default))
    return str(default) if isinstance(default, Path) else default


@pytest.mark.parametrize("command", COUNTERPARTS)
def test_the_library_has_the_options_and_defaults_of_each_command(command: str) -> None:
    """An option that a command gets must be one of the library, too."""
    theirs = options_of(command)
    both = (COUNTERPARTS[command], theirs.keys() - OF_A_FILE)
    own = (ON_FEATURES.get(command), theirs.keys() - OF_A_STORE)
    for function, expected in (both, own):
        if function is None:
            continue
        parameters = dict(inspect.signature(function).parameters)
        assert expected <= parameters.keys()
        extra = parameters.keys() - expected - {"self"} - SAID_OTHERWISE.get(command, set())
        assert extra == set()
        for name in expected - {"features", "columns"}:
            default = parameters[name].default
            # What must be given has no default; a command line says None for none.
            ours = None if default is inspect.Parameter.empty else spelled(default)
            assert ours == spelled(theirs[name]), name
            # What is described by the one is described by the other.
            assert f"\n{name}" in (inspect.getdoc(function) or "")


def test_every_command_that_answers_has_a_counterpart() -> None:
    others = {
        "ingest",
        "import",
        "hydrate",
        "rollup",
        "run",
        "runs",
        "schedule",
        "demo",
        "synth",
        "forget",
        "compact",
        "watch",
    }
    answering = {name for name in COMMANDS if name.split()[0] not in {"config", *others}}
    assert answering == COUNTERPARTS.keys()


@pytest.mark.slow
def test_print_gives_the_text_of_the_command_80_columns_wide(
    store: blueattr.Store, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = {
        "attribute": store.attribute("mythos"),
        "compare-scales": store.compare_scales("mythos", sizes=[5]),
        "convergence": store.convergence("mythos", "all"),
    }
    options: dict[str, list[str]] = {
        "compare-scales": ["--sizes", "5"],
        "convergence": ["--indicator", "all"],
    }
    monkeypatch.setattr(Terminal, "of", lambda _: Terminal(width=80))
    for name, result in results.items():
        text = ok(name, *TOPIC, "--db", db, *options.get(name, ())).text
        assert str(result) + "\n" == text
        assert max(map(len, text.splitlines())) <= 84  # no figure of a table is cut
    assert str(store.status()) + "\n" == ok("status", "--db", db).text
