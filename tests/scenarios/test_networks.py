"""The network of the opinion model: who is joined, and who can be read."""

import numpy as np
import pytest

from blueattr.errors import UsageError
from blueattr.scenarios.scripts.network import barabasi_albert
from blueattr.scenarios.shipped import run_scenario, scenario_of
from blueattr.scenarios.streams import OPINION, NumberStream


@pytest.mark.parametrize("links", [1, 2, 5])
def test_each_agent_joins_as_many_before_it(links: int) -> None:
    joined = barabasi_albert(NumberStream(3, OPINION), 40, links)
    assert (joined == joined.T).all()
    assert not joined.diagonal().any()
    before = np.tril(joined).sum(axis=1)
    assert before[: links + 1].tolist() == [0] * links + [links]
    assert (before[links + 1 :] == links).all()


def test_who_has_many_links_gets_more_of_them() -> None:
    degrees = np.mean(
        [barabasi_albert(NumberStream(k, OPINION), 60, 1).sum(axis=1) for k in range(40)], axis=0
    )
    # With uniform choices the first two would have about the logarithm of n.
    assert degrees[:2].mean() > 1.5 * np.log(60)


def test_nobody_reads_beyond_its_neighbours_and_itself() -> None:
    record = run_scenario("opinion", agents=12, steps=8, seed=4, network="ba:2")
    joined = np.zeros((12, 12), bool)
    authors = record.actions["author"]
    for step, reader, place in zip(*np.nonzero(authors >= 0), strict=True):
        joined[reader, authors[step, reader, place]] = True
    others = joined & ~np.eye(12, dtype=bool)
    assert joined.diagonal().any()
    # A star of three agents has two links, each of the nine others two more.
    assert np.triu(others | others.T).sum() <= 2 + 9 * 2
    assert scenario_of(record).parameters["links"] == 2
    free = run_scenario("opinion", agents=12, steps=8, seed=4)
    assert free.parameters == {}
    assert (free.actions["author"] >= 0).sum() > (authors >= 0).sum()


@pytest.mark.parametrize(
    ("name", "network", "message"),
    [
        ("economy", "ba:2", "only opinion"),
        ("opinion", "ws:2", "a network is ba:M"),
        ("opinion", "ba:0", "1 to 4 links"),
        ("opinion", "ba:5", "1 to 4 links"),
    ],
)
def test_a_network_that_cannot_be_is_refused(name: str, network: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run_scenario(name, agents=5, steps=1, network=network)
