"""Options that say which cluster works on a panel in parts."""

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from blueattr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from blueattr.analysis.asked.clusters import OnCluster
    from blueattr.cluster.address import ClusterAddress
    from blueattr.cluster.engine import Progress

__all__ = ["CLUSTER", "WORKERS", "ClusterOptions", "WorkerOptions", "show_stages"]


Cluster: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Let many workers share the parts of the input: local:N starts N here; "
        "tls://HOST:PORT or tcp://HOST:PORT is a Dask scheduler.",
        show_default=False,
    ),
]
Shared: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--shared",
        metavar="FOLDER",
        help="Folder that all workers see, for what they exchange. Finished parts stay there until "
        "all is done; the same command goes on from them.",
        show_default=False,
    ),
]
SendCode: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--send-code",
        help="Let workers run the code of your own indicators.",
        show_default=False,
    ),
]
ToOthers: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--insecure",
        help="Allow tcp:// to another machine: who reaches such a cluster runs any code on it.",
        show_default=False,
    ),
]
Authority: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--tls-ca",
        metavar="FILE",
        help="Certificate of the authority, for tls:// (PEM).",
        show_default=False,
    ),
]
Certificate: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--tls-cert", metavar="FILE", help="Your certificate, for tls:// (PEM).", show_default=False
    ),
]
Key: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--tls-key",
        metavar="FILE",
        help="The key of your certificate, for tls:// (PEM).",
        show_default=False,
    ),
]


@contextmanager
def show_stages() -> "Iterator[Progress | None]":
    """Show how far the stages are, on a terminal."""
    from blueattr.cli.progress import Bars

    with Bars(quiet=False, unit="time") as bars:
        yield bars.progress


@dataclass
class ClusterOptions:
    """Where the parts of a panel are worked on."""

    cluster: Cluster = None
    shared: Shared = None
    send_code: SendCode = False
    insecure: ToOthers = False
    tls_ca: Authority = None
    tls_cert: Certificate = None
    tls_key: Key = None

    def asked(self, features: "Path | None") -> "OnCluster | None":
        """Return the cluster that is meant; None where none is."""
        if self.cluster is None and not any(vars(self).values()):
            return None
        from blueattr.analysis.asked.clusters import cluster_of

        found = cluster_of(**vars(self))
        if found is not None and features is None:
            raise UsageError("--cluster works on the parts of a panel; name them by --features")
        return found


@dataclass
class WorkerOptions:
    """Where the buckets of partitions are counted."""

    cluster: Cluster = None
    insecure: ToOthers = False
    tls_ca: Authority = None
    tls_cert: Certificate = None
    tls_key: Key = None

    def asked(self, events: "Path | None") -> "ClusterAddress | None":
        """Return the cluster that is meant; None where none is."""
        if not any(vars(self).values()):
            return None
        from blueattr.analysis.asked.clusters import workers_of

        found = workers_of(**vars(self))
        if found is not None and events is None:
            raise UsageError("--cluster works on the parts of events; name them by --events")
        return found


CLUSTER = ("cluster", "shared", "send_code", "insecure", "tls_ca", "tls_cert", "tls_key")
WORKERS = ("cluster", "insecure", "tls_ca", "tls_cert", "tls_key")
