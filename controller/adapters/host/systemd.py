"""Notify systemd, the service manager that started this process, over its notification socket.

Without a socket notifications do nothing. The protocol is that of sd_notify(3).
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

_log = logging.getLogger(__name__)

_MICROSECONDS = 1_000_000
_PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Manager:
    """Receives this process's state; ``address`` is None if there is no service manager.

    ``watchdog_seconds`` is the longest allowed time between two signs of life, None for no limit.
    """

    address: str | None = None
    watchdog_seconds: float | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Manager:
        """Return the manager in the variables that sd_notify(3) defines."""
        address = environ.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls()
        return cls(address, _watchdog(environ))

    def ready(self) -> None:
        """Report that startup is complete."""
        self._tell("READY=1")

    def alive(self) -> None:
        """Report that the loop is running; due more often than ``watchdog_seconds``."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Report that shutdown has begun."""
        self._tell("STOPPING=1")

    def status(self, text: str) -> None:
        """Report a one-line status for people."""
        self._tell(f"STATUS={' '.join(text.split())}")

    def _tell(self, message: str) -> None:
        if self.address is None:
            return
        # A leading @ means Linux's abstract namespace, whose names begin with a null byte.
        place = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                # A manager that does not read must not delay the jobs.
                sender.settimeout(_PATIENCE)
                sender.sendto(message.encode(), place)
        except OSError as error:
            _log.debug("the service manager was not told", extra={"error": str(error)})


def _watchdog(environ: Mapping[str, str]) -> float | None:
    """Return the watchdog interval in seconds; None if it is for another process."""
    spent, process = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if process and process != str(os.getpid()):
        return None
    return int(spent) / _MICROSECONDS if spent.isdecimal() and int(spent) else None
