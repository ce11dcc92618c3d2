"""Groups of options that commands take, and their order in help."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from blueattr.analysis.asked import parse
from blueattr.cli.options import (
    AggregatorOption,
    BotsFile,
    Complete,
    Db,
    End,
    Format,
    Indicator,
    InfluenceOption,
    KeepBots,
    Length,
    Match,
    MaxRate,
    Memory,
    Method,
    Missing,
    Out,
    PanelOption,
    PopularityOption,
    ScaleOption,
    Start,
    Steps,
    Tiers,
    Topic,
    Topics,
    TopicsFile,
    Verbose,
    Weights,
)
from blueattr.cli.output import check_out, emit
from blueattr.errors import UsageError

if TYPE_CHECKING:
    from blueattr.attribution.question import Question
    from blueattr.panel.query import PanelQuery
    from blueattr.report import Report


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
class TopicOptions(StoreOptions):
    """The features of a panel, about a topic, in whichever window a command looks at."""

    topic: Topic = None
    match: Match = field(default_factory=list)
    topics: TopicsFile = None
    scale: ScaleOption = "log1p"
    bots: BotsFile = None
    keep_bots: KeepBots = False
    max_rate: MaxRate = None
    popularity: PopularityOption = "follows-received"
    missing_followers: Missing = "error"
    influence: InfluenceOption = None

    def query(self) -> "PanelQuery":
        """Return these options as a query."""
        return parse.query(**vars(self))


@dataclass
class WindowOptions(StoreOptions):
    """A window of a store."""

    start: Start = None
    end: End = None
    window: Length = None
    complete: Complete = False

    def query(self, **more: Any) -> "PanelQuery":
        """Return these options as a query; `more` is as in :func:`parse.query`."""
        return parse.query(**vars(self) | more)


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
class TopicPanelOptions(PanelOptions):
    """The panel, and perhaps a topic that some of it are involved in."""

    without_topic: ClassVar[bool] = True

    topic: Topic = None
    match: Match = field(default_factory=list)
    topics: TopicsFile = None
    influence: InfluenceOption = None

    def query(self, **more: Any) -> "PanelQuery":
        """Return these options as a query; where none is named, perhaps about all events."""
        if self.without_topic and self.topic is None and not self.match:
            more = {"topic": "all"} | more
        return super().query(**more)


@dataclass
class QueryOptions(TopicPanelOptions):
    """The features of a panel, about a topic."""

    without_topic: ClassVar[bool] = False

    scale: ScaleOption = "log1p"


@dataclass
class FeaturesQueryOptions(QueryOptions):
    """The same, about all events by default."""

    without_topic: ClassVar[bool] = True


@dataclass
class TopicsQueryOptions(QueryOptions):
    """The same, about one topic or several."""

    topic: Topics = None

    def several(self, *, all_topics: bool = False) -> tuple[str, ...]:
        """Return the topics if there are several, else nothing.

        Parameters
        ----------
        all_topics
            The value of ``--all-topics``.
        """
        if all_topics and self.topic is not None:
            raise UsageError("--all-topics stands for every topic; leave out --topic")
        return parse.several_topics(parse.EVERY_TOPIC if all_topics else self.topic, self.match)


@dataclass
class AggregateOptions:
    """What to attribute."""

    indicator: Indicator = "heat"
    aggregator: AggregatorOption = "mean"
    weights: Weights = None

    def question(self, **more: Any) -> "Question":
        """Return these options as a question; `more` is as in :func:`parse.question`."""
        return parse.question(**vars(self), **more)


@dataclass
class SampleQuestionOptions(AggregateOptions):
    """What to attribute to the whole that a sample stands for."""

    method: Method = "auto"
    steps: Steps = None
    tiers: Tiers = "1,10"


@dataclass
class IndicatorOptions(AggregateOptions):
    """What to attribute, and to whom."""

    panel: PanelOption = None


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
class OutputOptions:
    """Where the result goes, and in which format."""

    form: Format = None
    out: Out = None

    def check(self, agents: Path | None = None) -> None:
        """Refuse files that could not be written; see `blueattr.cli.output.check_out`."""
        check_out(self.out, agents, self.form)

    def emit(self, report: "Report") -> None:
        """Print or write a report; see `blueattr.cli.output.emit`."""
        emit(report, self.form, self.out)


@dataclass
class DetailedOutputOptions(OutputOptions):
    """The same, and whether text has every detail."""

    verbose: Verbose = False

    def emit(self, report: "Report") -> None:
        """Print or write a report; see `blueattr.cli.output.emit`."""
        emit(report, self.form, self.out, verbose=self.verbose)


# Options that stand together in the help of most commands.
ABOUT = ("topic", "match", "topics", "db")
WINDOW = ("start", "end", "window", "complete")
HOW = ("method", "steps", "aggregator", "weights")
WHO = ("bots", "keep_bots", "max_rate", "popularity", "missing_followers", "influence")
OUTPUT = ("memory", "form", "out")
DETAILED = (*OUTPUT, "verbose")
