"""The command schedule: a crontab line, and a systemd timer and service, for `blueattr run`."""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.cli.output import say
from blueattr.cli.settings import Config, find_config, read_settings
from blueattr.errors import ExitCode, OutputError, UsageError

if TYPE_CHECKING:
    from blueattr.runs.schedule.command import Command
    from blueattr.runs.schedule.cron import Cron
    from blueattr.runs.settings import Settings


_LOG = "blueattr.log"
_ENVIRONMENT = "blueattr.env"
_WAIT = 30.0
_LONGEST_NAME = 60
_UNITS = "~/.config/systemd/user"
_LINGER = "# It runs while you are logged in. To run it always: loginctl enable-linger"


def schedule(
    context: typer.Context,
    cron: Annotated[
        str | None,
        typer.Option(
            "--cron",
            metavar="WHEN",
            help="When to run, in local time, as in a crontab: minute, hour, day of the month, "
            "month, day of the week; or @hourly and the like.",
            show_default=False,
        ),
    ] = None,
    config: Config = None,
    install: Annotated[
        bool,
        typer.Option(
            "--install",
            help="Add the line to your crontab, in place of an older one.",
            show_default=False,
        ),
    ] = False,
    remove: Annotated[
        bool,
        typer.Option("--remove", help="Remove the line from your crontab.", show_default=False),
    ] = False,
    follow: Annotated[
        str | None,
        typer.Option(
            "--follow",
            metavar="SOURCE",
            help="Print a systemd service that follows this stream (jetstream, firehose or an "
            "address) into the store of the settings, all the time.",
            show_default=False,
        ),
    ] = None,
    serve: Annotated[
        str | None,
        typer.Option(
            "--serve",
            metavar="ADDRESS",
            help="Print a systemd service that shows the first topic of the settings as a page at "
            "an address such as 127.0.0.1:8765 (see watch).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Schedule `blueattr run` with cron or systemd.

    It prints a crontab line, and a systemd timer and service. They hold all that the run needs:
    absolute paths, the folder, the log. Runs never overlap. Secrets are not in them; they name a
    file that can hold secrets.

    Example: blueattr schedule --cron "15 * * * *" --config blueattr.toml
    """  # fmt: skip
    from blueattr.runs.plan_file import KEY_VARIABLE, make_plan, needs_key
    from blueattr.runs.schedule.cron import Cron, crontab_line

    path = find_config(config)
    if remove:
        if cron is not None or install or follow is not None or serve is not None:
            raise UsageError(
                "--remove cannot be combined with --cron, --install, --follow or --serve; it "
                "removes the line of these settings"
            )
        changed = _edit_crontab(path.resolve(), None)
        say(f"{'removed' if changed else 'there is no line'}: {path.resolve()}")
        return
    if follow is not None or serve is not None:
        if cron is not None or install:
            option = "--follow" if follow is not None else "--serve"
            raise UsageError(f"{option} prints a service of its own: ask for --cron by itself")
        settings = read_settings(context, config)
        services = [
            *([] if follow is None else [_spell_follower(settings, path.resolve(), follow)]),
            *([] if serve is None else [_spell_page(settings, path.resolve(), serve)]),
        ]
        typer.echo("\n\n".join(services) + f"\n{_LINGER}")
        return
    if cron is None:
        raise UsageError('say when to run, for example: blueattr schedule --cron "15 * * * *"')
    when = Cron.read(cron)
    settings = read_settings(context, config)
    make_plan(settings)
    command = _command(
        settings,
        path.resolve(),
        ("run", "--config", str(path.resolve())),
        secret=needs_key(settings),
    )
    try:
        line = crontab_line(when, command)
    except UsageError as error:
        if install:
            raise
        line = f"# There is none: {error}."
    secret = command.environment_file
    if secret is not None and not secret.exists() and os.environ.get(KEY_VARIABLE, "").strip():
        say(
            f"blueattr: a scheduled run does not have your {KEY_VARIABLE}; write it to {secret} "
            f"as {KEY_VARIABLE}=..., and keep that file private (chmod 600)"
        )
    if install:
        changed = _edit_crontab(command.config, line)
        say(f"{'installed' if changed else 'already there'}: {line}")
        return
    typer.echo(
        f"# A line for your crontab (crontab -e); --install adds it, --remove removes it.\n"
        f"{line}\n\n{_spell_units(when, command)}"
    )


def _edit_crontab(config: Path, line: str | None) -> bool:
    """Put a line for these settings into the user's crontab, or take it out; tell if it changed."""
    from blueattr.runs.schedule.cron import edit_crontab

    before = _read_crontab()
    after = edit_crontab(before, config, line)
    if after != before:
        _write_crontab(after)
    return after != before


def _spell_units(when: "Cron", command: "Command") -> str:
    """Return a timer and a service of systemd, and what to do with them."""
    from blueattr.runs.schedule.systemd import systemd_units

    name = _unit_name(command.config)
    fine = (ExitCode.GAPS, ExitCode.NOTHING_NEW, ExitCode.RUN_GOING)
    timer, service = systemd_units(when, command, name, [int(code) for code in fine])
    return (
        f"# Or, with systemd: {_UNITS}/{name}.timer\n{timer}\n"
        f"# {_UNITS}/{name}.service\n{service}\n"
        f"# Then: systemctl --user daemon-reload && systemctl --user enable --now {name}.timer\n"
        f"{_LINGER}"
    )


def _spell_follower(settings: "Settings", config: Path, source: str) -> str:
    """Return a service of systemd that follows a stream, and what to do with it."""
    from blueattr.runs.plan import Following
    from blueattr.runs.plan_file import make_plan
    from blueattr.sources.find import find_streams, is_network

    if not is_network([source]) or source == "archive":
        raise UsageError(f"{source!r} is no stream; --follow takes jetstream, firehose, an address")
    find_streams([source])  # its errors now, not in a service
    plan = make_plan(settings)
    if any(isinstance(one, Following) for one in plan.sources):
        raise UsageError(
            f"{config} has its runs read a stream themselves, and one process alone writes to a "
            "store: leave the stream to the follower (sources = [])"
        )
    db = str(plan.query.db.absolute())
    command = _command(
        settings,
        config,
        ("ingest", source, "--db", db, "--quiet"),
        secret=source == "jetstream",  # its gaps are filled from the archive
    )
    return _spell_service(command, "follow", f"blueattr follows {source} into {db}")


def _spell_page(settings: "Settings", config: Path, address: str) -> str:
    """Return a service of systemd that serves the page of a watch, and what to do with it."""
    from blueattr.analysis.asked.parse import EVERY_TOPIC
    from blueattr.runs.plan_file import make_plan
    from blueattr.watch.guard import TOKEN, page_address

    # The service has its token from the file with secrets.
    page_address(address, {TOKEN: os.environ.get(TOKEN) or "x" * 32})
    plan = make_plan(settings)
    topics = settings.path("report", "topics")
    command = _command(
        settings,
        config,
        (
            "watch", "--topic", "all" if plan.topics[0] == EVERY_TOPIC else plan.topics[0],
            *([] if topics is None else ["--topics", str(topics.absolute())]),
            "--db", str(plan.query.db.absolute()), "--serve", address,
        ),
        secret=True,
    )  # fmt: skip
    return _spell_service(command, "watch", f"blueattr shows {plan.topics[0]} at {address}")


def _spell_service(command: "Command", what: str, about: str) -> str:
    """Return a service of systemd that stands, and what to do with it."""
    from blueattr.runs.schedule.systemd import standing_unit

    name = f"{_unit_name(command.config)}-{what}"
    # A store that cannot be written may be one whose disk is full for an hour.
    unit = standing_unit(command, about, [int(ExitCode.USAGE)])
    return (
        f"# {_UNITS}/{name}.service\n{unit}\n"
        f"# Then: systemctl --user daemon-reload && systemctl --user enable --now {name}"
    )


def _command(
    settings: "Settings", config: Path, arguments: tuple[str, ...], *, secret: bool
) -> "Command":
    """Return a command for a schedule, independent of the current folder and environment.

    Parameters
    ----------
    settings, config
        The settings and their file.
    arguments
        What follows the program's name.
    secret
        Whether it can use a key that the environment holds.
    """
    from blueattr.runs.schedule.command import Command

    log = settings.path("log", "file")
    environment = {}
    for setting in settings:
        if setting.origin.kind == "environment":
            # All that the environment can set is a path, relative to the current folder.
            environment[setting.origin.where] = str(Path(str(setting.value)).absolute())
    secrets = config.with_name(_ENVIRONMENT)
    return Command(
        words=(_program(), *arguments),
        folder=config.parent,
        log=(log or config.with_name(_LOG)).absolute(),
        config=config,
        environment=environment,
        environment_file=secrets if secret or secrets.exists() else None,
    )


def _program() -> str:
    """Find the program: a scheduled job may have another PATH."""
    for path in (Path(sys.executable).with_name("blueattr"), Path(sys.argv[0])):
        if path.name == "blueattr" and path.is_file() and os.access(path, os.X_OK):
            return str(path.absolute())
    on_path = shutil.which("blueattr")
    if on_path is None:
        raise UsageError("cannot find the program blueattr beside Python; install the package")
    return str(Path(on_path).absolute())


def _unit_name(config: Path) -> str:
    """Name the units after the settings' folder, and after the file if it has another name.

    Folders elsewhere may have the same name: the hash of the whole path tells them apart.
    """
    parts = [config.parent.name] + ([] if config.stem == "blueattr" else [config.stem])
    slug = re.sub(r"[^a-z0-9]+", "-", " ".join(parts).lower()).strip("-")[:_LONGEST_NAME]
    path = hashlib.sha256(os.fsencode(config)).hexdigest()[:8]
    return "-".join(filter(None, ["blueattr", slug, path]))


def _read_crontab() -> bytes:
    done = _crontab("-l")
    if done.returncode == 0:
        return done.stdout
    if b"no crontab for" in done.stderr:
        return b""
    raise OutputError(f"cannot read your crontab: {_message(done)}")


def _write_crontab(content: bytes) -> None:
    done = _crontab("-", content=content)
    if done.returncode != 0:
        raise OutputError(f"cannot write your crontab: {_message(done)}")


def _crontab(argument: str, *, content: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    program = shutil.which("crontab")
    if program is None:
        raise OutputError("there is no crontab here; install cron, or use the systemd timer")
    command = [program, argument]
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        return subprocess.run(  # noqa: S603 - no word of it comes from events
            command, input=content, capture_output=True, check=False, timeout=_WAIT,
            env=environment,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OutputError(f"{shlex.join(command)} failed: {error}") from None


def _message(done: "subprocess.CompletedProcess[bytes]") -> str:
    return done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
