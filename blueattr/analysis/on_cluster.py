"""Questions to a panel in parts, answered by the workers of a cluster."""

import contextlib
import hashlib
import json
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from blueattr import atomic
from blueattr.analysis.asked.clusters import OnCluster
from blueattr.analysis.asked.naming import OPEN, Naming
from blueattr.analysis.attribute import origin_of_parts, with_leaders, with_shares_by_feature
from blueattr.analysis.groups.grouping import ByGroup
from blueattr.analysis.groups.parted import PartedGroups
from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.large.chunks import shape
from blueattr.attribution.large.parts import parts_of
from blueattr.attribution.large.streaming import Receiver
from blueattr.attribution.parted.driver import attribute_parts
from blueattr.attribution.parted.looking import digest
from blueattr.attribution.parted.part import sent
from blueattr.attribution.question import Question
from blueattr.cluster.connect import connect
from blueattr.cluster.engine import Progress, TaskEngine
from blueattr.cluster.kept import Kept
from blueattr.cluster.same import identity
from blueattr.errors import InputError, OutputError, UsageError
from blueattr.indicators.find import find_indicator
from blueattr.studies.carriers.leaders import DEFAULT_LEADERS
from blueattr.user_path import refuse_address

__all__ = ["COMPLETE", "AgentsFolder", "attribute_on_cluster", "attribute_with"]


COMPLETE = "_complete.json"
"""The file that says that a folder of agents is whole, written last."""


@dataclass(frozen=True)
class AgentsFolder:
    """Where agents go.

    Parameters
    ----------
    path
        A folder; it has a file for each part of the panel.
    receiver
        Returns what writes frames of agents to a file, as
        `blueattr.report.formats.streamed.agents_receiver` does.
    """

    path: Path
    receiver: Callable[[Path], Receiver]


@dataclass(frozen=True)
class _Writer:
    """Writes the agents of a part, on a worker."""

    receiver: Callable[[Path], Receiver]
    naming: Naming

    def __call__(
        self, path: Path, before: int, result: AttributionResult, frames: Iterator[pl.DataFrame]
    ) -> None:
        named = self.naming.frames(with_shares_by_feature(result, frames), before)
        self.receiver(path)(self.naming.hide(result), named)


def attribute_on_cluster(
    path: Path,
    question: Question,
    cluster: OnCluster,
    *,
    columns: Mapping[str, str] | None = None,
    top: int = DEFAULT_LEADERS,
    naming: Naming = OPEN,
    agents: AgentsFolder | None = None,
    by: ByGroup | None = None,
    progress: Progress | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[AttributionResult]:
    """Split each indicator of a question among all agents of a panel in Parquet files.

    Parameters
    ----------
    path
        See `blueattr.attribution.large.parts.parts_of`; every worker sees the files.
    question, columns, top, naming
        As for `blueattr.analysis.attribute.attribute_file`.
    cluster
        Where the tasks run.
    agents
        Where to write every agent, for one indicator.
    by
        Which groups of agents to attribute, too; None for none.
    progress
        Is told how far stages are.
    tell
        Is given a sentence about what was reused.

    Raises
    ------
    ClusterError
        The cluster cannot be reached, or is lost.
    """
    _check(path, question, cluster, agents, by=by, naming=naming)
    with connect(cluster.address, progress) as engine:
        return attribute_with(
            engine,
            path,
            question,
            cluster,
            columns=columns,
            top=top,
            naming=naming,
            agents=agents,
            by=by,
            tell=tell,
        )


def attribute_with(
    engine: TaskEngine,
    path: Path,
    question: Question,
    cluster: OnCluster,
    *,
    columns: Mapping[str, str] | None = None,
    top: int = DEFAULT_LEADERS,
    naming: Naming = OPEN,
    agents: AgentsFolder | None = None,
    by: ByGroup | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[AttributionResult]:
    """Do the same by an engine that is there: see `attribute_on_cluster`."""
    _check(path, question, cluster, agents, by=by, naming=naming)
    parts = parts_of(path)
    files = tuple(part.absolute() for part in parts)
    origin = origin_of_parts(path, parts, columns)
    groups = None if by is None else PartedGroups.of(by, shape(parts[:1], columns)[0][0])
    told = (dict(columns or {}), top, naming.mark, None if agents is None else agents.path, groups)
    try:
        with _shared(engine, cluster, files, question, told) as (folder, runs, digests):
            if agents is not None:
                _prepare(agents.path, len(files))
            found = attribute_parts(
                runs,
                files,
                folder,
                question.indicators,
                **question.how,
                provenance=origin,
                columns=columns,
                top=top,
                send_code=cluster.send_code,
                agents=None if agents is None else agents.path.absolute(),
                writer=None if agents is None else _Writer(agents.receiver, naming),
                digests=digests,
                by=groups,
            )
            if agents is not None:
                names = [f"part-{k:05}.parquet" for k in range(len(files))]
                done = {"files": names, "agents": found[0].result.n_agents}
                atomic.write(agents.path / COMPLETE, (json.dumps(done) + "\n").encode())
            if isinstance(runs, Kept) and runs.reused:
                tell(f"reused {runs.reused} finished tasks of an earlier run")
    except OSError as error:
        raise InputError(
            f"cannot read the features in {path}, or keep what workers exchange: "
            f"{error.strerror or error}{'' if error.filename is None else f' ({error.filename})'}"
        ) from error
    holding = tuple(dict.fromkeys(file for one in found for file in one.files))
    return with_leaders([one.result for one in found], holding, columns, top, naming)


def _check(
    path: Path,
    question: Question,
    cluster: OnCluster,
    agents: AgentsFolder | None,
    *,
    by: ByGroup | None,
    naming: Naming,
) -> None:
    """Refuse what no worker could do, before a cluster is started."""
    for part in parts_of(path):
        if part.suffix.lower() != ".parquet":
            raise UsageError(
                f"--cluster works on the Parquet files of a panel, and {part} is none; write it as "
                "Parquet"
            )
    for indicator in question.indicators:
        sent(find_indicator(indicator), may_send=cluster.send_code)
    if by is not None and agents is not None:
        raise UsageError("--agents with --by needs the whole panel in memory; leave out --cluster")
    if by is not None and naming.hides:
        raise UsageError(
            "--by where no account is named needs the whole panel in memory, to hide groups that "
            "would tell who one is; leave out --cluster, or --top 0 and --pseudonyms"
        )
    if agents is not None:
        question.check_one("--agents writes")
        refuse_address(agents.path)


@contextlib.contextmanager
def _shared(
    engine: TaskEngine,
    cluster: OnCluster,
    files: tuple[Path, ...],
    question: Question,
    told: tuple[object, ...],
) -> Iterator[tuple[Path, TaskEngine, tuple[str, ...]]]:
    """Yield the folder for what workers exchange, what runs tasks, and digests of the files."""
    if cluster.shared is None:
        with tempfile.TemporaryDirectory(prefix="blueattr-shared-") as name:
            yield Path(name), engine, ()
        return
    digests = dict(engine.run("hashing", digest, files))
    known = tuple(digests[k] for k in range(len(files)))
    sources = [sent(find_indicator(one), may_send=True) for one in question.indicators]
    told_all = (identity(), files, known, sources, repr((question.how, told)))
    name = hashlib.sha256(pickle.dumps(told_all)).hexdigest()[:24]
    folder = cluster.shared.absolute() / f"question-{name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror or error}") from None
    yield folder, Kept(engine, folder), known
    # Only what is finished goes: after an error the same question goes on from there.
    shutil.rmtree(folder, ignore_errors=True)


def _prepare(folder: Path, parts: int) -> None:
    """Make a folder of agents; refuse one that has files of another panel."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / COMPLETE).unlink(missing_ok=True)
        mine = {f"part-{k:05}.parquet" for k in range(parts)}
        names = {one.name for one in folder.iterdir() if one.suffix == ".parquet"}
        others = sorted(names - mine)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from None
    if others:
        raise OutputError(
            f"{folder} has files that would be taken for parts, such as {others[0]}; name another "
            "folder, or an empty one"
        )
