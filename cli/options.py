"""Options that several commands share, and the groups that commands take them in."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from blueattr.analysis import parse
from blueattr.cli.output import check_out, emit

if TYPE_CHECKING:
    from blueattr.attribution.question import Question, Sampling
    from blueattr.panel.query import PanelQuery
    from blueattr.report import Report


Db: TypeAlias = Annotated[
    Path,
    typer.Option("--db", envvar="BLUEATTR_DB", metavar="FILE", help="The store, a DuckDB file."),
]
Memory: TypeAlias = Annotated[
    str,
    typer.Option(
        "--memory-limit",
        metavar="SIZE",
        help="Memory limit of the whole process, such as 4GB or 800MB.",
    ),
]
Insecure: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--insecure",
        help="Allow ws:// and http:// addresses on other machines.",
        show_default=False,
    ),
]
Topic: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--topic",
        metavar="NAME",
        help="A topic, or 'all' for every event.",
        show_default=False,
    ),
]
Topics: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--topic",
        metavar="NAMES",
        help="A topic, several with commas, 'all-topics' for every topic, or 'all' for every "
        "event.",
        show_default=False,
    ),
]
Match: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--match",
        metavar="REGEX",
        help="Define a topic by a regular expression (RE2, letter case ignored) instead of naming "
        "one; repeatable.",
        show_default=False,
    ),
]
TopicsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--topics",
        envvar="BLUEATTR_TOPICS",
        metavar="FILE",
        help="A TOML file with topics of your own.",
    ),
]
Start: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TIME",
        help="Start of the window: a UTC date or time.",
        show_default=False,
    ),
]
End: TypeAlias = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="End of the window (exclusive).", show_default=False),
]
Length: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--window",
        metavar="LENGTH",
        help="Length of the window, such as 36h or 2w; 14d by default. Without --from and --to, "
        "the window ends at the last event in the store.",
        show_default=False,
    ),
]
ScaleOption: TypeAlias = Annotated[
    Literal["log1p", "raw"], typer.Option("--scale", help="Scale of the features.")
]
BotsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--bots", metavar="FILE", help="A TOML file of bot rules that replaces the bundled rules."
    ),
]
KeepBots: TypeAlias = Annotated[
    bool, typer.Option("--keep-bots", help="Do not filter out bots.", show_default=False)
]
PopularityOption: TypeAlias = Annotated[
    Literal["follows-received", "followers"],
    typer.Option(
        "--popularity",
        help="What b counts, and what tiers and visibility samples go by: follows received in the "
        "window, or follower counts from `blueattr hydrate`.",
    ),
]
Missing: TypeAlias = Annotated[
    Literal["error", "drop", "received"],
    typer.Option(
        "--missing-followers",
        help="With --popularity followers, for agents without a known count: fail, drop them, or "
        "use the follows they received.",
    ),
]
MaxRate: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-rate",
        metavar="R/D",
        help="Also filter out accounts with more than R records a day on at least D days as "
        "bots, such as 500/3.",
        show_default=False,
    ),
]
Indicator: TypeAlias = Annotated[
    str,
    typer.Option(
        "--indicator",
        metavar="NAMES",
        help="lin, heat, var, gini (all: these four), hill, entropy, threshold, or your own: "
        "package.module:name, file.py or file.py:name, which is run. Several with commas.",
    ),
]
Method: TypeAlias = Annotated[
    Literal["auto", "closed", "quadrature"],
    typer.Option(
        "--method",
        help="Closed form, K-step midpoint quadrature, or auto: the closed form if there is one.",
    ),
]
Steps: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--steps",
        metavar="K",
        help="Number of quadrature steps; 30 by default.",
        show_default=False,
    ),
]
AggregatorOption: TypeAlias = Annotated[
    Literal["mean", "log", "geometric"],
    typer.Option("--aggregator", help="How lin, var and gini combine a, b and c into one number."),
]
Weights: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="A,B,C",
        help="Weights of a, b and c in the aggregator, such as 0.5,0.25,0.25; thirds by default.",
        show_default=False,
    ),
]
Tiers: TypeAlias = Annotated[
    str,
    typer.Option(
        "--tiers",
        metavar="PERCENTS",
        help="Where the upper tiers end, in cumulative per cent of the agents.",
    ),
]
Sizes: TypeAlias = Annotated[
    str, typer.Option("--sizes", metavar="NUMBERS", help="Sample sizes, with commas.")
]
Protocol: TypeAlias = Annotated[
    str,
    typer.Option(
        "--protocol",
        metavar="NAMES",
        help="How samples are drawn: visibility, top, active, random, several with commas, or all.",
    ),
]
Seeds: TypeAlias = Annotated[
    int,
    typer.Option("--seeds", metavar="N", help="Number of samples of each protocol and size."),
]
Seed: TypeAlias = Annotated[int, typer.Option("--seed", metavar="N", help="The first seed.")]
Format: TypeAlias = Annotated[
    Literal["text", "json", "csv"], typer.Option("--format", help="Format of the output on stdout.")
]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write to a file instead of stdout, in the format of its extension: .txt, .json, "
        ".csv, .parquet.",
        show_default=False,
    ),
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show no progress.", show_default=False)
]


# --- groups --------------------------------------------------------------------------------------


@dataclass
class StoreOptions:
    """The store, and the memory of the process."""

    db: Db = parse.DEFAULT_DB
    memory: Memory = "4GB"

    @property
    def memory_limit(self) -> int:
        """Bytes the process may use."""
        return parse.memory_limit(self.memory)


@dataclass
class WindowOptions(StoreOptions):
    """A window of a store."""

    start: Start = None
    end: End = None
    window: Length = None

    def query(self, **more: Any) -> "PanelQuery":
        """Return these options as a query; `more` goes to `blueattr.analysis.parse.query`."""
        return parse.query(**vars(self), **more)


@dataclass
class BotOptions(WindowOptions):
    """A window, and which of its accounts are bots."""

    bots: BotsFile = None
    keep_bots: KeepBots = False
    max_rate: MaxRate = None


@dataclass
class PanelOptions(BotOptions):
    """The panel of a window, and what popularity means."""

    popularity: PopularityOption = "follows-received"
    missing_followers: Missing = "error"


@dataclass
class QueryOptions(PanelOptions):
    """The features of a panel, about a topic."""

    topic: Topic = None
    match: Match = field(default_factory=list)
    topics: TopicsFile = None
    scale: ScaleOption = "log1p"


@dataclass
class FeaturesQueryOptions(QueryOptions):
    """The same, about all events by default."""

    topic: Topic = "all"


@dataclass
class TopicsQueryOptions(QueryOptions):
    """The same, about one topic or several."""

    topic: Topics = None

    def several(self) -> tuple[str, ...]:
        """Return the topics if there are several, else nothing."""
        return parse.several_topics(self.topic, self.match)


@dataclass
class IndicatorOptions:
    """What to attribute."""

    indicator: Indicator = "heat"
    aggregator: AggregatorOption = "mean"
    weights: Weights = None

    def question(self, **more: Any) -> "Question":
        """Return these options as a question; `more` goes to `blueattr.analysis.parse.question`."""
        return parse.question(**vars(self), **more)


@dataclass
class ValueOptions(IndicatorOptions):
    """What to attribute, and by which method."""

    method: Method = "auto"
    steps: Steps = None


@dataclass
class QuestionOptions(ValueOptions):
    """What to attribute, by which method, and the tiers to sum it up by."""

    tiers: Tiers = "1,10"


@dataclass
class ReportQuestionOptions(QuestionOptions):
    """The same, of the four indicators by default."""

    indicator: Indicator = "all"


@dataclass
class SeedOptions:
    """How samples are drawn, and how many."""

    protocol: Protocol = "visibility"
    seeds: Seeds = 10
    seed: Seed = 0

    def sampling(self, **more: Any) -> "Sampling":
        """Return these options as a sampling; `more` goes to `blueattr.analysis.parse.sampling`."""
        return parse.sampling(**vars(self), **more)


@dataclass
class SamplingOptions(SeedOptions):
    """How samples are drawn, how many, and their sizes."""

    sizes: Sizes = "100,1000"


@dataclass
class OutputOptions:
    """Where the result goes, and in which format."""

    form: Format = "text"
    out: Out = None

    def check(self, agents: Path | None = None) -> None:
        """Refuse files that could not be written; see `blueattr.cli.output.check_out`."""
        check_out(self.out, agents)

    def emit(self, report: "Report") -> None:
        """Print or write a report; see `blueattr.cli.output.emit`."""
        emit(report, self.form, self.out)


# Options that stand together in the help of most commands.
ABOUT = ("topic", "match", "topics", "db")
WINDOW = ("start", "end", "window")
DRAWS = ("protocol", "seeds", "seed")
HOW = ("method", "steps", "aggregator", "weights")
WHO = ("bots", "keep_bots", "max_rate", "popularity", "missing_followers")
OUTPUT = ("memory", "form", "out")


def grouped(
    order: Sequence[str] = (),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command take groups of options: each field of a group becomes an option.

    A group is a dataclass. In the signature that typer reads, a parameter annotated with a group
    is replaced by the fields of the group; the command itself is called with the group.

    Parameters
    ----------
    order
        The names of all options, in the order of the help; by default, their order in the
        signature.

    Raises
    ------
    ValueError
        `order` does not name every option exactly once.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        groups: dict[str, Any] = {}
        parameters = []
        for parameter in inspect.signature(command).parameters.values():
            if is_dataclass(parameter.annotation):
                groups[parameter.name] = parameter.annotation
                parameters += _options_of(parameter.annotation)
            else:
                parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        by_name = {parameter.name: parameter for parameter in parameters}
        names = ["context", *order] if order and "context" in by_name else order or [*by_name]
        if sorted(names) != sorted(parameter.name for parameter in parameters):
            raise ValueError(f"the order of {command.__name__} does not name each option once")

        @wraps(command)
        def call(**values: Any) -> None:
            for name, group in groups.items():
                values[name] = group(**{one.name: values.pop(one.name) for one in fields(group)})
            command(**values)

        ordered = [by_name[name] for name in names]
        call.__dict__["__signature__"] = inspect.Signature(ordered)
        call.__annotations__ = {one.name: one.annotation for one in ordered}
        return call

    return decorate


def _options_of(group: Any) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=one.default if one.default_factory is MISSING else one.default_factory(),
            annotation=one.type,
        )
        for one in fields(group)
    ]
