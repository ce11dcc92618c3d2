"""The panel: which active accounts count as agents, with the effect of each filter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.errors import EmptyPanelError, NoAnswerError
from blueattr.kernels.tallies import AccountNumbers
from blueattr.panel import accounts
from blueattr.panel.bots import BotRule, RateRule, _suspects, bot_rules
from blueattr.panel.counts import Counted, WindowCounts
from blueattr.provenance import PanelStep, Window
from blueattr.store.account_numbers import known_accounts
from blueattr.store.database import Store

__all__ = [
    "UNKNOWN_FOLLOWERS",
    "BotSigns",
    "FilteredPanel",
    "MissingFollowers",
    "build",
    "candidates",
    "count_unknown",
    "refuse_empty",
    "removed_by",
    "unknown_followers",
    "with_followers",
]


Bools = npt.NDArray[np.bool_]


MissingFollowers = Literal["error", "drop", "received"]
"""What to do with agents whose follower count is wanted and not known: refuse to answer, leave them
out, or count the follows they received in the window instead."""


UNKNOWN_FOLLOWERS = "follower count unknown"
"""The step that leaves out agents whose follower count is not known."""


@dataclass(frozen=True, slots=True)
class FilteredPanel:
    """The agents of a window.

    Parameters
    ----------
    agents
        Columns ``account`` (the store's number), ``did``, and what the AppView said: ``asked_at``,
        ``followers``, ``followers_at`` (naive UTC; null where unknown); ascending by DID.
    steps
        The filters in order.
    directory
        What the PLC directory listed of accounts when these were filtered.
    """

    agents: pl.DataFrame
    steps: tuple[PanelStep, ...]
    directory: accounts.Directory


def build(
    store: Store,
    window: Window,
    *,
    rules: tuple[BotRule, ...] | None = None,
    rate: RateRule | None = None,
    keep_bots: bool = False,
    directory: accounts.Directory | None = None,
    counts: Counted | None = None,
    signs: "BotSigns | None" = None,
    is_part: bool = False,
) -> FilteredPanel:
    """Filter the accounts that were active in a window down to agents.

    Active is anyone with a post, reply, repost or follow in the window. Then, in this order, go:
    accounts deleted, taken down or suspended at its end; bots, by handle, by their own label and,
    where `rate` is given, by volume; accounts created inside it. The time of creation is that of a
    PLC directory export, else what the AppView said, else when the creation of the profile record
    was seen. Accounts whose handle or creation time is unknown stay, and the step says how many
    they are. (docs/data.md, "Panel".)

    Parameters
    ----------
    store
        Open for reading.
    rules
        Handle rules; those that come with blueattr by default.
    keep_bots
        Apply no bot filter at all.
    directory
        That of another panel of the store, which has not changed meanwhile: reading it takes longer
        than to filter. By default it is read.
    counts
        Of this window, where somebody has counted it already.
    signs
        Of the store's accounts by these rules, where somebody has looked for them already.
    is_part
        Whether the store has a part of the accounts: then there may be none.

    Raises
    ------
    EmptyPanelError
        Nobody was active, or nobody is left.
    """
    directory = directory or accounts.Directory(store)
    remaining = _remaining(
        store, directory, window, rules, rate, keep_bots=keep_bots, counts=counts, signs=signs
    )
    steps = tuple(remaining.steps)
    if not is_part:
        refuse_empty(window, steps)
    agents = accounts.with_dids(store, remaining.accounts())
    return FilteredPanel(accounts.with_answers(store, agents), steps, directory)


def refuse_empty(window: Window, steps: Sequence[PanelStep]) -> None:
    """Refuse a panel without anybody.

    Raises
    ------
    EmptyPanelError
        Nobody was active, or nobody is left.
    """
    if not steps[0].before:
        raise EmptyPanelError(
            f"nobody was active from {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M}; "
            "see what the store covers with: blueattr status"
        )
    if not steps[-1].after:
        worst = max(steps, key=lambda step: step.removed)
        raise EmptyPanelError(
            f"the filters remove all {steps[0].before:,} active accounts; most "
            f"({worst.removed:,}) as: {worst.filter}"
        )


def removed_by(
    store: Store,
    window: Window,
    account: int,
    *,
    rules: tuple[BotRule, ...] | None = None,
    rate: RateRule | None = None,
    keep_bots: bool = False,
) -> str | None:
    """Name the filter of `build` that removes an account.

    Parameters
    ----------
    account
        Its number.
    store, window, rules, rate, keep_bots
        As for `build`.

    Returns
    -------
    str or None
        Empty if it was not active in the window; None if no filter removes it.
    """
    active = WindowCounts.of(store, window).lay_out().active
    place = int(np.searchsorted(active, account))
    if place == active.size or active[place] != account:
        return ""
    directory = accounts.Directory(store)
    return _remaining(
        store, directory, window, rules, rate, keep_bots=keep_bots, watched=place
    ).removed_by


def _remaining(
    store: Store,
    directory: accounts.Directory,
    window: Window,
    rules: tuple[BotRule, ...] | None,
    rate: RateRule | None,
    *,
    keep_bots: bool,
    watched: int | None = None,
    counts: Counted | None = None,
    signs: "BotSigns | None" = None,
) -> "_Remaining":
    """Apply every filter to the active accounts."""
    with known_accounts(store):
        remaining = _filtered(
            store, directory, window, rules, rate, keep_bots=keep_bots, watched=watched,
            counts=counts, signs=signs,
        )  # fmt: skip
    created = directory.creation(window, remaining.active)
    remaining.remove("created inside the window", created.inside(), created.note(remaining.is_left))
    return remaining


def candidates(
    store: Store,
    window: Window,
    *,
    rules: tuple[BotRule, ...] | None = None,
    rate: RateRule | None = None,
    keep_bots: bool = False,
) -> pl.DataFrame:
    """Return everyone who is an agent of a window, or would be for all that an AppView could say.

    It knows when accounts were created better than a profile record that was seen, and may so bring
    somebody back in; nothing is above a directory export.

    Parameters
    ----------
    store, window, rules, rate, keep_bots
        As for `build`.

    Returns
    -------
    pl.DataFrame
        ``account``, ``did``, ``asked_at`` (naive UTC; null for who was never asked about),
        ascending by DID.
    """
    directory = accounts.Directory(store)
    with known_accounts(store):
        remaining = _filtered(store, directory, window, rules, rate, keep_bots=keep_bots)
    if not remaining.active.size:
        refuse_empty(window, remaining.steps)
    created = directory.creation(window, remaining.active)
    remaining.remove("created inside the window, for certain", created.inside(by="plc"))
    agents = accounts.with_dids(store, remaining.accounts())
    return accounts.with_answers(store, agents).select("account", "did", "asked_at")


@dataclass(frozen=True, slots=True, eq=False)
class BotSigns:
    """By what accounts are told to be bots, whatever the window.

    Parameters
    ----------
    with_handle
        Whose handle is known, uint32.
    by_handle
        Of each rule its name, and whose handle it hits, uint32.
    labelled
        Who labels itself a bot, uint32.
    """

    with_handle: AccountNumbers
    by_handle: tuple[tuple[str, AccountNumbers], ...]
    labelled: AccountNumbers

    @classmethod
    def of(
        cls,
        store: Store,
        directory: accounts.Directory,
        rules: tuple[BotRule, ...],
        among: accounts.Among | None = None,
    ) -> "BotSigns":
        """Look at the accounts of a store, or at some of them.

        Parameters
        ----------
        store, directory
            The store, and what is known of its accounts.
        rules
            Handle rules.
        among
            Accounts beside which none matters.
        """
        # What is made up ends in .test; rules are for what it is made up to be.
        handles = directory.handles().with_columns(pl.col("handle").str.strip_suffix(".test"))
        if among is not None:
            handles = handles.filter(pl.Series(among.contain(handles["account"].to_numpy())))
        suspects = _suspects(handles, rules)
        by_handle = tuple(
            (rule.name, suspects.filter(_hits(rule))["account"].to_numpy()) for rule in rules
        )
        labelled = store.frame("panel/self_labels")["account"].to_numpy()
        return cls(handles["account"].to_numpy(), by_handle, labelled)


class _Remaining:
    """The accounts that remain after each filter.

    Parameters
    ----------
    active
        Numbers of accounts, uint32, ascending.
    watched
        The place among them of one whose removal is noted, in `removed_by`; None for nobody's.
    """

    def __init__(self, active: AccountNumbers, watched: int | None = None) -> None:
        self.active = active
        self.watched = watched
        self.removed_by: str | None = None
        self.is_left = np.ones(active.size, np.bool_)
        self.steps: list[PanelStep] = []

    def remove(self, name: str, hit: Bools, note: str = "") -> None:
        """Apply a filter, which removes the active accounts where `hit` is true."""
        before = int(np.count_nonzero(self.is_left))
        if self.watched is not None and self.is_left[self.watched] and hit[self.watched]:
            self.removed_by = name
        self.is_left &= ~hit
        after = int(np.count_nonzero(self.is_left))
        self.steps.append(PanelStep(name, before, before - after, after, note))

    def accounts(self) -> AccountNumbers:
        """Return the numbers of those that remain."""
        return self.active[self.is_left]


def _filtered(
    store: Store,
    directory: accounts.Directory,
    window: Window,
    rules: tuple[BotRule, ...] | None,
    rate: RateRule | None,
    *,
    keep_bots: bool,
    watched: int | None = None,
    counts: Counted | None = None,
    signs: BotSigns | None = None,
) -> _Remaining:
    """Apply every filter before that by creation time to the active accounts."""
    counts = counts or WindowCounts.of(store, window)
    layout = counts.lay_out()
    remaining = _Remaining(layout.active, watched)
    among = accounts.Among(layout.active, layout.past)
    remaining.remove(
        "deleted, taken down or suspended at the window's end", among.flags(layout.inactive)
    )
    if keep_bots:
        return remaining
    signs = signs or BotSigns.of(store, directory, bot_rules() if rules is None else rules, among)
    with_handle = np.count_nonzero(among.flags(signs.with_handle))
    note = f"handles known for {with_handle:,} of {layout.active.size:,} active accounts"
    for name, suspects in signs.by_handle:
        remaining.remove(f"bot handle: {name}", among.flags(suspects), note)
        note = ""
    remaining.remove("bot by its own label", among.flags(signs.labelled), note)
    if rate is not None:
        busy = counts.busy_days(rate.records)
        busy = busy.filter(pl.col("busy_days") >= rate.days)
        name = f"bot by rate: over {rate.records} records a day on {rate.days} days or more"
        remaining.remove(name, among.flags(busy["account"].to_numpy()))
    return remaining


def _hits(rule: BotRule) -> pl.Expr:
    return pl.col("handle").str.contains(f"(?i){rule.pattern}")


def with_followers(
    built: FilteredPanel, window: Window, missing: MissingFollowers
) -> FilteredPanel:
    """Settle what becomes of agents whose follower count is not known.

    Parameters
    ----------
    built
        A panel.
    window
        Of it, for what the error advises.
    missing
        With ``"drop"`` they go, as one more step.

    Raises
    ------
    NoAnswerError
        There are some, and `missing` is ``"error"``.
    EmptyPanelError
        There is nobody else.
    """
    agents = built.agents
    unknown = agents.filter(pl.col("followers").is_null())
    if missing == "drop":
        with_counts = agents.filter(pl.col("followers").is_not_null())
        if with_counts.is_empty():
            raise EmptyPanelError(
                f"no follower count is known for any of {len(agents):,} agents; "
                f"{_NO_DIDS if count_unknown(agents)[2] == len(unknown) else _advice(window)}"
            )
        step = PanelStep(UNKNOWN_FOLLOWERS, len(agents), len(unknown), len(with_counts))
        return FilteredPanel(with_counts, (*built.steps, step), built.directory)
    if missing == "error" and len(unknown):
        raise unknown_followers(window, len(agents), count_unknown(agents))
    return built


_NO_DIDS = "the imported tables say none, and the network cannot be asked, as they are no DIDs"


def count_unknown(agents: pl.DataFrame) -> tuple[int, int, int]:
    """Count the agents whose follower count is not known.

    Returns
    -------
    tuple
        All of them; who was never asked about; and who are no DIDs, which no server can be asked
        about.
    """
    unknown = agents.filter(pl.col("followers").is_null())
    foreign = int((~unknown["did"].str.starts_with("did:")).sum())
    return len(unknown), unknown["asked_at"].null_count() - foreign, foreign


def unknown_followers(window: Window, agents: int, counts: tuple[int, int, int]) -> NoAnswerError:
    """Return the error that the follower counts of some agents are not known.

    Parameters
    ----------
    window
        Of the panel.
    agents
        How many it has.
    counts
        Of `count_unknown`.
    """
    unknown, never, foreign = counts
    parts = [f"{never:,} were never asked about"] * (never > 0)
    if foreign:
        parts.append(f"of {foreign:,} {_NO_DIDS}")
    if unanswered := unknown - never - foreign:
        parts.append(f"for {unanswered:,} the AppView gave none")
    return NoAnswerError(
        f"follower counts are unknown for {unknown:,} of {agents:,} agents: "
        f"{', '.join(parts)}; {_advice(window) + '; or ' if never else ''}say what to do with "
        "them: --missing-followers drop, or received"
    )


def _advice(window: Window) -> str:
    start, end = (time.isoformat().replace("+00:00", "Z") for time in (window.start, window.end))
    return f"get them with: blueattr hydrate --only panel --from {start} --to {end}"
