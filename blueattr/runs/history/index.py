"""The list of runs as a page beside the reports: shares over time, and what changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from blueattr.atomic import write
from blueattr.provenance import Window, spell_window
from blueattr.report.numbers import MINUS, lasting, percent, plural
from blueattr.report.pages.run_list import RunRow, ShareLine, TopicCard, run_list_html
from blueattr.runs import publish
from blueattr.runs.history.record import Run, RunRecord, read_runs
from blueattr.runs.history.shares import IndicatorShares, TopicShares, read_shares

__all__ = ["INDEX", "index_html", "mend_record", "write_index"]


INDEX = "index.html"
"""The name of the page in a folder of reports."""


_RUNS_LISTED = 200
_POINTS_DRAWN = 200
# A share that moved by less is written as unchanged.
_SAME = 0.0005


def mend_record(folder: Path, record: RunRecord) -> None:
    """Note the shares of reports whose runs were killed before they could.

    Parameters
    ----------
    folder
        The folder of reports.
    record
        Its record, open.

    Raises
    ------
    OutputError
        Something cannot be read or written.
    """
    runs = {run.name: run for run in read_runs(folder)}
    noted = {run.shares.report for run in runs.values() if run.shares is not None}
    for report in publish.report_folders(folder):
        if report.name in noted:
            continue
        found = publish.manifest(report) or {}
        name, shares = found.get("run"), read_shares(found.get("shares"))
        if shares is not None and name in runs:
            record.note("shares", name, **replace(shares, report=report.name).noted())


def write_index(folder: Path, ending: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """Write the page, whole or not at all.

    Parameters
    ----------
    folder
        The folder of reports.
    ending
        How runs end that have not noted it yet, by their name: the fields of that note.

    Raises
    ------
    OutputError
        Something cannot be read or written.
    """
    runs = [_ended(run, (ending or {}).get(run.name)) for run in read_runs(folder)]
    there = {report.name: _page_of(report) for report in publish.report_folders(folder)}
    write(folder / INDEX, index_html(runs, there).encode())


def _ended(run: Run, end: Mapping[str, Any] | None) -> Run:
    if end is None:
        return run
    return replace(
        run, outcome=end["outcome"], exit_code=end["exit_code"], seconds=end["seconds"], end=end
    )


def _page_of(report: Path) -> str:
    """Return the address of a report from beside its folder."""
    return f"{report.name}/{INDEX}" if (report / INDEX).is_file() else f"{report.name}/"


def index_html(runs: Sequence[Run], there: Mapping[str, str]) -> str:
    """Lay out the list of runs as a page.

    Parameters
    ----------
    runs
        The earliest first.
    there
        The reports that still exist: the address of each by its name.

    Returns
    -------
    str
        HTML that loads nothing and runs nothing. The same for the same runs.
    """
    reporting = [run for run in runs if run.shares is not None and run.shares.topics]
    latest = reporting[-1] if reporting else None
    shown = runs[-_RUNS_LISTED:]
    return run_list_html(
        headline=_headline(runs, latest),
        banner="" if latest is None or latest.shares is None else latest.shares.banner,
        latest="" if latest is None else there.get(_report_name(latest), ""),
        cards=() if latest is None else tuple(_cards(latest, reporting)),
        compared=_when(reporting[-2].started) if len(reporting) > 1 else "",
        changes=tuple(_changes(runs, reporting)),
        rows=tuple(_row(run, there) for run in reversed(shown)),
        left_out=len(runs) - len(shown),
    )


def _report_name(run: Run) -> str:
    if run.shares is not None and run.shares.report:
        return run.shares.report
    return str(run.end.get("report") or "")


def _headline(runs: Sequence[Run], latest: Run | None) -> str:
    if not runs:
        return "No run yet"
    if latest is None:
        return f"{plural(len(runs), 'run')}, no report with shares yet"
    return f"Latest report: {_when(latest.started)}"


def _when(moment: datetime) -> str:
    return f"{moment.day} {moment:%B} {moment.year}, {moment:%H:%M} (UTC)"


# --- the shares of each topic over time ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Point:
    run: Run
    found: IndicatorShares


def _cards(latest: Run, reporting: Sequence[Run]) -> Iterator[TopicCard]:
    assert latest.shares is not None  # noqa: S101 - chosen for it
    for topic in latest.shares.topics:
        if topic.found:
            yield _card(topic, topic.found[0], reporting)


def _card(topic: TopicShares, now: IndicatorShares, reporting: Sequence[Run]) -> TopicCard:
    """Show the first indicator of a topic, in the runs that can be compared with the latest."""
    version = _version(reporting[-1])
    asked = [
        _Point(run, found)
        for run in reporting
        for found in _of_topic(run, topic.topic, now.indicator)
    ]
    alike = [
        point
        for point in asked
        if point.found.question == now.question
        and _version(point.run) == version
        and point.found.tiers == now.tiers
        and point.found.shares
    ]
    before = alike[-2].found if len(alike) > 1 and now.shares else None
    others = sum(bool(point.found.shares) for point in asked) - len(alike)
    drawn = alike[-_POINTS_DRAWN:]
    return TopicCard(
        title=topic.title,
        indicator=now.indicator,
        undefined=now.undefined,
        times=tuple(point.run.started for point in drawn),
        lines=tuple(
            ShareLine(
                tier,
                tuple(point.found.shares[k] for point in drawn),
                percent(now.shares[k]).replace("-", MINUS),
                "" if before is None else _moved(now.shares[k] - before.shares[k]),
            )
            for k, tier in enumerate(now.tiers)
        ),
        others=others,
    )


def _of_topic(run: Run, topic: str, indicator: str) -> Iterator[IndicatorShares]:
    for one in run.shares.topics if run.shares is not None else ():
        if one.topic == topic:
            yield from (found for found in one.found if found.indicator == indicator)


def _version(run: Run) -> int:
    return 0 if run.shares is None else run.shares.method_version


def _moved(difference: float) -> str:
    """Write a difference of shares in percentage points.

    >>> _moved(0.0123), _moved(-0.2), _moved(0.0001)
    ('+1.2 points', '\u221220.0 points', 'unchanged')
    """
    if abs(difference) < _SAME:
        return "unchanged"
    sign = "+" if difference > 0 else MINUS
    return f"{sign}{percent(abs(difference), unit=False)} points"


# --- what changed --------------------------------------------------------------------------------


def _changes(runs: Sequence[Run], reporting: Sequence[Run]) -> Iterator[str]:
    """Say what changed from the report before to the latest, in a sentence each."""
    if not reporting:
        return
    last, latest = runs[-1], reporting[-1]
    if last is not latest:
        later = len(runs) - 1 - [run.name for run in runs].index(latest.name)
        yield (
            f"{plural(later, 'run')} since the latest report; the last one, {_when(last.started)}: "
            f"{last.outcome}."
        )
    if len(reporting) == 1:
        yield "This is the first report whose shares are known; there is none to compare it with."
        return
    yield from _differences(reporting[-2], latest)


def _differences(before: Run, latest: Run) -> Iterator[str]:
    old, new = before.shares, latest.shares
    assert old is not None and new is not None  # noqa: S101, PT018 - both were chosen for it
    more = new.events - old.events
    yield f"{plural(abs(more), 'event')} {'more' if more >= 0 else 'fewer'} in the store."
    if (window := _window(latest)) != (past := _window(before)) and window and past:
        yield f"The window was {past}, and is {window} (UTC)."
    gaps = _gaps(latest) - _gaps(before)
    if gaps:
        yield f"{plural(abs(gaps), 'gap')} {'more' if gaps > 0 else 'fewer'} in the window."
    if old.method_version != new.method_version:
        yield (
            f"The method changed from version {old.method_version} to {new.method_version}, so "
            "shares are not compared."
        )
    earlier = {topic.topic: topic for topic in old.topics}
    for topic in new.topics:
        if topic.topic not in earlier:
            yield f"{topic.title} is new."
            continue
        was = earlier[topic.topic]
        yield (
            f"{topic.title}: {_accounts(topic.n_involved - was.n_involved)} involved, "
            f"{_accounts(topic.n_agents - was.n_agents)} in the panel"
            f"{_top_moved(was, topic, same=old.method_version == new.method_version)}."
        )
    for gone in earlier.keys() - {topic.topic for topic in new.topics}:
        yield f"{earlier[gone].title} is no longer reported on."


def _top_moved(was: TopicShares, topic: TopicShares, *, same: bool) -> str:
    """Say how the share of the top tier moved, or why that cannot be said."""
    if not same or not topic.found or not topic.found[0].shares:
        return ""
    now = topic.found[0]
    earlier = next((one for one in was.found if one.indicator == now.indicator), None)
    if earlier is None or not earlier.shares:
        return f"; {now.indicator} had no answer before"
    if earlier.question != now.question or earlier.tiers != now.tiers:
        return "; the question changed, so shares are not compared"
    share = f"{percent(now.shares[0])} of {now.indicator}"
    return f"; the {now.tiers[0]} carry {share} ({_moved(now.shares[0] - earlier.shares[0])})"


def _accounts(more: int) -> str:
    """Write a difference of two numbers of accounts.

    >>> _accounts(1200), _accounts(-1), _accounts(0)
    ('1,200 accounts more', '1 account fewer', 'as many accounts')
    """
    if more == 0:
        return "as many accounts"
    return f"{plural(abs(more), 'account')} {'more' if more > 0 else 'fewer'}"


def _gaps(run: Run) -> int:
    gaps = run.end.get("gaps")
    return gaps if isinstance(gaps, int) else 0


def _window(run: Run) -> str:
    bounds = run.end.get("window")
    try:
        start, end = (datetime.fromisoformat(bound) for bound in bounds or ())
        return spell_window(Window(start, end)).removesuffix(" (UTC)")
    except (TypeError, ValueError):
        return ""


# --- the table of runs ---------------------------------------------------------------------------


def _row(run: Run, there: Mapping[str, str]) -> RunRow:
    name = _report_name(run)
    shares = run.shares
    message = run.end.get("message")
    return RunRow(
        started=run.started,
        outcome=run.outcome,
        failed=run.exit_code not in {0, 9, 10, None},
        report=name,
        address=there.get(name, ""),
        window=_window(run) if name else "",
        gaps=_gaps(run) if name else None,
        topics=None if shares is None else len(shares.topics),
        lasted=lasting(run.seconds),
        message=message if isinstance(message, str) else "",
    )
