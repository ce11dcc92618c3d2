"""Features: made from the panel of a store, or read from a user's file."""

from pathlib import Path

import polars as pl

from blueattr.errors import InputError
from blueattr.panel import topics
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.provenance import Provenance
from blueattr.store.database import Store

__all__ = ["load_features", "make_features"]


def load_features(path: Path) -> tuple[pl.DataFrame, Provenance]:
    """Read a user's own panel from a Parquet or CSV file; its features are not scaled.

    Raises
    ------
    InputError
        The file cannot be read, or is neither Parquet nor CSV.
    """
    try:
        # Opened here: Polars would take the path for a pattern or an address.
        with path.open("rb") as file:
            match path.suffix.lower():
                case ".parquet":
                    frame = pl.read_parquet(file)
                case ".csv":
                    # Infer types from all rows: the first hundred may be whole numbers by chance.
                    text = {"did": pl.String, "agent": pl.String}
                    frame = pl.read_csv(file, schema_overrides=text, infer_schema_length=None)
                case _:
                    raise InputError(f"the features in {path} must be a .parquet or .csv file")
    except OSError as error:
        raise InputError(f"cannot read the features in {path}: {error.strerror or error}") from None
    except pl.exceptions.PolarsError as error:
        raise InputError(f"cannot read the features in {path}: {error}") from None
    return frame, Provenance(source=str(path), notes=("Features are used as given, unscaled.",))


def make_features(query: PanelQuery) -> tuple[pl.DataFrame, Provenance]:
    """Make the features of a store's panel about a topic.

    Returns
    -------
    tuple
        One row per agent, of `blueattr.panel.features.SCHEMA`; and where the features come from.

    Raises
    ------
    NoAnswerError
        Nobody is in the panel, follower counts are missing, or there is no such topic.
    """
    with Store.open(query.db, query.memory) as store:
        topic = topics.choose(store, query.topic, list(query.match), query.topics_file)
        view = StoreView.of(store, query)
        return view.features(view.totals(topic)), view.origin(topic)
