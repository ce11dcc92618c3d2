"""Options that mean the same in every command that has them, and the groups they come in."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from blueattr.analysis import parse
from blueattr.cli.output import check_out, emit
from blueattr.errors import UsageError

if TYPE_CHECKING:
    from blueattr.attribution.question import Question, Sampling
    from blueattr.panel.query import PanelQuery
    from blueattr.report import Report


Db: TypeAlias = Annotated[
    Path, typer.Option("--db", envvar="BLUEATTR_DB", help="The store, a DuckDB file.")
]
Memory: TypeAlias = Annotated[
    str, typer.Option("--memory-limit", help="Memory for the whole process, such as 4GB or 800MB.")
]
Insecure: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--insecure", help="Speak to ws:// and http:// addresses elsewhere than on this machine.",
        show_default=False,
    ),
]  # fmt: skip
Topic: TypeAlias = Annotated[
    str | None,
    typer.Option("--topic", help="A topic's name, or 'all' for every event.", show_default=False),
]
Topics: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--topic",
        help="A topic's name, several with commas, 'all-topics' for each there is, or 'all' for "
        "every event.",
        show_default=False,
    ),
]
Match: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--match",
        help="A regular expression (RE2, letter case ignored) that makes a topic of its own; "
        "may be given several times.",
        show_default=False,
    ),
]
TopicsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--topics", envvar="BLUEATTR_TOPICS", help="A TOML file with topics of yours."),
]
Start: TypeAlias = Annotated[
    str | None,
    typer.Option("--from", help="Start of the window: a UTC date or time.", show_default=False),
]
End: TypeAlias = Annotated[
    str | None,
    typer.Option("--to", help="End of the window, exclusive.", show_default=False),
]
Length: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--window",
        help="Length of the window, such as 36h or 2w, 14d by default; it ends at the last event "
        "seen unless --from or --to says otherwise.",
        show_default=False,
    ),
]
ScaleOption: TypeAlias = Annotated[
    Literal["log1p", "raw"], typer.Option("--scale", help="Scale of the features.")
]
BotsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--bots", help="A TOML file of bot rules in place of those that ship."),
]
KeepBots: TypeAlias = Annotated[
    bool, typer.Option("--keep-bots", help="Apply no bot filter.", show_default=False)
]
PopularityOption: TypeAlias = Annotated[
    Literal["follows-received", "followers"],
    typer.Option(
        "--popularity",
        help="What b counts, and tiers and visibility are by: follows received in the window, or "
        "the follower counts that `blueattr hydrate` got.",
    ),
]
Missing: TypeAlias = Annotated[
    Literal["error", "drop", "received"],
    typer.Option(
        "--missing-followers",
        help="With --popularity followers, what becomes of agents without a known count: an "
        "error, they are left out, or the follows they received count instead.",
    ),
]
MaxRate: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-rate",
        metavar="R/D",
        help="Also take accounts with over R records a day on D days for bots, such as 500/3.",
        show_default=False,
    ),
]
FeaturesFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--features",
        help="A panel of yours instead of a store: Parquet or CSV with did (or agent), a, b, c and "
        "optionally followers; used as it is.",
        show_default=False,
    ),
]
Indicator: TypeAlias = Annotated[
    str,
    typer.Option(
        "--indicator",
        help="lin, heat, var, gini (all: these four), hill, entropy, threshold, or one of your "
        "own: package.module:name, file.py or file.py:name, which is run. Several with commas.",
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
    typer.Option("--steps", help="K of the quadrature (30 by default).", show_default=False),
]
AggregatorOption: TypeAlias = Annotated[
    Literal["mean", "log", "geometric"],
    typer.Option("--aggregator", help="How lin, var and gini make one number of a, b and c."),
]
Weights: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--weights", help="Of a, b and c in the aggregator, such as 0.5,0.25,0.25; thirds by "
        "default.", show_default=False,
    ),
]  # fmt: skip
Tiers: TypeAlias = Annotated[
    str, typer.Option("--tiers", help="Ends of the upper tiers in cumulative per cent.")
]
Sizes: TypeAlias = Annotated[str, typer.Option("--sizes", help="Sample sizes, with commas.")]
Protocol: TypeAlias = Annotated[
    str,
    typer.Option(
        "--protocol", help="visibility, top, active, random, several with commas, or all."
    ),
]
Seeds: TypeAlias = Annotated[int, typer.Option("--seeds", help="Samples of each kind.")]
Seed: TypeAlias = Annotated[int, typer.Option("--seed", help="The first seed.")]
Format: TypeAlias = Annotated[
    Literal["text", "json", "csv"], typer.Option("--format", help="Of what goes to stdout.")
]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Write to a file instead; its extension says the format: .txt, .json, .csv, .parquet.",
        show_default=False,
    ),
]


# --- groups --------------------------------------------------------------------------------------


@dataclass
class StoreOptions:
    """Which store, and how much memory to use on it."""

    db: Db = parse.DEFAULT_DB
    memory: Memory = "4GB"

    @property
    def memory_limit(self) -> int:
        """Bytes the process may use."""
        return parse.memory_limit(self.memory)


@dataclass
class WindowOptions(StoreOptions):
    """Which window of a store."""

    start: Start = None
    end: End = None
    window: Length = None

    def query(self, **more: Any) -> "PanelQuery":
        """Return what is asked of the store; `more` is for `blueattr.analysis.parse.query`."""
        return parse.query(**vars(self), **more)


@dataclass
class BotOptions(WindowOptions):
    """Which accounts of a window are bots."""

    bots: BotsFile = None
    keep_bots: KeepBots = False
    max_rate: MaxRate = None


@dataclass
class PanelOptions(BotOptions):
    """Which agents of a window, and how popular each is."""

    popularity: PopularityOption = "follows-received"
    missing_followers: Missing = "error"


@dataclass
class QueryOptions(PanelOptions):
    """Which features: of which agents, about which topic."""

    topic: Topic = None
    match: Match = field(default_factory=list)
    topics: TopicsFile = None
    scale: ScaleOption = "log1p"


@dataclass
class FeaturesQueryOptions(QueryOptions):
    """The same, about every event by default."""

    topic: Topic = "all"


@dataclass
class TopicsQueryOptions(QueryOptions):
    """The same, about one topic or several."""

    topic: Topics = None

    def several(self) -> tuple[str, ...]:
        """Return the topics, if there are several."""
        return parse.several_topics(self.topic, self.match)


@dataclass
class IndicatorOptions:
    """What to attribute."""

    indicator: Indicator = "heat"
    aggregator: AggregatorOption = "mean"
    weights: Weights = None

    def question(self, **more: Any) -> "Question":
        """Return the question; `more` is for `blueattr.analysis.parse.question`."""
        return parse.question(**vars(self), **more)


@dataclass
class ValueOptions(IndicatorOptions):
    """What to attribute, and by which method."""

    method: Method = "auto"
    steps: Steps = None


@dataclass
class QuestionOptions(ValueOptions):
    """What to attribute, by which method, summed up by which tiers."""

    tiers: Tiers = "1,10"


@dataclass
class ReportQuestionOptions(QuestionOptions):
    """The same, of all indicators by default."""

    indicator: Indicator = "all"


@dataclass
class SeedOptions:
    """How samples are drawn, and how often."""

    protocol: Protocol = "visibility"
    seeds: Seeds = 10
    seed: Seed = 0

    def sampling(self, **more: Any) -> "Sampling":
        """Return what to sample; `more` is for `blueattr.analysis.parse.sampling`."""
        return parse.sampling(**vars(self), **more)


@dataclass
class SamplingOptions(SeedOptions):
    """How samples are drawn, how often and of which sizes."""

    sizes: Sizes = "100,1000"


@dataclass
class OutputOptions:
    """Where the result goes, and in which format."""

    form: Format = "text"
    out: Out = None

    def check(self, agents: Path | None = None) -> None:
        """Refuse a file that could not be written; as `blueattr.cli.output.check_out`."""
        check_out(self.out, agents)

    def emit(self, report: "Report") -> None:
        """Print a report or write it; as `blueattr.cli.output.emit`."""
        emit(report, self.form, self.out)


# Runs of options that stand together in the help of most commands.
ABOUT = ("topic", "match", "topics", "db")
WINDOW = ("start", "end", "window")
DRAWS = ("protocol", "seeds", "seed")
HOW = ("method", "steps", "aggregator", "weights")
WHO = ("bots", "keep_bots", "max_rate", "popularity", "missing_followers")
OUTPUT = ("memory", "form", "out")


def grouped(
    order: Sequence[str] = (),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command take groups of options: each field of a group becomes an option of its own.

    A parameter that is annotated with a group, a dataclass, is replaced in the signature by the
    group's fields; the command is called with the group.

    Parameters
    ----------
    order
        Names of all options in the order of the help; by default as they stand.

    Raises
    ------
    ValueError
        `order` does not name the parameters of a command, each once.
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
        def call(**given: Any) -> None:
            for name, group in groups.items():
                given[name] = group(**{one.name: given.pop(one.name) for one in fields(group)})
            command(**given)

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


def only_for_a_store(context: typer.Context) -> None:
    """Refuse options that ask a store if the panel is a file: they would change nothing."""
    asks_a_store = {group_field.name for group_field in fields(QueryOptions)} - {"memory"}
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        given = source is not None and source.name == "COMMANDLINE"
        if given and parameter.name in asks_a_store:
            raise UsageError(
                f"--features is a panel as it is; {parameter.opts[0]} asks a store, and would "
                "change nothing"
            )
