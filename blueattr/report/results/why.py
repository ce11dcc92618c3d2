"""One account's part of an indicator laid out as a report: what it is made of, and how sure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Fields, tidy_table
from blueattr.report.numbers import MINUS, count, percent, plural, rough, short
from blueattr.report.parts.answer import CARRIED, about, question_line
from blueattr.report.parts.involvement import amplified
from blueattr.report.parts.records import RECORD
from blueattr.report.parts.remarks import remarks_json
from blueattr.report.parts.shared_fields import (
    AGGREGATOR,
    AGGREGATOR_OBJECT,
    CHOICE_RANK,
    CUTOFFS,
    INDICATOR,
    INTERVALS,
    MEANS,
    MEANS_OBJECT,
    METHOD,
    MOMENT,
    SIZE,
    TOTALS,
)
from blueattr.report.provenance import (
    ORIGIN,
    origin_facts,
    origin_json,
    origin_warnings,
    panel_tables,
)
from blueattr.report.results.attributions import method_facts
from blueattr.report.results.fields.why import (
    ACCOUNT,
    ADDRESSED,
    ALONE,
    AMPLIFIED,
    BY_FEATURE,
    COUNTS,
    DAY,
    FEATURE,
    NO_RECORD,
    PARTNER_KINDS,
    RANKS,
    REST,
    SHOWN_ADDRESSED,
    SHOWN_AMPLIFIED,
    WITHOUT,
)
from blueattr.report.results.posts import posts_table
from blueattr.report.tables import Cell, Column, Json, Report, Table
from blueattr.studies.carriers.posts import Post

if TYPE_CHECKING:
    from blueattr.provenance import Provenance
    from blueattr.studies.carriers.why import Alone, FeaturePart, Partner, Partners, WhyResult

__all__ = ["FEATURE_WORDS", "account_name", "parts_table", "rank_words", "why_report"]


_MORE = "More: --verbose (panel, method, every parameter), --choices, --out why.html (a page)"
FEATURE_WORDS = {"a": "activity", "b": "popularity", "c": "influence"}


def why_report(result: "WhyResult") -> Report:
    """Lay out why an account has its value.

    Parameters
    ----------
    result
        The result of `blueattr.analysis.carriers.why.why_store` or ``why_given``.

    Returns
    -------
    Report
        For people the parts by feature, days, ranks, partners and posts; as data one row a
        feature; as JSON everything.
    """
    origin = result.provenance
    return Report(
        kind="why",
        summary=(question_line(origin, result.n_agents), *_sentences(result)),
        tables=(parts_table(result), *_days_tables(result), *_choices_tables(result)),
        lists=(*_partner_tables(result), *_posts_tables(result)),
        details=panel_tables(origin),
        more=_MORE,
        facts=(*method_facts(result, [result]), *origin_facts(origin)),
        warnings=origin_warnings(origin, marked=True),
        data=tidy_table("features", _TIDY, _rows(result)),
        content=_content(result),
    )


def account_name(result: "WhyResult") -> str:
    """Return what people know the account by: its handle, else its DID."""
    return result.account.handle or result.account.did


_TIDY: tuple[tuple[str, Fields[Any]], ...] = (
    ("result", INDICATOR),
    ("account", ACCOUNT),
    ("feature", FEATURE),
    ("result", RANKS),
    ("result", WITHOUT),
    ("result", TOTALS),
    ("result", SIZE),
    ("result", MEANS),
    ("result", MOMENT),
    ("result", CUTOFFS),
    ("result", AGGREGATOR),
    ("result", METHOD),
    ("origin", ORIGIN),
)


@dataclass(frozen=True, slots=True)
class _Row:
    """A feature, or all of them together."""

    feature: str
    count: float | None
    x: float | None
    value: float
    part: float | None


def _rows(result: "WhyResult") -> Iterator[dict[str, object]]:
    parts = [_Row(one.feature, one.count, one.x, one.value, one.part) for one in result.by_feature]
    for row in (*parts, _Row("value", None, None, result.value, 1.0 if result.value else None)):
        yield {
            "result": result,
            "account": result.account,
            "feature": row,
            "origin": result.provenance,
        }


def _content(result: "WhyResult") -> dict[str, Json]:
    account = result.account
    values: dict[str, Json] = {one.feature: one.value for one in result.by_feature}
    popularity = _popularity(result)
    return {
        **INDICATOR.json(result),
        **METHOD.json(result),
        **SIZE.json(result),
        **TOTALS.json(result),
        **ACCOUNT.json(account),
        **RANKS.json(result),
        **WITHOUT.json(result),
        "by_feature": BY_FEATURE.json(result.split, **values),
        "counts": None if account.written is None else COUNTS.json(account),
        "intervals": INTERVALS.json(result.intervals),
        "choices": [CHOICE_RANK.json(one) for one in account.choices],
        "posts": [RECORD.json(one) for one in account.records],
        "rest": None if result.rest is None else REST.json(result.rest),
        "no_post": None if popularity is None else NO_RECORD.json(popularity),
        "no_record": result.no_record or None,
        "days": [DAY.json(one) for one in result.days],
        "replied_to": _partners_json(result.addressed, ADDRESSED, SHOWN_ADDRESSED),
        "alone": None if result.alone is None else ALONE.json(result.alone),
        "amplified_by": _partners_json(result.amplified, AMPLIFIED, SHOWN_AMPLIFIED),
        **CUTOFFS.json(result),
        **AGGREGATOR_OBJECT.json(result),
        **MEANS_OBJECT.json(result),
        **remarks_json(result.remarks),
        **origin_json(result.provenance),
    }


def _partners_json(
    partners: "Partners | None", fields: "Fields[Partners]", shown: "Fields[Partner]"
) -> Json:
    if partners is None:
        return None
    return fields.json(partners, shown=[shown.json(one) for one in partners.shown])


def _popularity(result: "WhyResult") -> "FeaturePart | None":
    return next((one for one in result.by_feature if one.feature == "b"), None)


# --- sentences ------------------------------------------------------------------------------------


def _sentences(result: "WhyResult") -> Iterator[str]:
    name, origin = account_name(result), result.provenance
    share = f"{short(100 * result.account.share)} %".replace("-", MINUS)
    carried = (
        f"{name} carries {share} of {about(origin)}"
        if result.indicator == CARRIED
        else f"{name} accounts for {share} of {result.indicator} on {about(origin)}"
    )
    rank = f"rank {count(result.rank)} of {plural(result.n_agents, 'account')}"
    yield f"{carried}: {rank}."
    yield f"{rank_words(result)}."
    if not result.is_involved:
        yield _not_involved(origin)
    yield _made_of(result)
    yield _without(result)


def _not_involved(origin: "Provenance") -> str:
    if origin.window is None:
        return (
            "It was not involved: its a and c are 0. What it carries, it carries through b alone."
        )
    of_it, on_it = (" of the topic", " on it") if origin.topic is not None else ("", "")
    return (
        f"It was not involved: it wrote nothing{of_it}, and was not {amplified(origin)}{on_it}. "
        "What it carries, it carries by its popularity."
    )


def rank_words(result: "WhyResult") -> str:
    """Say how sure the rank of an account is."""
    made, account = result.intervals, result.account
    if account.rank_low is None or account.rank_high is None:
        return f"Its rank has no interval: {made.why}"
    low, high = count(account.rank_low), count(account.rank_high)
    spread = low if low == high else f"{low} to {high}"
    left_out = ""
    if made.undefined_resamples:
        left_out = f", {made.undefined_resamples:,} of them without an answer left out"
    return (
        f"Its rank is {spread} in {100 * made.level:g} % of {plural(made.resamples, 'resample')} "
        f"of the {made.days} days, seed {made.seed}{left_out}"
    )


def _made_of(result: "WhyResult") -> str:
    if not result.by_feature:
        return f"Its value is not split by feature: {result.split.why}."
    parts = [one.part for one in result.by_feature]
    if any(part is None for part in parts):
        return "Its value is 0, and so are its parts."
    words = [f"{FEATURE_WORDS[one.feature]} {percent(one.part)}" for one in result.by_feature]
    rule = " (by convention)" if result.split.kind == "convention" else ""
    return f"Of its value, {words[0]}, {words[1]} and {words[2]}{rule}."


def _without(result: "WhyResult") -> str:
    silent, absent = result.without.silent, result.without.absent
    text = (
        f"{result.indicator} is {short(result.total)}; if the account had done nothing, "
        f"{_changed(silent, result.total)}"
    )
    if absent is None:
        return f"{text}; on the panel without it, there is no answer."
    return f"{text}; on the panel without it, {_changed(absent, result.total)}."


def _changed(value: float, total: float) -> str:
    """Write a total beside another, as in ``0.41 (-0.5 %)``."""
    relative = 100 * (value - total) / abs(total)
    sign = "+" if relative > 0 else ""
    return f"{short(value)} ({sign}{relative:.2g} %)".replace("-", MINUS)


# --- tables ---------------------------------------------------------------------------------------


def parts_table(result: "WhyResult") -> Table:
    """Lay out the parts by feature, and the value that they sum to."""
    rows: list[tuple[Cell, ...]] = [
        (
            f"{FEATURE_WORDS[one.feature]} {one.feature}",
            None if one.count is None else rough(one.count),
            short(one.x),
            short(one.value),
            one.part,
        )
        for one in result.by_feature
    ]
    rows.append(("value", None, None, short(result.value), None if not rows else _one(result)))
    notes = []
    if result.split.kind == "convention":
        notes.append("The parts sum to the value; that each is what it is, is a convention.")
    return Table(
        name="by_feature",
        title="What its value is made of",
        columns=(
            Column("feature", ""),
            Column("count", "count", "figure"),
            Column("x", "feature", "figure", priority=2),
            Column("value", "value", "figure"),
            FEATURE["part"].column(),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
        bars="part" if result.by_feature else None,
    )


def _one(result: "WhyResult") -> float | None:
    return 1.0 if result.value else None


def _days_tables(result: "WhyResult") -> tuple[Table, ...]:
    if not result.days:
        return ()
    popularity = _popularity(result)
    notes = []
    if popularity is not None and popularity.part is not None:
        notes = [
            f"popularity, which is of no day: {percent(popularity.part)}.",
            "Parts of its value in the whole window; attribute --by day takes each day by itself.",
        ]
    table = Table(
        name="days",
        title="What each day carries of it",
        columns=(
            DAY["day"].column(),
            DAY["written"].column(),
            DAY["received"].column(),
            DAY["follows_received"].column(),
            DAY["part"].column(),
        ),
        rows=tuple(
            (
                one.day,
                one.written,
                one.received,
                one.follows_received,
                one.part,
            )
            for one in result.days
        ),
        notes=tuple(notes),
        bars="part" if notes else None,
    )
    return (table,)


def _choices_tables(result: "WhyResult") -> tuple[Table, ...]:
    choices = result.account.choices
    if not choices:
        return ()
    table = Table(
        name="choices",
        title="Its rank under other choices",
        columns=(
            CHOICE_RANK["choice"].column(),
            CHOICE_RANK["setting"].column(),
            CHOICE_RANK["rank"].column(),
        ),
        rows=tuple((one.choice, one.setting, one.rank) for one in choices),
        notes=("None where it is not on that panel.",)
        if any(one.rank is None for one in choices)
        else (),
    )
    return (table,)


def _partner_tables(result: "WhyResult") -> Iterator[Table]:
    if result.addressed is not None and result.alone is not None:
        yield from _partners_table(
            "replied_to",
            "Whom it replied to, reposted and quoted",
            result.addressed,
            result.provenance.influence,
            result.alone,
        )
    if result.amplified is not None:
        yield from _partners_table(
            "amplified_by",
            "Who replied to it, reposted it and quoted it",
            result.amplified,
            result.provenance.influence,
        )


def _partners_table(
    name: str,
    title: str,
    partners: "Partners",
    counted: Sequence[str],
    alone: "Alone | None" = None,
) -> Iterator[Table]:
    # A 0 of what is not counted would say that there was none.
    kinds = [kind for kind in PARTNER_KINDS if kind in counted or getattr(partners, kind)]
    rows: list[tuple[Cell, ...]] = [
        (one.handle or one.did, *(getattr(one, kind) for kind in kinds), one.part)
        for one in partners.shown
    ]
    others = partners.accounts - len(partners.shown)
    if others:
        counts = [
            getattr(partners, kind) - sum(getattr(one, kind) for one in partners.shown)
            for kind in kinds
        ]
        shown_part = sum(one.part or 0.0 for one in partners.shown)
        part = None if partners.part is None else partners.part - shown_part
        rows.append((plural(others, "other"), *counts, part))
    if alone is not None and alone.records:
        own = f"itself or nobody ({plural(alone.records, 'record')})"
        rows.append((own, *(None for _ in kinds), alone.part))
    if not rows:
        return
    columns = (
        Column("account", "account", breaks=True),
        *(SHOWN_AMPLIFIED[kind].column() for kind in kinds),
        replace(SHOWN_AMPLIFIED["part"].column(), priority=0),
    )
    yield Table(
        name=name,
        title=title,
        columns=columns,
        rows=tuple(rows),
        bars="part" if partners.part is not None else None,
    )


def _posts_tables(result: "WhyResult") -> tuple[Table, ...]:
    account, rest = result.account, result.rest
    if not account.records or rest is None:
        return ()
    posts = [Post(account.did, account.handle, one) for one in account.records]
    notes = []
    if rest.records:
        part = f", {percent(rest.value / result.value)} of its value" if result.value else ""
        notes.append(f"Its {plural(rest.records, 'other record')}: {short(rest.value)}{part}.")
    return (posts_table(posts, "Its posts with the largest values", notes, whole=result.value),)
