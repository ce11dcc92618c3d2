"""Samples: what each protocol draws, how often, and that a seed decides all of it."""

import itertools
import math

import numpy as np
import pytest

from blueattr.attribution import sampling
from blueattr.attribution.sampling import PROTOCOLS, Protocol, Sampler, check_protocol, smallest
from blueattr.attribution.tiers import rank
from blueattr.errors import SampleSizeError, UsageError


def sampler(n: int = 500, seed: int = 0) -> Sampler:
    rng = np.random.default_rng(seed)
    followers = np.floor(rng.pareto(1.0, n) * 5)
    activity = np.floor(rng.pareto(1.0, n) * (rng.random(n) < 0.4))
    return Sampler(followers, activity, rank(followers, activity))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_sample_has_its_size_no_repeats_and_nests(protocol: Protocol) -> None:
    drawer = sampler()
    large = drawer.draw(protocol, 60, seed=3, repeat=2)
    assert len(set(large.tolist())) == 60
    for size in (1, 7, 60):
        assert drawer.draw(protocol, size, seed=3, repeat=2).tolist() == large[:size].tolist()


@pytest.mark.parametrize("protocol", ["visibility", "active", "random"])
def test_seed_and_repeat_decide(protocol: Protocol) -> None:
    drawer = sampler()
    draws = {
        (seed, repeat): tuple(drawer.draw(protocol, 30, seed=seed, repeat=repeat).tolist())
        for seed in (0, 1)
        for repeat in (0, 1)
    }
    assert len(set(draws.values())) == 4


def test_protocols_have_streams_of_their_own() -> None:
    flat = Sampler(np.zeros(200), np.ones(200), np.arange(200, dtype=np.uint32))
    names: tuple[Protocol, ...] = ("visibility", "active", "random")
    draws = {tuple(flat.draw(protocol, 20).tolist()) for protocol in names}
    assert len(draws) == 3


@pytest.mark.few(1)
@pytest.mark.parametrize("protocol", ["visibility", "active", "random"])
def test_draws_follow_successive_sampling(protocol: Protocol) -> None:
    """Every ordered pair of four agents against its probability, by 5 standard errors."""
    followers, activity = np.array([0.0, 1.0, 3.0, 7.0]), np.array([4.0, 0.0, 1.0, 2.0])
    weights = {"visibility": followers + 1, "active": activity, "random": np.ones(4)}[protocol]
    drawer = Sampler(followers, activity, rank(followers, activity))
    draws = 4000
    seen: dict[tuple[int, int], int] = {}
    for repeat in range(draws):
        i, j = drawer.draw(protocol, 2, repeat=repeat).tolist()
        seen[i, j] = seen.get((i, j), 0) + 1
    total = weights.sum()
    for i, j in itertools.permutations(range(4), 2):
        p = weights[i] / total * weights[j] / (total - weights[i])
        assert abs(seen.get((i, j), 0) - draws * p) <= 5 * math.sqrt(draws * p * (1 - p))


def test_top_is_the_most_followed_in_order() -> None:
    drawer = sampler()
    drawn = drawer.draw("top", 20)
    followers = drawer.followers[drawn]
    assert (np.diff(followers) <= 0).all()
    assert followers.min() >= np.delete(drawer.followers, drawn).max()
    assert drawn.tolist() == drawer.draw("top", 20, seed=5, repeat=3).tolist()


def test_active_never_draws_the_inactive() -> None:
    drawer = sampler()
    able = drawer.available("active")
    assert 0 < able < 500
    drawn = drawer.draw("active", able)
    assert sorted(drawn.tolist()) == np.flatnonzero(drawer.activity).tolist()
    with pytest.raises(SampleSizeError, match=f"only {able} of the panel's 500"):
        drawer.draw("active", able + 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_sizes_that_do_not_exist(protocol: Protocol) -> None:
    drawer = sampler()
    with pytest.raises(SampleSizeError, match=r"501 agents .* panel of 500"):
        drawer.draw(protocol, 501)
    with pytest.raises(UsageError, match="at least one"):
        drawer.draw(protocol, 0)


@pytest.mark.parametrize("protocol", ["visibility", "top", "random"])
def test_the_whole_panel_is_a_sample(protocol: Protocol) -> None:
    assert sorted(sampler().draw(protocol, 500).tolist()) == list(range(500))


def test_negative_seeds_are_an_error() -> None:
    with pytest.raises(UsageError, match="seed"):
        sampler().draw("random", 3, seed=-1)


def test_protocol_names() -> None:
    assert [check_protocol(name) for name in PROTOCOLS] == list(PROTOCOLS)
    with pytest.raises(UsageError, match="'visibility'"):
        check_protocol("visible")


def test_smallest_breaks_ties_by_position() -> None:
    keys = np.array([2.0, 1.0, 1.0, 0.0, 1.0])
    for size, expected in ((1, [3]), (2, [3, 1]), (3, [3, 1, 2]), (5, [3, 1, 2, 4, 0])):
        assert smallest(keys, size).tolist() == expected


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_sets_have_the_agents_that_are_drawn(
    protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "_STRETCH", 64)
    drawer = sampler()
    sizes: tuple[int, ...] = (100, 1, 20, 63, 64)
    sizes = sizes if protocol == "active" else (*sizes, 500)
    sets = drawer.draw_sets(protocol, sizes, seed=3, repeat=2)
    assert [*sets] == [*sizes]
    for size, found in sets.items():
        drawn = drawer.draw(protocol, size, seed=3, repeat=2)
        assert found.tolist() == (drawn if protocol == "top" else np.sort(drawn)).tolist()
    with pytest.raises(SampleSizeError, match="501"):
        drawer.draw_sets(protocol, (3, 501))


def test_sets_break_ties_by_position() -> None:
    keys = np.array([2.0, 1.0, 1.0, 0.0, 1.0])
    for size, bound in ((1, 0.0), (2, 1.0), (3, 1.0), (5, 2.0)):
        assert sampling._up_to(keys, bound, size).tolist() == sorted(smallest(keys, size).tolist())


@pytest.mark.parametrize("protocol", ["visibility", "active", "random"])
def test_agents_of_many_stretches_are_drawn_by_the_keys_of_all(
    protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "_STRETCH", 64)
    drawer = sampler()
    stream = np.random.SeedSequence(3, spawn_key=(PROTOCOLS.index(protocol), 2))
    drawn_at_once = np.random.default_rng(stream).standard_exponential(500)
    with np.errstate(divide="ignore"):
        keys = drawn_at_once / drawer.draw_weights(protocol)
    for size in (1, 20, 63, 64, 100):
        drawn, those = drawer.draw_keys(protocol, size, seed=3, repeat=2)
        assert drawn.tolist() == np.argsort(keys, kind="stable")[: size + 1].tolist()
        assert those.tolist() == keys[drawn].tolist()
