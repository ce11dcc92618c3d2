"""Settings: what is refused and how it is told, what wins, and what is shown."""

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.cli.commands.config import TEMPLATE
from blueattr.errors import ExitCode, UsageError
from blueattr.runs.plan_file import SECTIONS
from blueattr.runs.settings import Document, FilePath, Key, Origin, Section, settle
from support.cli_world import COMMANDS, harmless, ok, run
from support.effort import law

if TYPE_CHECKING:
    from blueattr.toml_file import Place

REPORT = '[report]\ntopic = "mythos"\n'
LEAST = "sources = []\n" + REPORT
READ = REPORT + "[[sources]]\nread = "


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, and nothing in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("BLUEATTR_DB", "BLUEATTR_TOPICS", "BLUEATTR_CONFIG", "BLUEATTR_JETSTREAM_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(text: str, name: str = "blueattr.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refused(text: str, *says: str) -> str:
    """What is said of a file that is refused."""
    write(text)
    done = run("config", "show")
    assert done.code == ExitCode.USAGE, done.stderr
    assert done.stdout == b""
    assert harmless(done.stderr)
    for part in says:
        assert part in done.stderr
    assert done.stderr.startswith("blueattr: blueattr.toml:")
    return done.stderr.removeprefix("blueattr: ")


def shown(*arguments: object) -> dict[str, tuple[Any, str, str | None]]:
    found = ok("config", "show", *arguments, "--format", "json").json
    return {s["setting"]: (s["value"], s["origin"], s["where"]) for s in found["settings"]}


# --- where things stand --------------------------------------------------------------------------

_VALUES = st.sampled_from([
    "1", '"x # no comment"', "true", "2026-04-09", "[1, 2]", "{ x = 1, y = { z = 2 } }",
    '[\n  "a", # one\n\n  "]",\n]', '"""\n[no.table]\nkey = 1\n"""', "'''\n# text\n'''",
])  # fmt: skip
_KEYS = st.sampled_from(["a", "b-c", '"d e"', "'=#'", "f.g"])
_STATEMENTS = st.tuples(
    st.sampled_from(["", "\n", "# note\n", "  # [x]\n"]),
    _KEYS,
    _VALUES,
    st.sampled_from(["", " # end"]),
)


@law(60)
@given(st.lists(st.tuples(st.booleans(), st.lists(_STATEMENTS, max_size=4)), max_size=5))
def test_the_lines_of_values_are_where_they_were_written(
    tables: list[tuple[bool, list[tuple[str, str, str, str]]]],
) -> None:
    text, repeated = "", 0
    wanted: dict[Place, int] = {}
    for number, (again, statements) in enumerate(tables):
        place: Place
        wanted_line = text.count("\n") + 1
        if again:
            text += "[[many]]\n"
            place = ("many", repeated)
            repeated += 1
        else:
            text += f"[table{number}]\n"
            place = (f"table{number}",)
        wanted[place] = wanted_line
        seen = set()
        for before, key, value, after in statements:
            if key in seen:
                continue
            seen.add(key)
            text += before
            parts = tuple(tomllib.loads(f"{key} = 1"))
            inner = ("f", "g") if key == "f.g" else parts
            wanted[place + inner] = text.count("\n") + 1
            text += f"{key} = {value}{after}\n"
    for ending in ("\n", "\r\n"):
        path = Path("lines.toml")
        path.write_bytes(text.replace("\n", ending).encode())
        document = Document(path)
        assert {place: document.line(place) for place in wanted} == wanted


def test_what_is_not_toml_is_told_with_its_line() -> None:
    assert refused('db = "x"\nmemory-limit = 4GB\n').startswith(
        "blueattr.toml:2: not TOML at 'memory-limit = 4GB'"
    )
    refused('db = "x"\ndb = "y"\n', "blueattr.toml:2: ")
    refused('text = """\nnever ends\n', "the end of the file")
    Path("blueattr.toml").write_bytes(b'db = "x"\n# \xff\n')
    assert "blueattr.toml:2: this is not text in UTF-8" in run("config", "show").stderr


def test_what_no_file_of_settings_is() -> None:
    done = run("config", "show")
    assert done.code == ExitCode.USAGE
    assert "blueattr config init" in done.stderr
    assert "No such file" in run("config", "show", "--config", "none.toml").stderr
    Path("blueattr.toml").mkdir()
    assert "Is a directory" in run("run").stderr
    Path("big.toml").write_bytes(b"#" * (1 << 18) + b"\n")
    assert "too large" in run("run", "--config", "big.toml").stderr


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "name", "says"),
    [
        ('memory = "4GB"\n' + LEAST, 1, "memory", "did you mean memory-limit?"),
        (LEAST + "\nsizs = [10]\n", 5, "report.sizs", "did you mean sizes?"),
        (LEAST + "[outputs]\n", 4, "outputs", "did you mean output?"),
        (LEAST + "keep = 3\n", 4, "report.keep", "it belongs in [output]"),
        (LEAST + 'db = "x"\n', 4, "report.db", "it belongs at the top"),
        (LEAST + "[output]\nxyz = 3\n", 5, "output.xyz", "known here: format, keep, reports"),
        (LEAST + '"a\\u001b[31mb" = 1\n', 4, "report.'a\\x1b[31mb'", "unknown"),
        ('[[sources]]\nread = "x.jsonl"\n\n[[sources]]\nreed = "y"\n' + REPORT, 5,
         "sources[2].reed", "did you mean read?"),
        (LEAST + 'seeds = "ten"\n', 4, "report.seeds", "a whole number, not the text 'ten'"),
        (LEAST + "seeds = 1.5\n", 4, "report.seeds", "a whole number, not 1.5"),
        (LEAST + "seeds = true\n", 4, "report.seeds", "a whole number, not true"),
        (LEAST + "keep-bots = 1\n", 4, "report.keep-bots", "true or false, not 1"),
        (LEAST + 'sizes = ["10"]\n', 4, "report.sizes", "a list with the text '10'"),
        (LEAST + "window = 14\n", 4, "report.window", "a text, not 14"),
        (LEAST + "[output]\nformat = []\n", 5, "output.format", "a list of nothing"),
        (LEAST + "log = 1\n[output]\n", 4, "report.log", "unknown"),
        ("output = 1\n" + LEAST, 1, "output", "a table, [output]"),
        ("sources = {}\n" + REPORT, 1, "sources", "tables, [[sources]]"),
        (LEAST + "sizes = [0, 10]\n", 4, "report.sizes", "different numbers of agents"),
        (LEAST + "sizes = [1.5]\n", 4, "report.sizes", "should be numbers"),
        (LEAST + "seeds = 0\n", 4, "report.seeds", "takes 1 to 10,000"),
        (LEAST + "seed = -1\n", 4, "report.seed", "from 0 on"),
        (LEAST + "top = 1001\n", 4, "report.top", "not from 0 to 1,000"),
        (LEAST + 'protocol = ["visible"]\n', 4, "report.protocol", "visib"),
        (LEAST + "tiers = [10, 1]\n", 4, "report.tiers", ""),
        (LEAST + "tiers = [nan]\n", 4, "report.tiers", ""),
        (LEAST + "weights = [1, 2]\n", 4, "report.weights", "three numbers"),
        (LEAST + 'window = "14 days"\n', 4, "report.window", "write 14d, 36h or 2w"),
        (LEAST + 'from = "yesterday"\n', 4, "report.from", "is not a date or time"),
        (LEAST + "from = 1960-01-01\n", 4, "report.from", "1970 to 2999"),
        (LEAST + "from = 12:00:00\n", 4, "report.from", "a date or time"),
        (LEAST + 'max-rate = "fast"\n', 4, "report.max-rate", "500/3"),
        (LEAST + 'scale = "log"\n', 4, "report.scale", "none of log1p, raw"),
        (LEAST + 'method = "closed form"\n', 4, "report.method", "none of auto"),
        (LEAST + 'steps = 30\n', 4, "report.steps", ""),
        (LEAST + 'indicator = ["heet"]\n', 4, "report.indicator", "heat"),
        (LEAST + 'indicator = "none.py"\n', 4, "report.indicator", "none.py"),
        (LEAST + 'missing-followers = "drop"\n', 4, "report.missing-followers", "nothing"),
        (LEAST + 'topics = "none.toml"\n', 4, "report.topics", "No such file"),
        ('memory-limit = "1MB"\n' + LEAST, 1, "memory-limit", "900MB or more"),
        (LEAST + "[output]\nkeep = 0\n", 5, "output.keep", "not from 1"),
        (LEAST + '[output]\nformat = "pdf"\nwidth = "85px"\n', 6, "output.width", "not '85px'"),
        (LEAST + '[output]\nwidth = "85mm"\n', 5, "output.width", "no format is that of a picture"),
        (LEAST + '[output]\nformat = ["html", "gif"]\n', 5, "output.format", "'gif' is none of"),
        (LEAST + '[log]\nform = "xml"\n', 5, "log.form", "none of text, json"),
        ('sources = []\n[report]\ntopic = "mythoss"\n', 3, "report.topic", "did you mean mythos?"),
        ('sources = []\n[report]\ntopic = ["all", "all"]\n', 3, "report.topic", "twice"),
        ('sources = []\n[report]\ntopic = ["all-topics", "all"]\n', 3, "report.topic", "combined"),
        ('sources = []\n[report]\nseed = 1\n', 2, "report.topic", "missing"),
        ("sources = []\n", 1, "report", "missing; the file needs [report]"),
        ('[report]\ntopic = "mythos"\n', 1, "sources", "missing; the file needs [[sources]]"),
        (REPORT + "[[sources]]\n", 3, "sources[1].read", "either read or plc"),
        (READ + '"x"\nplc = "y"\n', 4, "sources[1].read", "either"),
        (READ + '"-"\n', 4, "sources[1].read", "no standard input"),
        (READ + '"x"\nfor = "1h"\n', 5, "sources[1].for", "no sense for files"),
        (READ + '"jetstream"\nto = 2026-04-09\n', 5, "sources[1].to", "a stream"),
        (READ + '"jetstream"\nfor = "1 h"\n', 5, "sources[1].for", "30s, 50m"),
        (READ + '"ws://example.org"\n', 4, "sources[1].read", "insecure"),
        (READ + '["jetstream", "x"]\n', 4, "sources[1].read", "one service"),
        (READ + '"archive"\nfrom = 2026-04-09\n', 4, "sources[1].read", "needs from and to"),
    ],
)  # fmt: skip
def test_what_is_refused_is_told_with_file_line_and_name(
    text: str, line: int, name: str, says: str
) -> None:
    said = refused(text, says)
    assert said.startswith(f"blueattr.toml:{line}: {name}: ") or (
        # A section that has no place is missing from the whole.
        said.startswith(f"blueattr.toml:{line}: ") and f"{name}: missing" in said
    ), said


NUL_PLACES = {
    "db": 'db = "a\\u0000b"',
    "output.reports": '[output]\nreports = "a\\u0000b"',
    "log.file": '[log]\nfile = "a\\u0000b"',
    "report.indicator": '[report]\nindicator = "a\\u0000b.py"',
    "report.bots": '[report]\nbots = "a\\u0000b"',
    "report.topic": '[report]\ntopic = ["a\\u0000b"]',
    "sources[1].read": '[[sources]]\nread = ["x", "a\\u0000b"]',
}


@pytest.mark.parametrize("name", NUL_PLACES)
def test_a_nul_character_is_refused_wherever_it_is(name: str, here: Path) -> None:
    (here / "blueattr.toml").write_text(NUL_PLACES[name] + "\n")
    for command in (["config", "show"], ["run"], ["schedule", "--cron", "@daily"]):
        done = run(*command)
        assert done.code == ExitCode.USAGE
        assert f"{name}: has a NUL character, which no path or name has" in done.stderr


def test_a_number_of_too_many_digits_is_told_with_its_line(here: Path) -> None:
    digits = "9" * 5000
    text = f'# {digits}\ndb = "{digits}"\n[report]\nseed = {digits}\ntop = 1\n'
    (here / "blueattr.toml").write_text(text)
    done = run("config", "show")
    assert done.code == ExitCode.USAGE
    assert done.stderr == "blueattr: blueattr.toml:4: a number has too many digits\n"


@pytest.mark.parametrize("text", ["x = " + "[" * 5_000, "a." * 5_000 + "b = 1",
                                  "x = " + "{a=" * 5_000, "[" + "a." * 5_000 + "b]"])  # fmt: skip
@pytest.mark.parametrize("command", [
    ["topics", "list", "--topics", "deep.toml"], ["config", "show", "--config", "deep.toml"],
    ["run", "--config", "deep.toml"],
    ["schedule", "--cron", "@daily", "--config", "deep.toml"],
])  # fmt: skip
def test_what_is_nested_too_deeply_is_refused_by_every_reader(
    text: str, command: list[str], here: Path
) -> None:
    (here / "deep.toml").write_text(text)
    done = run(*command)
    assert done.code in {ExitCode.USAGE, ExitCode.INPUT}
    assert (
        done.stderr == "blueattr: deep.toml: its tables or lists are nested deeper than 64 levels\n"
    )


def test_all_that_is_wrong_is_told_at_once_in_order() -> None:
    said = refused('db = 1\n[report]\nsizes = "x"\ntop = -1\nnone = 1\n')
    assert [line.split(":")[1] for line in said.splitlines()] == ["1", "1", "2", "3", "4", "5"]


def test_choices_that_do_not_go_together_are_told_of_the_last_of_them() -> None:
    message = refused(LEAST + 'from = 2026-04-01\nto = 2026-04-02\nwindow = "1d"\n')
    assert message.startswith(
        "blueattr.toml:6: report.window: give at most two of from, to and window"
    )


@pytest.mark.parametrize(
    "name", ["", "x/", ":memory:", "md:x", "s3://b/x", "~nobody-of-this-name/x"]
)
def test_a_store_that_is_no_file_is_refused_with_its_line(here: Path, name: str) -> None:
    (here / "blueattr.toml").write_text(
        f'db = "{name}"\n[[sources]]\nread = ["events.jsonl"]\n[report]\ntopic = ["mythos"]\n'
    )
    done = run("run")
    assert done.code == ExitCode.USAGE
    assert "blueattr.toml:1: db: " in done.stderr
    assert sorted(path.name for path in here.iterdir()) == ["blueattr.toml"]


def test_a_run_refuses_the_same_and_leaves_nothing(here: Path) -> None:
    write(LEAST + "sizs = 1\n")
    done = run("run")
    assert done.code == ExitCode.USAGE
    assert "blueattr.toml:4: report.sizs" in done.stderr
    assert [path.name for path in here.iterdir()] == ["blueattr.toml"]


@law(100)
@given(st.text(alphabet="[]{}=\"'#.,\n\r \tab1-_\x1b\u202e", max_size=60))
def test_whatever_is_in_the_file_it_is_read_or_refused(text: str) -> None:
    path = Path("any.toml")
    path.write_text(text, encoding="utf-8", newline="")
    # No such text says all that is needed.
    with pytest.raises(UsageError, match=r"any\.toml"):
        settle(SECTIONS, Document(path), {})


# --- what is in force ----------------------------------------------------------------------------


def test_flags_win_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert shown("--config", write(LEAST))["db"] == ("data/blueattr.duckdb", "default", None)
    write('db = "file.duckdb"\n' + LEAST)
    assert shown()["db"] == ("file.duckdb", "file", "blueattr.toml:1")
    monkeypatch.setenv("BLUEATTR_DB", "variable.duckdb")
    assert shown()["db"] == ("variable.duckdb", "environment", "BLUEATTR_DB")
    assert shown("--db", "flag.duckdb")["db"] == ("flag.duckdb", "flag", "--db")
    found = shown("--reports", "r", "--log", "json", "--log-file", "l")
    assert found["output.reports"] == ("r", "flag", "--reports")
    assert found["log.form"] == ("json", "flag", "--log")
    assert found["log.file"] == ("l", "flag", "--log-file")


def test_the_file_is_the_named_one_or_the_one_here_or_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BLUEATTR_CONFIG", str(write('db = "1"\n' + LEAST, "far/away.toml")))
    assert shown()["db"][0] == "1"
    write('db = "2"\n' + LEAST)
    assert shown()["db"][0] == "2"
    named = write('db = "3"\n' + LEAST, "named.toml")
    assert shown("--config", named)["db"] == ("3", "file", "named.toml:1")


def test_paths_are_relative_to_where_they_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = (
        Key("here", FilePath),
        Key("said", FilePath),
        Key("usual", FilePath, "u"),
        Key("no", FilePath),
    )
    document = Document(write('here = "x"\nsaid = "~/y"\n', "deep/s.toml"))
    monkeypatch.setenv("HOME", "/home/me")
    found = settle([Section("", keys)], document, {})
    deep = Path("deep").resolve()
    assert found.path("here") == deep / "x"
    assert found.path("said") == Path("/home/me/y")
    assert found.path("usual") == deep / "u"
    assert found.path("no") is None
    given: dict[Place, tuple[Any, Origin]] = {("here",): ("z", Origin("flag", "--here"))}
    assert settle([Section("", keys)], document, given).path("here") == Path("z")


def test_the_key_of_the_archive_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    write('[[sources]]\nread = "jetstream"\n' + REPORT)
    assert "not set" in ok("config", "show").text.splitlines()[-1]
    monkeypatch.setenv("BLUEATTR_JETSTREAM_KEY", "s3cr3t-k3y")
    for form in ("text", "json", "csv"):
        done = ok("config", "show", "--format", form)
        assert "s3cr3t" not in done.text + done.stderr
        assert "BLUEATTR_JETSTREAM_KEY" in done.text
    assert ok("config", "show", "--format", "json").json["secrets"] == {
        "BLUEATTR_JETSTREAM_KEY": "set"
    }


def test_of_a_source_is_shown_what_says_something_of_it() -> None:
    write(
        REPORT + '[[sources]]\nread = "x"\n[[sources]]\nread = "firehose"\n[[sources]]\nplc = "y"\n'
    )
    found = {name: value for name, (value, _, _) in shown().items() if name.startswith("sources")}
    assert [name for name in found if "[2]" not in name] == ["sources[1].read", "sources[3].plc"]
    assert found["sources[2].for"] == "15m"
    assert "sources[2].to" not in found


def test_every_form_shows_every_setting() -> None:
    write(LEAST)
    names = [name for name in shown() if not name.startswith("sources")]
    assert len(names) > 25
    for form in ("text", "csv"):
        text = ok("config", "show", "--format", form).text
        assert all(name in text for name in names)


# --- the same as the options ---------------------------------------------------------------------


def options(command: str) -> dict[str, Any]:
    return {option.opts[0]: option for option in COMMANDS[command].params}


@pytest.mark.parametrize(
    ("section", "command", "own"),
    [("sources", "ingest", {"read"}), ("report", "report", {"change"}), ("", "report", set())],
)
def test_settings_are_called_as_options_are(section: str, command: str, own: set[str]) -> None:
    keys = next(s.keys for s in SECTIONS if s.name == section)
    assert {f"--{key.name}" for key in keys if key.name not in own} <= options(command).keys()


def test_settings_have_the_defaults_of_the_options() -> None:
    keys = next(s.keys for s in SECTIONS if s.name == "report")
    found = options("report")
    for key in keys:
        if key.name == "change":
            continue  # a run knows since when: the option is --against DATE..DATE
        default = ",".join(map(str, key.default)) if isinstance(key.default, tuple) else key.default
        assert default == found[f"--{key.name}"].default, key.name
    # What a run has one of, what stands for --topic, a file with its columns, partitions and the
    # record of a simulation are no settings.
    named = {f"--{key.name}" for section in SECTIONS for key in section.keys}
    assert found.keys() - named == {
        "--against", "--all-topics", "--match", "--features", "--columns", "--out", "record",
        "--events", "--cluster", "--tls-ca", "--tls-cert", "--tls-key"
    }  # fmt: skip


# --- a file to begin with ------------------------------------------------------------------------


def test_init_writes_a_file_that_is_accepted_and_touches_none(here: Path) -> None:
    ok("config", "init")
    assert shown()["report.topic"][:2] == (["mythos"], "file")
    assert {line for line in TEMPLATE.splitlines() if len(line) > 100} == set()
    before = Path("blueattr.toml").read_bytes()
    done = run("config", "init")
    assert done.code == ExitCode.OUTPUT
    assert "exists already" in done.stderr
    assert Path("blueattr.toml").read_bytes() == before


def test_what_the_first_file_calls_defaults_is_the_default() -> None:
    path = Path("blueattr.toml")
    ok("config", "init")
    silent = {name: value for name, (value, _, _) in shown().items()}
    # Other kinds of sources, and what is said to be another choice.
    text = re.sub(r"(?m)^# \[\[sources\]\]\n(# .*\n)*", "", TEMPLATE)
    text = re.sub(r"(?m)^# \[\[notify.when\]\]\n(# .*\n)*", "", text)
    text = re.sub(r"(?m)^# (webhook|services) = .*\n", "", text)
    text = re.sub(r"(?m)^# on = .*\n", "", text)  # which nobody is told without them
    text = re.sub(r"(?m)^# (?=[a-z-]+ = |\[)", "", text)
    others = {
        "sources[1].no-fill",
        "report.topics",
        "report.panel",
        "report.sizes",
        "report.by",
        "report.complete",
        "report.influence",
        "output.keep",
        "log.file",
        "ping.url",
        "metrics.file",
    }
    path.write_text(text)
    Path("topics.toml").write_text('[topics.mine]\nkeywords = ["x"]\n')
    spoken = shown()
    assert sum(origin == "file" for _, origin, _ in spoken.values()) > 15
    assert {n for n, (v, _, _) in spoken.items() if v != silent[n]} <= others


def test_settings_as_json_have_a_version() -> None:
    write(LEAST)
    content = json.loads(ok("config", "show", "--format", "json").stdout)
    assert content["schema_version"] == 1
    assert content["kind"] == "settings"
    assert content["file"] == "blueattr.toml"
