"""Who carried a macro event on Bluesky: every account, and what a small sample would have said.

Open a store that ``blueattr ingest`` filled, and ask it what the commands answer::

    import blueattr

    with blueattr.open("my.duckdb") as store:
        result = store.attribute("mythos")      # the text of the command: print(result)
        result.agents                           # a Polars frame with a row for each account
        store.compare_scales("mythos", indicator=["heat", "gini"])["gini"].plot()
        store.report("mythos.html", "mythos")

A store has ``status``, ``topics``, ``panel``, ``features``, ``attribute``, ``change``, ``posts``,
``why``, ``export``, ``compare_scales``, ``bootstrap``, ``sensitivity``, ``validate``,
``convergence`` and
``report``.
The functions of this module put the same questions to a panel of your own: a frame, or the path of
a file. ``blueattr.deposit`` writes what others may keep of a study.

>>> import blueattr
>>> panel = {"agent": ["x", "y"], "a": [1, 0], "b": [2.0, 1.0], "c": [3, 1]}
>>> result = blueattr.attribute(panel, "heat")
>>> result
AttributionResult(heat, 2 agents)
>>> round(result.total, 4), [round(share, 3) for share in result.agents["share"]]
(0.9163, [0.806, 0.194])

One indicator gives one result; a list of them, or ``"all"``, gives a sequence of results that is
also indexed by name. A result prints as its command does, shows itself in a notebook, and has
``to_polars()`` and ``plot()``. Options have the names and defaults of the commands' options. Each
error is a `BlueattrError`.
"""

import typing as _typing

from blueattr.display import draw_with as _draw_with
from blueattr.version import __version__ as __version__

if _typing.TYPE_CHECKING:
    from types import ModuleType as _ModuleType

    from blueattr.analysis.carriers.graphs import GraphResult as GraphResult
    from blueattr.analysis.results import Results as Results
    from blueattr.attribution.attribute import AttributionResult as AttributionResult
    from blueattr.attribution.change.result import ChangeResult as ChangeResult
    from blueattr.attribution.groups.result import GroupShares as GroupShares
    from blueattr.errors import BlueattrError as BlueattrError
    from blueattr.indicators.base import Aggregator as Aggregator
    from blueattr.indicators.custom import OwnIndicator as OwnIndicator
    from blueattr.library.deposits import deposit, rehydrate
    from blueattr.library.judging import judge_scenario, scenario_trace
    from blueattr.library.opening import open, topics  # noqa: A004 - as in blueattr.open(...)
    from blueattr.library.partitions import open_partitions
    from blueattr.library.questions import (
        attribute,
        bootstrap,
        compare_scales,
        convergence,
        correct,
        design,
        sensitivity,
        validate,
        why,
        write_report,
    )
    from blueattr.library.scenarios import (
        attribute_scenario,
        compare_scenarios,
        import_scenario,
        run_scenario,
        write_scenario_page,
    )
    from blueattr.library.store import Store
    from blueattr.provenance import Provenance as Provenance
    from blueattr.scenarios.games.attribution import ScenarioAttribution as ScenarioAttribution
    from blueattr.studies.bootstrap import Bootstrap as Bootstrap
    from blueattr.studies.carriers.posts import PostsResult as PostsResult
    from blueattr.studies.carriers.why import WhyResult as WhyResult
    from blueattr.studies.grid import ScaleGrid as ScaleGrid
    from blueattr.studies.samples.design import Designs as Designs
    from blueattr.studies.samples.own_sample import Correction as Correction
    from blueattr.studies.scales import ScaleComparison as ScaleComparison
    from blueattr.studies.sensitivity import Sensitivity as Sensitivity

# What one begins with, which `help(blueattr)` describes.
__all__ = [
    "Store",
    "attribute",
    "attribute_scenario",
    "bootstrap",
    "compare_scales",
    "compare_scenarios",
    "convergence",
    "correct",
    "deposit",
    "design",
    "import_scenario",
    "judge_scenario",
    "open",
    "open_partitions",
    "rehydrate",
    "run_scenario",
    "scenario_trace",
    "sensitivity",
    "topics",
    "validate",
    "why",
    "write_report",
    "write_scenario_page",
]
# What one is given, may catch or write; `dir(blueattr)` has these too.
_TYPES = (
    "Aggregator",
    "AttributionResult",
    "BlueattrError",
    "Bootstrap",
    "ChangeResult",
    "Correction",
    "Designs",
    "GraphResult",
    "GroupShares",
    "OwnIndicator",
    "PostsResult",
    "Provenance",
    "Results",
    "ScaleComparison",
    "ScaleGrid",
    "ScenarioAttribution",
    "Sensitivity",
    "WhyResult",
)


def __getattr__(name: str) -> _typing.Any:  # noqa: PLR0912, PLR0915 - one for each module
    # On demand: `blueattr --help` must not wait for Polars and Numba.
    home: _ModuleType
    match name:
        case (
            "attribute"
            | "bootstrap"
            | "compare_scales"
            | "convergence"
            | "correct"
            | "design"
            | "sensitivity"
            | "validate"
            | "why"
            | "write_report"
        ):
            import blueattr.library.questions as home
        case "open" | "topics":
            import blueattr.library.opening as home
        case "open_partitions":
            import blueattr.library.partitions as home
        case "judge_scenario" | "scenario_trace":
            import blueattr.library.judging as home
        case "deposit" | "rehydrate":
            import blueattr.library.deposits as home
        case (
            "attribute_scenario"
            | "compare_scenarios"
            | "import_scenario"
            | "run_scenario"
            | "write_scenario_page"
        ):
            import blueattr.library.scenarios as home
        case "Store":
            import blueattr.library.store as home
        case "Results":
            import blueattr.analysis.results as home
        case "AttributionResult":
            import blueattr.attribution.attribute as home
        case "ChangeResult":
            import blueattr.attribution.change.result as home
        case "GraphResult":
            import blueattr.analysis.carriers.graphs as home
        case "GroupShares":
            import blueattr.attribution.groups.result as home
        case "Sensitivity":
            import blueattr.studies.sensitivity as home
        case "Bootstrap":
            import blueattr.studies.bootstrap as home
        case "Correction":
            import blueattr.studies.samples.own_sample as home
        case "Designs":
            import blueattr.studies.samples.design as home
        case "PostsResult":
            import blueattr.studies.carriers.posts as home
        case "ScaleComparison":
            import blueattr.studies.scales as home
        case "ScenarioAttribution":
            import blueattr.scenarios.games.attribution as home
        case "ScaleGrid":
            import blueattr.studies.grid as home
        case "WhyResult":
            import blueattr.studies.carriers.why as home
        case "OwnIndicator":
            import blueattr.indicators.custom as home
        case "Aggregator":
            import blueattr.indicators.base as home
        case "Provenance":
            import blueattr.provenance as home
        case "BlueattrError":
            import blueattr.errors as home
        case _:
            hint = "; write store.compare_scales(topic=[...])" if name == "scale_grid" else ""
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}", name=name)
    found = getattr(home, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*__all__, *_TYPES})


def _load_drawer() -> _typing.Any:
    import blueattr.report.pages.notebook as drawer

    return drawer


# Reports are made of results, so results cannot import reports: they are handed the drawer here.
_draw_with(_load_drawer)
