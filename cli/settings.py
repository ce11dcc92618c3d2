"""Options about settings, and the settings that are in force for a command."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from blueattr.analysis.asked.parse import DEFAULT_DB
from blueattr.cli.options import Db, TopicsFile
from blueattr.errors import UsageError
from blueattr.user_path import named_file

if TYPE_CHECKING:
    from blueattr.runs.settings import Settings
    from blueattr.toml_file import Place


CONFIG_VARIABLE = "BLUEATTR_CONFIG"
DEFAULT_CONFIG = Path("blueattr.toml")


Config: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The settings file; by default blueattr.toml in the current folder, or else the file "
        f"that {CONFIG_VARIABLE} names.",
        show_default=False,
    ),
]
Reports: TypeAlias = Annotated[
    Path | None,
    typer.Option("--reports", metavar="FOLDER", help="The folder of reports.", show_default=False),
]
LogOption: TypeAlias = Annotated[
    Literal["text", "json"] | None,
    typer.Option(
        "--log", metavar="FORM", help="Log as text, or as json lines.", show_default=False
    ),
]
LogFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--log-file",
        parser=named_file,
        metavar="FILE",
        help="Append the log to a file instead of writing it to stderr.",
        show_default=False,
    ),
]


@dataclass
class SettingsOptions:
    """The settings file, and options that override it; `read_settings` looks up which are set."""

    config: Config = None
    db: Db = DEFAULT_DB
    topics: TopicsFile = None
    reports: Reports = None
    log: LogOption = None
    log_file: LogFile = None


# The parameters of commands, and the environment variables, that are settings.
_FLAGS: "dict[str, Place]" = {
    "db": ("db",),
    "reports": ("output", "reports"),
    "log": ("log", "form"),
    "log_file": ("log", "file"),
    "topics": ("report", "topics"),
    "metrics": ("metrics", "file"),
}
_VARIABLES: "dict[str, Place]" = {
    "BLUEATTR_DB": ("db",),
    "BLUEATTR_TOPICS": ("report", "topics"),
}


def find_config(config: Path | None) -> Path:
    """Find the settings file: an option, the current folder, or the environment names it."""
    if config is not None:
        return config
    if DEFAULT_CONFIG.exists():
        return DEFAULT_CONFIG
    named = os.environ.get(CONFIG_VARIABLE, "")
    if named:
        return Path(named)
    raise UsageError(
        f"there is no {DEFAULT_CONFIG} here; make one with: blueattr config init, or name "
        "another with --config FILE"
    )


def settings_there() -> bool:
    """Return whether there is a settings file, here or where the environment says."""
    return DEFAULT_CONFIG.exists() or bool(os.environ.get(CONFIG_VARIABLE))


def read_settings(context: typer.Context, config: Path | None, *, flags: bool = True) -> "Settings":
    """Return the settings in force, from a command's options, the environment and the file.

    Parameters
    ----------
    context, config
        The command, and the settings file that it names.
    flags
        Whether options of the command override settings.
    """
    from blueattr.runs.plan_file import SECTIONS
    from blueattr.runs.settings import Document, Origin, settle

    document = Document(find_config(config))
    overrides: dict[Place, tuple[Any, Origin]] = {}
    for variable, place in _VARIABLES.items():
        if os.environ.get(variable):
            overrides[place] = os.environ[variable], Origin("environment", variable)
    for parameter in context.command.params if flags else ():
        flag = _FLAGS.get(str(parameter.name))
        source = context.get_parameter_source(str(parameter.name))
        if flag is not None and source is not None and source.name == "COMMANDLINE":
            value = str(context.params[str(parameter.name)])
            overrides[flag] = value, Origin("flag", parameter.opts[0])
    return settle(SECTIONS, document, overrides)
