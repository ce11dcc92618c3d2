"""Reports on scheduled runs and on the settings in force."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from blueattr.report.numbers import plural
from blueattr.report.tables import Column, Report, Table

if TYPE_CHECKING:
    from blueattr.report.tables import Json
    from blueattr.runs.record import Run
    from blueattr.runs.settings import Setting

__all__ = ["runs_report", "settings_report"]


def runs_report(runs: "Sequence[Run]", folder: Path) -> Report:
    """Lay out past runs, the earliest first.

    Parameters
    ----------
    runs
        From `blueattr.runs.record.read_runs`.
    folder
        The folder of the reports.
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
            "A run that is going has no exit code yet; one that was killed has none.",
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
    ended = {k: v for k, v in run.end.items() if k not in _OWN_KEYS}
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
        **{k: v for k, v in run.start.items() if k not in _OWN_KEYS},
        **ended,
    }


_OWN_KEYS = {"run", "what", "started", "pid", "outcome", "exit_code", "seconds"}


def settings_report(
    settings: "Iterable[Setting]", secrets: Mapping[str, bool], file: Path | None = None
) -> Report:
    """Lay out the settings in force and where each came from.

    Parameters
    ----------
    settings
        All that are in force.
    secrets
        Whether each environment variable that holds a secret is set. The values are not known
        here.
    file
        Of the settings, if there is one.
    """
    settings = list(settings)
    rows = [
        (setting.name, _written(setting.value), str(setting.origin)) for setting in settings
    ] + [(name, "set" if there else "not set", "environment") for name, there in secrets.items()]
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
            "secrets": {name: "set" if there else "not set" for name, there in secrets.items()},
        },
    )


def _written(value: object) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)
