"""Report on a hydration: how many accounts were queried, and what the AppView knew."""

from typing import TYPE_CHECKING

from blueattr.report.numbers import count, iso, plural
from blueattr.report.tables import Column, Fact, Json, Report, Table

if TYPE_CHECKING:
    from blueattr.ingest.hydrate import Hydrated

__all__ = ["hydrate_report"]


def hydrate_report(done: "Hydrated") -> Report:
    """Lay out the result of a hydration."""
    # Heading, key in JSON, and number of accounts.
    counts = (
        ("in scope", "accounts", done.accounts),
        ("identifier that an AppView cannot know", "unaskable", done.unaskable),
        ("asked about before", "known", done.known),
        ("asked about", "asked", done.asked),
        ("found", "found", done.found),
        ("with a follower count", "with_followers", done.with_followers),
        ("with a creation time", "with_creation", done.with_creation),
        ("not found", "not_found", done.asked - done.found - done.unclear),
        ("not clear, to be asked about again", "unclear", done.unclear),
        ("left to ask about", "left", done.wanted - done.asked),
    )
    accounts = Table(
        name="accounts",
        title="Accounts",
        columns=(Column("what", ""), Column("accounts", "accounts", "int")),
        rows=tuple((what, number) for what, _, number in counts),
    )
    faults = Table(
        name="faults",
        title="What could not be used of the answers",
        columns=(Column("reason", "reason"), Column("times", "times", "int")),
        rows=tuple(sorted(done.faults.items())),
    )
    facts = [
        Fact("store", str(done.db)),
        Fact("AppView", f"{done.appview}, {plural(done.calls, 'call')}"),
        Fact("scope", done.scope),
    ]
    if done.first_at is not None and done.last_at is not None:
        facts.append(Fact("as of", f"{iso(done.first_at)} to {iso(done.last_at)}"))
    return Report(
        kind="hydrate",
        summary=(_summary(done),),
        tables=(accounts, faults) if done.faults else (accounts,),
        facts=tuple(facts),
        warnings=(f"Not finished: {done.failure}.",) if done.failure else (),
        content=_content(done, {key: number for _, key, number in counts}),
    )


def _summary(done: "Hydrated") -> str:
    if not done.asked:
        return "Nobody was asked about." if done.wanted else "Nobody is left to ask about."
    return (
        f"The AppView knows {count(done.found)} of the {plural(done.asked, 'account')} asked "
        f"about, {count(done.with_followers)} of them with a follower count."
    )


def _content(done: "Hydrated", counts: "dict[str, int]") -> "dict[str, Json]":
    return {
        "db": str(done.db),
        "appview": done.appview,
        "scope": done.scope,
        **counts,
        "calls": done.calls,
        "first_at": None if done.first_at is None else iso(done.first_at),
        "last_at": None if done.last_at is None else iso(done.last_at),
        "faults": dict(sorted(done.faults.items())),
        "failure": done.failure or None,
    }
