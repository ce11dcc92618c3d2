"""Features: made from the panel of a store, or read from a user's file."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from blueattr.analysis.asked.naming import OPEN, Naming
from blueattr.analysis.tables.files import read_features, synthetic_label
from blueattr.attribution.frames import read_frame, rename_columns
from blueattr.attribution.inputs import check_cells
from blueattr.attribution.large.parts import parts_of
from blueattr.errors import NoMatchError
from blueattr.panel import topics
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.provenance import Provenance
from blueattr.store.database import Store
from blueattr.user_path import user_path

__all__ = ["given", "load_features", "make_features", "refuse_no_match", "with_label"]


def load_features(
    source: object, columns: Mapping[str, str] | None = None, texts: Collection[str] = ()
) -> tuple[pl.DataFrame, Provenance]:
    """Return a user's own panel; its features are not scaled.

    Parameters
    ----------
    source
        A path, for `blueattr.analysis.tables.files.read_features`; or a frame, for
        `blueattr.attribution.frames.read_frame`.
    columns
        See `blueattr.attribution.frames.name_columns`.
    texts
        Columns of groups, which stay text in a file of text.

    Raises
    ------
    InputError
        The file cannot be read, or is of no kind that is known.
    UsageError, FeatureError
        It is neither path nor frame, or `columns` names what is not there.
    """
    notes: tuple[str, ...] = ()
    if isinstance(source, str | Path):
        path = user_path(source)
        (frame, notes), label = read_features(path, columns, texts), synthetic_label(parts_of(path))
        name = str(source)
    else:
        frame = check_cells(rename_columns(read_frame(source), columns or {}))
        name, label = "in memory", ""
    origin = given(name, frame.columns, columns, label or _label_in(frame))
    return frame, replace(origin, notes=(*origin.notes, *notes))


def given(
    source: str,
    parts: Collection[str],
    columns: Mapping[str, str] | None = None,
    synthetic: str = "",
) -> Provenance:
    """Return the provenance of a user's own panel.

    Parameters
    ----------
    source, parts, columns
        Its name, the parts that its columns play, and the names of columns that differ from them.
    synthetic
        ``"true"`` or ``"partly"`` if it says that it was made of synthetic data.
    """
    notes = ["Features are used as given, unscaled."]
    if columns:
        named = ", ".join(f"{part} is {column}" for part, column in columns.items())
        notes.append(f"Columns: {named}.")
    return Provenance(
        source=source,
        notes=tuple(notes),
        ranked_by="followers" if "followers" in parts else "b",
        synthetic=(Path(source).name,) if synthetic else (),
        all_synthetic=synthetic == "true",
    )


def with_label(frame: pl.DataFrame, origin: Provenance) -> pl.DataFrame:
    """Add a column ``synthetic`` to features that were made of synthetic data, so that they say so.

    Returns
    -------
    polars.DataFrame
        With ``"true"`` or ``"partly"`` in each row; without the column for recorded data.
    """
    label = "true" if origin.all_synthetic else "partly"
    return frame.with_columns(synthetic=pl.lit(label)) if origin.synthetic else frame


def _label_in(frame: pl.DataFrame) -> str:
    """Return what a frame says by `with_label`; a reader of CSV may have made it a bool."""
    if "synthetic" not in frame.columns:
        return ""
    said = set(frame["synthetic"].cast(pl.String, strict=False).drop_nulls().unique())
    if said == {"true"}:
        return "true"
    return "partly" if said & {"true", "partly"} else ""


def make_features(query: PanelQuery, naming: Naming = OPEN) -> tuple[pl.DataFrame, Provenance]:
    """Make the features of a store's panel about a topic.

    Parameters
    ----------
    query
        The window, the panel and the topic.
    naming
        How to name accounts.

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
        counts = view.totals(topic)
        refuse_no_match(view, topic, counts)
        return naming.hide((view.features(counts), view.origin(topic)))


def refuse_no_match(view: StoreView, topic: topics.Topic | None, counts: pl.DataFrame) -> None:
    """Refuse a topic of which the window has no post; see `StoreView.no_match`.

    Raises
    ------
    NoMatchError
        No post matched.
    """
    if why := view.no_match(topic, counts):
        raise NoMatchError(f"{why}; blueattr topics check counts posts by topic and day")
