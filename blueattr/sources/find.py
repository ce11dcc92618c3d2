"""What a user names on the network, made streams."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult

from blueattr.errors import InputError, UsageError
from blueattr.sources.hosts import (
    FIREHOSES,
    JETSTREAMS,
    as_websocket,
    check_url,
    download,
    instance,
)

if TYPE_CHECKING:
    from blueattr.sources.live.stream import Dialect, Stream

__all__ = ["SERVICES", "find_streams", "is_network"]


SERVICES = ("jetstream", "firehose", "archive")
"""What can be named without an address."""


_SCHEMES = ("ws://", "wss://", "http://", "https://")
_V2 = "/xrpc/network.bsky.jetstream.subscribeEvents"
_RELAY = "/xrpc/com.atproto.sync.subscribeRepos"
# A dictionary of 100 kB is what servers use.
_DICTIONARY_LIMIT = 1 << 20


def is_network(arguments: Sequence[str]) -> bool:
    """Return whether what a user named is on the network rather than in files."""
    return any(a in SERVICES or a.lower().startswith(_SCHEMES) for a in arguments)


def find_streams(
    arguments: Sequence[str],
    hosts: Sequence[str] = (),
    *,
    dictionary: Path | None = None,
    insecure: bool = False,
) -> "tuple[Stream, ...]":
    """Make streams of what a user named, the preferred one first.

    Parameters
    ----------
    arguments
        ``["jetstream"]``, ``["firehose"]``, or addresses: ``…/subscribe`` is Jetstream v1,
        ``…/xrpc/network.bsky.jetstream.subscribeEvents`` v2, any other a relay or PDS.
    hosts
        Addresses to use in place of the public ones.
    dictionary
        A file with the zstd dictionary of Jetstream v1.
    insecure
        Accept plain text.

    Raises
    ------
    UsageError
        An address is refused, or they are of several kinds.
    InputError
        The dictionary is none.
    """
    from blueattr.sources.live.stream import Stream  # noqa: PLC0415 - files do without the network

    if any(a in SERVICES for a in arguments):
        if len(arguments) > 1:
            raise UsageError(f"{', '.join(arguments)}: name one service, or addresses of one kind")
        public = FIREHOSES if arguments[0] == "firehose" else JETSTREAMS
        urls = list(hosts or public)
        kinds = ["firehose" if arguments[0] == "firehose" else "jetstream"] * len(urls)
        parts = [check_url(url, insecure=insecure) for url in urls]
    else:
        _refuse_files(arguments)
        if hosts:
            raise UsageError("--host is for jetstream, firehose and archive, not for addresses")
        parts = [check_url(url, insecure=insecure) for url in arguments]
        kinds = [_kind(url) for url in parts]
    if len(set(kinds)) > 1:
        found = ", ".join(sorted(set(kinds)))
        raise UsageError(
            f"the addresses are of several kinds ({found}); the others are used when the "
            "first one fails, so all must be of one kind"
        )
    if dictionary is not None and kinds[0] != "jetstream-v1":
        raise UsageError("--dictionary is for Jetstream v1 (wss://HOST/subscribe)")
    return tuple(
        Stream(_origin(url, kind), instance(url), _dialect(kind, dictionary))
        for url, kind in zip(parts, kinds, strict=True)
    )


def _refuse_files(urls: Sequence[str]) -> None:
    """Refuse addresses of files, which lead to no stream, with the way to read them."""
    for url in urls:
        scheme, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        path = f"/{path}".partition("?")[0].rstrip("/")
        if scheme.lower() not in {"http", "https"} or "@" in host:
            continue
        if path and path not in {_V2, _RELAY} and not path.endswith("/subscribe"):
            raise UsageError(f"{url} is no stream; for a file: {download(url)}")


def _kind(parts: SplitResult) -> str:
    path = parts.path.rstrip("/")
    if path.endswith("/subscribe"):
        return "jetstream-v1"
    if path == _V2:
        return "jetstream"
    if path in ("", _RELAY):
        return "firehose"
    raise UsageError(
        f"{parts.geturl()}: expected the path /subscribe (Jetstream v1), {_V2} (v2), or none or "
        f"{_RELAY} (a relay or PDS)"
    )


def _origin(parts: SplitResult, kind: str) -> str:
    if parts.query or parts.fragment:
        raise UsageError(f"{parts.geturl()}: leave out what follows the path; it is filled in")
    base = as_websocket(parts)
    return base + parts.path.rstrip("/") if kind == "jetstream-v1" else base


def _dialect(kind: str, dictionary: Path | None) -> "Dialect":
    # The SDK takes a second to import, and reading files does without it.
    from blueattr.sources.live import jetstream, relay  # noqa: PLC0415 - start-up time

    if kind == "firehose":
        return relay.Firehose()
    if kind == "jetstream":
        return jetstream.JetstreamV2()
    if dictionary is None:
        return jetstream.JetstreamV1()
    try:
        with dictionary.open("rb") as file:
            blob = file.read(_DICTIONARY_LIMIT)
    except OSError as error:
        raise InputError(f"cannot read {dictionary}: {error.strerror}") from None
    return jetstream.JetstreamV1(jetstream.read_dictionary(blob))
