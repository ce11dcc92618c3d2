"""Import tables of data sets into a store: which file is what, what is missing, and the reading."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from blueattr.decode.clock import Horizon, Now
from blueattr.errors import InputError, UsageError
from blueattr.ingest.read import Progress, ingest_sources
from blueattr.ingest.result import Ingested
from blueattr.provenance import NO_FOLLOWERS
from blueattr.sources.files import matching_files
from blueattr.sources.tables.columns import OF_ACCOUNTS, OF_COUNTS, find_columns
from blueattr.sources.tables.formats import DRAWN, Format, FormatTable, read_format
from blueattr.sources.tables.read import TableFile
from blueattr.sources.tables.source import TableSource
from blueattr.store.database import DEFAULT_MEMORY, Store
from blueattr.store.engine.memory import Shares
from blueattr.store.engine.sandbox import Sandbox
from blueattr.store.matching import Rule
from blueattr.store.store_file import store_file
from blueattr.user_path import as_typed

__all__ = ["ImportPlan", "Imported", "import_tables", "plan_import"]


_OWN = "table"
_OWN_THREADS = "table-threads"
_OWN_ACCOUNTS = "table-accounts"
# What may name a record by an identifier of the table's own, whose author the table has itself.
_REFERENCES = ("parent", "root", "subject", "quoted")
_SHOWN = 5
_ICONV = "iconv -f ISO-8859-1 -t UTF-8, if that is what it is in."
_ACTS = ("replies", "reposts", "quotes")
_OF_MEMORY = 8


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do.

    Parameters
    ----------
    format
        Of the tables.
    sources
        One for each table, those of accounts last.
    columns
        Of a table of one's own: the column of each part.
    recognised
        Of these, those that were known by their names.
    remarks
        What is missing, and what a reader of an answer must know, one sentence each.
    checks
        Tables of which nothing is kept, as others have the same acts, with these others: they are
        compared.
    """

    format: Format
    sources: tuple[TableSource, ...]
    columns: Mapping[str, str]
    recognised: Mapping[str, str]
    remarks: tuple[str, ...]
    checks: tuple[tuple[TableSource, TableSource], ...] = ()

    def first_rows(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """Return the first five rows of each table as they would be kept."""
        return [(source.layout.name, source.first_rows(_SHOWN)) for source in self.sources]


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Parameters
    ----------
    plan
        What was to be done.
    ingested
        What became of each table.
    unknown
        Replies, and quotes, of which nothing tells whose post they answer or quote.
    differences
        How tables differ that have the same acts, one sentence each.
    marked
        Which files are not in UTF-8, one sentence each.
    """

    plan: ImportPlan
    ingested: Ingested
    unknown: tuple[int, int] = (0, 0)
    differences: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()


def plan_import(
    files: Sequence[str],
    db: Path,
    *,
    format: str | None = None,  # noqa: A002 - as the option
    columns: Mapping[str, str] | None = None,
    drawn: str | None = None,
    memory: int = DEFAULT_MEMORY,
    now: Now = time.time,
) -> ImportPlan:
    """Settle which file is which table, and what is missing.

    Parameters
    ----------
    files
        Files, folders and globs; or ``TABLE=FILE``, where a file does not say which table it is.
    db
        The store, beside which is written what does not fit into memory.
    format
        A format's name, or a file of SQL; none for a table of one's own.
    columns
        Of a table of one's own: the column of each part.
    drawn
        How the records were chosen, one of `DRAWN`, where the format does not say it.
    memory
        Bytes the process may use.
    now
        The clock by which times that lie ahead are refused.

    Raises
    ------
    UsageError, InputError
        Something is not there, or makes no sense.
    """
    if format is not None and columns:
        raise UsageError("--columns is for a table of your own, not for one of a format")
    if drawn is not None and drawn not in DRAWN:
        raise UsageError(f"--drawn is one of {', '.join(DRAWN)}, not {drawn!r}")
    end = Horizon.of(now()).end
    spill = Path(f"{store_file(db).resolve()}.import")
    engine: Callable[[], Sandbox] = partial(Sandbox, max(memory // _OF_MEMORY, 64 << 20), spill)
    named = _named(files, memory)
    if format is None:
        return _own_plan(named, dict(columns or {}), engine, end, drawn)
    chosen = read_format(format)
    if drawn is not None:
        chosen = replace(chosen, drawn=drawn)
    by_layout = _by_layout(named, chosen)
    _check(chosen, by_layout, engine)
    sources = []
    for layout in chosen.layouts:
        if layout.of:
            by_layout |= _same_files(layout, by_layout)
        if layout.name not in by_layout or layout.gives == "lookup":
            continue
        lacking = [name for name in layout.needs if name not in by_layout]
        if lacking:
            raise InputError(
                f"the table {layout.name} of {chosen.name} cannot be read without "
                f"{' and '.join(lacking)}: name its file in the same command"
            )
        tables = by_layout[layout.name]
        names = layout.columns or _told_apart(_all_names(tables), tables[0].path, chosen.origin)
        sources.append(
            TableSource(
                chosen.name,
                layout,
                tables,
                {name: name for name in names},
                {name: by_layout[name] for name in layout.needs},
                engine,
                end,
                chosen.origin,
                chosen.drawn,
            )
        )
        # What the statement names must be there before a store is.
        sources[-1].restarts  # noqa: B018 - found once, and kept
    if not sources:
        raise InputError(f"there is nothing in these files that {chosen.name} makes records of")
    by_name = {source.layout.name: source for source in sources}
    checks = tuple(
        (source, by_name[source.layout.unless])
        for source in sources
        if source.layout.unless in by_name
    )
    sources = [source for source in sources if source.layout.unless not in by_name]
    sources.sort(key=lambda source: source.layout.gives == "accounts")
    notes = tuple(dict.fromkeys(note for source in sources for note in source.layout.notes))
    return ImportPlan(chosen, tuple(sources), {}, {}, notes, checks)


@contextmanager
def _giving_memory_back() -> Iterator[None]:
    """Let Arrow take its memory from the system, to which it goes back.

    Its own allocators keep a tenth of all memory that an import of many small files has.
    """
    usual = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(usual)


def import_tables(
    db: Path,
    plan: ImportPlan,
    *,
    rules: Sequence[Rule] = (),
    memory: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
    now: Now = time.time,
) -> Imported:
    """Import tables; what is there already stays as it is.

    Parameters
    ----------
    plan
        Of `plan_import`.
    db, rules, memory, progress, now
        As for `blueattr.ingest.read.ingest_sources`, which see for what is raised.
    """
    _refuse_same_acts(db, plan, memory)
    # The store has what the engine of the importer leaves.
    left = memory - memory // _OF_MEMORY
    with _giving_memory_back():
        done = ingest_sources(
            db, plan.sources, rules=rules, memory=left, progress=progress, now=now
        )
    answered = sum(source.unknown[0] for source in plan.sources)
    quoted = sum(source.unknown[1] for source in plan.sources)
    unread = {*done.unchanged, *(state.name for state in done.sources if not state.complete)}
    differences = [
        sentence
        for check, other in plan.checks
        if other.name not in unread
        for sentence in _differences(check, other)
    ]
    # The same files may be read for records and for accounts.
    marked = dict.fromkeys(
        f"{sentence} Write it in UTF-8, and import it into a new store: {_ICONV}"
        for source in plan.sources
        for sentence in source.marked
    )
    return Imported(plan, done, (answered, quoted), tuple(differences), tuple(marked))


def _refuse_same_acts(db: Path, plan: ImportPlan, memory: int) -> None:
    """Refuse a table if the store has another one with the same acts.

    Raises
    ------
    InputError
        It has.
    """
    if not store_file(db).exists():
        return
    with Store.open(db, memory) as store:
        for source in plan.sources:
            for layout in plan.format.layouts:
                if layout.name != source.layout.unless and layout.unless != source.layout.name:
                    continue
                beginning = f"import:{plan.format.name}/{layout.name}:"
                if store.rows("ingest/imported", beginning=beginning):
                    raise InputError(
                        f"the store has the table {layout.name} of {plan.format.name}, and "
                        f"{source.layout.name} has the same acts, which would count twice; import "
                        "both in one command into a new store"
                    )


def _differences(check: TableSource, other: TableSource) -> Iterator[str]:
    """Say by how many replies, reposts and quotes two tables differ that have the same acts."""
    for _ in check.chunks():
        pass
    for word, mine, theirs in zip(_ACTS, check.acts, other.acts, strict=True):
        if mine != theirs:
            yield (
                f"{check.layout.name} has {mine:,} {word}, and {other.layout.name} {theirs:,}: "
                f"those of {other.layout.name} are kept"
            )


# --- which file is what --------------------------------------------------------------------------


def _named(files: Sequence[str], memory: int) -> list[tuple[str, TableFile]]:
    """Return the files, each with the table that the user named, which may be empty."""
    found: dict[Path, tuple[str, TableFile]] = {}
    for argument in files:
        table, sign, rest = argument.partition("=")
        typed = argument
        if sign and table.isidentifier() and not Path(argument).exists():
            typed = rest
        else:
            table = ""
        for path in _paths(typed):
            real = path.resolve()
            found[real] = (table, TableFile(real, window=Shares.of(memory).window))
    if not found:
        raise UsageError("name the files to import")
    return [*found.values()]


def _paths(typed: str) -> list[Path]:
    path = Path(typed)
    try:
        if typed and path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.is_file())
            paths = [each for each in inside if not each.name.startswith(".")]
            if not paths:
                raise InputError(f"there is no file in {path}")
            return paths
        # Of a file that was removed while it is open no name is left.
        if typed and path.is_file() and path.resolve().exists():
            return [path]
        if typed and path.exists():
            raise InputError(f"{path} is no file; write what it gives to one first")
        if typed == "-":
            raise InputError("a table is read more than once: write standard input to a file first")
        if typed.startswith(("http://", "https://")):
            raise InputError(f"{typed} is an address; fetch the file first: curl -fsSLO {typed}")
        return matching_files(typed)
    except OSError as error:
        raise InputError(f"cannot look for {as_typed(typed)!r}: {error.strerror}") from None


def _by_layout(
    named: Sequence[tuple[str, TableFile]], chosen: Format
) -> dict[str, tuple[TableFile, ...]]:
    found: dict[str, list[TableFile]] = {}
    for table, file in named:
        layout = chosen.layout(table) if table else chosen.fitting(file.path, file.first_names())
        found.setdefault(layout.name, []).append(
            replace(file, columns=layout.columns, has_header=layout.has_header)
        )
    return {name: tuple(sorted(each, key=lambda file: file.path)) for name, each in found.items()}


def _same_files(
    layout: FormatTable, by_layout: Mapping[str, tuple[TableFile, ...]]
) -> dict[str, tuple[TableFile, ...]]:
    """Return the files in which a table is beside another one, if they have any of its columns."""
    # The same files may be read twice at once, and each counts what it has read.
    files = tuple(
        replace(file, columns=layout.columns)
        for file in by_layout.get(layout.of, ())
        if {*layout.optional} & {*replace(file, columns=()).names()}
    )
    return {layout.name: files} if files and layout.name not in by_layout else {}


def _all_names(files: Sequence[TableFile]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for file in files for name in file.names()))


def _told_apart(names: tuple[str, ...], path: Path, origin: str) -> tuple[str, ...]:
    """Refuse columns of which a statement would read the first, whichever it names."""
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(name.lower(), name)
        if other != name:
            raise InputError(
                f"{path} has the columns {other!r} and {name!r}, which SQL does not tell apart; "
                f"rename one, or list those to read in {origin}: -- columns: {other}, …"
            )
    return names


def _check(
    chosen: Format, by_layout: Mapping[str, tuple[TableFile, ...]], engine: Callable[[], Sandbox]
) -> None:
    """Make sure that statements are what an importer may be, and files what they name."""
    sandbox = engine()
    try:
        for layout in chosen.layouts:
            if layout.gives != "lookup":
                sandbox.check(layout.query, chosen.origin, ("input", *layout.needs))
    finally:
        sandbox.close()
    for name, files in by_layout.items():
        wanted = chosen.layout(name).required
        for file in files:
            if not file.has_header or not wanted:
                continue
            there = {*replace(file, columns=()).names()}
            if lacking := [column for column in wanted if column not in there]:
                raise InputError(
                    f"{file.path} is no table {name} of {chosen.name}: it has no column "
                    f"{', '.join(lacking)}"
                )


# --- a table of one's own ------------------------------------------------------------------------


def _own_plan(
    named: Sequence[tuple[str, TableFile]],
    said: dict[str, str],
    engine: Callable[[], Sandbox],
    end: datetime,
    drawn: str | None,
) -> ImportPlan:
    for table, _ in named:
        if table:
            raise UsageError(f"{table}=: a table of your own has no name; leave it out")
    files = tuple(sorted((file for _, file in named), key=lambda file: file.path))
    names = _all_names(files)
    all_columns, recognised = find_columns(names, said, files[0].path)
    columns = {part: name for part, name in all_columns.items() if part not in OF_ACCOUNTS}
    lone = [part for part in _REFERENCES if part in columns and f"{part}_actor" not in columns]
    form = read_format(_OWN_THREADS if lone and "record" in columns else _OWN)
    layout = form.layouts[0]
    if form.name == _OWN_THREADS:
        needed = ("actor", "record", *_REFERENCES, *(f"{part}_actor" for part in _REFERENCES))
        layout = replace(layout, columns=needed)
        for part in needed:
            columns.setdefault(part, _ABSENT)
    sheet = replace(form, name=_OWN, drawn=drawn or "unknown")
    rest: tuple[Any, ...] = ({}, engine, end, form.origin, sheet.drawn)
    of_answers = _missing_records(all_columns)
    layout = replace(layout, notes=of_answers)
    sources = [TableSource(_OWN, layout, files, columns, *rest)]
    if {*OF_ACCOUNTS} & {*all_columns}:
        of_accounts = read_format(_OWN_ACCOUNTS).layouts[0]
        theirs = {part: all_columns.get(part, _ABSENT) for part in of_accounts.columns}
        # The same files may be read twice at once, and each counts what it has read.
        again = tuple(replace(file) for file in files)
        sources.append(TableSource(_OWN, of_accounts, again, theirs, *rest))
    remarks = (_of_followers(all_columns), *of_answers, *_of_counts(names, all_columns))
    return ImportPlan(sheet, tuple(sources), all_columns, recognised, remarks)


# A column that no file has, so that all of it is NULL.
_ABSENT = "\0"


def _of_counts(names: Sequence[str], columns: Mapping[str, str]) -> tuple[str, ...]:
    """Say what counts stand for, if a table has some; an answer says itself what c is made of."""
    found = [columns[part] for part in OF_COUNTS if part in columns]
    said = []
    if found:
        said.append(
            f"Counts in place of interactions: {', '.join(found)}. c is made of them, as long as "
            "the store has no records of other sources: how often, whenever it was, and not by "
            "whom."
        )
    counts = [name for name in names if re.fullmatch(r"(?i).+_?counts?", name)]
    if others := [name for name in counts if name not in columns.values()]:
        said.append(f"Counts that are no part of c, and are not kept: {', '.join(others)}.")
    return tuple(said)


def _of_followers(columns: Mapping[str, str]) -> str:
    """Say whether a table has follower counts; what a store has of them, an answer says itself."""
    if "followers" in columns:
        return "Follower counts are those of the table: ask with --popularity followers."
    return NO_FOLLOWERS


def _missing_records(columns: Mapping[str, str]) -> tuple[str, ...]:
    """Return what else a table lacks, in the words of a question."""
    found = []
    if "time" not in columns:
        found.append("No times: those of the keys are used, which authors choose.")
    if "text" not in columns:
        found.append("No texts: no topic matches, and questions are about all records.")
    given = {part for part in columns if part.startswith(_REFERENCES)}
    if not given and not {*OF_COUNTS} & {*columns}:
        found.append(
            "No replies, reposts or quotes: c of this table is 0; name who is answered with "
            "parent=COLUMN, reposted with subject=COLUMN, or quoted with quoted=COLUMN."
        )
    return tuple(found)
