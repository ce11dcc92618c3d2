"""Questions to partitions, answered in this process or by the workers of a cluster."""

from pathlib import Path

from blueattr.atomic import refuse_present
from blueattr.cluster.address import ClusterAddress
from blueattr.cluster.connect import connect
from blueattr.cluster.engine import InProcess, Progress
from blueattr.panel.query import PanelQuery
from blueattr.partitions.driver import PanelParts, make_parts, run_by
from blueattr.partitions.folder import PartitionFolder
from blueattr.partitions.meta import Meta

__all__ = ["features_of_partitions"]


def features_of_partitions(
    events: Path,
    query: PanelQuery,
    out: Path,
    cluster: ClusterAddress | None = None,
    progress: Progress | None = None,
) -> PanelParts:
    """Make the features of all agents of partitions, in parts.

    Parameters
    ----------
    events, query, out
        As for `blueattr.partitions.driver.make_parts`.
    cluster
        Whose workers count the buckets; they see both folders by the same paths. By default one
        bucket after another is counted in this process.
    progress
        Is told how far the stages are.

    Raises
    ------
    InputError, NoAnswerError, OutputError
        As for `blueattr.partitions.driver.make_parts`.
    ClusterError
        The cluster cannot be reached, or is lost.
    """
    # Before a cluster is started.
    refuse_present(out)
    Meta.read(PartitionFolder(events))
    with InProcess(progress) if cluster is None else connect(cluster, progress) as engine:
        return make_parts(events, query, out, run_by(engine), engine.workers)
