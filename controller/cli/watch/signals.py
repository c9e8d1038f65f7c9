"""Signals to a daemon, and the deadline that they set for its shutdown."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from controller.adapters.host.clock import get_monotonic_time
from controller.cli.output.exit_codes import ExitCode
from controller.daemon.loop import Daemon

_SHUTDOWN_SECONDS, _MIN_SHUTDOWN_SECONDS = 9.0, 0.4
"""Seconds from a signal to the end of all that is written back: a service manager waits for 10."""


@dataclass(slots=True)
class ShutdownSignals:
    """The signals that requested a shutdown, and the time of the first."""

    numbers: list[int] = field(default_factory=list)
    at: float = 0.0

    @property
    def code(self) -> ExitCode:
        """The exit code: zero for SIGTERM, and that of an interrupt for SIGINT."""
        return ExitCode.INTERRUPTED if signal.SIGINT in self.numbers else ExitCode.FINE

    @property
    def name(self) -> str:
        """The name of the first signal."""
        return signal.Signals(self.numbers[0]).name if self.numbers else ""

    def record(self, number: int) -> None:
        """Record a signal."""
        # A second signal does not extend the deadline.
        self.at = self.at or get_monotonic_time()
        self.numbers.append(number)

    def get_seconds_left(self) -> float:
        """Return how long the shutdown may still take, at least a moment."""
        return max(_MIN_SHUTDOWN_SECONDS, self.at + _SHUTDOWN_SECONDS - get_monotonic_time())


@contextmanager
def handle_signals(daemon: Daemon, hurry: Callable[[], None]) -> Iterator[ShutdownSignals]:
    """Handle signals while the context lasts; yields those that requested a shutdown."""
    ended = ShutdownSignals()

    def end(number: int, _frame: object) -> None:
        ended.record(number)
        daemon.stop()

    def renew(_number: int, _frame: object) -> None:
        daemon.reload()
        hurry()

    handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: renew}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
