"""A record: what a simulation did, step by step, in arrays whose layout its model declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from blueattr.errors import InputError
from blueattr.kernels import FloatArray
from blueattr.scenarios.protocol import Array

__all__ = [
    "LARGEST",
    "MOST_AGENTS",
    "MOST_STEPS",
    "ORIGINS",
    "ImportedFile",
    "Layout",
    "Origin",
    "Parameter",
    "Record",
    "RecordArray",
    "check_size",
]


MOST_AGENTS, MOST_STEPS = 1000, 10_000
"""How large a scenario may be."""


# Lists of all agents and steps are padded to the longest: so many entries take some 2 GB.
_MOST_ENTRIES = 50_000_000


LARGEST = 1e18
"""The largest number of a record: powers of it are finite, and it is a whole number of 64 bits."""


Origin = Literal["scripted", "econagent", "twinmarket", "socialllm"]


ORIGINS: tuple[Origin, ...] = get_args(Origin)
"""Where records come from: our own scripts, or the logs of a system."""


@dataclass(frozen=True, slots=True)
class RecordArray:
    """One array of a record: its shape in a step, and what its numbers may be.

    Parameters
    ----------
    dims
        A letter an axis: ``n`` agents, ``m`` stocks, ``k`` as many as an agent has. What has a
        ``k`` is padded in memory, and lists of different lengths in a file.
    whole
        Whether its numbers are whole.
    low, high
        Its bounds.
    scaled
        Of an action: whether participation scales it.
    pad
        With what a ``k`` is padded.
    """

    dims: str = ""
    whole: bool = False
    low: float = -LARGEST
    high: float = LARGEST
    scaled: bool = False
    pad: int = 0


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a model.

    Parameters
    ----------
    default
        Its value where a record has none: a number, or a list of names or of numbers.
    low, high
        Bounds of a number.
    meaning
        In words.
    """

    default: Any
    low: float = -np.inf
    high: float = np.inf
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """The arrays and parameters that a model's record has.

    Parameters
    ----------
    states
        What there is before the first step and after each: (steps + 1, …).
    actions
        What agents do: (steps, n, …).
    noise
        The random numbers of the transition: (steps, …).
    parameters
        Constants that a record may change.
    """

    states: Mapping[str, RecordArray]
    actions: Mapping[str, RecordArray]
    noise: Mapping[str, RecordArray]
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file that a record was made of.

    Parameters
    ----------
    name
        Its path within the imported folder.
    sha256
        Of its bytes, in hexadecimal.
    """

    name: str
    sha256: str


@dataclass(frozen=True)
class Record:
    """What a simulation did: states, actions and random numbers of every step.

    Parameters
    ----------
    scenario
        The name of the model: economy, market or opinion.
    parameters
        Of the model; those that are missing have their defaults.
    agents
        The names of the n agents.
    steps
        The labels of the steps.
    states
        (steps + 1, …) each: before the first step, and after each.
    actions
        (steps, n, …) each.
    noise
        (steps, …) each.
    origin
        ``scripted``, or the system whose logs were imported.
    seed
        Of a scripted run.
    imported
        The files it was made of.
    deviation
        Of an imported record: the largest difference between the replay and the logs, by the name
        of what was compared.
    remarks
        What else an importer has to say, in sentences.
    """

    scenario: str
    parameters: Mapping[str, Any]
    agents: tuple[str, ...]
    steps: tuple[int | str, ...]
    states: Mapping[str, FloatArray]
    actions: Mapping[str, Array]
    noise: Mapping[str, FloatArray]
    origin: Origin = "scripted"
    seed: int | None = None
    imported: tuple[ImportedFile, ...] = ()
    deviation: Mapping[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def check_size(agents: int, steps: int, longest: int = 1) -> None:
    """Refuse more than a scenario may have.

    Parameters
    ----------
    agents, steps
        How many.
    longest
        The longest list that an agent has in a step.

    Raises
    ------
    InputError
        It is too large.
    """
    for what, number, most in (("agents", agents, MOST_AGENTS), ("steps", steps, MOST_STEPS)):
        if number > most:
            raise InputError(f"it has {number:,} {what}, and a scenario has at most {most:,}")
    if agents * steps * longest > _MOST_ENTRIES:
        raise InputError(
            f"an agent has a list of {longest:,} entries in a step, which is too many for "
            f"{agents:,} agents and {steps:,} steps"
        )
