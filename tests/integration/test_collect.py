"""What collecting asks of a real PDS and a real PLC directory: documents, a login, records."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from blueattr.errors import SourceError
from blueattr.sources.collect.identity import document_address, own_server
from blueattr.sources.collect.login import Credentials
from blueattr.sources.collect.service import connect
from blueattr.sources.xrpc import RequestBudget, Response, XrpcClient
from integration.accounts import Account
from integration.servers import Pds, Plc
from support.events_builder import POST

pytestmark = pytest.mark.integration


def app_password(account: Account) -> str:
    made = account._call("com.atproto.server.createAppPassword", {"name": "blueattr"})
    return str(made["password"])


async def ask(pds: Pds, plc: Plc, credentials: Credentials, *calls: tuple[str, Any]) -> list[Any]:
    """Log in by the handle alone: its DID, its document and its server are found on the way."""
    async with connect(
        pds.url, credentials=credentials, directory=plc.url, budget=RequestBudget(50), rate=100.0
    ) as (service, _):
        assert service.has_login
        return [await service.ask(method, params) for method, params in calls]


def test_a_login_by_handle_and_app_password_and_records_of_a_real_server(tmp_path: Path) -> None:
    with Plc(tmp_path / "plc") as plc, Pds(tmp_path / "pds", plc.url) as pds:
        ada = Account(pds.url, "ada")
        post = ada.post("claude mythos is here")
        others = [ada.post(f"number {k}") for k in range(3)]
        password = app_password(ada)
        key = post["uri"].rsplit("/", 1)[1]
        repo = [("repo", ada.did), ("collection", POST)]
        session, record, missing, listed, unknown = asyncio.run(
            ask(
                pds, plc, Credentials("ada.test", password),
                ("com.atproto.server.getSession", []),
                ("com.atproto.repo.getRecord", [*repo, ("rkey", key)]),
                ("com.atproto.repo.getRecord", [*repo, ("rkey", "3kzzzzzzzzz2a")]),
                ("com.atproto.repo.listRecords", [*repo, ("limit", "100")]),
                ("app.bsky.feed.noSuchMethod", []),
            )
        )  # fmt: skip
        assert (session[0], session[1]["did"]) == ("answered", ada.did)
        assert record[1]["value"]["text"] == "claude mythos is here"
        assert (missing[0], missing[2]) == ("not found", "RecordNotFound")
        assert {one["uri"] for one in listed[1]["records"]} == {
            post["uri"], *(one["uri"] for one in others)
        }  # fmt: skip
        assert unknown[0] in {"unknown method", "bad request"}
        # A wrong password is refused in words that do not hold it.
        with pytest.raises(SourceError, match=r"refuses the login \(401\)") as refused:
            asyncio.run(ask(pds, plc, Credentials("ada.test", "wrong-pass-word"),
                            ("com.atproto.server.getSession", [])))  # fmt: skip
        assert "wrong-pass" not in str(refused.value)
        # Another name is not taken for ada's, and the document says where her records are.
        document = asyncio.run(document_of(plc, ada.did))
        assert own_server(document, ada.did, "ada.test", plc.url).rsplit(":", 1)[1] == str(pds.port)
        with pytest.raises(SourceError, match="does not call itself so"):
            own_server(document, ada.did, "eve.test", plc.url)
        assert not plc.strangers() | pds.strangers()


async def document_of(plc: Plc, did: str) -> dict[str, Any]:
    host, path = document_address(did, plc.url)

    def read(reply: Response) -> dict[str, Any]:
        assert reply.status == 200
        return reply.document()

    async with XrpcClient(host) as client:
        return await client.call(path, read)
