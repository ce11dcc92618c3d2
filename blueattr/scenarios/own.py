"""A user's own simulation: found by its file or module, and checked against the protocol."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from blueattr.errors import ScenarioError, UsageError
from blueattr.indicators.custom import blame
from blueattr.indicators.own_code import OwnCode, own_code, place_and_name, run_own
from blueattr.indicators.printed import output_to_log
from blueattr.kernels import FloatArray
from blueattr.scenarios.play import play
from blueattr.scenarios.protocol import Array, Channel, Indicator, State
from blueattr.scenarios.record import MOST_AGENTS, MOST_STEPS
from blueattr.suggest import did_you_mean

__all__ = ["OwnScenario", "find_scenario"]


_MEMBERS = ("agents", "steps", "channels", "baselines", "baseline", "start", "transition",
            "indicators")  # fmt: skip
_FUNCTIONS = ("baseline", "start", "transition")
_KINDS = {"scaled": True, "kept": False}

_PROBED = 3  # steps that are tried before anything is asked
_COMPLEX_STEP = 1e-30
_DIFFERENCES = (1e-5, 4e-5)


@dataclass(frozen=True, slots=True)
class OwnOrigin:
    """Where a simulation comes from: how it was named, and its file with its digest."""

    text: str
    file: str | None = None
    sha256: str | None = None


def find_scenario(scenario: object) -> "OwnScenario":
    """Find the simulation that a user names, or take one that a user made, and check it.

    Parameters
    ----------
    scenario
        ``path/to/file.py:name``, ``path/to/file.py`` for the file itself or the only simulation in
        it, ``package.module:name``, or an object. A class or a function is called without
        arguments, and returns one. Naming a file or a module *runs* it.

    Raises
    ------
    UsageError
        The text names neither.
    ScenarioError
        The code cannot be found or run, or breaks the protocol
        (`blueattr.scenarios.protocol.Scenario`).

    Notes
    -----
    docs/scenarios.md, "Your own simulation".
    """
    if not isinstance(scenario, str):
        return OwnScenario(_made(scenario, type(scenario).__qualname__), OwnOrigin("in memory"), "")
    place, name = _parsed(scenario)
    own = own_code(place, "scenario", ScenarioError)
    try:
        thing, name = _chosen(own, name)
        made = _made(thing, f"{own.origin}:{name}" if name else own.origin)
        return OwnScenario(
            made, OwnOrigin(scenario, own.file, own.sha256), name or Path(place).stem
        )
    except ScenarioError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - to look at an object runs its code
        raise ScenarioError(f"{scenario} cannot be used: {blame(error)}") from None


def _parsed(text: str) -> tuple[str, str]:
    if (parsed := place_and_name(text)) is not None:
        return parsed
    raise UsageError(
        f"a scenario of your own is path/to/file.py:name or package.module:name, not {text!r}"
    )


def _is_one(thing: object) -> bool:
    return all(hasattr(thing, part) for part in _FUNCTIONS)


def _candidates(module: ModuleType) -> list[str]:
    things = {
        name: thing
        for name, thing in vars(module).items()
        if not name.startswith("_") and not isinstance(thing, ModuleType) and _is_one(thing)
    }
    # A class counts in the module that defines it, unless that module has an instance of it.
    return [
        name
        for name, thing in things.items()
        if not isinstance(thing, type)
        or (
            thing.__module__ == module.__name__
            and not any(isinstance(other, thing) for other in things.values())
        )
    ]


def _chosen(own: OwnCode, name: str) -> tuple[Any, str]:
    """Return what a name means in a module; without one the only simulation in it."""
    module = own.module
    if not name and _is_one(module):
        return module, ""
    there_are = _candidates(module)
    if not name:
        if len(there_are) != 1:
            some = f"{len(there_are)} scenarios ({', '.join(there_are)})" if there_are else (
                "no scenario"
            )  # fmt: skip
            raise ScenarioError(f"{own.origin} has {some}: name one, as in {own.origin}:name")
        name = there_are[0]
    if not hasattr(module, name):
        known = there_are or [key for key in vars(module) if not key.startswith("_")]
        others = (
            f"it has {', '.join(there_are)}" if there_are else "leave out the name if it is one"
        )
        hint = did_you_mean(name, known, others, quoted=True)
        raise ScenarioError(f"{own.origin} has no scenario {name!r}; {hint}")
    return getattr(module, name), name


def _made(thing: Any, what: str) -> Any:
    """Return a simulation; a class or a function makes one."""
    if isinstance(thing, type) or (callable(thing) and not _is_one(thing)):
        return run_own(what, thing, ScenarioError)
    return thing


class OwnScenario:
    """A user's simulation, every call of which is checked.

    Parameters
    ----------
    definition
        What the user made.
    origin
        Where it comes from.
    name
        If it has none itself.

    Raises
    ------
    ScenarioError
        It breaks the protocol: a member is missing, a shape or a type is wrong, a number is not
        finite, rows of a batch depend on each other, two calls differ, a gradient is not that of
        the indicator, or the code raises an exception.

    Notes
    -----
    docs/scenarios.md, "Your own simulation".
    """

    def __init__(self, definition: Any, origin: OwnOrigin, name: str) -> None:
        self.definition, self.origin = definition, origin
        self.name = name or origin.text
        self._has_members()
        own = getattr(definition, "name", None) or self.name
        if not isinstance(own, str):
            raise self.fail(f"its name is {type(own).__name__}, not text")
        self.name = own
        self.agents: Sequence[str] = self._names("agents", MOST_AGENTS, (str,))
        self.steps: Sequence[int | str] = self._names("steps", MOST_STEPS, (str, int))
        self.baselines: Sequence[str] = self._names("baselines", MOST_AGENTS, (str,))
        self.channels = self._channels()
        self.leading_form = getattr(definition, "leading_form", "smooth")
        if self.leading_form not in ("smooth", "discrete"):
            raise self.fail(f"its leading_form is {self.leading_form!r}, not smooth or discrete")
        first = getattr(definition, "first_peak", 0)
        if not (isinstance(first, int) and 0 <= first < len(self.steps)):
            raise self.fail(f"its first_peak is {first!r}, not the index of a step")
        self.first_peak = first
        self.indicators: Mapping[str, Indicator] = self._indicators()
        self._starts: dict[int, Mapping[str, Array]] = {}
        for kind in self.baselines:
            self.baseline(kind)
        for step in self._probed():
            self.start(step)
        for step in self._probed():
            for smooth in (False, True):
                self._try(step, smooth=smooth)
        # Each indicator is a function of its own, and one that takes no complex numbers decides.
        slopes = [(name, *self._slopes(name, step))
                  for name in self.indicators for step in self._probed()]  # fmt: skip
        self.analytic = all(
            found is not None and _close(found, true, 1e-5)
            for _, found, true in slopes
            if true is not None
        )
        if getattr(definition, "gradient", None) is not None:
            self._check_gradient(slopes)
            self.gradient = self._gradient

    def fail(self, what: str) -> ScenarioError:
        """Return the error that says what is wrong."""
        return ScenarioError(f"the scenario {self.name!r}: {what}")

    def _call(self, part: str, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            with output_to_log(f"the scenario {self.name!r}"), np.errstate(all="ignore"):
                return function(*arguments)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's code may raise anything
            raise self.fail(f"{part} raised {blame(error)}") from None

    # --- what it is made of ----------------------------------------------------------------------

    def _has_members(self) -> None:
        for part in _MEMBERS:
            if not hasattr(self.definition, part):
                raise ScenarioError(f"{self.name} is no scenario: it has no {part!r}")
        for part in (*_FUNCTIONS, "gradient"):
            thing = getattr(self.definition, part, None)
            if thing is not None and not callable(thing):
                raise ScenarioError(f"{self.name} is no scenario: its {part!r} is no function")

    def _names(self, part: str, most: int, kinds: tuple[type, ...]) -> Any:
        names = getattr(self.definition, part)
        if isinstance(names, str) or not isinstance(names, Sequence):
            raise self.fail(f"its {part} are {type(names).__name__}, not a list of names")
        if not 1 <= len(names) <= most:
            raise self.fail(f"it has {len(names):,} {part}: there are 1 to {most:,}")
        for name in names:
            if isinstance(name, bool) or not isinstance(name, kinds) or name == "":
                raise self.fail(f"{name!r} is no name of one of its {part}")
        if len({str(name) for name in names}) < len(names):
            raise self.fail(f"two of its {part} have the same name")
        return tuple(names)

    def _channels(self) -> Mapping[str, Channel]:
        channels: Any = self.definition.channels
        if not isinstance(channels, Mapping) or not channels:
            raise self.fail("its channels are no dict of what agents do")
        found: dict[str, Channel] = {}
        for name, channel in channels.items():
            pair = (channel.values, channel.scaled) if isinstance(channel, Channel) else channel
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise self.fail(f'the channel {name!r} is no pair (array, "scaled" or "kept")')
            values, kind = pair
            scaled = _KINDS.get(kind) if isinstance(kind, str) else kind
            if not isinstance(scaled, bool):
                raise self.fail(f"the channel {name!r} is {kind!r}, not 'scaled' or 'kept'")
            array = self._real(f"the channel {name!r}", values)
            shape = len(self.steps), len(self.agents)
            if array.shape[:2] != shape:
                raise self.fail(
                    f"the channel {name!r} has the shape {array.shape}: it begins with "
                    f"{shape[0]} steps and {shape[1]} agents"
                )
            found[str(name)] = Channel(array, scaled)
        if not any(channel.scaled for channel in found.values()):
            raise self.fail("no channel is scaled, so that participation changes nothing")
        return found

    def _indicators(self) -> Mapping[str, Indicator]:
        functions: Any = self.definition.indicators
        if not isinstance(functions, Mapping) or not functions:
            raise self.fail("its indicators are no dict of functions")
        for name, function in functions.items():
            if not isinstance(name, str) or not callable(function):
                raise self.fail(f"the indicator {name!r} is no function with a name")
        return {name: self._indicator(name, function) for name, function in functions.items()}

    def _indicator(self, name: str, function: Callable[..., Any]) -> Indicator:
        def measure(before: State, after: State, step: int) -> Array:
            batch = len(next(iter(after.values())))
            found = self._call(f"the indicator {name!r}", function, before, after, step)
            array = self._numbers(f"the indicator {name!r}", found)
            self._check_real(f"the indicator {name!r}", array, before, after)
            if array.shape != (batch,):
                raise self.fail(
                    f"the indicator {name!r} returned the shape {array.shape} for a batch of "
                    f"{batch}: it must be ({batch},)"
                )
            return array

        return measure

    def _numbers(self, what: str, found: Any) -> Array:
        try:
            array = np.asarray(found)
        except ValueError as error:  # rows of different lengths
            raise self.fail(f"{what} is no array: {error}") from None
        if array.dtype.kind not in "biufc":
            raise self.fail(f"{what} has {array.dtype}, not numbers")
        return array if array.dtype.kind == "c" else array.astype(np.float64)

    def _check_real(self, what: str, found: Array, *given: State) -> None:
        before = chain.from_iterable(arrays.values() for arrays in given)
        if np.iscomplexobj(found) and not any(map(np.iscomplexobj, before)):
            raise self.fail(f"{what} has complex numbers, though nothing was complex before it")

    def _real(self, what: str, found: Any) -> FloatArray:
        array = self._numbers(what, found)
        if array.dtype.kind == "c":
            raise self.fail(f"{what} has complex numbers")
        if not np.isfinite(array).all():
            raise self.fail(f"{what} has a number that is not finite")
        return array

    def _mapping(self, what: str, found: Any) -> Mapping[str, Any]:
        if not isinstance(found, Mapping) or not found:
            raise self.fail(f"{what} returned no dict of arrays")
        return found

    # --- the protocol ----------------------------------------------------------------------------

    def baseline(self, kind: str) -> Mapping[str, FloatArray]:
        """Return what an absent agent does."""
        what = f"baseline({kind!r})"
        found = self._mapping(what, self._call(what, self.definition.baseline, kind))
        absent = {}
        for name, channel in self.channels.items():
            if not channel.scaled:
                continue
            if name not in found:
                raise self.fail(f"{what} has no {name!r}, which participation scales")
            array = self._real(f"{name!r} of {what}", found[name])
            if array.shape != channel.values.shape:
                raise self.fail(
                    f"{name!r} of {what} has the shape {array.shape}, not that of the channel, "
                    f"{channel.values.shape}"
                )
            absent[name] = array
        return absent

    def start(self, step: int) -> Mapping[str, Array]:
        """Return the recorded state before a step."""
        if step not in self._starts:
            what = f"start({step})"
            found = self._mapping(what, self._call(what, self.definition.start, step))
            state = {str(name): self._real(f"{name!r} of {what}", value)
                     for name, value in found.items()}  # fmt: skip
            first = self.start(0) if step else state
            if {name: array.shape for name, array in state.items()} != {
                name: array.shape for name, array in first.items()
            }:
                raise self.fail(f"{what} has other names or shapes than start(0)")
            self._starts[step] = state
        return self._starts[step]

    def transition(self, state: State, actions: State, step: int, smooth: bool) -> State:
        """Return the state after a step."""
        batch = len(next(iter(actions.values())))
        form = "smooth" if smooth else "discrete"
        what = f"transition (step {self.steps[step]}, {form})"
        found = self._mapping(
            what,
            self._call(
                what, self.definition.transition, _sealed(state), _sealed(actions), step, smooth
            ),
        )
        after = {str(name): self._numbers(f"{name!r} of {what}", value)
                 for name, value in found.items()}  # fmt: skip
        for name, array in after.items():
            self._check_real(f"{name!r} of {what}", array, state, actions)
        for name, array in self.start(0).items():
            if name not in after:
                raise self.fail(f"{what} returned no {name!r}, which start has")
            if after[name].shape != (batch, *array.shape):
                raise self.fail(
                    f"{what} returned {name!r} of the shape {after[name].shape}: for a batch of "
                    f"{batch} it must be {(batch, *array.shape)}"
                )
        for name, array in after.items():
            if array.shape[:1] != (batch,):
                raise self.fail(f"{what} returned {name!r} without the batch axis of {batch}")
        return after

    def _gradient(self, z: FloatArray, indicator: str, window: range, baseline: str) -> FloatArray:
        found = self._call("gradient", self.definition.gradient, z, indicator, window, baseline)
        slopes = self._real("what gradient returned", found)
        if slopes.shape != z.shape:
            raise self.fail(f"gradient returned the shape {slopes.shape}, not {z.shape}")
        return slopes

    def replay(self) -> Mapping[str, float]:
        """Return how far the discrete form with everyone is from the recorded states.

        Returns
        -------
        mapping
            For each part of the state the largest difference, over all steps but the last.
        """
        worst = dict.fromkeys(self.start(0), 0.0)
        absent = self.baseline(self.baselines[0])
        everyone = np.ones((1, 1, len(self.agents)))
        for step in range(len(self.steps) - 1):
            _, after = play(self, absent, everyone, range(step, step + 1), smooth=False)
            for name, recorded in self.start(step + 1).items():
                apart = np.abs(after[name][0] - recorded)
                worst[name] = max(worst[name], float(apart.max(initial=0.0)))
        return worst

    # --- tried before anything is asked ----------------------------------------------------------

    def _probed(self) -> list[int]:
        last = len(self.steps) - 1
        return sorted({round(last * k / (_PROBED - 1)) for k in range(_PROBED)})

    def _try(self, step: int, *, smooth: bool) -> None:
        n = len(self.agents)
        some = np.random.default_rng(step).random((2, n))
        z = np.stack([np.ones(n), np.zeros(n), *(some if smooth else some < 0.5)])  # fmt: skip
        found = self._values(z, step, smooth=smooth)
        again = self._values(z, step, smooth=smooth)
        form = f"the {'smooth' if smooth else 'discrete'} form"
        for name, values in found.items():
            where = f"{form} of {name!r} at step {self.steps[step]}"
            if not np.isfinite(values).all():
                raise self.fail(f"{where} is not finite")
            if not np.array_equal(values, again[name]):
                raise self.fail(
                    f"{where} is not the same twice: draw random numbers once, for each step and "
                    "agent, and keep them"
                )
            for row in range(len(z)):
                alone = self._values(z[row : row + 1], step, smooth=smooth)[name][0]
                if abs(alone - values[row]) > 1e-9 * max(1e-300, float(np.abs(values).max())):
                    raise self.fail(f"{where} depends on the other rows of the batch")

    def _values(self, z: Array, step: int, *, smooth: bool) -> dict[str, Array]:
        absent = self.baseline(self.baselines[0])
        window = range(step, step + 1)
        before, after = play(self, absent, z[:, None], window, smooth=smooth)
        return {name: measure(before, after, step) for name, measure in self.indicators.items()}

    def _slopes(self, name: str, step: int) -> tuple[float | None, float | None]:
        """Return the derivative along a direction by a complex step, and by differences."""
        rng = np.random.default_rng(step)
        at, way = rng.uniform(0.3, 0.7, (1, len(self.agents))), rng.random((1, len(self.agents)))

        def slope(size: float) -> float:
            z = np.concatenate([at + size * way, at - size * way])
            up, down = self._values(z, step, smooth=True)[name].real
            return float(up - down) / (2 * size)

        fine, coarse = (slope(size) for size in _DIFFERENCES)
        expected = fine if _close(fine, coarse, 1e-4) else None
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as that of a cast to a real number
            try:
                found = self._values(at + 1j * _COMPLEX_STEP * way, step, smooth=True)[name]
            except ScenarioError:
                return None, expected
        return float(found.imag[0] / _COMPLEX_STEP), expected

    def _check_gradient(self, slopes: Sequence[tuple[str, float | None, float | None]]) -> None:
        n, steps = len(self.agents), self._probed()
        for place, (name, _, expected) in enumerate(slopes):
            step = steps[place % len(steps)]
            rng = np.random.default_rng(step)
            at, way = rng.uniform(0.3, 0.7, (1, n)), rng.random((1, n))
            window = range(step, step + 1)
            found = float(
                (self._gradient(at[:, None], name, window, self.baselines[0])[0, 0] * way[0]).sum()
            )
            if expected is not None and not _close(found, expected, 1e-3):
                raise self.fail(
                    f"gradient is not that of {name!r} at step {self.steps[step]}: along some "
                    f"direction it is {found:.6g}, and differences give {expected:.6g}"
                )


def _sealed(arrays: State) -> State:
    """Return views that cannot be written to."""
    sealed = {}
    for name, array in arrays.items():
        view = array.view()
        view.flags.writeable = False
        sealed[name] = view
    return sealed


def _close(x: float, y: float, relative: float) -> bool:
    return abs(x - y) <= relative * max(abs(x), abs(y)) + 1e-12
