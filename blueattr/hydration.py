"""Hydration: follower counts and creation times of accounts, asked of an AppView and kept."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from blueattr.errors import SourceError
from blueattr.sources.appview import Answer, AppView
from blueattr.store import DEFAULT_MEMORY, Store
from blueattr.views import PanelQuery
from blueattr.writer import Writer

__all__ = ["Hydrated", "hydrate"]

# What a killed run has to ask again, at most; a reader gets in between.
_COMMIT_ACCOUNTS = 1000

# What an AppView can know; the store names whatever strangers made up. did:plc and did:web are the
# methods that the network resolves (atproto.com/specs/did).
_ASKABLE = r"^(did:plc:[2-7a-z]{24}|did:web:[a-zA-Z0-9.-]{1,253}(%3A[0-9]{1,5})?)$"

_ROWS = pl.Schema(
    {
        "did": pl.String(),
        "asked_at": pl.Datetime("us", "UTC"),
        "found": pl.Boolean(),
        "followers": pl.Int64(),
        "created_at": pl.Datetime("us", "UTC"),
    }
)


@dataclass(slots=True)
class Hydrated:
    """What became of a hydration; so far, while it runs.

    Parameters
    ----------
    db
        The store.
    appview
        Address of the AppView.
    scope
        Whom it was about, in words.
    accounts
        How many they are.
    unaskable
        How many of them have identifiers that no AppView knows.
    known
        How many had been asked about before, recently enough.
    wanted
        How many were left to ask about.
    asked, found, with_followers, with_creation
        How many were, how many the AppView knew, and of how many it gave what.
    calls
        To the AppView, those that failed included.
    faults
        What was wrong in its answers, by reason.
    first_at, last_at
        When the first and last answer came; UTC.
    failure
        Why it ended before everyone was asked about; else empty.
    """

    db: Path
    appview: str
    scope: str
    accounts: int = 0
    unaskable: int = 0
    known: int = 0
    wanted: int = 0
    asked: int = 0
    found: int = 0
    with_followers: int = 0
    with_creation: int = 0
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    first_at: datetime | None = None
    last_at: datetime | None = None
    failure: str = ""

    def count(self, answer: Answer) -> None:
        """Add an answer."""
        self.asked += len(answer.asked)
        self.found += len(answer.profiles)
        for profile in answer.profiles.values():
            self.with_followers += profile.followers is not None
            self.with_creation += profile.created_at is not None
        self.faults += answer.faults
        self.first_at = self.first_at or answer.answered_at
        self.last_at = answer.answered_at


def hydrate(
    db: Path,
    appview: AppView,
    *,
    only: PanelQuery | None = None,
    older_than: timedelta | None = None,
    memory: int = DEFAULT_MEMORY,
    progress: Callable[[Hydrated], None] | None = None,
) -> Hydrated:
    """Ask an AppView about accounts of a store that it was not asked about before.

    Answers are committed every thousand accounts, so that whatever ends a run, the next one goes
    on after the last commit. Who is not known to the AppView is remembered too.

    Parameters
    ----------
    db
        The store.
    appview
        Whom to ask.
    only
        Ask about the agents of this panel, and those who may turn out to be; else about every
        account that events name.
    older_than
        Ask again about accounts whose last answer is older.
    memory
        Bytes the process may use.
    progress
        Told after each answer.

    Returns
    -------
    Hydrated
        With its ``failure``, where the AppView failed before the end.

    Raises
    ------
    StoreError
        There is no store, it is in use by another writer, or it cannot be written.
    EmptyPanelError
        Nobody is in the panel.
    """
    with Store.open(db, memory) as store:
        if only is None:
            accounts, scope = store.frame("read/accounts"), "every account that events name"
        else:
            window = only.window(store)
            accounts = only.candidates(store, window)
            scope = (
                f"the panel from {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
            )
    due = pl.col("asked_at").is_null()
    if older_than is not None:
        due |= pl.col("asked_at") < (appview.now() - older_than).replace(tzinfo=None)
    askable = accounts.filter(pl.col("did").str.contains(_ASKABLE))
    wanted = askable.filter(due)
    state = Hydrated(
        db,
        appview.url,
        scope,
        accounts=len(accounts),
        unaskable=len(accounts) - len(askable),
        known=len(askable) - len(wanted),
        wanted=len(wanted),
    )
    with Writer(db, memory) as writer:
        asyncio.run(_Run(writer, wanted, state, progress or (lambda _: None)).ask(appview))
    return state


class _Run:
    """Answers on their way into the store."""

    def __init__(
        self,
        writer: Writer,
        wanted: pl.DataFrame,
        state: Hydrated,
        progress: Callable[[Hydrated], None],
    ) -> None:
        self._writer, self._wanted, self._state = writer, wanted, state
        self._progress = progress
        self._waiting: list[Answer] = []
        self._committed = 0

    async def ask(self, appview: AppView) -> None:
        try:
            async with appview.answers(self._wanted["did"]) as answers:
                async for answer in answers:
                    self._keep(answer, appview)
        except SourceError as error:
            self._state.failure = str(error)
        except asyncio.CancelledError:  # Ctrl-C
            self._commit()
            raise
        self._state.calls = appview.calls
        self._commit()

    def _keep(self, answer: Answer, appview: AppView) -> None:
        self._waiting.append(answer)
        self._state.count(answer)
        self._state.calls = appview.calls
        self._progress(self._state)
        if self._state.asked - self._committed >= _COMMIT_ACCOUNTS:
            self._commit()

    def _commit(self) -> None:
        if not self._waiting:
            return
        rows = []
        for answer in self._waiting:
            for did in answer.asked:
                profile = answer.profiles.get(did)
                rows.append(
                    {
                        "did": did,
                        "asked_at": answer.answered_at,
                        "found": profile is not None,
                        "followers": profile and profile.followers,
                        "created_at": profile and profile.created_at,
                    }
                )
        # Answers come in the order asked.
        part = self._wanted.slice(self._committed, len(rows)).select("did", "account")
        answers = part.join(
            pl.DataFrame(rows, schema=_ROWS), on="did", how="inner", validate="1:1"
        ).with_columns(pl.col(pl.Datetime).dt.replace_time_zone(None))
        self._writer.hydrate(answers)
        self._waiting.clear()
        self._committed += len(rows)
