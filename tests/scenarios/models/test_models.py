"""The three models beside the anchors, which a second implementation reproduced."""

import math
from typing import Any

import numpy as np
import pytest

from blueattr.errors import NoAnswerError
from blueattr.scenarios.games.game import ScenarioGame
from blueattr.scenarios.models.economy import Economy
from blueattr.scenarios.rules.book import Book, clear, fills, smooth_price
from blueattr.scenarios.rules.economy import Form
from blueattr.scenarios.rules.smooth import clip, logistic, magnitude, smooth_max, softplus
from support.scenario_world import AGENTS, one_step, scenario

ROWS = [
    # scenario, indicator, baseline, step, v(N), v(∅), discrete v(N)
    ("economy", "inflation", "zero", 7, -0.011164302, -0.070651461, -0.012193384),
    ("economy", "inflation", "zero", 12, 0.027686336, 0.0, 0.029833594),
    ("economy", "inflation_risk", "zero", 14, 1.6384802e-4, 1.4145039e-4, 1.6746221e-4),
    ("economy", "pressure", "zero", 18, 0.23860084, 0.022716524, 0.31808042),
    ("economy", "inflation", "mean", 12, 0.027686336, 0.0269206, 0.029833594),
    ("economy", "inflation_risk", "mean", 14, 1.6384802e-4, 1.7354201e-4, 1.6746221e-4),
    ("economy", "pressure", "mean", 18, 0.23860084, 0.25393899, 0.31808042),
    ("market", "loss", "hold", 3, 0.019868382, 0.0, 0.064390604),
    ("market", "index_risk", "hold", 22, 3.0196089e-4, 2.8812675e-4, 3.6824494e-4),
    ("opinion", "polarisation", "silent", 1, 0.08333222, 0.069913666, 0.083325891),
    ("opinion", "polarisation", "silent", 8, 0.28857113, 0.25567106, 0.28661675),
    ("opinion", "polarisation", "silent", 12, 0.54916929, 0.48157419, 0.54982325),
]  # fmt: skip
PEAKS = [
    ("economy", "inflation", 12), ("economy", "inflation_risk", 14), ("economy", "pressure", 18),
    ("market", "loss", 3), ("market", "index_risk", 22), ("opinion", "polarisation", 12),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_values_of_everybody_and_of_nobody_are_the_anchors(row: tuple[Any, ...]) -> None:
    name, indicator, baseline, step, all_, none, discrete = row
    model = scenario(name)
    ends = np.stack([np.ones(AGENTS), np.zeros(AGENTS)])
    smooth = one_step(model, indicator, baseline, step, ends, smooth=True)
    rules = one_step(model, indicator, baseline, step, ends[:1], smooth=False)
    np.testing.assert_allclose(smooth, [all_, none], rtol=1e-7, atol=1e-15)
    np.testing.assert_allclose(rules, [discrete], rtol=1e-7)


@pytest.mark.parametrize(("name", "indicator", "peak"), PEAKS)
def test_the_largest_recorded_value_is_at_the_step_of_the_anchors(
    name: str, indicator: str, peak: int
) -> None:
    model = scenario(name)
    kind = model.baselines[0]
    values = [
        float(one_step(model, indicator, kind, step, np.ones((1, AGENTS)), smooth=False)[0])
        for step in range(model.first_peak + 1, len(model.steps) + 1)
    ]
    assert model.first_peak + 1 + int(np.argmax(values)) == peak


@pytest.mark.parametrize("name", ["economy", "market", "opinion"])
def test_the_discrete_transition_of_what_was_recorded_gives_the_recorded_states(name: str) -> None:
    model = scenario(name)
    for index in range(len(model.steps)):
        state = {key: value[None] for key, value in model.start(index).items()}
        actions = {key: channel.values[index][None] for key, channel in model.channels.items()}
        after = model.transition(state, actions, index, False)
        for key, expected in model.start(index + 1).items():
            np.testing.assert_array_equal(after[key][0], expected)


@pytest.mark.parametrize(("name", "indicator", "baseline", "step"), [row[:4] for row in ROWS])
def test_the_smooth_form_takes_complex_numbers_and_gives_its_derivative(
    name: str, indicator: str, baseline: str, step: int
) -> None:
    model, h = scenario(name), 1e-20
    middle = np.full((AGENTS, AGENTS), 0.5)
    unit = np.eye(AGENTS)
    exact = one_step(model, indicator, baseline, step, middle + 1j * h * unit, smooth=True).imag / h
    ends = np.concatenate([middle + 1e-5 * unit, middle - 1e-5 * unit])
    values = one_step(model, indicator, baseline, step, ends, smooth=True)
    differences = (values[:AGENTS] - values[AGENTS:]) / 2e-5
    assert np.abs(exact).max() > 0
    assert np.abs(exact - differences).max() < 4e-9 * np.abs(exact).max()


def test_taxes_skills_and_first_beliefs_are_the_anchors() -> None:
    taxes = Form(smooth=False).tax(np.array([[22_848.0, 5000.0]]))
    np.testing.assert_allclose(taxes, [[5929.591667, 754.875]], rtol=1e-9)
    wages = scenario("economy").record.states["wage"][0]
    np.testing.assert_allclose(wages[[0, 1, -1]], [11.0227, 22.2038, 462.6556], atol=5e-5)
    beliefs = scenario("opinion").record.states["belief"][0]
    np.testing.assert_allclose(beliefs[:3], [0.243334, -0.321115, 0.232903], atol=5e-7)


def test_smooth_pieces_stay_finite_far_from_their_kinks() -> None:
    far = np.array([-1e4, -1.0, 0.0, 1.0, 1e4])
    for x in (far, far + 0j):
        np.testing.assert_allclose(softplus(x, 0.05), np.maximum(far, 0), atol=0.035)
        np.testing.assert_allclose(
            logistic(x).real, [0, 1 / (1 + math.e), 0.5, math.e / (1 + math.e), 1]
        )
        np.testing.assert_allclose(clip(x, -1, 1).real, np.clip(far, -1, 1), atol=0.015)
        np.testing.assert_allclose(magnitude(x).real, np.abs(far), atol=0.02)
    a, b = np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0, 2.0])
    np.testing.assert_allclose(smooth_max(a, b), [0, 2, 2.1], atol=0.01)


# --- the order book ------------------------------------------------------------------------------


def book(bids: dict[float, float], asks: dict[float, float], price: float = 10.0) -> Book:
    return Book(
        price=np.array([price]),
        buys=np.array([list(bids.values())], float),
        sells=np.array([list(asks.values())], float),
        bids=np.array(list(bids), float),
        asks=np.array(list(asks), float),
    )


def test_an_auction_takes_the_lowest_price_with_the_largest_volume() -> None:
    found = clear(book({10.2: 300, 10.0: 200}, {9.8: 300, 10.1: 300}))
    assert (found.price[0], found.volume[0]) == (9.8, 300)


def test_no_trade_and_no_move_where_no_bid_reaches_an_ask_or_a_side_is_missing() -> None:
    for one in (book({9.9: 100}, {10.1: 100}), book({10.5: 100}, {}), book({}, {})):
        found = clear(one)
        assert (found.price[0], found.volume[0]) == (10.0, 0)


def test_the_thin_side_is_repeated_by_the_ratio_and_three_times_at_most() -> None:
    for sold, copies in ((240, 0), (250, 1), (399, 2), (400, 3), (2000, 3)):
        found = clear(book({10.0: 100}, {10.0: sold}))
        assert (found.buy_copies[0], found.sell_copies[0]) == (copies, 0)
        assert found.volume[0] == min(100 * (1 + copies), sold)


def test_orders_are_filled_by_price_then_time_and_copies_come_last_at_their_price() -> None:
    filled = fills(
        np.array([100.0, 100.0, 100.0]), np.array([2.0, 1.0, 1.0]), np.array([0.0, 0.9, 0.1]),
        copies=1, worst=2.0, volume=450.0,
    )  # fmt: skip
    # 1.0: both originals, then both copies; then 50 are left for the first order.
    assert filled.tolist() == [50, 100, 100]
    assert fills(*(np.ones(1),) * 3, copies=0, worst=0.5, volume=9.0).tolist() == [0]


def test_the_smooth_price_balances_its_book() -> None:
    one = book({10.2: 300, 10.0: 200}, {9.8: 300, 10.1: 300})
    price = float(smooth_price(one, 1100.0, 0.25)[0])
    width = 0.005 * 10

    def s(x: float) -> float:
        return float(1 / (1 + np.exp(-x)))

    balance = 300 * s((10.2 - price) / width) + 200 * s((10.0 - price) / width)
    balance -= 300 * s((price - 9.8) / width) + 300 * s((price - 10.1) / width)
    balance += 0.25 * 1100 / 1.0 * (10 - price)
    assert abs(balance) < 1e-9
    assert 9.8 < price < 10.2
    assert smooth_price(book({}, {}), 0.0, 0.25)[0] == 10


# --- what the forms refuse -----------------------------------------------------------------------


def test_a_smooth_price_near_the_floor_that_it_lacks_is_refused() -> None:
    model = scenario("economy")
    state = {key: value[None] for key, value in model.start(5).items()} | {"price": np.array([1.5])}
    actions = {key: channel.values[5][None] for key, channel in model.channels.items()}
    model.transition(state, actions, 5, False)
    with pytest.raises(NoAnswerError, match="ask the discrete game"):
        model.transition(state, actions, 5, True)


def test_nobody_who_has_anything_is_no_division_by_zero() -> None:
    model = scenario("economy")
    assert isinstance(model, Economy)
    nobody = np.zeros((1, AGENTS))
    for smooth in (False, True):
        for name in model.indicators:
            assert np.isfinite(one_step(model, name, "zero", 1, nobody, smooth=smooth)).all()


@pytest.mark.few(1)
@pytest.mark.parametrize("smooth", [False, True])
def test_an_index_is_the_same_in_a_batch_of_any_size_and_still_where_no_price_moves(
    smooth: bool,
) -> None:
    z = (np.arange(32)[:, None] >> np.arange(5) & 1).astype(float)
    for step in range(8):
        window = range(step, step + 1)
        game = ScenarioGame(scenario("market", 5), "loss", window, "hold", "agents",
                            "smooth" if smooth else "discrete")  # fmt: skip
        alone = [game.values(row[None])[0] for row in z]
        assert game.values(z).tolist() == alone
        assert alone[0] == 0
