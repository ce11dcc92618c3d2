"""Addresses of clusters: what is safe is taken, anything else refused in words."""

from pathlib import Path

import pytest

from blueattr.analysis.asked.clusters import cluster_of
from blueattr.cluster.address import check_address
from blueattr.cluster.same import identity, refuse_others
from blueattr.errors import ClusterError, ExitCode, UsageError
from support.cli_world import refused


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("local", "does not say how many"),
        ("local:0", "does not say how many"),
        ("local:9999", "1 to 1024"),
        ("here:2", "is local:N, tls://HOST:PORT or tcp://HOST:PORT"),
        ("tcp://host", "is local:N"),
        ("tcp://host:99999", "is local:N"),
        ("tcp://user@host:1", "is local:N"),
        ("tcp://scheduler:8786", "--insecure"),
        ("tcp://0.0.0.0:8786", "--insecure"),
        ("tcp://127.0.0.1.example.org:8786", "--insecure"),
    ],
)
def test_what_is_no_address_or_not_safe_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_address(text)


def test_what_is_safe_or_allowed_is_taken(tmp_path: Path) -> None:
    assert check_address("local:3").workers == 3
    for text in ("tcp://127.0.0.1:1", "tcp://localhost:1", "tcp://[::1]:1"):
        assert check_address(text).is_here
    assert not check_address("tcp://scheduler:1", insecure=True).is_here
    assert check_address("tls://scheduler:1").is_encrypted
    pem = tmp_path / "x.pem"
    pem.touch()
    assert check_address("tls://scheduler:1", ca=pem, cert=pem, key=pem).ca == pem
    with pytest.raises(UsageError, match="needs --tls-cert"):
        check_address("tls://scheduler:1", ca=pem)
    with pytest.raises(UsageError, match="there is no file"):
        check_address("tls://scheduler:1", ca=pem, cert=pem, key=tmp_path / "none")
    with pytest.raises(UsageError, match="is for tls://"):
        check_address("tcp://127.0.0.1:1", ca=pem)


def test_options_of_a_cluster_that_is_not_named_or_lacks_a_folder_are_refused() -> None:
    with pytest.raises(UsageError, match="--shared is about a cluster"):
        cluster_of(shared="x")
    with pytest.raises(UsageError, match="name one by --shared"):
        cluster_of(cluster="tls://scheduler:1")
    assert cluster_of() is None


def test_a_command_says_what_a_cluster_cannot_do(panel_file: Path, db: Path) -> None:
    ask = ("attribute", "--cluster", "local:2")
    store = ("--topic", "mythos", "--db", db)
    refused(ExitCode.USAGE, *ask, *store, says="name them by --features")
    panel = ("--features", panel_file)
    by = ("--by", "tier")
    refused(ExitCode.USAGE, *ask, *panel, *by, "--agents", "x", says="--agents with --by needs")
    refused(ExitCode.USAGE, *ask, *panel, *by, "--top", "0", says="no account is named needs")
    refused(ExitCode.USAGE, *ask, *panel, "--intervals", says="--intervals needs")


def test_the_first_difference_of_a_worker_is_named() -> None:
    mine = identity()
    for name, version in mine:
        theirs = tuple((one, known + "x" * (one == name)) for one, known in mine)
        with pytest.raises(ClusterError, match=r"the worker w .*: its results could differ"):
            refuse_others(theirs, mine, "w")
        assert version
    refuse_others(mine, mine, "w")
