"""Three more indicators, written as a user would write one: hill, entropy and threshold."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from blueattr.indicators.custom import OwnIndicator
from blueattr.kernels import FloatArray

__all__ = ["EXAMPLES", "Entropy", "Hill", "Threshold"]


def _mean(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    return (a + b + c) / 3


@dataclass(frozen=True)
class Hill:
    """Saturation: the mean of m^h / (κ^h + m^h) over the three mean features m.

    Each feature adds to F on its own, with diminishing returns.

    Parameters
    ----------
    half
        κ > 0, the mean at which a feature has half its effect.
    exponent
        h ≥ 1.

    Notes
    -----
    Hill (1910), J. Physiol. 40 (Suppl.), iv-vii; docs/methods.md, "Three more indicators".
    """

    half: float = 1.0
    exponent: float = 2.0

    name: ClassVar[str] = "hill"
    names: ClassVar[tuple[str, ...]] = ("a", "b", "c")
    formula: ClassVar[str] = "mean over a, b, c of m^h / (κ^h + m^h), m the mean of the feature"

    def statistics(self, a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
        """G = (a, b, c)."""
        return np.column_stack([a, b, c])

    def _effects(self, means: FloatArray) -> FloatArray:
        # Of the two forms of the ratio, the one whose power does not overflow.
        ratio = means / self.half
        small = np.minimum(ratio, 1.0) ** self.exponent
        large = np.minimum(1 / np.maximum(ratio, 1.0), 1.0) ** self.exponent
        effects: FloatArray = np.where(ratio <= 1, small / (1 + small), 1 / (1 + large))
        return effects

    def value(self, means: FloatArray) -> float:
        """F = ⅓ Σ_k m_k^h / (κ^h + m_k^h)."""
        return float(self._effects(means).sum() / 3)

    def gradient(self, means: FloatArray) -> FloatArray:
        """∂F/∂m = ⅓ h H (1 - H) / m with H = m^h / (κ^h + m^h)."""
        effects = self._effects(means)
        at_zero = 1 / (3 * self.half) if self.exponent == 1 else 0.0
        slopes = self.exponent * effects * (1 - effects) / (3 * np.where(means > 0, means, 1))
        result: FloatArray = np.where(means > 0, slopes, at_zero)
        return result

    def weights(self, means: FloatArray) -> FloatArray:
        """∫₀¹ ∂F/∂m (t m) dt = ⅓ H / m: each term is a function of one mean."""
        result: FloatArray = self._effects(means) / (3 * np.where(means > 0, means, 1))
        return result


@dataclass(frozen=True)
class Entropy:
    """Concentration: the mean of s log s less μ log μ, which is μ times Theil's index.

    It is 0 if all agents are equal, and μ log n if one agent has everything.

    Notes
    -----
    Theil (1967), "Economics and Information Theory"; docs/methods.md, "Three more indicators".
    """

    name: ClassVar[str] = "entropy"
    names: ClassVar[tuple[str, ...]] = ("s log s", "s")
    formula: ClassVar[str] = "mean of s log s - μ log μ, with s = (a + b + c)/3 and its mean μ"

    def statistics(self, a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
        """G = (s log s, s), with 0 log 0 = 0."""
        s = _mean(a, b, c)
        return np.column_stack([s * np.log(np.where(s > 0, s, 1)), s])

    def value(self, means: FloatArray) -> float:
        """F = m_1 - m_2 log m_2."""
        mu = float(means[1])
        return float(means[0]) - (mu * float(np.log(mu)) if mu > 0 else 0.0)

    def gradient(self, means: FloatArray) -> FloatArray:
        """∂F/∂m = (1, -1 - log m_2)."""
        return np.array([1.0, -1.0 - float(np.log(means[1])) if means[1] > 0 else 0.0])

    def weights(self, means: FloatArray) -> FloatArray:
        """∫₀¹ ∂F/∂m (t m) dt = (1, -log m_2), for ∫₀¹ log t dt = -1."""
        return np.array([1.0, -float(np.log(means[1])) if means[1] > 0 else 0.0])


@dataclass(frozen=True)
class Threshold:
    """Tipping: a smooth step of the mean s, from 0 in silence to 1.

    Parameters
    ----------
    level
        θ, the mean at which it tips.
    width
        ω > 0, the width of the step.

    Notes
    -----
    A logistic function, less its value at 0 and scaled to end at 1. It is not linear, but a
    function of one mean, so a factor rescales every sample: docs/methods.md, "Three more
    indicators".
    """

    level: float = 0.5
    width: float = 0.1

    name: ClassVar[str] = "threshold"
    names: ClassVar[tuple[str, ...]] = ("s",)
    formula: ClassVar[str] = "(1 - exp(-μ/ω)) / (1 + exp((θ - μ)/ω)), μ the mean of (a + b + c)/3"

    def statistics(self, a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
        """G = s."""
        return _mean(a, b, c)[:, None]

    def value(self, means: FloatArray) -> float:
        """F = (1 - e^(-μ/ω)) / (1 + e^((θ - μ)/ω)), in which nothing cancels."""
        mu = float(means[0])
        rise = -np.expm1(-mu / self.width)
        return float(rise / (1 + np.exp((self.level - mu) / self.width)))

    def gradient(self, means: FloatArray) -> FloatArray:
        """∂F/∂μ = (1 + e^(-θ/ω)) / (4 ω cosh² ((μ - θ)/2ω))."""
        half = (float(means[0]) - self.level) / (2 * self.width)
        steep = 2 * np.exp(-abs(half)) / (1 + np.exp(-2 * abs(half)))  # 1 / cosh
        return np.array([(1 + np.exp(-self.level / self.width)) * steep * steep / (4 * self.width)])

    def weights(self, means: FloatArray) -> FloatArray:
        """∫₀¹ F'(t μ) dt = F(μ) / μ."""
        mu = float(means[0])
        return np.array([self.value(means) / mu]) if mu > 0 else self.gradient(means)


EXAMPLES: dict[str, OwnIndicator] = {"hill": Hill(), "entropy": Entropy(), "threshold": Threshold()}
"""By name."""
