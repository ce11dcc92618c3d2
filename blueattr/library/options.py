"""Options of the library's functions, with their defaults and descriptions, declared elsewhere."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, cast, overload

from blueattr.analysis.asked import parse
from blueattr.analysis.results import Results, by_indicator
from blueattr.attribution.question import Question
from blueattr.errors import BlueattrError, UsageError
from blueattr.suggest import did_you_mean

__all__ = ["Ask", "LibraryQuestion", "Options", "asks", "takes", "words_of_a_program"]


_R = TypeVar("_R")
_T = TypeVar("_T")
# What was written in an earlier version, or is on the command line; and what to write now.
_RENAMED = {
    "indicators": (
        "indicator",
        "indicator='heat' for one result, or indicator=['heat', 'gini'] (or 'all') for a sequence",
    ),
    "protocols": ("protocol", "protocol='random', or protocol=['visibility', 'random']"),
    "cutoffs": ("tiers", "tiers=(1, 10)"),
    "length": ("window", "window='14d'"),
}
_FLAGS = {"from": "start", "to": "end", "memory-limit": "memory"}
_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")


@dataclass(frozen=True)
class Options:
    """Options that a function of `blueattr.analysis.asked.parse` declares.

    Parameters
    ----------
    make
        Makes a value of the options; its signature and docstring declare and describe them.
    without
        Options that are left out.
    defaults
        Defaults that differ.
    then
        Makes what the library's function is called with, from the value and the options.
    """

    make: Callable[..., Any]
    without: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    then: Callable[[Any, Mapping[str, Any]], Any] = lambda value, _: value

    def parameters(self) -> Iterator[inspect.Parameter]:
        """Yield the options."""
        for name, one in inspect.signature(self.make).parameters.items():
            if name not in self.without:
                # What it may be is said in words; the annotations are for the type checker.
                default = self.defaults.get(name, one.default)
                yield one.replace(default=default, annotation=inspect.Parameter.empty)

    def value(self, options: Mapping[str, Any]) -> Any:
        """Make the value of those options that are these.

        Raises
        ------
        UsageError
            An option makes no sense.
        """
        mine = {one.name: options[one.name] for one in self.parameters()}
        try:
            return self.then(self.make(**mine), mine)
        except (AttributeError, TypeError, ValueError) as error:
            culprit = next((name for name in mine if not self._takes(mine, name)), None)
            if culprit is None:
                raise
            raise UsageError(f"{culprit} cannot be {mine[culprit]!r}") from error

    def _takes(self, options: Mapping[str, Any], name: str) -> bool:
        """Return whether an option is of a type that can be taken, beside defaults of others."""
        usual = {one.name: one.default for one in self.parameters()}
        required = {n: options[n] for n, at in usual.items() if at is inspect.Parameter.empty}
        try:
            self.make(**{**usual, **required, name: options[name]})
        except (AttributeError, TypeError, ValueError):
            return False
        except BlueattrError:
            return True
        return True


@contextmanager
def words_of_a_program() -> Iterator[None]:
    """Let errors name options as a program writes them: window, not --window."""
    try:
        yield
    except BlueattrError as error:
        error.args = tuple(_FLAG.sub(_option, str(part)) for part in error.args)
        raise


def _option(flag: re.Match[str]) -> str:
    return _FLAGS.get(flag[1], flag[1].replace("-", "_"))


@dataclass(frozen=True)
class LibraryQuestion:
    """A question, and whether it is about one indicator or several."""

    question: Question
    one: bool

    @classmethod
    def of(cls, question: Question, options: Mapping[str, Any]) -> "LibraryQuestion":
        """Note whether one indicator was named, or a list."""
        return cls(question, parse.names_one(options["indicator"]))

    def answer(self, whole: Any) -> Any:
        """Return the one result, or a sequence of results that is also indexed by name."""
        if not self.one:
            return by_indicator(whole)
        return whole[0] if isinstance(whole, list | tuple) else whole


_Several: TypeAlias = Literal["all"] | list[Any] | tuple[Any, ...]


class Ask(Protocol[_T]):
    """The type of a question: one indicator gives a result; a list or ``"all"``, several."""

    @overload
    def __call__(self, about: object, indicator: _Several, **options: Any) -> Results[_T]: ...
    @overload
    def __call__(
        self, about: object = ..., *, indicator: _Several, **options: Any
    ) -> Results[_T]: ...
    @overload
    def __call__(self, about: object = ..., indicator: object = ..., **options: Any) -> _T: ...


def asks(_: type[_T], /) -> Callable[[Callable[..., Any]], Ask[_T]]:
    """Tell type checkers what a question's result is; the function stays as it is."""
    return lambda function: cast("Ask[_T]", function)


def takes(*first: str, **groups: Options) -> Callable[[Callable[..., _R]], Callable[..., _R]]:
    """Let a function take options that are declared elsewhere.

    Each parameter of the function that is named here is replaced by the options of its group, in
    the signature and in the docstring; the function is called with their value.

    Parameters
    ----------
    first
        The parameters that may be given by position, after ``self``.
    groups
        The options of each of the function's parameters.
    """

    def decorate(function: Callable[..., _R]) -> Callable[..., _R]:
        own = inspect.signature(function).parameters
        parameters = {one.name: one for one in own.values() if one.name not in groups}
        for group in groups.values():
            parameters |= {one.name: one for one in group.parameters()}
        start = [name for name in ("self", *first) if name in parameters]
        positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
        keyword = inspect.Parameter.KEYWORD_ONLY
        signature = inspect.Signature(
            [
                *(parameters[name].replace(kind=positional) for name in start),
                *(one.replace(kind=keyword) for n, one in parameters.items() if n not in start),
            ],
            return_annotation=inspect.signature(function).return_annotation,
        )

        @wraps(function)
        def call(*values: Any, **named: Any) -> _R:
            try:
                bound = signature.bind(*values, **named)
            except TypeError as error:
                hint = _hint(function.__name__, named, signature)
                raise TypeError(hint or f"{function.__name__}() {error}") from None
            bound.apply_defaults()
            mine = {n: value for n, value in bound.arguments.items() if n in own.keys() - groups}
            with words_of_a_program():
                made = {name: group.value(bound.arguments) for name, group in groups.items()}
                return function(**mine, **made)

        call.__dict__["__signature__"] = signature
        call.__doc__ = _described(inspect.cleandoc(function.__doc__ or ""), groups, signature)
        return call

    return decorate


def _hint(function: str, named: Mapping[str, Any], signature: inspect.Signature) -> str:
    """Return what to write instead of an option that there is not, if there is one."""
    unknown = next((name for name in named if name not in signature.parameters), None)
    if unknown is None:
        return ""
    known = [name for name in signature.parameters if name != "self"]
    now, example = _RENAMED.get(unknown, ("", ""))
    if now in known:
        return f"{function}() has no option {unknown}; write {example}"
    hint = did_you_mean(unknown, known, f"it has {', '.join(known)}")
    return f"{function}() has no option {unknown}; {hint}"


# --- docstrings -----------------------------------------------------------------------------------


_HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)


def _described(text: str, groups: Mapping[str, Options], signature: inspect.Signature) -> str:
    """Return a docstring with all parameters of a signature described, in its order."""
    entries = _entries(text)
    for group in groups.values():
        entries |= _entries(inspect.cleandoc(group.make.__doc__ or ""))
    described = "\n".join(entries[name] for name in signature.parameters if name != "self")
    before, after = _around_parameters(text)
    return f"{before}Parameters\n----------\n{described}\n\n{after}".rstrip() + "\n"


def _around_parameters(text: str) -> tuple[str, str]:
    headings = list(_HEADING.finditer(text))
    titles = [found[1] for found in headings]
    starts = [*(found.start() for found in headings), len(text)]
    if "Parameters" in titles:
        at = titles.index("Parameters")
        return text[: starts[at]], text[starts[at + 1] :]
    return f"{text[: starts[0]].rstrip()}\n\n", text[starts[0] :]


def _entries(text: str) -> dict[str, str]:
    """Return each parameter's entry of a docstring."""
    headings = list(_HEADING.finditer(text))
    for found, after in zip(headings, [*headings[1:], None], strict=True):
        if found[1] == "Parameters":
            body = text[found.end() : after.start() if after else len(text)].rstrip()
            parts = re.split(r"^(?=\S)", body, flags=re.MULTILINE)
            return {part.split("\n")[0].strip(): part.rstrip() for part in parts if part.strip()}
    return {}
