"""A study to deposit: the records that count, the agents with their values, and what was asked."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import polars as pl

from blueattr.analysis.asked.naming import OPEN, Naming, pseudonyms
from blueattr.analysis.attribute import NamingOptions, attribute_panel
from blueattr.analysis.deposit.names import IMPORTED_HANDLE, Cleaner, marked, texts, words
from blueattr.analysis.features import refuse_no_match
from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.question import Question
from blueattr.errors import UsageError
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.provenance import TopicInfo
from blueattr.store.database import Store
from blueattr.studies.carriers.accounts import accounts_frame

__all__ = ["COARSE", "Coarse", "Study", "check_licence", "make_study"]


Coarse = Literal["hour", "day"]
"""To what times of records are cut."""


COARSE: tuple[Coarse, ...] = ("hour", "day")


_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}")
_ADDRESS = re.compile(r"https://[!-~]{1,500}")
_RECORD = "record-"
_HERE = "the store of this study"


@dataclass(frozen=True, repr=False)
class Study:
    """What is deposited.

    Parameters
    ----------
    title
        In words.
    licence
        An SPDX identifier, or an address.
    results
        One for each indicator; they name nobody.
    records
        A row for each record that counts, in order of time: ``record``, ``agent``, ``kind``,
        ``time``, ``time_from``, ``subject``, ``quoted``, ``text_sha256``.
    agents
        A row for each agent of the panel: ``agent``, and the columns of
        `blueattr.studies.carriers.accounts.accounts_frame`.
    topic
        Its definition, without names; None for all events.
    salt
        Stands before a text that is hashed; empty with pseudonyms, where there are no hashes.
    coarse
        To what times are cut; None where they are exact.
    has_pseudonyms
        Whether accounts and records have pseudonyms.
    hidden
        How many handles were taken out of what the user wrote.
    """

    title: str
    licence: str
    results: tuple[AttributionResult, ...]
    records: pl.DataFrame
    agents: pl.DataFrame
    topic: TopicInfo | None
    salt: str
    coarse: Coarse | None
    has_pseudonyms: bool
    cleaner: Cleaner
    hidden: int


def check_licence(licence: str) -> str:
    """Return a licence that others can look up.

    Raises
    ------
    UsageError
        It is neither an SPDX identifier nor an address.
    """
    if not (_SPDX.fullmatch(licence) or _ADDRESS.fullmatch(licence)):
        raise UsageError(
            f"--license {licence!r} is neither an SPDX identifier, such as CC-BY-4.0, nor an "
            "https:// address of its text"
        )
    return licence


def make_study(
    query: PanelQuery,
    question: Question,
    *,
    licence: str,
    title: str | None = None,
    naming: Naming = OPEN,
    coarse: Coarse | None = None,
) -> Study:
    """Make of a store what others may keep.

    Parameters
    ----------
    query
        The window, the panel and the topic.
    question
        What the agents have values of.
    licence
        See `check_licence`.
    title
        By default made of the topic and the window.
    naming
        How to name accounts; with pseudonyms, records have some, too, and times are cut to the
        hour at least.
    coarse
        To what times are cut.

    Raises
    ------
    UsageError
        The licence is none.
    NoAnswerError
        As for `blueattr.attribution.attribute.attribute`; or no post matched.
    """
    check_licence(licence)
    if naming.key is not None and coarse is None:
        # An exact time tells who wrote what, as events are public.
        coarse = "hour"
    with Store.open(query.db, query.memory) as store:
        view = StoreView.of(store, query)
        topic = view.topic()
        counts = view.totals(topic)
        refuse_no_match(view, topic, counts)
        frame = view.features(counts)
        origin = replace(view.origin(topic), source=_HERE)
        results = attribute_panel(frame, origin, question, NamingOptions(top=0))
        salt = "" if naming.key is not None else _salt(results)
        view.count(topic)
        records = _records(view, salt, is_topic=topic is not None)
        said = [title or "", *texts([asdict(one.provenance) for one in results])]
        asked = sorted(words(said))
        found = store.rows("analysis/deposit/known_handles", words=asked) if asked else []
    handles = frozenset((*(handle for (handle,) in found), *marked(said)))
    cleaner = Cleaner(handles, dids=naming.key is not None)
    agents = accounts_frame(results, frame).sort("did")
    if coarse is not None:
        cut = pl.col("time").dt.truncate("1h" if coarse == "hour" else "1d")
        records = records.with_columns(cut)
    if naming.key is not None:
        records = _hidden(records, naming.key)
        agents = agents.with_columns(pseudonyms(agents["did"], naming.key)).sort("did")
    elif known := _by_handle(agents["did"], records["agent"].alias("did")):
        raise UsageError(
            f"{known:,} accounts of an import are known by their handles alone, which no deposit "
            "holds; use --pseudonyms"
        )
    results = [replace(one, provenance=cleaner.part(one.provenance)) for one in results]
    info = results[0].provenance.topic
    return Study(
        title=cleaner.text(title or _title(info)),
        licence=licence,
        results=tuple(naming.hide(results)),
        records=records.sort("time", "record"),
        agents=agents.rename({"did": "agent"}),
        topic=None if info is None else _distinct(info),
        salt=salt,
        coarse=coarse,
        has_pseudonyms=naming.key is not None,
        cleaner=cleaner,
        hidden=len(cleaner.handles),
    )


def _by_handle(*names: pl.Series) -> int:
    """Count the accounts that are named by their handles."""
    return int(pl.concat(names).unique().str.contains(IMPORTED_HANDLE).sum())


def _distinct(info: TopicInfo) -> TopicInfo:
    """Name nothing twice, as what was cleaned may be."""
    return replace(
        info,
        keywords=tuple(dict.fromkeys(info.keywords)),
        hashtags=tuple(dict.fromkeys(info.hashtags)),
        patterns=tuple(dict.fromkeys(info.patterns)),
    )


def _title(info: TopicInfo | None) -> str:
    return "Who carried all that happened" if info is None else f"Who carried {info.name}"


def _salt(results: Sequence[AttributionResult]) -> str:
    """Make a salt of what was asked, so that the same question makes the same deposit."""
    origin = results[0].provenance
    said = f"{origin.topic} {origin.window} {[(one.indicator, one.total) for one in results]}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _records(view: StoreView, salt: str, *, is_topic: bool) -> pl.DataFrame:
    store = view.store
    start, end = (moment.replace(tzinfo=None) for moment in (view.window.start, view.window.end))
    if is_topic:
        store.run("analysis/deposit/of_topic")
    else:
        store.run("analysis/deposit/of_all", start=start, end=end)
    store.run("analysis/deposit/macros")
    found = store.frame("analysis/deposit/records", salt=salt)
    return found.select(
        "record", "agent", "kind", pl.col("time").dt.replace_time_zone("UTC"), "time_from",
        "subject", "quoted", "text_sha256",
    )  # fmt: skip


def _hidden(records: pl.DataFrame, key: bytes) -> pl.DataFrame:
    """Put pseudonyms in place of accounts and records, and leave the hashes of texts out."""

    def hashed(name: str) -> pl.Series:
        known = records[name].fill_null("")
        made = pseudonyms(known, key).str.replace("^agent-", _RECORD)
        return pl.select(pl.when(records[name].is_not_null()).then(made)).to_series().alias(name)

    return records.with_columns(
        *(hashed(name) for name in ("record", "subject", "quoted")),
        agent=pseudonyms(records["agent"], key),
        text_sha256=pl.lit(None, pl.String),
    )
