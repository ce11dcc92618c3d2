"""Logs of a system, by the system's name, become a record."""

from collections.abc import Callable, Mapping
from pathlib import Path

from blueattr.errors import UsageError
from blueattr.scenarios.logs.econagent import read_econagent
from blueattr.scenarios.logs.socialllm import read_socialllm
from blueattr.scenarios.logs.twinmarket import read_twinmarket
from blueattr.scenarios.record import Record
from blueattr.scenarios.shipped import scenario_of
from blueattr.suggest import did_you_mean

__all__ = ["SYSTEMS", "import_logs"]


SYSTEMS: Mapping[str, Callable[[str | Path], Record]] = {
    "econagent": read_econagent,
    "twinmarket": read_twinmarket,
    "socialllm": read_socialllm,
}
"""What reads the logs of each system."""


def import_logs(system: str, folder: str | Path) -> Record:
    """Make a record of the logs of one of the original systems.

    Parameters
    ----------
    system
        ``econagent``, ``twinmarket`` or ``socialllm``.
    folder
        Where its logs are.

    Returns
    -------
    Record
        With the digest of each file that was read, and in `deviation` the largest difference
        between a replay by the discrete rules and the logs.

    Raises
    ------
    UsageError
        There is no such system.
    InputError
        A file is missing, or is not what it should be.

    Notes
    -----
    docs/scenarios.md, "Logs of the original systems".
    """
    if system not in SYSTEMS:
        hint = did_you_mean(system, [*SYSTEMS], f"there are {', '.join(SYSTEMS)}", quoted=True)
        raise UsageError(f"no system is called {system!r}; {hint}")
    record = SYSTEMS[system](folder)
    scenario_of(record)
    return record
