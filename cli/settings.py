"""The settings of a command: its options about them, and where they come from."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from blueattr.analysis.parse import DEFAULT_DB
from blueattr.cli.options import Db, TopicsFile
from blueattr.errors import UsageError

if TYPE_CHECKING:
    from blueattr.runs.settings import Settings
    from blueattr.toml_file import Place


CONFIG_VARIABLE = "BLUEATTR_CONFIG"
DEFAULT_CONFIG = Path("blueattr.toml")


Config: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="The file of settings; by default blueattr.toml in the current folder, or else the "
        f"one that {CONFIG_VARIABLE} names.",
        show_default=False,
    ),
]
Reports: TypeAlias = Annotated[
    Path | None,
    typer.Option("--reports", help="The folder of reports.", show_default=False),
]
LogOption: TypeAlias = Annotated[
    Literal["text", "json"] | None,
    typer.Option("--log", help="Log as text, or as JSON lines.", show_default=False),
]
LogFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--log-file", help="Add the log to a file instead of to stderr.", show_default=False
    ),
]


@dataclass
class SettingsOptions:
    """The file of settings, and options that win over it: `read_settings` asks which were given."""

    config: Config = None
    db: Db = DEFAULT_DB
    topics: TopicsFile = None
    reports: Reports = None
    log: LogOption = None
    log_file: LogFile = None


# Commands' parameters, and variables of the environment, that are settings.
_FLAGS: "dict[str, Place]" = {
    "db": ("db",),
    "reports": ("output", "reports"),
    "log": ("log", "form"),
    "log_file": ("log", "file"),
    "topics": ("report", "topics"),
}
_VARIABLES: "dict[str, Place]" = {
    "BLUEATTR_DB": ("db",),
    "BLUEATTR_TOPICS": ("report", "topics"),
}


def find_config(config: Path | None) -> Path:
    """Find the file of settings: named, in the current folder, or named by the environment."""
    if config is not None:
        return config
    if DEFAULT_CONFIG.exists():
        return DEFAULT_CONFIG
    named = os.environ.get(CONFIG_VARIABLE, "")
    if named:
        return Path(named)
    raise UsageError(
        f"there is no {DEFAULT_CONFIG} here; begin one with: blueattr config init, or name "
        "another with --config FILE"
    )


def read_settings(context: typer.Context, config: Path | None) -> "Settings":
    """Settle what is in force for a command, from its flags, the environment and the file."""
    from blueattr.runs.plan_file import SECTIONS
    from blueattr.runs.settings import Document, Origin, settle

    document = Document(find_config(config))
    given: dict[Place, tuple[Any, Origin]] = {}
    for variable, place in _VARIABLES.items():
        if os.environ.get(variable):
            given[place] = os.environ[variable], Origin("environment", variable)
    for parameter in context.command.params:
        flag = _FLAGS.get(str(parameter.name))
        source = context.get_parameter_source(str(parameter.name))
        if flag is not None and source is not None and source.name == "COMMANDLINE":
            value = str(context.params[str(parameter.name)])
            given[flag] = value, Origin("flag", parameter.opts[0])
    return settle(SECTIONS, document, given)
