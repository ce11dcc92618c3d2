"""Indicators of one's own: loading, the protocol's checks, derivatives, the examples, linearity."""

import hashlib
import math
import re
import subprocess
import sys
import textwrap
import threading
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.attribute import attribute
from blueattr.attribution.value import midpoint_weights, solve
from blueattr.errors import ExitCode, IndicatorError, UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator, FeatureArrays, MomentIndicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.indicators.custom import own_indicator
from blueattr.indicators.examples import EXAMPLES, Entropy, Hill, Threshold
from blueattr.indicators.find import SHIPPED, find_indicator
from blueattr.indicators.linearity import linearity
from blueattr.indicators.printed import output_to_log
from blueattr.kernels import FloatArray
from blueattr.studies.scales import compare_scales
from support.effort import law
from support.places import ROOT

LAWS = law(12)
METHODS = ROOT / "docs" / "methods.md"


def frame(n: int = 200, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "did": [f"did:plc:{i:06}" for i in range(n)],
            "a": np.log1p(np.floor(rng.pareto(1.0, n))),
            "b": np.log1p(np.floor(rng.pareto(1.0, n) * 5)),
            "c": np.log1p(np.floor(rng.pareto(0.8, n))),
        }
    )


def arrays(n: int = 200, seed: int = 0) -> FeatureArrays:
    data = frame(n, seed)
    return FeatureArrays(*(data[name].to_numpy() for name in "abc"))


def own(**parts: Any) -> Any:
    """An indicator like heat, with what a test makes of it."""
    usual = {
        "name": "own",
        "names": ("a", "b", "c"),
        "statistics": lambda a, b, c: np.column_stack([a, b, c]),
        "value": lambda m: np.log1p(m[0] * m[1] * m[2]),
    }
    return SimpleNamespace(**(usual | parts))


SOURCE = """
    import numpy as np

    names = ("a", "b", "c")
    formula = "log(1 + abc)"

    def statistics(a, b, c):
        return np.column_stack([a, b, c])

    def value(m):
        return np.log1p(m[0] * m[1] * m[2])
"""


def write(path: Path, source: str = SOURCE) -> Path:
    path.write_text(textwrap.dedent(source))
    return path


# --- loading -------------------------------------------------------------------------------------


def test_a_file_is_an_indicator(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.py")
    result = attribute(frame(), str(path))
    heat = attribute(frame(), "heat", method="quadrature")
    assert (result.indicator, result.method, result.steps) == ("mine", "quadrature", 30)
    np.testing.assert_allclose(result.agents["value"], heat.agents["value"], rtol=1e-12)
    info = result.remarks.info
    assert info is not None
    assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (info.file, info.origin) == (str(path.resolve()), str(path))
    assert (info.gradient, info.statistics) == ("complex step", ("a", "b", "c"))
    assert info.formula == "log(1 + abc)"
    assert not list(tmp_path.glob("__pycache__"))


CLASSES = """
    import sys
    from dataclasses import dataclass

    import numpy as np

    print("this is not a result")

    @dataclass
    class Power:
        k: float = 2.0
        names = ("a",)

        def statistics(self, a, b, c):
            return a[:, None] ** self.k

        def value(self, m):
            print("nor is this", file=sys.stderr)
            return float(m[0])

    square = Power()
    cube = Power(3.0)
"""


def test_an_object_in_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "powers.py", CLASSES)
    cube = find_indicator(f"{path}:cube")
    assert cube.name == "cube"
    values = solve(cube, arrays(), Aggregator(), 3).values
    np.testing.assert_allclose(values, arrays().a ** 3 / 200, rtol=1e-9)
    assert find_indicator(f"{path}:Power").name == "Power"  # a class is made an object of
    with pytest.raises(IndicatorError, match=r"2 indicators \(square, cube\).*powers.py:square"):
        find_indicator(str(path))
    with pytest.raises(IndicatorError, match="no indicator 'cbue'; did you mean 'cube'"):
        find_indicator(f"{path}:cbue")


def test_what_an_indicator_prints_is_logged_and_in_no_stream(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "powers.py", CLASSES)
    find_indicator(f"{path}:cube")
    assert capfd.readouterr() == ("", "")
    logged = {record.getMessage() for record in caplog.records}
    assert logged == {
        f"{path} printed: this is not a result",
        "the indicator 'cube' printed: nor is this",
    }
    assert {record.name for record in caplog.records} == {"blueattr.indicators"}


def test_what_an_indicator_prints_is_on_stderr_where_nobody_set_up_logging(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "powers.py", CLASSES)
    code = f"from blueattr.indicators.find import find_indicator; find_indicator('{path}:cube')"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == ""
    assert f"{path} printed: this is not a result\n" in ended.stderr


@pytest.mark.parametrize(
    ("use", "logged"),
    [
        ("faulthandler.enable(); faulthandler.disable()", []),
        ("subprocess.run(['true'], stderr=sys.stderr, check=True)", []),
        ("sys.stdout.reconfigure(encoding='utf-8'); print('\\N{BULLET}')", ["\N{BULLET}"]),
        ("sys.stdout.buffer.write(b'\\xff raw\\n')", ["\N{REPLACEMENT CHARACTER} raw"]),
        ("sys.stdout.close(); print('still here')", ["still here"]),
        ("logging.getLogger('own').warning('more')", ["WARNING:own:more"]),
    ],
)
def test_the_streams_of_an_indicator_can_do_what_those_of_a_program_can(
    tmp_path: Path, use: str, logged: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    source = f"""
        import faulthandler, logging, subprocess, sys

        own = logging.getLogger("own")
        own.propagate = False
        own.handlers[:] = [logging.StreamHandler()]
        own.handlers[0].setFormatter(logging.Formatter(logging.BASIC_FORMAT))
        names = ("a",)

        def statistics(a, b, c):
            {use}
            return a[:, None]

        def value(m):
            return float(m[0])
    """
    indicator = find_indicator(str(write(tmp_path / "uses.py", source)))
    caplog.clear()
    solve(indicator, arrays(), Aggregator(), 3)
    lines = {record.getMessage().partition(" printed: ")[2] for record in caplog.records}
    assert lines == set(logged)


def test_a_module_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ownpackage").mkdir()
    write(tmp_path / "ownpackage" / "things.py", CLASSES)
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    found = find_indicator("ownpackage.things:square")
    assert found.info is not None
    assert found.info.origin == "ownpackage.things"
    assert found.info.object_name == "square"
    assert found.info.sha256 is not None
    assert sys.path == path
    with pytest.raises(IndicatorError, match="no module 'ownpakage'"):
        find_indicator("ownpakage.things:square")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("hil", "did you mean 'hill'"),
        ("entropie", "did you mean 'entropy'"),
        ("qqq", "there are lin, heat, var, gini, hill, entropy, threshold. One of your"),
        ("", "there are"),
        ("no/such.py", "cannot read"),
        ("a\0b.py", "it has a NUL character"),
        ("no/such.py:thing", "cannot read"),
        ("json:loads", "no indicator"),
        ("os.path:nothing_like_it", "no indicator"),
    ],
)
def test_what_cannot_be_found(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(hint)) as caught:
        find_indicator(name)
    assert caught.value.exit_code == ExitCode.USAGE


# To look whether it has a part ends the program.
_LEAVES = """
class Any:
    def __getattr__(self, name):
        raise SystemExit(3)
thing = Any()
"""


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("import no_such_module_here\n", r"ModuleNotFoundError: .* \(.*bad.py, line 1\)"),
        ("x = 1\n\nx / 0\n", r"ZeroDivisionError: division by zero \(.*bad.py, line 3\)"),
        ("def f(:\n", r"SyntaxError: .* \(.*bad.py, line 1\)"),
        ("raise SystemExit(0)\n", r"SystemExit: 0 \(.*bad.py, line 1\)"),
        ("x = 1\n", "has no indicator"),
        (_LEAVES, r"cannot be used: SystemExit: 3 \(.*bad.py, line 4\)"),
        ("import json\njson.loads('{')\n", r"JSONDecodeError: .* \(.*bad.py, line 2\)"),
    ],
)
def test_files_that_do_not_run(tmp_path: Path, source: str, hint: str) -> None:
    path = write(tmp_path / "bad.py", source)
    with pytest.raises(IndicatorError, match=hint):
        find_indicator(str(path))


# --- the protocol --------------------------------------------------------------------------------


def _raises(*_: object) -> float:
    return 1 / 0


def _leaves(*_: object) -> float:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("parts", "hint"),
    [
        ({"names": "s"}, "list of texts"),
        ({"value": _leaves}, r"value raised SystemExit: 3 \(.*test_custom.py, line"),
        ({"statistics": _leaves}, r"statistics raised SystemExit: 3"),
        ({"names": ()}, "list of texts"),
        ({"names": ("a", 1)}, "list of texts"),
        ({"names": ("a", "a", "c")}, "the same name"),
        ({"value": 3}, "'value' is not a function"),
        ({"gradient": 3}, "'gradient' is not a function"),
        ({"name": "heat"}, "one of the four"),
        ({"name": 3}, "name is text"),
        ({"statistics": lambda a, b, c: a}, r"shape \(1,\) .* must be \(1, 3\); numpy.column"),
        ({"statistics": lambda a, b, c: np.column_stack([a, b])}, r"\(1, 2\)"),
        ({"statistics": lambda a, b, c: [["x", "y", "z"]]}, "not real numbers"),
        ({"statistics": lambda a, b, c: np.column_stack([a, b, c]) * 1j}, "complex128"),
        ({"statistics": lambda a, b, c: [[1, 2, 3], [1]]}, "no array"),
        (
            {"statistics": lambda a, b, c: np.column_stack([a, b, c + 1])},
            "'c' is 1 .* counts as silent",
        ),
        ({"statistics": lambda a, b, c: np.column_stack([a, b, np.log(c)])}, "'c' is -inf"),
        ({"statistics": _raises}, r"statistics raised ZeroDivisionError.*test_custom.py, line \d+"),
        ({"statistics": lambda a: a}, "statistics raised TypeError"),
        ({"value": _raises}, r"value raised ZeroDivisionError.*test_custom.py, line \d+\)"),
        ({"value": lambda m: 1 + m[0]}, "value is 1 where all means are 0"),
        ({"value": lambda m: m}, "not one number"),
        ({"value": lambda m: m[0] + 0j}, "not real numbers"),
        ({"value": lambda m: np.log(m[0])}, "value is -inf"),
        ({"value": lambda m: None}, "not real numbers"),
        ({"gradient": lambda m: np.ones(2)}, "gradient returned shape"),
        ({"gradient": lambda m: m * np.nan}, "gradient is"),
        ({"gradient": lambda m: m}, "gradient is not that of value"),
        ({"weights": lambda m: m}, "weights are not the integrals"),
    ],
)
def test_what_breaks_the_protocol(parts: dict[str, Any], hint: str) -> None:
    with pytest.raises(IndicatorError, match=hint):
        own_indicator(own(**parts))


@pytest.mark.parametrize("part", ["names", "statistics", "value"])
def test_what_is_missing(part: str) -> None:
    thing = own()
    delattr(thing, part)
    with pytest.raises(IndicatorError, match=f"has no '{part}'"):
        find_indicator(thing)


@pytest.mark.parametrize(
    ("parts", "hint"),
    [
        (
            {"statistics": lambda a, b, c: np.column_stack([a - a.mean(), b, c])},
            "depends on which other agents",
        ),
        (
            {"statistics": lambda a, b, c: np.column_stack([a, b, np.where(c > 1, np.nan, c)])},
            "'c' is nan for an agent with a=",
        ),
        ({"statistics": lambda a, b, c: a.__iadd__(1)}, "read-only"),
        ({"value": lambda m: m[0] if m[0] < 1e-3 or m[0] > 0.1 else np.inf}, "value is inf"),
    ],
)
def test_what_only_a_panel_shows(parts: dict[str, Any], hint: str) -> None:
    with pytest.raises(IndicatorError, match=hint):
        attribute(frame().with_columns(pl.col("a") * 0.05), own(**parts))


def test_statistics_of_agents_alike_are_measured_once() -> None:
    """Bit-equal, even where the user's code gives each row another last bit."""
    sizes = []

    def noisy(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
        sizes.append(a.size)
        return np.column_stack([a, b, c]) * (1 + 1e-15 * np.arange(a.size))[:, None]

    x = arrays()
    twice = FeatureArrays(*(np.concatenate([v, v[::-1]]) for v in x))
    values = solve(own_indicator(own(statistics=noisy)), twice, Aggregator(), 5).values
    assert np.array_equal(values[:200], values[:199:-1])
    assert 8 < max(sizes) <= len({*zip(*(v.tolist() for v in x), strict=True)})


# --- derivatives ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (lambda m: np.log1p(m[0] * m[1] * m[2]), "complex step"),
        (lambda m: m[0] ** 2 + np.sqrt(m[1] * m[2]), "complex step"),
        (lambda m: math.log1p(m[0] * m[1] * m[2]), "central differences"),
        (lambda m: np.abs(m[0]) ** 1.5 * m[1] + m[2], "central differences"),
        (lambda m: float(m[0].real * m[1] * m[2]), "central differences"),
        (lambda m: max(m[0], m[1]) * m[2], "complex step"),  # analytic but where both are equal
        (lambda m: m[0] * np.conj(m[1]) + m[2], "central differences"),
    ],
)
def test_complex_step_only_where_it_is_true(value: Any, kind: str) -> None:
    found = own_indicator(own(value=value))
    assert found.info is not None
    assert found.info.gradient == kind
    point = np.array([0.4, 0.7, 1.3])
    h = 1e-6
    slopes = [(value(point + e) - value(point - e)) / (2 * h) for e in h * np.eye(3)]
    np.testing.assert_allclose(found.gradient(point), slopes, rtol=1e-6, atol=1e-8)


@pytest.mark.slow
@LAWS
@given(st.lists(st.floats(1e-6, 1e6), min_size=3, max_size=3))
def test_computed_gradients_are_that_of_heat(point: list[float]) -> None:
    means = np.array(point)
    exact = INDICATORS["heat"]
    assert isinstance(exact, MomentIndicator)
    expected = exact.gradient(means)
    by_step = own_indicator(own()).gradient(means)
    np.testing.assert_allclose(by_step, expected, rtol=1e-12)
    by_difference = own_indicator(own(value=lambda m: math.log1p(m[0] * m[1] * m[2])))
    size = float((np.abs(expected) * means).max()) + 1e-6 * abs(exact.value(means))
    assert (np.abs(by_difference.gradient(means) - expected) * means <= 1e-8 * size).all()


def test_differences_stay_where_f_is_defined() -> None:
    """At a mean of 0, where F has no value below, the difference is one-sided."""
    found = own_indicator(own(value=lambda m: math.sqrt(m[0] ** 3) + m[1] * math.sqrt(1 + m[2])))
    slopes = found.gradient(np.array([0.0, 2.0, 3.0]))
    np.testing.assert_allclose(slopes, [0, 2, 0.5], atol=1e-2)


def test_the_methods_of_own_indicators() -> None:
    result = attribute(frame(), own())
    assert (result.method, result.steps) == ("quadrature", 30)
    check = result.remarks.quadrature
    assert check is not None
    assert check.gap == pytest.approx(abs(result.attributed / result.total - 1), rel=1e-9)
    assert check.gap / check.gap_doubled == pytest.approx(4, rel=0.01)
    with pytest.raises(UsageError, match="no closed form"):
        attribute(frame(), own(), method="closed form")
    assert attribute(frame(), own(), steps=7).steps == 7
    with pytest.raises(UsageError, match="no steps"):
        attribute(frame(), "hill", steps=7)


def test_a_step_between_the_steps_is_missed_and_said_so() -> None:
    data = frame().with_columns(pl.col("a", "b", "c") * 1e6)
    with pytest.raises(ZeroTotalError, match="take more"):
        attribute(data, "threshold", method="quadrature")
    assert attribute(data, "threshold").total == 1.0


# --- the examples --------------------------------------------------------------------------------


def test_examples_ship_beside_the_four() -> None:
    assert SHIPPED == ("lin", "heat", "var", "gini", "hill", "entropy", "threshold")
    for name in EXAMPLES:
        assert find_indicator(name).name == name


@pytest.mark.parametrize(
    "example",
    [Hill(), Hill(0.3, 1.0), Hill(2.0, 4.0), Entropy(), Threshold(), Threshold(1.0, 0.5)],
    ids=str,
)
@LAWS
@given(seed=st.integers(0, 10_000))
def test_weights_of_examples_are_their_integrals(example: Any, seed: int) -> None:
    """The closed forms against the gradient, and the gradient against F, at random means."""
    found = own_indicator(example)
    assert found.weights is not None
    means = np.random.default_rng(seed).uniform(0.05, 3, len(found.statistics))
    steps = 400
    fine = midpoint_weights(found.gradient, means, steps)
    # Entropy's gradient has a logarithm at 0, where the rule errs by log 2 / 2K.
    np.testing.assert_allclose(found.weights(means), fine, rtol=1e-4, atol=0.4 / steps)
    assert math.fsum(found.weights(means) * means) == pytest.approx(found.value(means), rel=1e-12)
    h = 1e-6
    slopes = [(found.value(means + e) - found.value(means - e)) / (2 * h)
              for e in h * np.eye(means.size)]  # fmt: skip
    np.testing.assert_allclose(found.gradient(means), slopes, rtol=1e-6, atol=1e-8)


def test_examples_by_hand() -> None:
    x = arrays()
    n = x.a.size
    s = (x.a + x.b + x.c) / 3
    mu = s.mean()
    hill = solve(find_indicator("hill"), x, Aggregator()).values
    expected = np.sum([v * v.mean() / (1 + v.mean() ** 2) for v in x], axis=0) / (3 * n)
    np.testing.assert_allclose(hill, expected, rtol=1e-12)
    entropy = solve(find_indicator("entropy"), x, Aggregator())
    theil = np.where(s > 0, s * np.log(np.where(s > 0, s, 1) / mu), 0)
    np.testing.assert_allclose(entropy.values, theil / n, rtol=1e-9, atol=1e-15)
    assert entropy.total == pytest.approx(theil.mean(), rel=1e-12)
    tipping = solve(find_indicator("threshold"), x, Aggregator())
    sigma = [1 / (1 + math.exp(-(m - 0.5) / 0.1)) for m in (0.0, float(mu))]
    assert tipping.total == pytest.approx((sigma[1] - sigma[0]) / (1 - sigma[0]), rel=1e-12)
    np.testing.assert_allclose(tipping.values, s * (tipping.total / s.sum()), rtol=1e-12)


def test_entropy_of_one_and_of_all() -> None:
    n = 50
    alone = FeatureArrays(*(np.eye(1, n).ravel() * 3 for _ in "abc"))
    assert solve(find_indicator("entropy"), alone, Aggregator()).total == pytest.approx(
        3 / n * math.log(n)
    )
    with pytest.raises(ZeroTotalError):
        attribute(frame().with_columns(a=pl.lit(2.0), b=pl.lit(1.0), c=pl.lit(3.0)), "entropy")


def test_the_example_of_the_documentation_runs(tmp_path: Path) -> None:
    section = METHODS.read_text(encoding="utf-8").split("## Own indicators")[1]
    source = section.split("```python\n")[1].split("```")[0]
    path = write(tmp_path / "documented.py", source)
    result = attribute(frame(), str(path))
    assert (result.indicator, result.method) == ("documented", "closed form")
    assert result.attributed == pytest.approx(result.total, rel=1e-12)
    fine = attribute(frame(), str(path), method="quadrature", steps=3000)
    assert fine.attributed == pytest.approx(result.total, rel=1e-6)
    shown = (METHODS.parents[1] / "README.md").read_text(encoding="utf-8").split("# mine.py")[1]
    path = write(tmp_path / "mine.py", shown.split("```")[0])
    assert attribute(frame(), str(path)).total > 0


# --- linearity -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Function:
    """Any F of the means of a, b, c, without a gradient."""

    f: Any
    names: tuple[str, ...] = ("a", "b", "c")

    def statistics(self, a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
        return np.column_stack([a, b, c])[:, : len(self.names)]

    def value(self, m: FloatArray) -> float:
        return self.f(m)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("f", "names", "case"),
    [
        (lambda m: m[0] + 2 * m[1] - m[2], "abc", "linear"),
        (lambda m: math.fsum([m[0], 2 * m[1], -m[2]]), "abc", "linear"),
        (lambda m: np.sqrt(m[0] * m[1]) + m[2], "abc", "homogeneous"),
        (lambda m: np.log1p(m[0]), "a", "one statistic"),
        (lambda m: 3 * m[0], "a", "linear"),
        (lambda m: m[0] * m[1], "ab", "nonlinear"),
        (lambda m: m[0] + 1e-3 * m[1] ** 2, "ab", "nonlinear"),
    ],
)
def test_linear_indicators_are_recognised(f: Any, names: str, case: str) -> None:
    indicator = own_indicator(Function(f, tuple(names)))
    assert linearity(indicator).case == case
    remarks = attribute(frame(), indicator).remarks
    assert remarks.linearity is not None
    assert remarks.linearity.case == case
    # What the case says about samples is so on this data.
    test = compare_scales(frame(), [indicator], sizes=[40], seeds=1).indicators[0].samples[0]
    assert test.rescaling is not None
    has_factor = abs(test.rescaling.ratio_spread - 1) < 1e-8
    assert has_factor == (case in {"linear", "one statistic"})


def test_linearity_of_the_four() -> None:
    cases = [
        linearity(i).case for i in INDICATORS.values() if isinstance(i, MomentIndicator)
    ]  # fmt: skip
    assert cases == ["linear", "nonlinear", "nonlinear"]


def test_calls_within_one_another_and_of_threads_print_each_line_once(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sys.stdout, sys.stderr
    both = threading.Barrier(2)

    def work(name: str) -> None:
        with output_to_log(name):
            both.wait(10)
            with output_to_log(f"{name} within"):
                sys.stderr.write(f"of {name}\n")
            both.wait(10)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    with caplog.at_level("WARNING", logger="blueattr.indicators"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(record.getMessage().split(": ")[-1] for record in caplog.records) == [
        "of one",
        "of two",
    ]
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().err == ""
