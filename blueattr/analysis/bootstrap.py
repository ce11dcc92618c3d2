"""Bootstrap: confidence intervals of the tier shares of a panel."""

import polars as pl

from blueattr.attribution.question import Question
from blueattr.provenance import Provenance
from blueattr.studies.bootstrap import Bootstrap, bootstrap

__all__ = ["bootstrap_panel"]


def bootstrap_panel(
    frame: pl.DataFrame, origin: Provenance, question: Question, resamples: int, seed: int
) -> Bootstrap:
    """Compute confidence intervals of tier shares by resampling the agents of a panel.

    Parameters
    ----------
    frame, origin
        The panel: see `blueattr.analysis.features`.
    question
        What to attribute, and how.
    resamples, seed
        See `blueattr.studies.bootstrap.bootstrap`.
    """
    return bootstrap(
        frame,
        question.indicators,
        resamples=resamples,
        seed=seed,
        **question.how,
        provenance=origin,
    )
