"""Plain, slow twins of the kernels: written from the definitions, one agent at a time."""

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

Features = Sequence[tuple[float, float, float]]
Value = Callable[[Sequence[bool]], float]


def exact_sum(x: Sequence[float]) -> Fraction:
    return sum(map(Fraction, x), Fraction(0))


def mean_aggregate(x: tuple[float, float, float]) -> float:
    return sum(x) / 3


def coalition_value(name: str, features: Features) -> Value:
    """v(S) = f(x ⊙ 1_S): absent agents are silent, n stays the panel's size."""
    n = len(features)
    full_mean = math.fsum(map(mean_aggregate, features)) / n

    def value(present: Sequence[bool]) -> float:
        x = [f if here else (0.0, 0.0, 0.0) for f, here in zip(features, present, strict=True)]
        s = [mean_aggregate(f) for f in x]
        if name == "lin":
            return math.fsum(s) / n
        if name == "heat":
            means = [math.fsum(column) / n for column in zip(*x, strict=True)]
            return math.log(1 + means[0] * means[1] * means[2])
        if name == "var":
            return math.fsum(v * v for v in s) / n - (math.fsum(s) / n) ** 2
        if name == "gini":
            gaps = math.fsum(abs(p - q) for p, q in itertools.combinations(s, 2))
            return gaps / (n * n * full_mean)
        raise AssertionError(name)

    return value


def exact_shapley(value: Value, n: int) -> list[float]:
    """Over all 2^n coalitions."""
    v = {}
    for bits in range(1 << n):
        v[bits] = value([bool(bits >> i & 1) for i in range(n)])
    weight = [math.factorial(k) * math.factorial(n - k - 1) / math.factorial(n) for k in range(n)]
    return [
        math.fsum(
            weight[bits.bit_count()] * (v[bits | 1 << i] - v[bits])
            for bits in range(1 << n)
            if not bits >> i & 1
        )
        for i in range(n)
    ]


def closed_form(name: str, features: Features) -> list[float]:
    """As the table of docs/methods.md has them, term by term."""
    n = len(features)
    s = [mean_aggregate(f) for f in features]
    mu = math.fsum(s) / n
    if name == "lin":
        return [v / n for v in s]
    if name == "heat":
        sums = [math.fsum(column) for column in zip(*features, strict=True)]
        moment = math.prod(total / n for total in sums)
        if moment == 0:
            return [0.0] * n
        third = math.log1p(moment) / 3
        return [third * sum(x / t for x, t in zip(f, sums, strict=True)) for f in features]
    if name == "var":
        return [v * (v - mu) / n for v in s]
    if name == "gini":
        return [math.fsum(max(v - w, 0.0) for w in s) / (n * n * mu) for v in s]
    raise AssertionError(name)


def heat_quadrature(features: Features, steps: int) -> list[float]:
    """∂f/∂z_i at K midpoints of the diagonal, for each agent anew."""
    n = len(features)
    ma, mb, mc = (math.fsum(column) / n for column in zip(*features, strict=True))
    values = []
    for a, b, c in features:
        terms = []
        for k in range(1, steps + 1):
            t = (k - 0.5) / steps
            slope = (a * mb * mc + ma * b * mc + ma * mb * c) / n * t * t
            terms.append(slope / (1 + t**3 * ma * mb * mc))
        values.append(math.fsum(terms) / steps)
    return values


def kendall_tau(x: Sequence[float], y: Sequence[float]) -> float | None:
    """τ-b over all pairs."""
    sign = [
        ((p > q) - (p < q), (r > s) - (r < s))
        for (p, r), (q, s) in itertools.combinations(zip(x, y, strict=True), 2)
    ]
    untied_x, untied_y = sum(a != 0 for a, _ in sign), sum(b != 0 for _, b in sign)
    if not untied_x or not untied_y:
        return None
    return sum(a * b for a, b in sign) / math.sqrt(untied_x * untied_y)


def average_ranks(x: Sequence[float]) -> list[float]:
    return [sum(q < p for q in x) + (sum(q == p for q in x) + 1) / 2 for p in x]


def spearman_rho(x: Sequence[float], y: Sequence[float]) -> float | None:
    p, q = average_ranks(x), average_ranks(y)
    middle = (len(x) + 1) / 2
    xy = sum((a - middle) * (b - middle) for a, b in zip(p, q, strict=True))
    xx, yy = sum((a - middle) ** 2 for a in p), sum((b - middle) ** 2 for b in q)
    return xy / math.sqrt(xx * yy) if xx and yy else None


def tiers(agents: Sequence[tuple[str, float, float]], cutoffs: Sequence[float]) -> dict[str, int]:
    """From (did, followers, a): the tier of each agent, 0 for the top."""
    ranked = sorted(agents, key=lambda agent: (-agent[1], -agent[2], agent[0]))
    ends = [max(1, round(len(ranked) * p / 100)) for p in cutoffs]
    return {did: sum(k >= end for end in ends) for k, (did, _, _) in enumerate(ranked)}
