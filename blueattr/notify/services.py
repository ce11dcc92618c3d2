"""Notices by e-mail, chat and a hundred other services, which Apprise (an extra) knows."""

import logging
import os
import re
import warnings
from typing import Any, Final

from blueattr.errors import UsageError
from blueattr.notify.notice import Notification

__all__ = ["ADDRESSES", "ChatService", "services_from_environment"]


ADDRESSES: Final = "BLUEATTR_NOTIFY_URLS"
"""The environment variable that holds addresses as Apprise has them, with white space between."""


class ChatService:
    """A service that takes notices; its address holds a password and is never shown.

    Parameters
    ----------
    address
        As Apprise has it, such as ``mailtos://user:password@example.org``.
    number
        Its place among the addresses, from 1.

    Raises
    ------
    UsageError
        Apprise is not installed, or does not know the address.
    """

    def __init__(self, address: str, number: int = 1) -> None:
        try:
            import apprise
        except ImportError:
            raise UsageError(
                "notices to services need Apprise; install it with: "
                "python -m pip install 'blueattr[notify]'"
            ) from None
        # It would write parts of addresses to stderr.
        logging.getLogger("apprise").addHandler(logging.NullHandler())
        logging.getLogger("apprise").propagate = False
        kind = re.match(r"[a-z0-9+.-]{1,30}(?=://)", address)
        self.name = f"service {number}{f' ({kind[0]})' if kind else ''}"
        # Text is sent as text, in no form that a service would set.
        self._format = apprise.NotifyFormat.TEXT
        with warnings.catch_warnings(action="ignore"):  # of modules that its plugins import
            self._service: Any = apprise.Apprise.instantiate(address, suppress_exceptions=True)
        if self._service is None:
            raise UsageError(f"{self.name} in {ADDRESSES} has no address that Apprise knows")

    def deliver(self, notice: Notification) -> str:
        """Send a notice; return what went wrong, or nothing."""
        try:
            done = self._service.notify(
                body=notice.text, title=notice.title, body_format=self._format
            )
        except Exception as error:  # noqa: BLE001 - whatever the code of a service raises
            return f"fails with {type(error).__name__}"
        return "" if done else "did not take the notice"


def services_from_environment() -> list[ChatService]:
    """Return the services whose addresses the environment holds.

    Raises
    ------
    UsageError
        There are none, or see `ChatService`.
    """
    addresses = os.environ.get(ADDRESSES, "").split()
    if not addresses:
        raise UsageError(
            f"set {ADDRESSES} in the environment to addresses as Apprise has them, with spaces "
            "between"
        )
    return [ChatService(address, number) for number, address in enumerate(addresses, 1)]
