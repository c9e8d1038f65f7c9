"""Ports of a controller that may die: at a call out, or at a write, before or after it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from controller.core.model import Target
from controller.port_wrappers import Answer, CloudWrapper, Invoke, LedgerWrapper
from controller.ports import Cloud, Ledger

FOR_EVER = 1 << 30
_WRITES = {"write", "write_all", "remove"}


class CrashError(BaseException):
    """The process dies here; nothing of ours may catch it."""


@dataclass
class Fate:
    """What becomes of a controller: it dies at its n-th step, before or ``after`` its effect.

    Whatever it tries once dead is not done. With ``meanwhile`` it does not die, but something
    else happens at that step, before it.
    """

    steps: int = FOR_EVER
    after: bool = False
    meanwhile: Callable[[], None] | None = None
    guard: threading.Lock = field(default_factory=threading.Lock)

    def step(self, do: Callable[[], Answer]) -> Answer:
        """Return what a step returns, unless the controller is dead by then."""
        with self.guard:
            self.steps -= 1
            left = self.steps
        if self.meanwhile is not None:
            if left == 0:
                self.meanwhile()
            return do()
        if left < 0 or (left == 0 and not self.after):
            raise CrashError
        answer = do()
        if left == 0:
            raise CrashError
        return answer


class MortalCloud(CloudWrapper):
    """A cloud, as a controller of some fate reaches it."""

    def __init__(self, cloud: Cloud, fate: Fate) -> None:
        super().__init__(cloud)
        self.fate = fate

    def call(self, operation: str, target: Target, invoke: Invoke[Answer]) -> Answer:
        """Call the service, unless the controller is dead by then."""
        return self.fate.step(invoke)


class MortalLedger(LedgerWrapper):
    """A ledger, as a controller of some fate writes in it."""

    def __init__(self, ledger: Ledger, fate: Fate) -> None:
        super().__init__(ledger)
        self.fate = fate

    def call(self, operation: str, invoke: Invoke[Answer]) -> Answer:
        """Write, unless the controller is dead by then; reading has no effect to die before."""
        return self.fate.step(invoke) if operation in _WRITES else invoke()
