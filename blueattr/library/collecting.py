"""Collecting a past topic into a store, from a program."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from blueattr.analysis.asked import parse
from blueattr.errors import StoreError
from blueattr.library.options import words_of_a_program
from blueattr.library.store_file import StoreFile
from blueattr.user_path import user_path

if TYPE_CHECKING:
    from blueattr.ingest.collect_plan import DryRun
    from blueattr.ingest.collection import Collection

__all__ = ["Collecting"]


class Collecting(StoreFile):
    """A store that a past topic can be collected into."""

    def collect(
        self,
        topic: str | None = None,
        *,
        start: str | date | None = None,
        end: str | date | None = None,
        topics: str | Path | None = None,
        uris: str | Path | None = None,
        links: str | None = None,
        appview: str = "https://public.api.bsky.app",
        server: str | None = None,
        max_requests: int = 3000,
        pace: float = 4.0,
        contact: str | None = None,
        dry_run: bool = False,
    ) -> "Collection | DryRun":
        """Collect a past topic, as ``blueattr collect``.

        Parameters
        ----------
        topic
            The name of a topic.
        start
            Posts from this UTC time on.
        end
            Posts before this UTC time.
        topics
            A TOML file with topics of your own.
        uris
            A file with posts to begin with, in place of a search.
        links
            The address of a backlink index.
        appview
            The address of the AppView.
        server
            Where to log in; by default the server that your account's document names. The login
            itself is taken from the environment: ``BLUEATTR_HANDLE``, ``BLUEATTR_APP_PASSWORD``.
        max_requests
            Most requests that are sent.
        pace
            Most requests a second.
        contact
            Whom operators can write to; sent with each request.
        dry_run
            Change nothing: ask for one page a query, and return what it would take.

        Returns
        -------
        Collection or DryRun
            ``completeness`` says by day and kind what was found of what the network counts;
            ``is_whole`` whether nothing is left, and ``failure`` why it ended early. Of a dry run,
            ``expected`` is about how many requests it would take.

        Raises
        ------
        UsageError, NoAnswerError, InputError
            An option makes no sense, there is no such topic, or a file cannot be read.
        StoreError
            The store cannot be written.
        """
        from blueattr.analysis.upkeep.collect import means, wanted
        from blueattr.ingest.collect import collect
        from blueattr.ingest.collect_plan import dry_run as plan
        from blueattr.panel.topics import shipped_rules

        if self._is_closed:
            raise StoreError(f"the store {self.path} was closed; open it again")
        with words_of_a_program():
            what = wanted(
                self.path,
                topic,
                parse.moment(start, "--from"),
                parse.moment(end, "--to"),
                topics=None if topics is None else user_path(topics),
                uris=None if uris is None else user_path(uris),
                memory=self.memory,
            )
            by = means(
                appview=appview,
                links=links,
                server=server,
                max_requests=max_requests,
                contact=contact,
                rate=pace,
            )
            if dry_run:
                return plan(self.path, what, by, memory=self.memory)
            rules = (*shipped_rules(), what.rule)
            return collect(self.path, what, by, rules=rules, memory=self.memory)
