"""Units of systemd: a timer and its service, and a service that stands."""

import re
from collections.abc import Sequence

from blueattr.runs.schedule.command import Command
from blueattr.runs.schedule.cron import Cron

__all__ = ["standing_unit", "systemd_units"]


def systemd_units(cron: Cron, command: Command, name: str, fine: Sequence[int]) -> tuple[str, str]:
    """Return a timer and the service that it starts.

    Parameters
    ----------
    cron, command
        When to run, and what.
    name
        The name of the units.
    fine
        Exit codes other than 0 that are not failures.

    Returns
    -------
    tuple of str
        The contents of ``NAME.timer`` and ``NAME.service``.
    """
    timer = "\n".join([
        "[Unit]",
        f"Description=blueattr run, as {_specified(str(command.config))} says",
        "",
        "[Timer]",
        *(f"OnCalendar={when}" for when in cron.on_calendar()),
        "AccuracySec=1s",
        "Persistent=true",
        f"Unit={name}.service",
        "",
        "[Install]",
        "WantedBy=timers.target",
        "",
    ])  # fmt: skip
    service = "\n".join([
        "[Unit]",
        f"Description=blueattr run, as {_specified(str(command.config))} says",
        "",
        "[Service]",
        "Type=oneshot",
        *_of_command(command),
        *([f"SuccessExitStatus={' '.join(map(str, fine))}"] if fine else []),
        "",
    ])  # fmt: skip
    return timer, service


def standing_unit(command: Command, about: str, final: Sequence[int]) -> str:
    """Return a service that runs until it is stopped, and is started again when it ends.

    Parameters
    ----------
    command
        What runs.
    about
        What it does, in a line.
    final
        Exit codes after which starting it again would not help.
    """
    return "\n".join([
        "[Unit]",
        f"Description={_specified(about)}",
        # However often it ends within a minute, such as without a network.
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=exec",
        *_of_command(command),
        "Restart=always",
        "RestartSec=10s",
        f"RestartPreventExitStatus={' '.join(map(str, final))}",
        # What was received is committed first, and readers may keep it waiting.
        "TimeoutStopSec=5min",
        "",
        "[Install]",
        "WantedBy=default.target",
        "",
    ])  # fmt: skip


def _of_command(command: Command) -> list[str]:
    """Return the lines of a service that say what it runs, where, and with what."""
    return [
        f"WorkingDirectory={_specified(str(command.folder))}",
        *(f"Environment={_quoted(f'{k}={v}')}" for k, v in command.environment.items()),
        *([] if command.environment_file is None
          else [f"EnvironmentFile=-{_specified(str(command.environment_file))}"]),
        f"ExecStart={_executed(command.words)}",
        f"StandardOutput=append:{_specified(str(command.log))}",
        f"StandardError=append:{_specified(str(command.log))}",
    ]  # fmt: skip


def _executed(words: Sequence[str]) -> str:
    program, *arguments = words
    if not re.fullmatch(r"[^\"'\\$]+", program):
        # systemd does not accept such a program name, but it accepts it as an argument.
        program, arguments = "/usr/bin/env", [*words]
    # Only in arguments does systemd interpret a dollar sign.
    return " ".join([_quoted(program), *(_quoted(word).replace("$", "$$") for word in arguments)])


def _specified(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    text = _specified(text)
    if re.fullmatch(r"[\w@%+=:,./-]+", text):
        return text
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'
