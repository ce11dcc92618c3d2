"""A Barabási-Albert network: few agents with many neighbours, many with few."""

import re

import numpy as np
import numpy.typing as npt

from blueattr.errors import UsageError
from blueattr.scenarios.streams import NumberStream

__all__ = ["barabasi_albert", "links_of"]


_NAME = re.compile(r"ba:(\d{1,4})", re.ASCII)


def links_of(network: str, agents: int) -> int:
    """Return M of a network that is called ``ba:M``.

    Raises
    ------
    UsageError
        It is called otherwise, or has no room for so many links.
    """
    found = _NAME.fullmatch(network)
    if found is None:
        raise UsageError(f"a network is ba:M, such as ba:2, not {network!r}")
    links = int(found[1])
    if agents == 1:
        raise UsageError("a network has at least two agents")
    if not 1 <= links < agents:
        raise UsageError(
            f"each agent of a network of {agents:,} has 1 to {agents - 1:,} links when it joins, "
            f"not {links}"
        )
    return links


def barabasi_albert(stream: NumberStream, agents: int, links: int) -> npt.NDArray[np.bool_]:
    """Draw a network: a star of M + 1 agents, and each further one joins M of those before it.

    It joins different ones, with probabilities in proportion to their links.

    Parameters
    ----------
    stream
        For each agent that joins, as many numbers as there are agents.
    agents
        n, more than M.
    links
        M, at least 1.

    Returns
    -------
    ndarray
        bool (n, n), symmetric; nobody is its own neighbour.

    Notes
    -----
    Barabási & Albert (1999), "Emergence of scaling in random networks". Of keys u^(1/degree) the
    largest M are such a sample: Efraimidis & Spirakis (2006).
    """
    joined = np.zeros((agents, agents), bool)
    joined[links, :links] = joined[:links, links] = True
    for new in range(links + 1, agents):
        degree = joined.sum(axis=1)
        u = stream.uniform(agents)
        keys = np.where(degree > 0, u ** (1.0 / np.maximum(degree, 1)), -1.0)
        chosen = np.argsort(-keys, kind="stable")[:links]
        joined[new, chosen] = joined[chosen, new] = True
    return joined
