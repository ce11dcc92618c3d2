"""How many examples a law tries in `make test`, `make test-all` and `make explore`."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Of each hypothesis profile, the examples of a costly law that asks for a hundred.
PROFILES = {"test": 25, "all": 100, "explore": 1000}


def register_profiles() -> None:
    """Register the profiles, for `--hypothesis-profile`, and load that of `make test`."""
    for name, examples in PROFILES.items():
        settings.register_profile(
            name,
            max_examples=examples,
            deadline=None,
            derandomize=name != "explore",
            print_blob=True,
        )
    settings.load_profile("test")


def law(examples: int = 100, suppress: Sequence[HealthCheck] = ()) -> settings:
    """Return the settings of a law: this many examples, and ten times as many in `make explore`."""
    share = max(settings().max_examples / PROFILES["all"], 1.0)
    return settings(max_examples=round(examples * share), suppress_health_check=tuple(suppress))


def costly_law(
    examples: int, suppress: Sequence[HealthCheck] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator: :func:`law` whose examples take long, marked as costly.

    `make test` tries a quarter of the examples, but at least three.
    """
    share = settings().max_examples / PROFILES["all"]
    chosen = settings(
        max_examples=max(3, round(examples * share)), suppress_health_check=tuple(suppress)
    )

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        marked: Callable[..., Any] = pytest.mark.costly(chosen(test))
        return marked

    return decorate
