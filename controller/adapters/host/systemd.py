"""The service manager that started this process: systemd, told over its notification socket.

Where there is none, telling does nothing. The protocol is that of sd_notify(3).
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
    """Who wants to know how this process is; ``address`` is None when nobody does.

    ``watchdog_seconds`` is how long may pass between two signs of life, None for ever.
    """

    address: str | None = None
    watchdog_seconds: float | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Manager:
        """Return the manager that the variables name, as sd_notify and sd_watchdog_enabled do."""
        address = environ.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls()
        return cls(address, _watchdog(environ))

    def ready(self) -> None:
        """Tell that starting is over."""
        self._tell("READY=1")

    def alive(self) -> None:
        """Tell that the loop still beats; due more often than ``watchdog_seconds``."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Tell that the end has begun."""
        self._tell("STOPPING=1")

    def status(self, text: str) -> None:
        """Tell people, in one line, what is going on."""
        self._tell(f"STATUS={' '.join(text.split())}")

    def _tell(self, message: str) -> None:
        if self.address is None:
            return
        # A leading @ means Linux's abstract names, which begin with a null byte.
        place = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                # A manager that does not read must not hold up the jobs for long.
                sender.settimeout(_PATIENCE)
                sender.sendto(message.encode(), place)
        except OSError as error:
            _log.debug("the service manager was not told", extra={"error": str(error)})


def _watchdog(environ: Mapping[str, str]) -> float | None:
    """Return the seconds that WATCHDOG_USEC grants this process; none if it means another."""
    spent, process = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if process and process != str(os.getpid()):
        return None
    return int(spent) / _MICROSECONDS if spent.isdecimal() and int(spent) else None
