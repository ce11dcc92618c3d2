"""Questions about samples: what one's own says of the whole, and how large one should be."""

import re
from collections.abc import Mapping

import numpy as np
import polars as pl

from blueattr.analysis.features import load_features
from blueattr.attribution.question import Question
from blueattr.attribution.sampling import Protocol, Sampler, check_protocol
from blueattr.attribution.tiered import TieredPanel
from blueattr.attribution.value import check_method
from blueattr.errors import UsageError
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray
from blueattr.provenance import Provenance
from blueattr.studies.samples.correction import Draw, membership
from blueattr.studies.samples.design import Design, Designs, Population, design
from blueattr.studies.samples.own_sample import Chance, Correction, correct_sample, known_draw

__all__ = ["chance", "correct_own", "design_panel", "design_pilot", "half_width"]


def chance(
    *,
    pi: str | None = None,
    weight: str | None = None,
    size: str | None = None,
    population_size: float | None = None,
    population: int | None = None,
) -> Chance | None:
    """Say which column of a sample has the chances of its agents.

    Parameters
    ----------
    pi
        The column with the probability that the agent was drawn, above 0 and up to 1.
    weight
        The column with 1 / that probability.
    size
        The column with what it was proportional to, draw by draw: followers + 1, for instance.
    population_size
        With `size`: its sum over all agents there are, drawn or not.
    population
        The number of all agents there are, if it is known.

    Returns
    -------
    Chance or None
        None if no column is named.

    Raises
    ------
    UsageError
        Several columns are named, or a number makes no sense.
    """
    named = {kind: name for kind, name in (("pi", pi), ("weight", weight), ("size", size)) if name}
    if len(named) > 1 or (not named and (population_size, population) != (None, None)):
        raise UsageError(_ONE_COLUMN)
    if not named:
        return None
    ((kind, column),) = named.items()
    return Chance(kind, column, population_size, population)  # type: ignore[arg-type]


_ONE_COLUMN = (
    "name one column that says how likely each agent was to be drawn: --pi (the probability), "
    "--weight (1 / probability) or --size (what it was proportional to). A sample of which that is "
    "not known, such as a crawl along links, cannot be put right"
)
_HALF_WIDTH = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*(pp|%)?\s*", re.IGNORECASE)


def half_width(text: str | float) -> float:
    """Read a half-width as a share: ``"2pp"`` and ``"2%"`` are 0.02, as is the number itself.

    Raises
    ------
    UsageError
        For another text, or a share that is not between 0 and 1.

    Examples
    --------
    >>> half_width("2pp"), half_width("1.5 %"), half_width(0.1)
    (0.02, 0.015, 0.1)
    """
    match = _HALF_WIDTH.fullmatch(str(text))
    share = float(match[1]) / (100 if match[2] else 1) if match else 0.0
    if not 0 < share < 1:
        raise UsageError(f"--within {text} should be a half-width such as 2pp (percentage points)")
    return share


def correct_own(
    sample: object, columns: Mapping[str, str], question: Question, how_drawn: Chance | None
) -> Correction:
    """Estimate tier shares of the whole from a sample of the user's own.

    Parameters
    ----------
    sample, columns
        As for `blueattr.analysis.features.load_features`.
    question
        What to attribute, and how; its panel is ignored.
    how_drawn
        See `chance`.

    Raises
    ------
    UsageError
        No column is named. Of a sample that followed links from account to account, or was drawn in
        an unknown way, none can be.
    """
    if how_drawn is None:
        raise UsageError(_ONE_COLUMN)
    frame, origin = load_features(sample, columns)
    return correct_sample(
        frame, question.indicators, how_drawn, method=question.method, steps=question.steps,
        aggregator=question.aggregator, cutoffs=question.cutoffs, provenance=origin,
    )  # fmt: skip


def design_panel(
    frame: pl.DataFrame, origin: Provenance, question: Question, within: float, protocol: str
) -> Designs:
    """Find the smallest samples of a panel whose corrected shares are sure enough.

    Parameters
    ----------
    frame, origin
        The panel: see `blueattr.analysis.features`.
    question
        What to attribute, and how.
    within
        The largest half-width of a 95 % interval, as a share.
    protocol
        How the samples are to be drawn.

    Raises
    ------
    UsageError
        For a protocol whose samples cannot be put right.
    """
    question = question.settled(origin.is_searched)
    tiered = TieredPanel.of(frame, question.cutoffs, question.choice)
    panel = tiered.panel
    population = Population(
        Draw(panel.features, np.ones(panel.dids.len())),
        membership(tiered.tiers, len(tiered.names)),
        _weights(Sampler.of(panel), protocol),
    )
    return _designs(population, origin, question, within, protocol, pilot=None)


def design_pilot(
    sample: object,
    columns: Mapping[str, str],
    question: Question,
    within: float,
    *,
    protocol: str,
    how_drawn: Chance | None,
) -> Designs:
    """Find the smallest samples, by what a first sample says of the whole.

    Parameters
    ----------
    sample, columns, how_drawn
        The pilot: as for `correct_own`.
    question, within, protocol
        As for `design_panel`.

    Raises
    ------
    UsageError
        As `correct_own`.
    """
    if how_drawn is None:
        raise UsageError(_ONE_COLUMN)
    frame, origin = load_features(sample, columns)
    known = known_draw(frame, how_drawn, question.cutoffs)
    weights = _weights(Sampler.of(known.panel), protocol)
    draw = Draw(known.draw.features, known.draw.probabilities)
    population = Population(draw, known.tiers, weights)
    pilot = known.panel.dids.len()
    return _designs(population, origin, question, within, protocol, pilot=pilot)


def _weights(sampler: Sampler, protocol: str) -> FloatArray:
    checked = check_protocol(protocol)
    if checked == "top":
        raise UsageError(
            "samples of the most followed cannot be put right: choose another protocol"
        )
    weights = sampler.draw_weights(checked)
    if not weights.all():
        raise UsageError(
            "samples by activity cannot be put right here: who was not active would have no "
            "chance; choose another protocol"
        )
    return weights


def _designs(
    population: Population,
    origin: Provenance,
    question: Question,
    within: float,
    protocol: str,
    *,
    pilot: int | None,
) -> Designs:
    checked: Protocol = check_protocol(protocol)
    made: list[Design] = [
        design(
            one,
            population,
            within,
            question.aggregator,
            check_method(one, question.method, question.steps)[1],
            protocol=checked,
        )
        for one in map(find_indicator, question.indicators)
    ]
    return Designs(
        indicators=tuple(made),
        protocol=checked,
        within=within,
        population=population.size,
        pilot=pilot,
        cutoffs=question.cutoffs,
        panel="active" if pilot is not None else question.choice,
        provenance=origin,
    )
