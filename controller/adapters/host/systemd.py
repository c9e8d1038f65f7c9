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
_SEND_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """Receives this process's state; ``address`` is None if there is no service manager.

    ``watchdog_seconds`` is the longest allowed time between two signs of life, None for no limit.
    """

    address: str | None = None
    watchdog_seconds: float | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ServiceManager:
        """Return the manager in the variables that sd_notify(3) defines."""
        address = environ.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls()
        return cls(address, _parse_watchdog(environ))

    def send_ready(self) -> None:
        """Report that startup is complete."""
        self._send("READY=1")

    def send_alive(self) -> None:
        """Report that the loop is running; due more often than ``watchdog_seconds``."""
        self._send("WATCHDOG=1")

    def send_stopping(self) -> None:
        """Report that shutdown has begun."""
        self._send("STOPPING=1")

    def send_status(self, text: str) -> None:
        """Report a one-line status for people."""
        self._send(f"STATUS={' '.join(text.split())}")

    def _send(self, message: str) -> None:
        if self.address is None:
            return
        # A leading @ means Linux's abstract namespace, whose names begin with a null byte.
        place = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                # A manager that does not read must not delay the jobs.
                sender.settimeout(_SEND_SECONDS)
                sender.sendto(message.encode(), place)
        except OSError as error:
            _log.debug("the service manager was not told", extra={"error": str(error)})


def _parse_watchdog(environ: Mapping[str, str]) -> float | None:
    """Return the watchdog interval in seconds; None if it is for another process."""
    spent, process = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if process and process != str(os.getpid()):
        return None
    return int(spent) / _MICROSECONDS if spent.isdecimal() and int(spent) else None
