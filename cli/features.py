"""The panel of a command: a features file of the user's, or one made from the store."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from blueattr.analysis.asked import parse
from blueattr.cli.option_groups import QueryOptions
from blueattr.cli.output import same_file
from blueattr.cli.typed import typed
from blueattr.errors import UsageError
from blueattr.user_path import user_path

if TYPE_CHECKING:
    from collections.abc import Collection

    import polars as pl

    from blueattr.panel.query import PanelQuery
    from blueattr.provenance import Provenance

__all__ = ["FeaturesOptions"]


FeaturesFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--features",
        metavar="FILE",
        help="Your own panel in place of a store, used as it is: Parquet, CSV, TSV, "
        "JSON or Arrow with did (or agent), a, b, c and perhaps followers. A folder, or a "
        "pattern such as 'panel/*.parquet', is a panel in several Parquet files.",
        show_default=False,
    ),
]
Columns: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="PART=NAME",
        help="Other names of the columns in your file, such as did=user,a=posts.",
        show_default=False,
    ),
]


@dataclass
class FeaturesOptions:
    """A panel of the user's own."""

    features: FeaturesFile = None
    columns: Columns = None

    @property
    def names(self) -> dict[str, str]:
        """The names of columns that differ from the parts they play."""
        return {} if self.columns is None else parse.columns(self.columns)

    def load(
        self, query: "PanelQuery", texts: "Collection[str]" = ()
    ) -> "tuple[pl.DataFrame, Provenance]":
        """Read the features file if there is one; otherwise make the features from a store.

        Parameters
        ----------
        query
            About a store.
        texts
            Columns of groups: see `blueattr.analysis.features.load_features`.
        """
        from blueattr.analysis.features import load_features, make_features

        if self.features is None:
            return make_features(query)
        return load_features(self.features, self.names, texts)

    def refuse_all_topics(self, all_topics: bool) -> None:
        """Refuse --all-topics beside a file, which is about whatever it is about."""
        if all_topics and self.features is not None:
            raise UsageError("--all-topics cannot be combined with --features")

    def check_pilot(self, context: typer.Context) -> None:
        """Refuse options that would change nothing beside a pilot sample."""
        if self.features is not None:
            raise UsageError("--pilot is a sample and --features a whole panel: name one of them")
        _refuse_store_options(context, "--pilot is a finished sample")

    def check(self, context: typer.Context) -> None:
        """Refuse options that would change nothing, or write over the file itself."""
        if self.features is None:
            if self.columns is not None:
                raise UsageError("--columns names the columns of --features FILE; name that too")
            return
        _refuse_store_options(context, "--features is a finished panel")
        for name in ("out", "agents"):
            target = context.params.get(name)
            if target is not None and self._writes_over(Path(target)):
                raise UsageError(
                    f"--{name} {target} would write over the features; name another file"
                )

    def _writes_over(self, target: Path) -> bool:
        """Return whether a file to write is one of the features, or the next run would read it."""
        from blueattr.attribution.large.parts import parts_of, would_be_part

        features = user_path(self.features or "")
        return would_be_part(features, target) or any(
            same_file(target, part) for part in parts_of(features)
        )


def _refuse_store_options(context: typer.Context, instead: str) -> None:
    about_a_store = {field.name for field in fields(QueryOptions)} - {"memory"}
    for name, option in typed(context).items():
        if name in about_a_store:
            raise UsageError(f"{instead}; {option} is about a store and would change nothing")
