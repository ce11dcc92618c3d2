"""Which cluster runs the tasks of a question, as a user says it."""

from dataclasses import dataclass
from pathlib import Path

from blueattr.cluster.address import ClusterAddress, check_address
from blueattr.errors import UsageError
from blueattr.user_path import user_path

__all__ = ["OnCluster", "cluster_of", "workers_of"]


@dataclass(frozen=True, slots=True)
class OnCluster:
    """A cluster, and what it may do.

    Parameters
    ----------
    address
        Where it is.
    send_code
        Whether its workers may run a user's own indicators.
    shared
        A folder that every worker sees; None for a temporary one on this machine.
    """

    address: ClusterAddress
    send_code: bool = False
    shared: Path | None = None


def cluster_of(
    *,
    cluster: str | None = None,
    shared: str | Path | None = None,
    send_code: bool = False,
    insecure: bool = False,
    tls_ca: str | Path | None = None,
    tls_cert: str | Path | None = None,
    tls_key: str | Path | None = None,
) -> OnCluster | None:
    """Check which cluster is meant.

    Parameters
    ----------
    cluster
        Where to work on the parts of a panel: ``"local:N"`` starts N workers on this machine;
        ``"tls://HOST:PORT"`` or ``"tcp://HOST:PORT"`` is a Dask scheduler. Needs the extra
        ``cluster``.
    shared
        A folder that every worker sees, for what they exchange; finished parts stay there until
        all is done, and the same question again goes on from them. Needed for a cluster elsewhere.
    send_code
        Allow the workers to run the code of your own indicators.
    insecure
        Allow tcp:// to another machine: whoever reaches such a cluster can run any code on it.
    tls_ca
        The certificate of the authority, for tls:// (PEM); by default that of Dask's configuration.
    tls_cert
        Your certificate, for tls:// (PEM).
    tls_key
        The key of your certificate, for tls:// (PEM).
    """
    if cluster is None:
        for name, is_given in (("--shared", shared is not None), ("--send-code", send_code)):
            if is_given:
                raise UsageError(f"{name} {_ALONE}")
    address = workers_of(
        cluster=cluster, insecure=insecure, tls_ca=tls_ca, tls_cert=tls_cert, tls_key=tls_key
    )
    if address is None:
        return None
    if shared is None and not address.workers and not address.is_here:
        raise UsageError(
            f"the workers at {cluster} need a folder that all of them see; name one by --shared"
        )
    return OnCluster(address, send_code, None if shared is None else user_path(shared))


_ALONE = "is about a cluster; name that by --cluster, too"


def workers_of(
    *,
    cluster: str | None = None,
    insecure: bool = False,
    tls_ca: str | Path | None = None,
    tls_cert: str | Path | None = None,
    tls_key: str | Path | None = None,
) -> ClusterAddress | None:
    """Check which cluster is meant that needs no other folder than those that are named anyway.

    Parameters
    ----------
    cluster
        Where to count the buckets: ``"local:N"`` starts N workers on this machine;
        ``"tls://HOST:PORT"`` or ``"tcp://HOST:PORT"`` is a Dask scheduler. Needs the extra
        ``cluster``.
    insecure
        Allow tcp:// to another machine: whoever reaches such a cluster can run any code on it.
    tls_ca
        The certificate of the authority, for tls:// (PEM); by default that of Dask's configuration.
    tls_cert
        Your certificate, for tls:// (PEM).
    tls_key
        The key of your certificate, for tls:// (PEM).
    """
    others = {
        "--insecure": insecure, "--tls-ca": tls_ca is not None,
        "--tls-cert": tls_cert is not None, "--tls-key": tls_key is not None,
    }  # fmt: skip
    if cluster is None:
        for name, is_given in others.items():
            if is_given:
                raise UsageError(f"{name} {_ALONE}")
        return None
    ca, cert, key = (None if one is None else user_path(one) for one in (tls_ca, tls_cert, tls_key))
    return check_address(cluster, insecure=insecure, ca=ca, cert=cert, key=key)
