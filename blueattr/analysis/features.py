"""The features of a store's panel, or of a features file."""

from pathlib import Path

import polars as pl

from blueattr.errors import InputError
from blueattr.panel import topics
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.provenance import Provenance
from blueattr.store.database import Store

__all__ = ["load_features", "make_features"]


# --- attribution ---------------------------------------------------------------------------------


def load_features(path: Path) -> tuple[pl.DataFrame, Provenance]:
    """Read a panel of one's own from Parquet or CSV; used as it is, no scaling.

    Raises
    ------
    InputError
        It cannot be read, or is neither.
    """
    try:
        # Opened here, so that the path is a name and not a pattern or an address.
        with path.open("rb") as file:
            match path.suffix.lower():
                case ".parquet":
                    frame = pl.read_parquet(file)
                case ".csv":
                    # All rows tell a column's type: the first hundred may be whole by chance.
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
    """Describe each agent by its features: one row per agent, of `features.SCHEMA`."""
    with Store.open(query.db, query.memory) as store:
        topic = topics.choose(store, query.topic, list(query.match), query.topics_file)
        view = StoreView.of(store, query)
        return view.features(view.totals(topic)), view.origin(topic)
