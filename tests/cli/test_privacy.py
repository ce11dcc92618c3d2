"""Output that names nobody, or names accounts by pseudonym, has no trace of who they are."""

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import blueattr
from blueattr.analysis.asked.naming import KEY_FILE, VARIABLE, Naming, pseudonyms
from blueattr.display import Presented
from blueattr.errors import ExitCode
from blueattr.report.formats.streamed import agents_receiver
from support.cli_world import PANEL, events, ok, refused
from support.events_builder import did, lines
from support.run_folder import EVENTS, SETTINGS, done, drop, write
from support.traces import names_of, traces, words_of

# Every command in every form takes a minute.
pytestmark = pytest.mark.slow

EVERYONE = names_of(events())
WORDS = words_of(events())
FEW = ("--indicator", "heat", "--sizes", "5,20", "--seeds", "1")
KEY = "a key for tests that nobody can guess"
PSEUDONYM = r"agent-[a-z2-7]{12}"
BOTH = ("--top", "0", "--pseudonyms")
HIDING = (("--pseudonyms",), ("--top", "0"), BOTH)
TEXTS = ("text", "json", "csv", "md", "tex")
# What is written to a file is made as what is printed, but for this.
FILES = ("json", "parquet")
AGENTS = ("parquet", "csv", "json", "jsonl")
# Forms for those who ask for both, which differs little from either.
FEW_TEXTS = ("text", "json")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)


def found(*outputs: Path | bytes | str) -> set[str]:
    return set().union(*(traces(output, EVERYONE | WORDS) for output in outputs))


def files(folder: Path) -> list[Path]:
    kept = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert kept
    return kept


def test_a_trace_is_found_wherever_it_hides(db: Path, here: Path) -> None:
    """The search that the tests below rely on."""
    store = ("--topic", "mythos", "--db", db)
    for ending in AGENTS:
        ok("attribute", *store, "--agents", f"agents.{ending}")
        assert did("agent001") in found(here / f"agents.{ending}")
    ok("report", *store, *FEW, "--out", "page.html")
    assert {did("agent001"), "user1.bsky.social", "bsky.app/profile"} <= found(here / "page.html")
    ok("compare-scales", *store, "--sizes", "5", "--out", "scales.parquet")
    assert "worst" in (here / "scales.parquet").read_bytes().decode("latin-1")
    assert any(name.startswith("did:") for name in found(here / "scales.parquet"))
    ok("panel", "--db", db, "--agents", "panel.csv")
    ok("features", "--db", db, "--out", "features.parquet")
    assert did("agent001") in found(here / "panel.csv") & found(here / "features.parquet")


def ways() -> Iterator[Any]:
    """Yield the ways to hide names."""
    for hiding in HIDING:
        yield pytest.param(hiding, id=" ".join(hiding))


@pytest.mark.parametrize("hiding", [*ways()])
def test_attribute_names_nobody(
    hiding: tuple[str, ...], db: Path, panel_file: Path, here: Path
) -> None:
    for asked in (
        ("--topic", "mythos", "--db", db, *(("--intervals",) * ("--top" not in hiding))),
        ("--topic", "mythos", "--db", db, "--by", "day", "--indicator", "heat"),
        ("--topic", "mythos", "--db", db, "--by", "domain,tier", "--indicator", "heat"),
        ("--features", panel_file, "--indicator", "lin,var"),
    ):
        for form in FEW_TEXTS if hiding == BOTH else TEXTS:
            verbose = ("--verbose",) * (form != "csv")
            answer = ok("attribute", *asked, *hiding, "--format", form, *verbose)
            assert found(answer.stdout, answer.stderr) == set()
        for ending in FILES:
            ok("attribute", *asked, *hiding, "--out", f"answer.{ending}")
    for ending in AGENTS:
        path = here / f"agents.{ending}"
        asked_agents = ("--topic", "mythos", "--db", db, "--agents", path)
        ok("attribute", *asked_agents, *hiding)
        frame = _read(path)
        assert len(frame) == frame["did"].n_unique() == PANEL
        pattern = PSEUDONYM if "--pseudonyms" in hiding else r"\d+"
        assert frame["did"].str.contains(f"^(?:{pattern})$").all()
    assert found(*files(here)) == set()


def _read(path: Path) -> pl.DataFrame:
    readers: dict[str, Any] = {
        ".parquet": pl.read_parquet, ".csv": pl.read_csv, ".json": pl.read_json,
        ".jsonl": pl.read_ndjson,
    }  # fmt: skip
    frame: pl.DataFrame = readers[path.suffix](path)
    return frame.with_columns(pl.col("did").cast(pl.String))


@pytest.mark.parametrize("hiding", [*ways()])
def test_a_change_names_nobody(hiding: tuple[str, ...], db: Path, here: Path) -> None:
    asked = ("change", "--topic", "mythos", "--since", "last-week", "--db", db, "--by", "domain")
    for form in FEW_TEXTS if hiding == BOTH else TEXTS:
        verbose = ("--verbose",) * (form != "csv")
        answer = ok(*asked, *hiding, "--format", form, *verbose)
        assert found(answer.stdout, answer.stderr) == set()
    for ending in FILES:
        ok(*asked, *hiding, "--out", f"change.{ending}")
    assert found(*files(here)) == set()
    if hiding == HIDING[0]:
        assert found(ok(*asked).stdout) != set()


@pytest.mark.parametrize("hiding", [*ways()])
def test_a_watch_names_nobody(hiding: tuple[str, ...], db: Path) -> None:
    asked = ("watch", "--topic", "mythos", "--db", db, "--replay", "1000000x", "--by", "domain",
             "--indicator", "lin", "--window", "30d")  # fmt: skip
    shown = ok(*asked, *hiding, "--format", "jsonl")
    assert found(shown.stdout, shown.stderr) == set()
    last = json.loads(shown.text.splitlines()[-1])
    names = [one["did"] for one in last["leaders"]]
    assert last["total"] > 0
    assert last["posts"] == []
    assert bool(names) == ("--top" not in hiding)
    assert all(re.fullmatch(PSEUDONYM, name) for name in names)
    plain = ok(*asked, *hiding, "--plain")
    assert found(plain.stdout, plain.stderr) == set()
    if hiding == HIDING[0]:
        assert found(ok(*asked, "--format", "jsonl").stdout) != set()


def kinds() -> Iterator[Any]:
    """Yield what a report is and what it hides."""
    for form in ("html", "json", "svg", "png", "pdf", "csv", "parquet", "md", "tex", "datasette"):
        for hiding in HIDING:
            if hiding != BOTH or form in {"html", "json"}:
                yield pytest.param(form, hiding, id=f"{form} {' '.join(hiding)}")


@pytest.mark.parametrize(("form", "hiding"), [*kinds()])
def test_reports_name_nobody(
    form: str, hiding: tuple[str, ...], db: Path, panel_file: Path, here: Path
) -> None:
    ok("report", "--topic", "mythos", "--db", db, *FEW, *hiding, "--format", form, "--out", "of")
    if form in {"html", "json"}:
        several = ("--topic", "mythos,trump-tariffs", "--db", db, *FEW)
        ok("report", *several, *hiding, "--format", form, "--out", "all")
        own = ("--features", panel_file, *FEW)
        ok("report", *own, *hiding, "--format", form, "--out", "own")
    assert found(*files(here)) == set()
    if form == "html":
        page = Path("of/mythos.html").read_text("utf-8")
        named = "--top" not in hiding
        assert (re.search(PSEUDONYM, page) is not None) == named
        assert "blueattr report" in page
        assert ("--pseudonyms" in page) == ("--pseudonyms" in hiding)
        assert ("Accounts have pseudonyms" in page) or ("Nobody is named" in page)


@pytest.mark.parametrize("hiding", [{"pseudonyms": True}, {"top": 0}], ids=str)
def test_what_the_library_gives_names_nobody(
    hiding: dict[str, Any], db: Path, panel_file: Path, here: Path
) -> None:
    store = blueattr.open(db)
    answers: list[Any] = [
        store.attribute("mythos", "all", **hiding),
        store.attribute("mythos", by="day", **hiding),
        store.change("mythos", since="last-week", **hiding),
        blueattr.attribute(panel_file, **hiding),
        blueattr.attribute(pl.read_parquet(panel_file), **hiding),
    ]
    if "pseudonyms" in hiding:
        answers += [
            store.compare_scales("mythos", sizes=[5, 20], seeds=1, **hiding),
            store.compare_scales(["mythos", "trump-tariffs"], sizes=[5], seeds=1, **hiding),
            blueattr.compare_scales(panel_file, sizes=[5, 20], seeds=1, **hiding),
            store.panel("mythos", **hiding),
            store.features("mythos", **hiding),
        ]
    frames = 0
    for answer in answers:
        if isinstance(answer, pl.DataFrame):
            text = answer.write_csv()
        else:
            assert isinstance(answer, Presented)
            text = f"{answer!r} {answer} {answer._repr_html_()} {answer.to_polars().write_csv()}"
            for one in [answer, *(answer if isinstance(answer, blueattr.Results) else ())]:
                agents = getattr(getattr(one, "whole", one), "agents", None)
                if isinstance(agents, pl.DataFrame):
                    text += agents.write_csv()
                    frames += 1
        assert found(text) == set()
    assert frames >= 3
    store.report("page.html", "mythos", indicator="heat", sizes=[5], seeds=1, **hiding)
    blueattr.write_report(panel_file, "own.html", indicator="heat", sizes=[5], seeds=1, **hiding)
    assert found(*files(here)) == set()


def test_commands_that_compare_or_list_name_accounts_by_pseudonym(db: Path, here: Path) -> None:
    about = ("--db", db, "--pseudonyms")
    for form in TEXTS:
        asked = ("compare-scales", "--topic", "mythos", "--sizes", "5,20", "--seeds", 2, *about)
        verbose = ("--verbose",) * (form != "csv")
        answer = ok(*asked, "--format", form, *verbose)
        assert found(answer.stdout) == set()
        if form in {"text", "json"}:
            assert re.search(PSEUDONYM, answer.text)
    ok("compare-scales", "--topic", "mythos,trump-tariffs", "--sizes", 5, *about,
       "--out", "grid.json")  # fmt: skip
    for ending in AGENTS:
        ok("panel", "--topic", "mythos", *about, "--agents", f"panel.{ending}")
        ok("features", "--topic", "mythos", *about, "--out", f"features.{ending}")
        for name in (f"panel.{ending}", f"features.{ending}"):
            names = _read(here / name)["did"]
            assert names.to_list() == sorted(names)  # not in the order of DIDs, which would tell
            assert names.n_unique() == PANEL
    kinds = ("--graph", "replies,reposts,follows")
    for ending in ("gexf", "graphml", "csv", "parquet"):
        answer = ok("export", "--topic", "mythos", *about, *kinds, "--out", f"net.{ending}", "-v")
        assert found(answer.stdout) == set()
    assert re.search(PSEUDONYM, Path("net.gexf").read_text())
    assert found(*files(here)) == set()


def test_a_status_names_nobody_of_rejected_lines(here: Path) -> None:
    bad = lines(*events()[:3]).replace(b'"time_us":', b'"time_us":-') + b"oops " + b"x" * 300
    Path("x.jsonl").write_bytes(lines(*events()[:50]) + bad + b"\n")
    ok("ingest", "x.jsonl", "--db", "x.duckdb")
    plain = ok("status", "--db", "x.duckdb", "--format", "json")
    assert found(plain.stdout) == set()
    shapes = [row["sample"] for row in plain.json["rejected_samples"]]
    assert any(one.startswith('{"did":"did:plc:…') for one in shapes)
    rejected = plain.json["rejected"]
    for form in TEXTS:
        answer = ok("status", "--db", "x.duckdb", "--no-samples", "--format", form)
        assert found(answer.stdout) == set()
        assert "no JSON" not in answer.text
    hidden = ok("status", "--db", "x.duckdb", "--no-samples", "--format", "json").json
    assert hidden["rejected"] == rejected
    status = blueattr.open("x.duckdb").status(no_samples=True)
    assert found(f"{status} {status._repr_html_()} {status.rejected.write_csv()}") == set()
    assert len(status.rejected) >= 2


def test_a_large_file_read_in_chunks_names_nobody(panel_file: Path, here: Path) -> None:
    from blueattr.analysis.asked.parse import question  # noqa: PLC0415
    from blueattr.analysis.attribute import attribute_file  # noqa: PLC0415 - most tests do without

    for naming in (Naming(KEY.encode()), Naming(nobody=True)):
        top = 0 if naming.nobody else 10
        receive = agents_receiver(here / "agents.parquet")
        (result,) = attribute_file(panel_file, question(), receive, top=top, naming=naming)
        assert len(result.agents) == len(result.leaders) == top
        assert _read(here / "agents.parquet")["did"].n_unique() == PANEL
        assert found(str(result), here / "agents.parquet") == set()


@pytest.mark.parametrize(
    "hiding", [pytest.param("top = 0", marks=pytest.mark.slow), "pseudonyms = true"]
)
def test_scheduled_runs_name_nobody(
    hiding: str, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE)
    forms = 'format = ["html", "json", "csv", "md", "tex", "parquet", "svg", "datasette"]'
    write(SETTINGS.replace("[output]", f"{hiding}\n[output]").replace('format = ["json"]', forms))
    drop("1.jsonl", EVENTS)
    ended = done()
    published = files(run_folder / "reports")
    assert len(published) > 10
    assert found(ended.stderr, *published) == set()
    assert (run_folder / KEY_FILE).exists() == ("pseudonyms" in hiding)
    assert KEY_FILE not in [path.name for path in published]
    # Other names are news.
    write(SETTINGS)
    done()
    assert found(*files(run_folder / "reports/latest")) != set()


def test_a_pseudonym_is_the_same_wherever_the_key_is_and_another_with_another_key(
    db: Path, panel_file: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of(command: str, *options: object) -> set[str]:
        out = here / f"{command}.csv"
        ok(command, *options, "--pseudonyms", "--out" if command == "features" else "--agents", out)
        return set(_read(out)["did"])

    once = of("panel", "--db", db)
    assert once == of("attribute", "--features", panel_file)
    assert once == of("features", "--topic", "mythos", "--db", db)
    monkeypatch.setenv(VARIABLE, KEY + "!")
    assert once & of("panel", "--db", db) == set()


def test_a_pseudonym_is_the_keyed_hash_that_the_page_on_ethics_says() -> None:
    import base64  # noqa: PLC0415
    import hashlib  # noqa: PLC0415
    import hmac  # noqa: PLC0415

    names = [did("agent001"), "a name with ü", "", "x" * 3000]
    for key in (b"k" * 16, b"another key of whatever length" * 9):
        plain = [
            "agent-" + base64.b32encode(hmac.new(key, n.encode(), hashlib.sha256).digest()).decode()
            for n in names
        ]
        made = pseudonyms(pl.Series(names), key).to_list()
        assert made == [name[: 6 + 12].lower() for name in plain]
    assert pseudonyms(pl.Series([], dtype=pl.String), b"k" * 16).to_list() == []


# --- the key --------------------------------------------------------------------------------------


def beside() -> Iterator[Any]:
    """Yield commands, and in which folder each leaves its key."""
    yield ("attribute", "--topic", "mythos"), "."
    yield ("features", "--out", "deep/x.csv"), "deep"
    yield ("report", "--topic", "mythos", *FEW, "--out", "deep/new/report"), "deep/new"
    others = (
        (("attribute", "--topic", "mythos", "--agents", "deep/agents.csv"), "deep"),
        (("compare-scales", "--topic", "mythos", "--sizes", "5", "--out", "deep/x.json"), "deep"),
        (("report", "--topic", "mythos", *FEW, "--out", "deep/page.html"), "deep"),
    )
    for other in others:
        yield pytest.param(*other, marks=pytest.mark.slow)


@pytest.mark.parametrize(("command", "folder"), [*beside()])
def test_a_key_is_made_beside_the_output_for_its_owner_alone_and_kept(
    command: tuple[str, ...], folder: str, db: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE)
    Path("deep").mkdir()
    umask = os.umask(0)
    try:
        first = ok(*command, "--pseudonyms", "--db", db)
    finally:
        os.umask(umask)
    (path,) = here.rglob(KEY_FILE)
    assert path.parent == here / folder
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in first.stderr
    key = path.read_text().strip()
    assert len(key) == 64
    assert not [one for one in files(here) if one != path and key.encode() in one.read_bytes()]
    assert key not in first.text + first.stderr
    again = ok(*command, "--pseudonyms", "--db", db)
    assert path.read_text().strip() == key
    assert KEY_FILE not in again.stderr
    assert list(here.rglob(".blueattr-*")) == []


def test_a_key_that_is_not_safe_or_cannot_be_kept_is_refused(
    db: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("attribute", "--topic", "mythos", "--pseudonyms", "--db", db)
    monkeypatch.setenv(VARIABLE, "too short")
    refused(ExitCode.USAGE, *asked, says="16 or more")
    monkeypatch.delenv(VARIABLE)
    path = here / KEY_FILE
    path.write_text("k" * 64)
    path.chmod(0o644)
    refused(ExitCode.USAGE, *asked, says=f"chmod 600 {path}")
    path.chmod(0o600)
    ok(*asked)
    path.write_text("\n")
    refused(ExitCode.USAGE, *asked, says="holds 0 characters")
    path.unlink()
    path.mkdir(mode=0o700)
    refused(ExitCode.OUTPUT, *asked, says=f"set {VARIABLE}")
