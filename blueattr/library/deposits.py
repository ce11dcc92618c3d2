"""Deposits from a program: what others may keep of a study, and what is left of it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from blueattr.analysis.asked import parse
from blueattr.library.declared import NAMING, ONE_INDICATOR, QUERY, LeaderOptions
from blueattr.library.options import takes, words_of_a_program
from blueattr.store.store_file import store_file
from blueattr.user_path import user_path

if TYPE_CHECKING:
    from blueattr.attribution.question import Question
    from blueattr.ingest.rehydrate import Rehydrated
    from blueattr.panel.query import PanelQuery
    from blueattr.report.deposit.folder import Deposited

__all__ = ["deposit", "rehydrate"]


@takes("path", "topic", "indicator", query=QUERY, question=ONE_INDICATOR, named=NAMING)
def deposit(
    path: str | Path = "deposit",
    *,
    license: str,  # noqa: A002 - as the option of the command
    title: str | None = None,
    coarsen: Literal["hour", "day"] | None = None,
    db: str | Path = parse.DEFAULT_DB,
    query: "PanelQuery",
    question: "Question",
    named: LeaderOptions,
) -> "Deposited":
    """Write what others may keep of a study, as ``blueattr deposit``.

    Parameters
    ----------
    path
        The folder to write; it must not be there yet.
    license
        What others may do with it: an SPDX identifier, such as ``"CC-BY-4.0"``, or an
        ``https://`` address.
    title
        Its name.
    coarsen
        Cut times to the ``"hour"`` or the ``"day"``; with pseudonyms, to the hour at least.
    db
        The store.

    Returns
    -------
    Deposited
        ``files`` are the files that were written, ``study`` has the frames ``records`` and
        ``agents``, ``read_by`` the programs that have read its metadata back.

    Raises
    ------
    UsageError, NoAnswerError, StoreError
        As `blueattr.Store.attribute`; or the licence is none.
    OutputError
        The folder is there already, or cannot be written.

    Notes
    -----
    docs/recipes/deposit.md.

    Examples
    --------
    ::

        blueattr.deposit("deposit", "mythos", license="CC-BY-4.0", db="my.duckdb")
    """
    from blueattr.analysis.deposit.study import COARSE, check_licence, make_study
    from blueattr.report.deposit.folder import check_folder, write_study

    out = user_path(path)
    check_folder(out)
    check_licence(license)
    if coarsen is not None:
        parse.one_of(coarsen, "--coarsen", COARSE)
    study = make_study(
        replace(query, db=store_file(Path(db))),
        question,
        licence=license,
        title=title,
        naming=named.naming(out),
        coarse=coarsen,
    )
    return write_study(study, out)


def rehydrate(
    folder: str | Path,
    *,
    db: str | Path = parse.DEFAULT_DB,
    appview: str = "https://public.api.bsky.app",
    servers: bool = False,
    max_requests: int = 3000,
    pace: float = 4.0,
    contact: str | None = None,
) -> "Rehydrated":
    """Ask for the records of a deposit again, as ``blueattr rehydrate``.

    Parameters
    ----------
    folder
        The deposit.
    db
        The store for what is there, made if need be.
    appview
        The address of the AppView.
    servers
        Ask each account's own server for everything, and no AppView.
    max_requests
        Most requests that are sent.
    pace
        Most requests a second.
    contact
        Whom operators can write to; sent with each request.

    Returns
    -------
    Rehydrated
        ``fates`` says of each record whether it was ``"found"``, ``"changed"``, ``"deleted"``, or
        nobody says (``"unknown"``); ``is_whole`` whether nothing is left to ask.

    Raises
    ------
    UsageError
        An option makes no sense.
    InputError
        The folder is no deposit, or has pseudonyms.
    StoreError
        The store cannot be written.
    """
    from blueattr.ingest.collection import check_asking
    from blueattr.ingest.rehydrate import rehydrate as run
    from blueattr.panel.topics import shipped_rules
    from blueattr.sources.deposits import read_deposit

    with words_of_a_program():
        check_asking((appview,), max_requests, contact)
        return run(
            store_file(Path(db)),
            read_deposit(user_path(folder)),
            appview=None if servers else appview,
            most=max_requests,
            contact=contact,
            rules=shipped_rules(),
            rate=pace,
        )
