"""What a picture says in words: the same in the terminal, in the app and on the page."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from blueattr.report.escape import safe_text
from blueattr.report.numbers import count, lasting, percent, plural
from blueattr.report.parts.answer import rounded, tier_names
from blueattr.watch.picture import Mark, Mode, Picture, WatchChoice

__all__ = [
    "MODES",
    "account",
    "answer",
    "brief",
    "clock",
    "day_and_clock",
    "length",
    "mark_sentence",
    "names_of_tiers",
    "question",
    "said",
    "sample_words",
    "share_words",
    "state",
    "time_in",
    "what_is_watched",
    "whole_minute",
]


MODES: dict[Mode, str] = {
    "writes": "reads the network into the store",
    "follows": "follows the store",
    "replay": "replays the store",
}
"""How events come, as every face says it."""


_LONGEST_NAME = 60
_LONGEST_NOTE = 200
_MOST_BLAMED = 3
_LONGEST_DID = 20
# A sample is drawn each minute; within some of them it is about now.
_NOW = timedelta(minutes=5)


def clock(moment: datetime, *, seconds: bool = False) -> str:
    """Write the time of day in UTC.

    >>> clock(datetime(2026, 4, 9, 12, 5, tzinfo=UTC))
    '12:05'
    """
    return moment.astimezone(UTC).strftime("%H:%M:%S" if seconds else "%H:%M")


def day_and_clock(moment: datetime) -> str:
    """Write a day and a time of day in UTC.

    >>> day_and_clock(datetime(2026, 4, 9, 12, 5, tzinfo=UTC))
    '9 April 2026, 12:05:00 UTC'
    """
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%B} {utc.year}, {utc:%H:%M:%S} UTC"


def time_in(moment: datetime, end: datetime, span: timedelta) -> str:
    """Write the time of a moment within a span that ends at another; its day, where needed.

    >>> end = datetime(2026, 4, 9, 12, 5, tzinfo=UTC)
    >>> time_in(end, end, timedelta(hours=24)), time_in(end, end, timedelta(days=7))
    ('12:05', '9 Apr 12:05')
    """
    if span <= timedelta(days=1) and end - moment <= timedelta(days=1):
        return clock(moment)
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b} {clock(utc)}"


def length(span: timedelta) -> str:
    """Write how long a window is, in the largest unit that measures it.

    >>> length(timedelta(hours=24)), length(timedelta(minutes=90)), length(timedelta(days=7))
    ('24 h', '90 min', '7 d')
    """
    seconds = span.total_seconds()
    for unit, size, fewest in (("d", 86400, 2), ("h", 3600, 1), ("min", 60, 1)):
        if seconds >= fewest * size and seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:g} s"


def brief(text: str, limit: int) -> str:
    r"""Make text harmless, and cut it where it is longer than so many characters.

    >>> brief("a\x1bb", 10), brief("aaaaaa", 4)
    ('a\\x1bb', 'aaa…')
    """
    shown = safe_text(text, 4 * limit)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def account(did: str, handle: str | None, limit: int = _LONGEST_NAME) -> str:
    """Name an account: its handle, or the ends of its DID where that is unknown.

    >>> account("did:plc:g77k6dk2zs4ssvyuuspk3mav", None)
    'did:plc:g77k6d…3mav'
    """
    if handle is None and did.startswith("did:") and len(did) > _LONGEST_DID:
        return brief(f"{did[:14]}…{did[-4:]}", limit)
    return brief(handle or did, limit)


def question(picture: Picture) -> str:
    """Return the question that a picture answers."""
    title = brief(picture.title, _LONGEST_NAME)
    mark = " (synthetic data)" if picture.synthetic else ""
    return f"Who carries {title}?{mark}"


def answer(picture: Picture) -> str:
    """Say what the top tier carries now, and what a sample would say."""
    if picture.total is None or not picture.tiers:
        why = safe_text(picture.undefined, _LONGEST_NOTE) or "nothing has come in yet"
        return f"No answer yet: {why}."
    first = picture.cutoffs[0]
    who = f"The {first:.6g} % most followed accounts"
    if picture.ranked_by != "followers":
        who = f"The {first:.6g} % of accounts with the largest {safe_text(picture.ranked_by, 20)}"
    share = rounded(picture.tiers[0].share)
    said = f"{who} carry {share} of it."
    if picture.choice.indicator != "heat":
        indicator = brief(picture.choice.indicator, _LONGEST_NAME)
        said = f"{who} account for {share} of its {indicator}."
    return said + _beside(picture)


def _beside(picture: Picture) -> str:
    """Say what a sample would show; of which moment, unless that is about now."""
    sample = picture.sample
    if sample is None or not sample.tiers:
        return ""
    shown, accounts = rounded(sample.tiers[0]), f"{sample.size:,} visible accounts"
    if abs(picture.end - sample.time) <= _NOW:
        return f" A sample of {accounts} would show {shown}."
    whole = rounded(sample.full[0])
    return f" At {clock(sample.time)}, {accounts} would have shown {shown} in place of {whole}."


def said(text: str | None, longest: int) -> str:
    """Return the words of a post on one line, harmless.

    >>> said(" two   words ", 80), said(None, 80)
    ('two words', '(no text)')
    """
    return "(no text)" if text is None else safe_text(" ".join(text.split()), longest)


def whole_minute(values: Sequence[int]) -> int:
    """Return the count of the last minute that is over; that of the first while it lasts."""
    return values[-2] if len(values) > 1 else values[-1]


def names_of_tiers(picture: Picture) -> tuple[str, ...]:
    """Name the tiers for people where the cut-offs are known, such as ``next 9 %``."""
    names = tier_names(picture.cutoffs)
    if len(names) != len(picture.tiers):
        return tuple(brief(tier.tier, _LONGEST_NAME) for tier in picture.tiers)
    return names


def sample_words(picture: Picture) -> str:
    """Say what a sample would show, of when that is and from how many draws."""
    sample = picture.sample
    if sample is None:
        return "No sample has been drawn yet."
    if not sample.tiers:
        why = safe_text(sample.note, _LONGEST_NOTE) or "there are too few accounts"
        return f"No sample: {why}."
    shares = " / ".join(percent(share) for share in sample.tiers)
    return (
        f"{sample.size:,} visible accounts: {shares} (mean of {sample.seeds}, {clock(sample.time)})"
    )


def what_is_watched(choice: WatchChoice) -> tuple[str, ...]:
    """Return indicator, panel, window and grouping, in a few words each."""
    indicator = brief(choice.indicator, _LONGEST_NAME)
    shown = (indicator, f"{choice.panel} accounts", length(choice.window))
    return (*shown, f"by {brief(choice.by, _LONGEST_NAME)}") if choice.by else shown


def state(picture: Picture) -> tuple[str, ...]:
    """Return how events come: mode, rate, lag, gaps."""
    lag = () if picture.lag is None else (f"{_lag(picture.lag)} behind",)
    gaps = plural(len(picture.gaps), "gap") if picture.gaps else "no gaps"
    return (MODES[picture.mode], f"{count(round(picture.rate))} events/s", *lag, gaps)


def _lag(seconds: float) -> str:
    return f"{seconds:.1f} s" if 0 <= seconds < 10 else lasting(seconds)


def mark_sentence(mark: Mark, picture: Picture | None = None) -> str:
    """Say what changed, when, from what to what, and by whom.

    Parameters
    ----------
    mark
        The change.
    picture
        What it is shown in, whose tiers have names for people; None leaves ``tail`` and the like.
    """
    one = percent if mark.unit == "share" else _counted
    verb = "rose" if mark.after >= mark.before else "fell"
    what = safe_text(_for_people(mark, picture), _LONGEST_NOTE)
    when = f"{mark.time.astimezone(UTC):%d %b} {clock(mark.time)}".lstrip("0")
    said = f"{when} {what} {verb} from {one(mark.before)} to {one(mark.after)}"
    who = [account(part.did, part.handle) for part in mark.contributed[:_MOST_BLAMED]]
    return f"{said}; most by {', '.join(who)}" if who else said


def _for_people(mark: Mark, picture: Picture | None) -> str:
    """Return what changed, with the tier named as the legend names it."""
    if picture is not None and mark.unit == "share":
        for tier, name in zip(picture.tiers, names_of_tiers(picture), strict=True):
            if mark.what.endswith(f" {tier.tier}"):
                return f"{mark.what.removesuffix(tier.tier)}{name}"
    return mark.what


def share_words(share: float) -> str:
    """Write what an account or a post carries: two decimals below a tenth.

    >>> share_words(0.01414), share_words(0.25)
    ('1.41 %', '25.0 %')
    """
    return percent(share) if abs(share) >= 0.1 else f"{round(100 * share, 2) + 0.0:.2f} %"


def _counted(value: float) -> str:
    """Write a level to three digits, which tell a small one from another."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
