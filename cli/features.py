"""The panel of a command: a features file of the user's, or one made from the store."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from blueattr.cli.options import QueryOptions
from blueattr.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from blueattr.panel.query import PanelQuery
    from blueattr.provenance import Provenance

__all__ = ["FeaturesFile", "load_panel", "refuse_store_options"]


FeaturesFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--features",
        metavar="FILE",
        help="Use your own panel instead of a store, unscaled: a Parquet or CSV file with did (or "
        "agent), a, b, c and optionally followers.",
        show_default=False,
    ),
]


def load_panel(file: Path | None, query: "PanelQuery") -> "tuple[pl.DataFrame, Provenance]":
    """Read the features file if there is one; otherwise make the features from a store."""
    from blueattr.analysis.features import load_features, make_features

    return make_features(query) if file is None else load_features(file)


def refuse_store_options(context: typer.Context, file: Path | None) -> None:
    """Refuse options about a store beside a features file, where they would change nothing."""
    if file is None:
        return
    about_a_store = {field.name for field in fields(QueryOptions)} - {"memory"}
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        typed = source is not None and source.name == "COMMANDLINE"
        if typed and parameter.name in about_a_store:
            raise UsageError(
                f"--features is a finished panel; {parameter.opts[0]} is about a store and would "
                "change nothing"
            )
