"""Where a cluster is, as a user writes it, and whether it may be used."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from blueattr.errors import UsageError

__all__ = ["ClusterAddress", "check_address"]


_MOST_WORKERS = 1024
_LOCAL = re.compile(r"local(?::(\d+))?")
_REMOTE = re.compile(r"(tcp|tls)://(\[[0-9A-Fa-f:.]+\]|[^\s/:@\[\]]+):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """A checked address.

    Parameters
    ----------
    text
        As it was typed.
    workers
        How many to start on this machine; 0 where a scheduler runs elsewhere.
    ca, cert, key
        Files of certificates; None for those of Dask's own configuration.
    """

    text: str
    workers: int = 0
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine."""
        remote = _REMOTE.fullmatch(self.text)
        return remote is None or _is_here(remote[2].strip("[]"))

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.text.startswith("tls://")


def check_address(
    text: str,
    *,
    insecure: bool = False,
    ca: Path | None = None,
    cert: Path | None = None,
    key: Path | None = None,
) -> ClusterAddress:
    """Check the address of a cluster.

    Parameters
    ----------
    text
        ``local:N``, which starts N workers on this machine, or the address of a Dask scheduler,
        ``tls://HOST:PORT`` or ``tcp://HOST:PORT``.
    insecure
        Whether ``tcp://`` may leave this machine: whoever reaches such a cluster may run any code
        on it.
    ca, cert, key
        See `ClusterAddress`.

    Raises
    ------
    UsageError
        It is no address, or not safe.
    """
    certificates = {"--tls-ca": ca, "--tls-cert": cert, "--tls-key": key}
    given = [name for name, path in certificates.items() if path is not None]
    if local := _LOCAL.fullmatch(text):
        workers = int(local[1] or 0)
        if not 1 <= workers <= _MOST_WORKERS:
            raise UsageError(
                f"--cluster local:N starts 1 to {_MOST_WORKERS} workers on this machine; {text!r} "
                "does not say how many"
            )
        if given:
            raise UsageError(f"{given[0]} is for tls://, and --cluster is {text}")
        return ClusterAddress(text, workers)
    remote = _REMOTE.fullmatch(text)
    if remote is None or int(remote[3]) > 65_535:
        raise UsageError(f"--cluster is local:N, tls://HOST:PORT or tcp://HOST:PORT, not {text!r}")
    if remote[1] == "tls":
        missing = [name for name, path in certificates.items() if path is None]
        if given and missing:
            raise UsageError(f"{given[0]} needs {missing[0]}, too")
        for path in filter(None, certificates.values()):
            if not path.is_file():
                raise UsageError(f"there is no file {path}")
        return ClusterAddress(text, 0, ca, cert, key)
    if given:
        raise UsageError(f"{given[0]} is for tls://, and --cluster is {text}")
    if not insecure and not _is_here(remote[2].strip("[]")):
        raise UsageError(
            f"whoever reaches a cluster at {text} can run any code on it, and tcp:// keeps nobody "
            "out; use tls:// with certificates, or --insecure where the network is yours alone"
        )
    return ClusterAddress(text)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
