"""Finds an indicator by its name, its module or its file."""

from pathlib import Path
from types import ModuleType
from typing import Any

from blueattr.errors import IndicatorError, UsageError
from blueattr.indicators.base import Indicator, MomentIndicator, PairwiseIndicator
from blueattr.indicators.builtin import INDICATORS, get_indicator
from blueattr.indicators.custom import OwnIndicator, blame, own_indicator
from blueattr.indicators.examples import EXAMPLES
from blueattr.indicators.own_code import OwnCode, own_code, place_and_name, run_own
from blueattr.provenance import IndicatorInfo
from blueattr.suggest import did_you_mean

__all__ = ["SHIPPED", "find_indicator"]


SHIPPED = (*INDICATORS, *EXAMPLES)
"""Names of the indicators that ship."""


def find_indicator(indicator: str | Indicator | OwnIndicator) -> Indicator:
    """Find the indicator that a user names, or check one that a user made.

    Parameters
    ----------
    indicator
        The name of one that ships (`SHIPPED`); ``package.module:name``; ``path/to/file.py`` for
        the file itself or the only indicator in it; ``path/to/file.py:name``; or an object. A
        module is searched for on Python's path, then in the current folder. Naming a module or
        file *runs* it.

    Returns
    -------
    Indicator

    Raises
    ------
    UsageError
        For a name that does not ship; the message has the nearest one that does.
    IndicatorError
        When the code cannot be found or run, has no such indicator, or breaks the protocol
        (`blueattr.indicators.custom.own_indicator`).

    Notes
    -----
    docs/methods.md, "Own indicators".
    """
    if not isinstance(indicator, str):
        if isinstance(indicator, MomentIndicator | PairwiseIndicator):
            return indicator
        return own_indicator(indicator)
    if indicator in EXAMPLES:
        own = EXAMPLES[indicator]
        return own_indicator(
            own, IndicatorInfo("", (), "", origin="blueattr", object_name=indicator)
        )
    if indicator in INDICATORS:
        return get_indicator(indicator)
    place, name = _parse(indicator)
    try:
        code = own_code(place, "indicator", IndicatorError)
        return _choose(code.module, name, _info(code, name))
    except IndicatorError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - to look at an object runs its code
        raise IndicatorError(f"{indicator} cannot be used: {blame(error)}") from None


def _parse(text: str) -> tuple[str, str]:
    if (parsed := place_and_name(text)) is not None:
        return parsed
    hint = did_you_mean(text, SHIPPED, f"there are {', '.join(SHIPPED)}.", quoted=True)
    raise UsageError(
        f"no indicator is called {text!r}; {hint} One of your own is package.module:name or "
        "path/to/file.py"
    )


def _info(own: OwnCode, name: str) -> IndicatorInfo:
    return IndicatorInfo("", (), "", False, own.origin, name, own.file, own.sha256)


def _choose(module: ModuleType, name: str, info: IndicatorInfo) -> Indicator:
    """Find an indicator in a module, by its name or as the only one."""
    names = _candidates(module)
    if not name and isinstance(module, OwnIndicator):
        return _check(module, info, Path(info.origin).stem)
    if not name:
        if len(names) != 1:
            count = f"{len(names)} indicators ({', '.join(names)})" if names else "no indicator"
            hint = f": name one, as in {info.origin}:{names[0]}" if names else (
                ": it needs names, statistics and value"
            )  # fmt: skip
            raise IndicatorError(f"{info.origin} has {count}{hint}")
        name = names[0]
    if not hasattr(module, name):
        there_are = f"it has {', '.join(names) or 'none'}"
        hint = did_you_mean(name, names or dir(module), there_are, quoted=True)
        raise IndicatorError(f"{info.origin} has no indicator {name!r}; {hint}")
    return _check(getattr(module, name), info, name)


def _candidates(module: ModuleType) -> list[str]:
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and not isinstance(thing, ModuleType)
        and all(hasattr(thing, part) for part in ("names", "statistics", "value"))
        # A class counts in the module that defines it, unless that module has an instance of it.
        and getattr(type(thing) if not isinstance(thing, type) else thing, "__module__", "")
        == module.__name__
        and not (isinstance(thing, type) and _has_instance(module, thing))
    ]


def _has_instance(module: ModuleType, kind: type) -> bool:
    return any(isinstance(thing, kind) for thing in vars(module).values())


def _check(thing: Any, info: IndicatorInfo, name: str) -> Indicator:
    if isinstance(thing, MomentIndicator | PairwiseIndicator):
        return thing
    if isinstance(thing, type):
        thing = run_own(f"{info.origin}:{name}", thing, IndicatorError)
    info = IndicatorInfo(info.formula, (), "", False, info.origin, name, info.file, info.sha256)
    return own_indicator(thing, info)
