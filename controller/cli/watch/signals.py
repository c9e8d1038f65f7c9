"""Signals to a daemon: what they ask for, and by when it must have ended."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from controller.adapters.host.clock import steady
from controller.cli.output.exit_codes import Exit
from controller.daemon.loop import Daemon

_LONGEST_END, _MOMENT = 9.0, 0.4
"""Seconds from a signal to the end of all that is written back: a service manager waits for 10."""


@dataclass(slots=True)
class Ended:
    """The signals that asked to end, and when the first one did."""

    numbers: list[int] = field(default_factory=list)
    at: float = 0.0

    @property
    def code(self) -> Exit:
        """A service manager's end is fine; a person's interrupt is told as everywhere."""
        return Exit.INTERRUPTED if signal.SIGINT in self.numbers else Exit.FINE

    @property
    def name(self) -> str:
        """The first one's name."""
        return signal.Signals(self.numbers[0]).name if self.numbers else ""

    def heard(self, number: int) -> None:
        """Take in a signal."""
        self.at = self.at or steady()
        self.numbers.append(number)

    def seconds_left(self) -> float:
        """Return how long the end may take yet; it has a moment in any case."""
        return max(_MOMENT, self.at + _LONGEST_END - steady())


@contextmanager
def signals(daemon: Daemon, hurry: Callable[[], None]) -> Iterator[Ended]:
    """While the context lasts signals only tell the daemon; yields those that asked to end."""
    ended = Ended()

    def end(number: int, _frame: object) -> None:
        ended.heard(number)
        daemon.leave()

    def renew(_number: int, _frame: object) -> None:
        daemon.renew()
        hurry()

    handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: renew}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
