"""Schedules: cron's times and systemd's, lines that survive any path, a crontab left as it was."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.errors import ExitCode, UsageError
from blueattr.runs.schedule.command import Command
from blueattr.runs.schedule.cron import Cron, crontab_line, edit_crontab
from blueattr.runs.schedule.systemd import standing_unit, systemd_units
from support.cli_world import Run, ok, run
from support.effort import law

SETTINGS = 'sources = []\n[report]\ntopic = "mythos"\n'
HOSTILE = "a b'c\"d$(e)%f\\g\\\\h\\%#i;j&k`l*é"
STEP = timedelta(minutes=1)
# Local time, as cron's is.
FIRST, LAST = datetime(2024, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings to stand in, and a crontab of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("BLUEATTR_DB", "BLUEATTR_TOPICS", "BLUEATTR_CONFIG", "BLUEATTR_JETSTREAM_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "blueattr.toml").write_text(SETTINGS)
    programs = tmp_path / "programs"
    programs.mkdir()
    fake = programs / "crontab"
    # As Debian's: -l shows, - replaces, and a file without its last line end is refused.
    fake.write_text(f"""#!{sys.executable}
import os, sys
path = {str(tmp_path / "table")!r}
if sys.argv[1:] == ["-l"]:
    if not os.path.exists(path):
        sys.exit("no crontab for me")
    sys.stdout.buffer.write(open(path, "rb").read())
elif sys.argv[1:] == ["-"]:
    new = sys.stdin.buffer.read()
    if new and not new.endswith(b"\\n"):
        sys.exit("new crontab file is missing newline before EOF, can't install.")
    open(path, "wb").write(new)
else:
    sys.exit("usage error")
""")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return tmp_path


# --- when ----------------------------------------------------------------------------------------


def field(low: int, high: int, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """One field of an expression, as crontab(5) describes it."""
    number = st.integers(low, high)
    pair = st.tuples(number, number).map(sorted)
    step = st.integers(1, high)
    spelled = number.map(str) if not names else st.one_of(number.map(str), st.sampled_from(names))
    item = st.one_of(
        spelled,
        pair.map(lambda p: f"{p[0]}-{p[1]}"),
        st.tuples(pair, step).map(lambda x: f"{x[0][0]}-{x[0][1]}/{x[1]}"),
    )
    star = st.one_of(st.just("*"), step.map("*/{}".format))
    return st.one_of(star, st.just("*"), st.lists(item, min_size=1, max_size=3).map(",".join))


MONTHS = ("jan", "FEB", "mar", "Apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "Mon", "tue", "wed", "THU", "fri", "sat")
EXPRESSIONS = st.tuples(
    field(0, 59), field(0, 23), field(1, 31), field(1, 12, MONTHS), field(0, 7, DAYS)
).map(" ".join)


def due(expression: str, time: datetime) -> bool:
    """Whether cron starts a job in that minute; read straight from crontab(5)."""

    def holds(text: str, value: int, low: int, high: int, names: tuple[str, ...] = ()) -> bool:
        for item in text.lower().split(","):
            span, _, step = item.partition("/")
            for number, name in enumerate(names, low):
                span = span.replace(name.lower(), str(number))
            begin, _, end = (f"{low}-{high}" if span == "*" else span).partition("-")
            if value in range(int(begin), int(end or begin) + 1, int(step or 1)):
                return True
        return False

    minute, hour, day, month, weekday = expression.split()
    by_day = holds(day, time.day, 1, 31)
    sunday = time.isoweekday() % 7
    by_weekday = holds(weekday, sunday, 0, 6 if weekday.startswith("*") else 7, DAYS) or (
        sunday == 0 and not weekday.startswith("*") and holds(weekday, 7, 0, 7, DAYS)
    )
    starred = day.startswith("*") or weekday.startswith("*")
    return (
        holds(minute, time.minute, 0, 59)
        and holds(hour, time.hour, 0, 23)
        and holds(month, time.month, 1, 12, MONTHS)
        and (by_day and by_weekday if starred else by_day or by_weekday)
    )


def starts(cron: Cron, time: datetime) -> bool:
    by_day, by_weekday = time.day in cron.days, time.isoweekday() % 7 in cron.weekdays
    return (
        time.minute in cron.minutes
        and time.hour in cron.hours
        and time.month in cron.months
        and (by_day or by_weekday if cron.either else by_day and by_weekday)
    )


@law(80)
@given(
    EXPRESSIONS,
    st.lists(st.datetimes(FIRST, LAST), min_size=10, max_size=30),
)
def test_an_expression_means_what_the_manual_says(expression: str, times: list[datetime]) -> None:
    try:
        cron = Cron.read(expression)
    except UsageError as error:
        assert "never comes" in str(error)  # noqa: PT017 - the only thing that can be wrong with it
        assert not any(due(expression, time) for time in times)
        return
    # Times at random seldom fit: some are pushed to where they might.
    pushed = [
        time.replace(
            minute=cron.minutes[time.minute % len(cron.minutes)],
            hour=cron.hours[time.hour % len(cron.hours)],
            month=cron.months[time.month % len(cron.months)],
            day=1 + time.day % 28,
        )
        for time in times
    ]
    for time in (*times, *pushed):
        assert starts(cron, time) == due(expression, time), (expression, time)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 fields"), ("* * * *", "4 fields"), ("* * * * * *", "6 fields"),
        ("60 * * * *", "minute"), ("* 24 * * *", "hour"), ("* * 0 * *", "day of the month"),
        ("* * * 13 *", "month"), ("* * * * 8", "day of the week"), ("-1 * * * *", "'-1'"),
        ("5/15 * * * *", "5-59/15"), ("*/0 * * * *", "step 0"), ("*/60 * * * *", "step 60"),
        ("9-5 * * * *", "ends before"), ("1,,2 * * * *", "''"), ("a * * * *", "'a'"),
        ("* * * januar *", "'januar'"), ("* * 31 feb,4,6 *", "never comes"), ("@reboot", "@hourly"),
        ("* * L * *", "'L'"), ("1 - 5 * * *", "6 fields"), ("٣ * * * *", "'٣'"),
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        Cron.read(text)


def test_names_for_common_times() -> None:
    assert Cron.read("@hourly") == Cron.read("0 * * * *")
    assert Cron.read("@Weekly").on_calendar() == ("Sun *-*-* 00:00:00",)
    assert Cron.read(" 1  2 3 4 7 ").text == "1 2 3 4 7"


CRONTAB = shutil.which("crontab")


@pytest.mark.skipif(CRONTAB is None, reason="there is no crontab here")
def test_cron_itself_takes_what_is_taken(tmp_path: Path) -> None:
    accepted: list[str] = []

    @law(200)
    @given(EXPRESSIONS)
    def collect(expression: str) -> None:
        accepted.append(expression)

    collect()
    path = tmp_path / "table"
    path.write_text("".join(f"{text} true\n" for text in [*accepted, "@daily"]))
    done = subprocess.run([str(CRONTAB), "-n", path], capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    path.write_text("60 * * * * true\n")
    done = subprocess.run([str(CRONTAB), "-n", path], capture_output=True, check=False, timeout=30)
    assert done.returncode != 0  # it would have said so


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
@pytest.mark.parametrize(
    "expression",
    [
        "15 * * * *", "*/20 8-10 * * mon-fri", "0 6 13 * fri", "5,35 */6 1-7 * sun", "0 0 29 2 *",
        "30 4 1,15 1-6/2 *", "0 0 */2 * 1", "* * * * *", "7 3 1 * 0-7", "0 12 * dec 7",
    ],
)  # fmt: skip
def test_systemd_starts_at_the_same_times(expression: str) -> None:
    number = 6
    begin = FIRST.replace(year=2026, month=2, day=27, hour=23, minute=50)
    cron = Cron.read(expression)
    found = set()
    for calendar in cron.on_calendar():
        done = subprocess.run(
            ["systemd-analyze", "calendar", f"--iterations={number}",
             f"--base-time={begin:%Y-%m-%d %H:%M:%S}", calendar],
            capture_output=True, text=True, check=True, timeout=30, env={**os.environ, "TZ": "UTC"},
        )  # fmt: skip
        found |= {
            datetime.fromisoformat(text)
            for text in re.findall(r"[A-Z][a-z]{2} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", done.stdout)
        }
    wanted: list[datetime] = []
    time = begin
    of_a_day = " ".join(["*", "*", *expression.split()[2:]])
    while len(wanted) < number:
        time += STEP
        if not due(of_a_day, time):
            # A leap day is two years away.
            time = time.replace(hour=23, minute=59)
        elif due(expression, time):
            wanted.append(time)
    assert [time for time in sorted(found) if time > begin][:number] == wanted


# --- the line ------------------------------------------------------------------------------------


def as_cron_runs_it(line: str) -> str:
    """What cron gives to the shell, as child_process() of Debian's cron 3.0pl1 makes it."""
    command, escaped = "", False
    for letter in line.split(" ", 5)[5]:
        if escaped and letter in "%\\":
            command = command[:-1] + letter
            escaped = False
        elif escaped or letter not in "%\\":
            command += letter
            escaped = False
        elif letter == "\\":
            command += letter
            escaped = True
        else:
            break  # what follows a bare percent sign is the command's standard input
    return command


@pytest.mark.parametrize(
    "name", ["a\\b", "a\\\\b", "a\\%b", "a%b", "a\\\\%b", "\\", "%\\%%\\\\", "\\\\%"]
)
def test_backslashes_and_percent_signs_reach_the_shell_as_they_are(
    name: str, tmp_path: Path
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    config = folder / "blueattr.toml"
    words = ("/usr/bin/printf", "%s", str(config))
    command = Command(words, folder, folder / "the.log", config, {})
    line = crontab_line(Cron.read("* * * * *"), command)
    subprocess.run(["sh", "-c", as_cron_runs_it(line)], check=True, timeout=30, cwd="/")
    assert (folder / "the.log").read_text() == str(config)
    assert edit_crontab(line.encode() + b"\n", config, None) == b"", "the line is found again"


def made(folder: Path, **more: object) -> Command:
    """A command all of whose words are as bad as they can be."""
    program = folder / f"{HOSTILE} program"
    program.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        "print([sys.argv[1:], os.getcwd(), os.environ.get('ONE'), os.environ.get('TWO')])\n"
        "print('on stderr', file=sys.stderr)\n"
    )
    program.chmod(0o755)
    inside = folder / HOSTILE
    inside.mkdir(exist_ok=True)
    options = {
        "words": (str(program), "run", "--config", f"{inside}/{HOSTILE}.toml"),
        "folder": inside,
        "log": folder / f"{HOSTILE}.log",
        "config": inside / f"{HOSTILE}.toml",
        "environment": {"ONE": HOSTILE},
    }
    return Command(**{**options, **more})  # type: ignore[arg-type]


def test_a_line_does_what_it_should_whatever_the_paths() -> None:
    # Cron takes no long command, and the name is in it six times: so a short folder.
    with tempfile.TemporaryDirectory() as folder:
        check_line(Path(folder))


def check_line(folder: Path) -> None:
    secret = folder / f"{HOSTILE}.env"
    command = made(folder, environment_file=secret)
    line = crontab_line(Cron.read("15 * * * *"), command)
    assert line.isprintable()
    for text in ("None", "'its value'"):
        subprocess.run(
            ["sh", "-c", as_cron_runs_it(line)], check=True, timeout=30, cwd="/",
            env={"PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        said = command.log.read_text().splitlines()
        words = [*command.words[1:]]
        assert f"[{words}, {str(command.folder)!r}, {HOSTILE!r}, {text}]" in said
        assert "on stderr" in said
        secret.write_text("TWO='its value'\n")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_units_are_ones_whatever_the_paths(tmp_path: Path) -> None:
    command = made(tmp_path, environment_file=tmp_path / "x y.env")
    timer, service = systemd_units(Cron.read("0 6 13 * fri"), command, "blueattr-x", [9, 10])
    (tmp_path / "blueattr-x.timer").write_text(timer)
    (tmp_path / "blueattr-x.service").write_text(service)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "blueattr-x.timer",
         tmp_path / "blueattr-x.service"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "blueattr-x" in line]
    assert ours == []
    (tmp_path / "blueattr-x.timer").write_text(timer.replace("Fri", "Fry"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "blueattr-x.timer"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "Fry" in done.stderr  # it would have said so
    assert "SuccessExitStatus=9 10" in service


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_a_standing_unit_is_one_whatever_the_paths(tmp_path: Path) -> None:
    unit = standing_unit(made(tmp_path), "100 % of it", [2, 6])
    for name, text in (("x", unit), ("y", unit.replace("Type=exec", "Type=exc"))):
        path = tmp_path / f"blueattr-{name}.service"
        path.write_text(text)
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", path],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        ours = [line for line in done.stderr.splitlines() if f"blueattr-{name}" in line]
        assert (ours == []) == (name == "x"), ours


def test_what_neither_can_hold_is_refused(tmp_path: Path) -> None:
    for bad in ("a\nb", "a\x1bb", "a\u202eb"):
        with pytest.raises(UsageError, match="control characters"):
            made(tmp_path, config=tmp_path / bad)


# --- the command ---------------------------------------------------------------------------------


def scheduled(*arguments: object) -> Run:
    return ok("schedule", "--cron", "15 * * * *", *arguments)


def test_what_is_printed_is_ready(here: Path) -> None:
    text = scheduled().text
    lines = [line for line in text.splitlines() if line.startswith("15 * * * * ")]
    assert len(lines) == 1
    assert lines[0].endswith(f"# blueattr run: {here}/blueattr.toml")
    words = shlex.split(as_cron_runs_it(lines[0]))
    assert Path(words[words.index("run") - 1]).is_absolute()
    assert words[words.index("run") + 1 :][:2] == ["--config", f"{here}/blueattr.toml;"]
    assert f"{here}/blueattr.log" in words
    assert "OnCalendar=*-*-* *:15:00" in text
    assert "SuccessExitStatus=9 10 11" in text
    assert "Environment" not in text
    assert not (here / "table").exists()
    done = subprocess.run(["sh", "-n", "-c", as_cron_runs_it(lines[0])], check=True, timeout=9)
    assert done.returncode == 0


def test_settings_in_folders_of_one_name_have_units_of_their_own(here: Path) -> None:
    settings = (here / "blueattr.toml").read_text()
    names = set()
    for folder in ("x/bluesky", "y/bluesky", "x/Bluesky", "x/blue sky", "x/blue-sky"):
        path = here / folder / "blueattr.toml"
        path.parent.mkdir(parents=True)
        path.write_text(settings)
        found = re.findall(
            r"^# .*/(blueattr-\S+)\.service$", scheduled("--config", path).text, re.MULTILINE
        )
        assert found == re.findall(
            r"^Unit=(\S+)\.service$", scheduled("--config", path).text, re.MULTILINE
        )
        names |= {name.casefold() for name in found}
    assert len(names) == 5, "one would be written over another"


def test_the_environment_comes_along_but_never_the_key(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEATTR_DB", "other.duckdb")
    monkeypatch.setenv("BLUEATTR_JETSTREAM_KEY", "s3cr3t")
    done = scheduled()
    assert f"BLUEATTR_DB={here}/other.duckdb " in done.text
    assert f"Environment=BLUEATTR_DB={here}/other.duckdb\n" in done.text
    assert "EnvironmentFile" not in done.text  # files need no key
    text = SETTINGS.replace("sources = []\n", "") + '[[sources]]\nread = "jetstream"\n'
    Path("blueattr.toml").write_text(text)
    done = scheduled()
    assert f"EnvironmentFile=-{here}/blueattr.env\n" in done.text
    assert f". {here}/blueattr.env; " in done.text
    assert "write it to" in done.stderr
    Path("blueattr.env").write_text("BLUEATTR_JETSTREAM_KEY=s3cr3t\n")
    quiet = scheduled()
    assert quiet.stderr == ""
    for one in (done, quiet):
        assert "s3cr3t" not in one.text + one.stderr


def test_the_log_of_the_settings_is_the_log(here: Path) -> None:
    Path("blueattr.toml").write_text(SETTINGS + '[log]\nfile = "logs/x.log"\n')
    assert f">> {here}/logs/x.log 2>&1" in scheduled().text


def test_a_command_longer_than_cron_takes_is_refused_and_systemd_has_its_units(
    here: Path, tmp_path: Path
) -> None:
    folder = here / "x" / ("y" * 200)
    folder.mkdir(parents=True)
    (folder / "blueattr.toml").write_text(SETTINGS)
    where = ("--cron", "@daily", "--config", folder / "blueattr.toml")
    text = ok("schedule", *where).text
    assert "# There is none: cron takes a command of 998 bytes at most" in text
    assert "OnCalendar=" in text
    done = run("schedule", *where, "--install")
    assert done.code == ExitCode.USAGE
    assert "shorter path" in done.stderr
    assert not (here / "table").exists()
    command = made(tmp_path, config=tmp_path / "blueattr.toml")
    most = len("0 0 * * * ") + 998
    room = most - len(os.fsencode(crontab_line(Cron.read("@daily"), command)))
    fits = replace(command, log=Path(f"{command.log}{'l' * room}"))
    assert len(os.fsencode(crontab_line(Cron.read("@daily"), fits))) == most
    with pytest.raises(UsageError, match="has 999"):
        crontab_line(Cron.read("@daily"), replace(fits, log=Path(f"{fits.log}l")))


def test_install_is_idempotent_and_remove_takes_it_out(here: Path) -> None:
    table = here / "table"
    others = b"# mine\nMAILTO=me\n\t*/5 * * * * x # blueattr run: /other/blueattr.toml\n\xff\r\n\n"
    table.write_bytes(others)
    assert "installed: 15 * * * *" in scheduled("--install").stderr
    once = table.read_bytes()
    assert once.startswith(others)
    assert once.count(b"\n") == others.count(b"\n") + 1
    assert "already there" in scheduled("--install").stderr
    assert table.read_bytes() == once
    ok("schedule", "--cron", "@daily", "--install")
    assert table.read_bytes().startswith(others + b"0 0 * * * cd ")
    assert table.read_bytes().count(b"\n") == once.count(b"\n")
    assert "removed" in ok("schedule", "--remove").stderr
    assert table.read_bytes() == others
    assert "there is no line" in ok("schedule", "--remove").stderr
    table.unlink()
    scheduled("--install")
    assert table.read_bytes() == once.removeprefix(others)


def test_a_follower_is_a_service_that_comes_back_and_whose_runs_read_no_stream(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "blueattr.toml").write_text('db = "its/store.duckdb"\n' + SETTINGS)
    unit = ok("schedule", "--follow", "jetstream").text
    (start,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    assert start.split()[1:] == [
        "ingest",
        "jetstream",
        "--db",
        f"{here}/its/store.duckdb",
        "--quiet",
    ]
    assert "\nRestart=always\n" in unit
    assert f"\nRestartPreventExitStatus={ExitCode.USAGE:d}\n" in unit, "a full disk ends with 6"
    assert "EnvironmentFile=" in unit  # for the key that fills gaps
    (name,) = re.findall(r"/(blueattr-[\w-]+-follow)\.service$", unit, re.MULTILINE)
    assert f"enable --now {name}\n" in unit
    monkeypatch.setenv("BLUEATTR_DB", "other.duckdb")
    assert f"--db {here}/other.duckdb" in ok("schedule", "--follow", "firehose").text
    for source in ("archive", "events/", "-", "ws://other.example/subscribe"):
        done = run("schedule", "--follow", source)
        assert done.code == ExitCode.USAGE, source
    assert "by itself" in run("schedule", "--follow", "firehose", "--cron", "@daily").stderr
    assert "cannot be combined" in run("schedule", "--follow", "firehose", "--remove").stderr
    stream = '[[sources]]\nread = "jetstream"\n[report]\ntopic = "mythos"\n'
    (here / "blueattr.toml").write_text(stream)
    done = run("schedule", "--follow", "jetstream")
    assert (done.code, "leave the stream to the follower" in done.stderr) == (ExitCode.USAGE, True)


def test_a_page_is_a_service_whose_token_stays_out_of_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BLUEATTR_SERVE_TOKEN", raising=False)
    unit = ok("schedule", "--serve", "127.0.0.1:8765").text
    (start,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    store = f"{here}/data/blueattr.duckdb"
    assert start.split()[1:] == [
        "watch", "--topic", "mythos", "--db", store, "--serve", "127.0.0.1:8765"
    ]  # fmt: skip
    assert re.search(r"/blueattr-[\w-]+-watch\.service$", unit, re.MULTILINE)
    monkeypatch.setenv("BLUEATTR_SERVE_TOKEN", "a-token-that-is-secret")
    both = ok("schedule", "--serve", "0.0.0.0:8765", "--follow", "firehose").text
    assert "a-token-that" not in both
    assert f"EnvironmentFile=-{here}/blueattr.env" in both
    assert both.count("[Service]") == 2
    assert run("schedule", "--serve", "nowhere:x").code == ExitCode.USAGE


def test_what_cannot_be_scheduled_is_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "say when to run, for example" in run("schedule").stderr
    assert "cannot be combined" in run("schedule", "--remove", "--install").stderr
    assert run("schedule", "--cron", "61 * * * *", "--install").code == ExitCode.USAGE
    (here / "blueattr.toml").write_text(SETTINGS + "x = 1\n")
    assert run("schedule", "--cron", "@daily", "--install").code == ExitCode.USAGE
    assert not (here / "table").exists()
    (here / "blueattr.toml").write_text(SETTINGS)
    (here / "programs" / "crontab").write_text("#!/bin/sh\necho 'you may not' >&2\nexit 1\n")
    done = run("schedule", "--cron", "@daily", "--install")
    assert (done.code, "you may not" in done.stderr) == (ExitCode.OUTPUT, True)
    monkeypatch.setenv("PATH", str(here))
    done = run("schedule", "--cron", "@daily", "--install")
    assert (done.code, "there is no crontab" in done.stderr) == (ExitCode.OUTPUT, True)


LINES = st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=5).map(
    b"\n".join
)


@law(200)
@given(LINES, LINES)
def test_whatever_else_is_in_a_crontab_stays(before: bytes, after: bytes) -> None:
    config = Path("/a b%/blueattr.toml")
    line = r"* * * * * x # blueattr run: /a b\%/blueattr.toml"
    ours = line.encode() + b"\n"
    table = before + b"\n" + after if before else after
    with_line = edit_crontab(table, config, line)
    ended = table if not table or table.endswith(b"\n") else table + b"\n"
    assert with_line == ended + ours
    assert edit_crontab(with_line, config, line) == with_line
    assert edit_crontab(with_line, config, None) == ended
    # In place, and one of two.
    twice = ours + ended + ours
    changed = edit_crontab(twice, config, line.replace("*", "1", 1))
    assert changed == line.replace("*", "1", 1).encode() + b"\n" + ended
    # One that a person has put out of use is not ours.
    assert edit_crontab(b"#" + ours, config, None) == b"#" + ours
