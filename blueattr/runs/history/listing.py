"""Reports on scheduled runs and on the settings in force."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from blueattr.report.numbers import plural
from blueattr.report.tables import Column, Report, Table

if TYPE_CHECKING:
    from blueattr.report.tables import Json
    from blueattr.runs.history.record import Run
    from blueattr.runs.settings import Setting

__all__ = ["runs_report", "settings_report"]


def runs_report(runs: "Sequence[Run]", folder: Path) -> Report:
    """Make the report on past runs, the earliest first.

    Parameters
    ----------
    runs
        See `blueattr.runs.history.record.read_runs`.
    folder
        The folder of reports.
    """
    table = Table(
        name="runs",
        title=f"Runs into {folder}",
        columns=(
            Column("run", "run"),
            Column("started", "started", "time"),
            Column("outcome", "outcome"),
            Column("exit_code", "exit code", "int"),
            Column("seconds", "seconds", "float"),
            Column("gaps", "gaps", "int"),
            Column("report", "report"),
            Column("message", "message"),
        ),
        rows=tuple(
            (
                run.name, run.started, run.outcome, run.exit_code, run.seconds,
                run.end.get("gaps"), run.end.get("report"), run.end.get("message"),
            )
            for run in runs
        ),
        notes=(
            "A run in progress has no exit code yet; a run that was killed has none.",
        ),
    )  # fmt: skip
    terminal_table = Table(
        name="runs",
        title=table.title,
        columns=(
            Column("run", "run"),
            Column("outcome", "outcome"),
            Column("exit_code", "code", "int"),
            Column("seconds", "seconds", "float"),
            Column("report", "report"),
        ),
        rows=tuple((row[0], row[2], row[3], row[4], row[6]) for row in table.rows),
        notes=table.notes if any(run.exit_code is None for run in runs) else (),
    )
    return Report(
        kind="runs",
        summary=(f"{plural(len(runs), 'run')}.",),
        tables=(terminal_table,) if runs else (),
        data=table,
        content={"reports": str(folder), "runs": [_run(run) for run in runs]},
    )


def _run(run: "Run") -> "Json":
    return {
        "run": run.name,
        "started": run.started.isoformat(),
        "pid": run.pid,
        "outcome": run.outcome,
        "exit_code": run.exit_code,
        "seconds": run.seconds,
        "stages": [
            {"stage": stage.name, "seconds": stage.seconds, "message": stage.message}
            for stage in run.stages
        ],
        "shares": None if run.shares is None else run.shares.noted(),
        **{key: value for key, value in run.start.items() if key not in _OWN_KEYS},
        **{key: value for key, value in run.end.items() if key not in _OWN_KEYS},
    }


_OWN_KEYS = {"run", "what", "started", "pid", "outcome", "exit_code", "seconds", "shares"}


def settings_report(
    settings: "Iterable[Setting]", secrets: Mapping[str, bool], file: Path | None = None
) -> Report:
    """Make the report on the settings in force and where each comes from.

    Parameters
    ----------
    settings
        The settings in force.
    secrets
        Whether each environment variable that holds a secret is set; not its value.
    file
        The settings file, if there is one.
    """
    settings = list(settings)
    rows = [
        (setting.name, _spelled(setting.value), str(setting.origin)) for setting in settings
    ] + [(name, "set" if is_set else "not set", "environment") for name, is_set in secrets.items()]
    table = Table(
        name="settings",
        title="",
        columns=(Column("setting", "setting"), Column("value", "value"), Column("from", "from")),
        rows=tuple(rows),
    )
    return Report(
        kind="settings",
        tables=(table,),
        content={
            "file": str(file) if file else None,
            "settings": [
                {
                    "setting": setting.name,
                    "value": setting.value,
                    "origin": setting.origin.kind,
                    "where": setting.origin.where or None,
                }
                for setting in settings
            ],
            "secrets": {name: "set" if is_set else "not set" for name, is_set in secrets.items()},
        },
    )


def _spelled(value: object) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)
