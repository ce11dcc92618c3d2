"""Hydration: follower counts and creation times of accounts, asked of an AppView and kept."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from blueattr.errors import SourceError, StoreBusyError
from blueattr.sources.appview import AccountsAnswer, AppView
from blueattr.store.commit.writer import Writer
from blueattr.store.database import DEFAULT_MEMORY, Store
from blueattr.store.lock import LOCK_PATIENCE

__all__ = ["DEFAULT_WAIT", "EVERY_ACCOUNT", "Hydrated", "hydrate"]


_LOG = logging.getLogger("blueattr.ingest")

DEFAULT_WAIT = timedelta(minutes=10)
"""How long to wait for a store that is locked."""


# A killed run has to ask again about at most this many accounts.
_COMMIT_ACCOUNTS = 1000
# While the store is locked, answers about this many accounts wait in memory ...
_MOST_WAITING = 100_000
# ... and a commit is tried again after this many seconds.
_TRY_EVERY = 10.0
# A batch waits this many seconds for readers of the store, as it keeps ingests out meanwhile.
_READER_PATIENCE = 1.0


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


EVERY_ACCOUNT = "every account that events name"


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
        How many of them have identifiers that an AppView cannot know.
    known
        How many had been asked about before, recently enough.
    wanted
        How many were left to ask about.
    asked, found, unclear, with_followers, with_creation
        How many were, how many the AppView knew, and of how many it gave what.
    calls
        To the AppView, those that failed included.
    faults
        What was wrong in its answers, by reason.
    first_at, last_at
        When the first and last answer came; UTC.
    failure
        Why it ended before everyone was asked about; else empty.
    unkept
        How many accounts' answers were lost, because the store was locked for too long, or
        when the run was interrupted.
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
    unclear: int = 0
    with_followers: int = 0
    with_creation: int = 0
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    first_at: datetime | None = None
    last_at: datetime | None = None
    failure: str = ""
    unkept: int = 0

    def count(self, answer: AccountsAnswer) -> None:
        """Add an answer."""
        self.asked += len(answer.asked)
        unclear = answer.unclear
        self.unclear += len(unclear)
        clear = [profile for did, profile in answer.profiles.items() if did not in unclear]
        self.found += len(clear)
        for profile in clear:
            self.with_followers += profile.followers is not None
            self.with_creation += profile.created_at is not None
        self.faults += answer.faults
        self.first_at = self.first_at or answer.answered_at
        self.last_at = answer.answered_at


def hydrate(
    db: Path,
    appview: AppView,
    *,
    accounts: pl.DataFrame | None = None,
    scope: str = EVERY_ACCOUNT,
    older_than: timedelta | None = None,
    memory: int = DEFAULT_MEMORY,
    wait: timedelta = DEFAULT_WAIT,
    progress: Callable[[Hydrated], None] | None = None,
) -> Hydrated:
    """Ask an AppView about accounts of a store that it was not asked about before.

    Answers are committed every thousand accounts, so that whatever ends a run, the next one goes
    on after the last commit. Who is not known to the AppView is remembered too. The store is
    locked for each commit only; while an ingest has it, answers wait in memory, those about 100,000
    accounts at most. What an interrupted run cannot commit is lost, and a warning says so.

    Parameters
    ----------
    db
        The store.
    appview
        Whom to ask.
    accounts
        Whom to ask about: ``account``, ``did``, ``asked_at`` (naive UTC), as
        :func:`blueattr.analysis.panel.candidates` returns them; by default every account that
        events name.
    scope
        Who they are, in words.
    older_than
        Ask again about accounts whose last answer is older.
    memory
        Bytes the process may use.
    wait
        How long to wait for a store that is locked.
    progress
        Told after each answer.

    Returns
    -------
    Hydrated
        With its ``failure``, where the AppView failed before the end, or the store was locked for
        too long.

    Raises
    ------
    StoreError
        There is no store, or it cannot be written.
    """
    if accounts is None:
        with Store.open(db, memory) as store:
            accounts = store.frame("ingest/accounts")
    due = pl.col("asked_at").is_null()
    if older_than is not None:
        due |= pl.col("asked_at") < (appview.now() - older_than).replace(tzinfo=None)
    askable = accounts.filter(pl.col("did").str.contains(_ASKABLE))
    accounts_due = askable.filter(due)
    state = Hydrated(
        db,
        appview.url,
        scope,
        accounts=len(accounts),
        unaskable=len(accounts) - len(askable),
        known=len(askable) - len(accounts_due),
        wanted=len(accounts_due),
    )
    run = _Run(
        accounts_due,
        state,
        progress or (lambda _: None),
        appview,
        memory=memory,
        patience=wait.total_seconds(),
    )
    asyncio.run(run.ask())
    return state


class _Run:
    """Answers on their way into the store.

    The lock of the store is held for one batch at a time, so that an ingest can have it.
    """

    def __init__(
        self,
        accounts_due: pl.DataFrame,
        state: Hydrated,
        progress: Callable[[Hydrated], None],
        appview: AppView,
        *,
        memory: int,
        patience: float,
    ) -> None:
        self._accounts_due, self._state, self._progress = accounts_due, state, progress
        self._appview, self._memory, self._patience = appview, memory, patience
        self._waiting: list[AccountsAnswer] = []
        self._committed = 0
        # Since when the store has been locked, by the AppView's clock; None while it is not.
        self._locked_since: float | None = None
        self._try_at = float("-inf")

    async def ask(self) -> None:
        state = self._state
        try:
            try:
                async with self._appview.answers(self._accounts_due["did"]) as answers:
                    async for answer in answers:
                        self._keep(answer)
                        await self._make_room(_MOST_WAITING)
            except SourceError as error:
                state.failure = str(error)
            await self._make_room(1)
        except StoreBusyError as error:
            state.failure = "; ".join(filter(None, [state.failure, str(error), self._lose()]))
        except BaseException:  # Ctrl-C, or what `progress` raises
            self._commit_or_warn()
            raise
        state.calls = self._appview.calls

    def _accounts(self) -> int:
        """Return how many accounts the answers that wait are about."""
        return self._state.asked - self._committed

    def _keep(self, answer: AccountsAnswer) -> None:
        self._waiting.append(answer)
        self._state.count(answer)
        self._state.calls = self._appview.calls
        self._progress(self._state)
        if self._accounts() >= _COMMIT_ACCOUNTS and self._appview.monotonic() >= self._try_at:
            self._try_to_commit()

    async def _make_room(self, most: int) -> None:
        """Wait until fewer than `most` accounts wait to be committed."""
        while self._accounts() >= most:
            wait = self._try_at - self._appview.monotonic()
            if wait > 0:
                await self._appview.sleep(wait)
            self._try_to_commit()

    def _try_to_commit(self) -> None:
        """Commit what waits; if the store is locked, leave it for later.

        Raises
        ------
        StoreBusyError
            It has been locked for as long as we are willing to wait.
        """
        try:
            self._commit()
        except StoreBusyError:
            now = self._appview.monotonic()
            if self._locked_since is None:
                self._locked_since = now
            time_left = self._locked_since + self._patience - now
            if time_left <= 0:
                raise
            self._try_at = now + min(_TRY_EVERY, time_left)
        else:
            self._locked_since = None

    def _commit_or_warn(self) -> None:
        """Commit what waits before the run ends; warn of what is lost, whatever prevents it."""
        reason = ""
        try:
            # No call to the AppView is left that this could keep waiting.
            self._commit(lock_patience=LOCK_PATIENCE)
        except StoreBusyError as error:
            reason = f"{error}; "
        finally:
            if self._waiting:
                _LOG.warning("%s%s", reason, self._lose())

    def _lose(self) -> str:
        """Count the accounts whose answers are lost; return what to tell the user."""
        self._state.unkept = self._accounts()
        return (
            f"answers about {self._state.unkept:,} accounts were not kept: run the same command "
            "again to ask for them"
        )

    def _commit(self, *, lock_patience: float = 0.0) -> None:
        """Commit what waits.

        By default without a wait for the lock, since calls to the AppView stand still meanwhile.
        """
        if not self._waiting:
            return
        rows = []
        for answer in self._waiting:
            unclear = answer.unclear
            for did in answer.asked:
                if did in unclear:
                    continue
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
        part = self._accounts_due.slice(self._committed, self._accounts()).select("did", "account")
        answers = part.join(
            pl.DataFrame(rows, schema=_ROWS), on="did", how="inner", validate="1:1"
        ).with_columns(pl.col(pl.Datetime).dt.replace_time_zone(None))
        with Writer(
            self._state.db,
            self._memory,
            patience=_READER_PATIENCE,
            lock_patience=lock_patience,
            create=False,
        ) as writer:
            writer.hydrate(answers)
        self._waiting.clear()
        self._committed = self._state.asked
