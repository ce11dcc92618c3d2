"""Custom indicators: the protocol, its checks, and derivatives for F without a gradient."""

import contextlib
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from blueattr import kernels
from blueattr.errors import IndicatorError
from blueattr.indicators.base import Aggregator, FeatureArrays, MomentIndicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.indicators.printed import output_to_log
from blueattr.kernels import FloatArray
from blueattr.provenance import IndicatorInfo

__all__ = ["OwnIndicator", "own_indicator"]


@runtime_checkable
class OwnIndicator(Protocol):
    """A custom indicator: an object, or a module with these names.

    It defines f = value(means), with the means of p statistics over all agents, in which absent
    agents count as 0. Optional names:

    - ``gradient(means)``: ∂F/∂m, float64 (p,). The default is a complex step if ``value`` is
      analytic for complex means, else central differences;
    - ``weights(means)``: the integrals ∫₀¹ ∂F/∂m (t·means) dt in closed form, float64 (p,). The
      default is the midpoint rule;
    - ``name``, ``formula``: text for reports.

    Notes
    -----
    The vector-measure games of Aumann & Shapley (1974); docs/methods.md, "Own indicators", has an
    example.
    """

    @property
    def names(self) -> Sequence[str]:
        """The names of the p statistics."""

    def statistics(self, a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
        """Measure each agent on its own: three float64 (n,) to (n, p); 0 for a = b = c = 0."""

    def value(self, means: FloatArray) -> float:
        """Return F of the means, float64 (p,); 0 if all means are 0."""


_PACKAGE = Path(__file__).resolve().parent.parent
_EPS = float(np.finfo(np.float64).eps)
_STEP = _EPS ** (1 / 3)
_COMPLEX_STEP = 1e-40
_PROBES = 4
_TRIED_ALONE = 8
_OPTIONAL = ("gradient", "weights")


def own_indicator(definition: OwnIndicator, info: IndicatorInfo | None = None) -> MomentIndicator:
    """Check a custom indicator, and turn it into a `MomentIndicator`.

    Parameters
    ----------
    definition
        The custom indicator.
    info
        Where it comes from, if known; the other fields are filled in here.

    Returns
    -------
    MomentIndicator
        Its functions check what the user's functions return on every call.

    Raises
    ------
    IndicatorError
        When it breaks the protocol: a name is missing, a statistic is not 0 for an agent without
        features, F is not 0 at 0, a gradient or weights are not those of F, a shape or type is
        wrong, a number is not finite, or the code raises an exception.

    Notes
    -----
    docs/methods.md, "Own indicators".
    """
    where = info or IndicatorInfo("", (), "", origin=type(definition).__module__,
                                  object_name=type(definition).__qualname__)  # fmt: skip
    code = _Code(definition, _name(definition, where), _statistic_names(definition, where))
    code.check_silence()
    gradient, kind = code.derivative()
    if code.has("gradient"):
        code.check_gradient()
    if code.has("weights"):
        code.check_weights()
    formula = getattr(definition, "formula", "")
    return MomentIndicator(
        name=code.name,
        formula=str(formula) or f"F of the means of {', '.join(code.names)}",
        statistics=code.names,
        measure=code.measure,
        value=code.value,
        gradient=gradient,
        weights=code.weights if code.has("weights") else None,
        aggregates=False,
        info=replace(
            where, formula=str(formula), statistics=code.names, gradient=kind,
            weights=code.has("weights"),
        ),
    )  # fmt: skip


def _name(definition: OwnIndicator, info: IndicatorInfo) -> str:
    name = getattr(definition, "name", None) or info.object_name or info.origin
    if not isinstance(name, str):
        raise IndicatorError(f"an indicator's name is text, not {type(name).__name__}")
    if name in INDICATORS:
        raise IndicatorError(
            f"your own indicator is called {name!r}, as one of the four; give it another name"
        )
    return name


def _statistic_names(definition: OwnIndicator, info: IndicatorInfo) -> tuple[str, ...]:
    what = info.object_name or info.origin
    for part in ("names", "statistics", "value"):
        if not hasattr(definition, part):
            raise IndicatorError(f"{what} is no indicator: it has no {part!r}")
    for part in ("statistics", "value", *_OPTIONAL):
        if getattr(definition, part, None) is not None and not callable(getattr(definition, part)):
            raise IndicatorError(f"{what} is no indicator: its {part!r} is not a function")
    names: Any = definition.names
    texts = isinstance(names, Sequence) and not isinstance(names, str)
    if not (texts and names and all(isinstance(name, str) and name for name in names)):
        raise IndicatorError(
            f"the names of the statistics of {what} are a list of texts such as ('s',), "
            f"not {names!r}"
        )
    if len(set(names)) < len(names):
        raise IndicatorError(f"two statistics of {what} have the same name: {', '.join(names)}")
    return tuple(names)


@dataclass(frozen=True)
class _Code:
    """The functions of a custom indicator; every call is checked."""

    definition: Any
    name: str
    names: tuple[str, ...]

    def has(self, part: str) -> bool:
        return getattr(self.definition, part, None) is not None

    def fail(self, what: str) -> IndicatorError:
        return IndicatorError(f"the indicator {self.name!r}: {what}")

    def call(self, part: str, *arguments: Any) -> Any:
        """Call a user's function; log its output, and report where it raises an exception."""
        try:
            # Its result is checked for numbers that are not finite.
            with output_to_log(f"the indicator {self.name!r}"), np.errstate(all="ignore"):
                return getattr(self.definition, part)(*arguments)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's code may raise anything
            raise self.fail(f"{part} raised {blame(error)}") from None

    # --- statistics ---

    def measure(self, features: FeatureArrays, _: Aggregator) -> tuple[FloatArray, ...]:
        """Measure each kind of agent once, so that equal agents have equal bits."""
        first, kind = _kinds(features)
        kinds = features.take(first)
        table = self._table(kinds)
        self._check_alone(kinds, table)
        return tuple(np.ascontiguousarray(column)[kind] for column in table.T)

    def _table(self, agents: FeatureArrays) -> FloatArray:
        read_only = [x.view() for x in agents]
        for x in read_only:
            x.flags.writeable = False
        table = self._real("statistics", self.call("statistics", *read_only))
        shape = (agents.a.size, len(self.names))
        if table.shape != shape:
            hint = "; numpy.column_stack makes it of columns" if table.ndim != 2 else ""
            raise self.fail(
                f"statistics returned an array of shape {table.shape} for {shape[0]} agents and "
                f"{shape[1]} names: it must be {shape}{hint}"
            )
        bad = ~np.isfinite(table)
        if bad.any():
            row, column = (int(k) for k in np.argwhere(bad)[0])
            who = ", ".join(f"{n}={x[row]:.6g}" for n, x in zip("abc", agents, strict=True))
            raise self.fail(
                f"the statistic {self.names[column]!r} is {table[row, column]} for an agent with "
                f"{who}"
            )
        return table

    def _check_alone(self, kinds: FeatureArrays, table: FloatArray) -> None:
        """Refuse statistics that depend on other agents, such as ranks."""
        n = kinds.a.size
        some = np.unique(np.linspace(0, n - 1, _TRIED_ALONE).astype(np.int64))
        for k in some.tolist():
            alone = self._table(kinds.take(np.array([k])))
            if not np.allclose(alone, table[[k]], rtol=1e-9, atol=0):
                raise self.fail(
                    "statistics depends on which other agents there are; it must measure each "
                    "agent by its own a, b and c"
                )

    def check_silence(self) -> None:
        """Check that the statistics of an absent agent are 0, and that F is 0 if all are absent."""
        nobody = FeatureArrays(np.zeros(1), np.zeros(1), np.zeros(1))
        for name, number in zip(self.names, self._table(nobody)[0].tolist(), strict=True):
            if number != 0:
                raise self.fail(
                    f"the statistic {name!r} is {number:g} for an agent without features; it must "
                    "be 0, because an absent agent counts as silent"
                )
        nothing = self.value(np.zeros(len(self.names)))
        if nothing != 0:
            raise self.fail(
                f"value is {nothing:g} where all means are 0; it must be 0 where nobody takes part"
            )

    # --- F and its derivatives ---

    def _real(self, part: str, result: Any) -> FloatArray:
        try:
            array = np.asarray(result)
        except ValueError as error:  # rows of different lengths
            raise self.fail(f"{part} returned no array: {error}") from None
        if array.dtype.kind not in "biuf":
            raise self.fail(f"{part} returned {array.dtype}, not real numbers")
        return array.astype(np.float64)

    def value(self, means: FloatArray) -> float:
        """Return F at one point (p,). At many points, (p, k), the caller checks the result."""
        result = self.call("value", means.copy())
        if means.ndim > 1:
            return result  # type: ignore[no-any-return]
        number = self._real("value", result)
        if number.shape != ():
            raise self.fail(f"value returned an array of shape {number.shape}, not one number")
        if not np.isfinite(number):
            raise self.fail(f"value is {number} at {self._shown(means)}")
        return float(number)

    def _vector(self, part: str, means: FloatArray) -> FloatArray:
        vector = self._real(part, self.call(part, means.copy()))
        if vector.shape != means.shape:
            raise self.fail(f"{part} returned shape {vector.shape}, not {means.shape}")
        if not np.isfinite(vector).all():
            raise self.fail(f"{part} is {vector.tolist()} at {self._shown(means)}")
        return vector

    def _shown(self, means: FloatArray) -> str:
        pairs = zip(self.names, means.tolist(), strict=True)
        return "means " + ", ".join(f"{name}={mean:.6g}" for name, mean in pairs)

    def gradient(self, means: FloatArray) -> FloatArray:
        """Return the user's ∂F/∂m, float64 (p,)."""
        return self._vector("gradient", means)

    def weights(self, means: FloatArray) -> FloatArray:
        """Return the user's integrals of ∂F/∂m, float64 (p,)."""
        return self._vector("weights", means)

    def complex_step(self, means: FloatArray) -> FloatArray:
        """Return ∂F/∂m_k = Im F(m + i h e_k) / h, which cancels no digits."""
        slopes = np.empty(means.size)
        unit = float(np.abs(means).max()) or 1.0
        for k, mean in enumerate(means.tolist()):
            h = _COMPLEX_STEP * (abs(mean) or unit)
            point = means.astype(np.complex128)
            point[k] += 1j * h
            slopes[k] = complex(self.call("value", point)).imag / h
        if not np.isfinite(slopes).all():
            raise self.fail(f"its derivative is {slopes.tolist()} at {self._shown(means)}")
        return slopes

    def differences(self, means: FloatArray, relative: float = _STEP) -> FloatArray:
        """Return central differences; one-sided if F is not defined below a mean of 0."""
        unit = float(np.abs(means).max()) or 1.0
        return np.array([
            self._difference(means, k, relative * (abs(mean) or unit))
            for k, mean in enumerate(means.tolist())
        ])  # fmt: skip

    def _difference(self, means: FloatArray, k: int, h: float) -> float:
        def at(step: float) -> float:
            point = means.copy()
            point[k] += step
            return self.value(point)

        try:
            return (at(h) - at(-h)) / (2 * h)
        except IndicatorError:
            if means[k] > h:
                raise
            return (4 * at(h) - 3 * at(0.0) - at(2 * h)) / (2 * h)

    def derivative(self) -> tuple[Callable[[FloatArray], FloatArray], str]:
        """Return the gradient of F, and how it is computed."""
        if self.has("gradient"):
            return self.gradient, "given"
        if self._analytic():
            return self.complex_step, "complex step"
        return self.differences, "central differences"

    def _points(self) -> list[FloatArray]:
        """Return test points at which F is defined."""
        rng = np.random.default_rng(0)
        points = [rng.uniform(0.1, 1.5, len(self.names)) for _ in range(_PROBES)]
        defined = []
        for point in points:
            with contextlib.suppress(IndicatorError):
                self.value(point)
                defined.append(point)
        return defined

    def _analytic(self) -> bool:
        """Return whether F takes complex means and its imaginary part is the derivative."""
        points = self._points()
        for point in points:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # such as that of a cast to a real number
                try:
                    at_complex = self.call("value", point.astype(np.complex128))
                    if not np.iscomplexobj(at_complex) or np.ndim(at_complex) != 0:
                        return False
                    slopes = self.complex_step(point)
                except IndicatorError:
                    return False
            expected = self._smooth(point)
            if expected is None or not _close(slopes, expected, 1e-5):
                return False
        return bool(points)

    def _smooth(self, point: FloatArray) -> FloatArray | None:
        """Return central differences, or None if two step sizes disagree."""
        try:
            fine, coarse = self.differences(point), self.differences(point, 8 * _STEP)
        except IndicatorError:
            return None
        return fine if _close(fine, coarse, 1e-6) else None

    def check_gradient(self) -> None:
        """Compare the user's gradient with differences of F, where F is smooth."""
        for point in self._points():
            slopes, expected = self.gradient(point), self._smooth(point)
            if expected is not None and not _close(slopes, expected, 1e-3):
                raise self.fail(
                    f"gradient is not that of value: at {self._shown(point)} it is "
                    f"{_joined(slopes)}, and differences of value give {_joined(expected)}"
                )

    def check_weights(self) -> None:
        """Check that Σ_k w_k m_k = F(m): the values of all agents sum to the indicator."""
        for point in self._points():
            weights, total = self.weights(point), self.value(point)
            size = float(np.abs(weights) @ np.abs(point))
            if abs(float(weights @ point) - total) > 1e-9 * max(size, abs(total)):
                raise self.fail(
                    f"weights are not the integrals of its gradient: at {self._shown(point)} they "
                    f"share out {float(weights @ point):.6g} of {total:.6g}"
                )


def _close(x: FloatArray, y: FloatArray, relative: float) -> bool:
    unit = max(float(np.abs(y).max()), float(np.abs(x).max()))
    return bool((np.abs(x - y) <= relative * unit).all())


def _joined(x: FloatArray) -> str:
    return ", ".join(f"{number:.6g}" for number in x.tolist())


def _kinds(features: FeatureArrays) -> tuple[kernels.IndexArray, kernels.IntArray]:
    """Group equal agents: the first agent of each kind, and the kind of each agent."""
    order = kernels.argsort(features.a)
    order = kernels.argsort(features.b, order)
    order = kernels.argsort(features.c, order)
    new = np.zeros(order.size, np.bool_)
    new[:1] = True
    for x in features:
        sorted_x = x[order]
        new[1:] |= sorted_x[1:] != sorted_x[:-1]
    kind = np.empty(order.size, np.int64)
    kind[order] = np.cumsum(new) - 1
    return order[new], kind


def blame(error: BaseException) -> str:
    """Describe an exception, and the line of the user's code that raised it."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, SyntaxError) and error.filename:
        return f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename
        and not Path(frame.filename).resolve().is_relative_to(_PACKAGE)
    ]
    if not frames:
        return text
    # If a library raises, the last line of the user's own file counts.
    place = [frame for frame in frames if frame.filename == frames[0].filename][-1]
    return f"{text} ({place.filename}, line {place.lineno})"
