"""How much a test tries: in `make test`, `make test-all`, `make explore` and `make coverage`."""

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT", "0") != "0"
"""Whether Python runs the kernels, a hundred times as slowly: for coverage, and for mutants. A law
then tries a tenth of its examples."""

# Of each hypothesis profile, the examples of a costly law that asks for a hundred.
PROFILES = {"test": 12, "all": 33, "explore": 2000, "mutants": 25}
_ASKED = 100


def register_profiles() -> None:
    """Register the profiles, for `--hypothesis-profile`, and load that of `make test`.

    Of a mutant it is enough to know that a law fails, not for which smallest example.
    """
    for name, examples in PROFILES.items():
        settings.register_profile(
            name,
            max_examples=examples,
            deadline=None,
            derandomize=name != "explore",
            print_blob=True,
            phases=(Phase.explicit, Phase.generate) if name == "mutants" else tuple(Phase),
        )
    settings.load_profile("test")


def law(examples: int = 100, suppress: Sequence[HealthCheck] = ()) -> settings:
    """Return the settings of a law: this many examples, twenty times as many in `make explore`."""
    share = 0.1 if INTERPRETED else max(settings().max_examples / _ASKED, 1.0)
    return settings(
        max_examples=max(3, round(examples * share)), suppress_health_check=tuple(suppress)
    )


def costly_law(
    examples: int, suppress: Sequence[HealthCheck] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator: :func:`law` whose examples take long, marked as costly.

    `make test` tries an eighth of the examples, `make test-all` a third, but at least three.
    """
    share = 0.1 if INTERPRETED else settings().max_examples / _ASKED
    chosen = settings(
        max_examples=max(3, round(examples * share)), suppress_health_check=tuple(suppress)
    )

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        marked: Callable[..., Any] = pytest.mark.costly(chosen(test))
        return marked

    return decorate


def quick_ones(cases: Iterable[Any], quick: Collection[Any]) -> list[Any]:
    """Return the cases of a parametrized test; all but the quick ones are for `make test-all`."""
    return [case if case in quick else pytest.param(case, marks=pytest.mark.slow) for case in cases]


def leave_most_cases(items: Iterable[pytest.Item]) -> None:
    """Of a test marked ``few(n)``, mark all cases but n as slow; n are spread over them evenly."""
    tests: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("few") and not item.get_closest_marker("slow"):
            tests[item.nodeid.partition("[")[0]].append(item)
    for cases in tests.values():
        (quick,) = cases[0].get_closest_marker("few").args  # type: ignore[union-attr]
        kept = {round(place * (len(cases) - 1) / max(quick - 1, 1)) for place in range(quick)}
        for place, item in enumerate(cases):
            if place not in kept:
                item.add_marker(pytest.mark.slow)
