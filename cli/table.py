"""The table of commands: each is imported and built when it is asked for, and not before."""

from collections.abc import Callable, Iterator, Mapping
from keyword import kwlist
from typing import Any

import typer

from blueattr.cli.help import SectionedCommand, WholeGroup

__all__ = ["NAMES", "Commands", "Root"]


NAMES = (
    "ingest", "import", "collect", "status", "hydrate", "rollup", "forget", "compact",
    "panel", "features", "attribute", "watch", "change", "posts", "why", "export", "deposit",
    "rehydrate",
    "compare-scales", "validate", "convergence", "bootstrap", "sensitivity", "correct", "design",
    "report", "run", "runs", "schedule", "demo", "synth", "judge", "scenario",
    "topics", "config",
)  # fmt: skip
"""All commands, in the order of the help, where groups come last."""


class Commands(Mapping[str, Any]):
    """The commands by their names. There are nearly thirty, with forty options each."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in NAMES:
            raise KeyError(name)
        if name not in self._built:
            self._built[name] = _build(name)
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


class Root(WholeGroup):
    """The group of all commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        commands: Any = Commands()  # typer's annotation asks for more than typer does with it
        self.commands = commands


def _build(name: str) -> Any:
    found = _find(name)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name, cls=SectionedCommand)(found)
    return typer.main.get_command(alone)


def _find(name: str) -> Callable[..., None] | typer.Typer:  # noqa: PLR0912, PLR0915 - a module each
    """Import the module of a command, which has it under its own name."""
    module: Any
    match name:
        case "attribute" | "compare-scales":
            from blueattr.cli.commands import attribute as module
        case "change":
            from blueattr.cli.commands import change as module
        case "collect":
            from blueattr.cli.commands import collect as module
        case "config":
            from blueattr.cli.commands import config as module
        case "demo" | "synth":
            from blueattr.cli.commands import demo as module
        case "deposit" | "rehydrate":
            from blueattr.cli.commands import deposit as module
        case "export":
            from blueattr.cli.commands import export as module
        case "forget" | "compact":
            from blueattr.cli.commands import forget as module
        case "hydrate":
            from blueattr.cli.commands import hydrate as module
        case "import":
            from blueattr.cli.commands import import_ as module
        case "ingest":
            from blueattr.cli.commands import ingest as module
        case "judge":
            from blueattr.cli.commands import judge as module
        case "panel" | "features" | "topics":
            from blueattr.cli.commands import panel as module
        case "posts":
            from blueattr.cli.commands import posts as module
        case "report":
            from blueattr.cli.commands import report as module
        case "run" | "runs":
            from blueattr.cli.commands import run as module
        case "correct" | "design":
            from blueattr.cli.commands import samples as module
        case "scenario":
            from blueattr.cli.commands import scenario as module
        case "schedule":
            from blueattr.cli.commands import schedule as module
        case "status" | "rollup":
            from blueattr.cli.commands import store as module
        case "bootstrap" | "sensitivity":
            from blueattr.cli.commands import studies as module
        case "validate" | "convergence":
            from blueattr.cli.commands import validate as module
        case "watch":
            from blueattr.cli.commands import watch as module
        case _:
            from blueattr.cli.commands import why as module
    found: Callable[..., None] | typer.Typer = getattr(
        module, f"{name}_" if name in kwlist else name.replace("-", "_")
    )
    return found
