"""Faults on order: what can go wrong with a call, with which calls, and when."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from controller.core.kinds.kind import Kind
from controller.core.kinds.registry import KINDS
from controller.sandbox.state.api_errors import ApiError

UNHEARD_OF = "Rescheduled"
"""A status word that no release of the service has used."""
VERBS = ("Create", "Get", "List", "Stop")


class FaultKind(StrEnum):
    """What goes wrong."""

    THROTTLE = "throttle"
    SERVER_ERROR = "server-error"
    UNAVAILABLE = "unavailable"
    RESET_BEFORE = "reset-before"
    RESET_AFTER = "reset-after"
    DELAY = "delay"
    DELAY_BEFORE = "delay-before"
    STALE_GET = "stale-get"
    STALE_LIST = "stale-list"
    UNKNOWN_STATUS = "unknown-status"
    TOKENLESS = "no-token"
    METRICLESS = "no-metrics"
    ANOTHER_JOB = "another-job"
    PAGE = "page"
    EMPTY_OBJECT = "empty-object"
    CUT = "cut"
    GARBLED = "garbled"
    GZIP = "gzip"
    NESTED = "nested"
    REDIRECT = "redirect"
    PROXY_400 = "proxy-400"
    PROXY_403 = "proxy-403"
    PROXY_404 = "proxy-404"
    PROXY_408 = "proxy-408"


STRANGE = frozenset(list(FaultKind)[list(FaultKind).index(FaultKind.PAGE) :])
"""What answers in the service's place."""


_REFUSALS: Mapping[FaultKind, tuple[str, str]] = {
    FaultKind.THROTTLE: ("ThrottlingException", "Rate exceeded"),
    FaultKind.SERVER_ERROR: ("InternalServerException", "The sandbox was told to fail."),
    FaultKind.UNAVAILABLE: ("ServiceUnavailableException", "The sandbox was told to be away."),
}
_ENDING = {*_REFUSALS, FaultKind.RESET_BEFORE}
_CONCERNED: Mapping[FaultKind, tuple[str, ...]] = {
    FaultKind.STALE_GET: ("Get",),
    FaultKind.STALE_LIST: ("List",),
    FaultKind.UNKNOWN_STATUS: ("Get", "List"),
    FaultKind.TOKENLESS: ("Get",),
    FaultKind.METRICLESS: ("Get",),
    FaultKind.ANOTHER_JOB: ("Get",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One order: the ``nth`` matching call from now on, and those after it, go wrong.

    ``operation`` is an operation's name, one of ``VERBS`` for that of every kind, or None for any
    call. ``times`` is how many calls go wrong at most, or None for no limit. With ``probability``
    only some do, which ones depending on ``seed`` and the call's number alone. ``seconds`` are
    real for a delay and simulated for a stale answer; None there means: before anything was made.
    With ``before`` what answers in the service's place does so before the call is carried out.
    """

    kind: FaultKind
    operation: str | None = None
    nth: int = 1
    times: int | None = 1
    probability: float | None = None
    seed: int = 0
    seconds: float | None = None
    before: bool = False

    @property
    def is_preemptive(self) -> bool:
        """Whether the call is not carried out."""
        return self.before or self.kind in _ENDING

    def can_affect(self, operation: str) -> bool:
        """Whether the order is about calls of an operation."""
        concerned = _CONCERNED.get(self.kind)
        if concerned and not any(operation in expand_operation(verb) for verb in concerned):
            return False
        return self.operation is None or operation in expand_operation(self.operation)

    def is_triggered(self, call: int, fired: int) -> bool:
        """Whether a matching call goes wrong: the ``call``-th one, ``fired`` having done so."""
        if call < self.nth or (self.times is not None and fired >= self.times):
            return False
        return self.probability is None or self._draw_share(call) < self.probability

    def _draw_share(self, call: int) -> float:
        """Return a number from 0 to 1 that only the order and the call's number decide."""
        text = f"{self.kind}/{self.seed}/{call}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


@dataclass(frozen=True, slots=True)
class InjectedFaults:
    """What becomes of one call: the faults that it meets, in the order in which they stand."""

    faults: tuple[Fault, ...] = ()

    @property
    def names(self) -> str | None:
        """The faults' names as the journal has them, or None."""
        return ", ".join(fault.kind for fault in self.faults) or None

    @property
    def error(self) -> ApiError | None:
        """The error that is answered instead of carrying the call out."""
        found = (_REFUSALS[fault.kind] for fault in self.faults if fault.kind in _REFUSALS)
        return next((ApiError(code, message) for code, message in found), None)

    @property
    def replacement(self) -> Fault | None:
        """The fault that answers in the service's place."""
        return next((fault for fault in self.faults if fault.kind in STRANGE), None)

    def has(self, kind: FaultKind) -> bool:
        """Whether the call meets such a fault."""
        return any(fault.kind is kind for fault in self.faults)

    def sum_seconds(self, kind: FaultKind) -> float:
        """Return how many seconds such faults add up to; what has no number is infinite."""
        met = (fault.seconds for fault in self.faults if fault.kind is kind)
        return sum(float("inf") if seconds is None else seconds for seconds in met)

    def apply_to(self, shown: dict[str, Any], kind: Kind) -> dict[str, Any]:
        """Return what Get or List shows of a job, as these faults leave it."""
        left = dict(shown)
        if self.has(FaultKind.UNKNOWN_STATUS):
            left[kind.status_member] = UNHEARD_OF
        if self.has(FaultKind.TOKENLESS):
            left.pop(kind.token_member, None)
        if self.has(FaultKind.METRICLESS) and kind.simulation is not None:
            left.pop(kind.simulation.training_metric[0], None)
        if self.has(FaultKind.ANOTHER_JOB):
            left |= {member: f"{left[member]}0" for member in (kind.name_member, kind.arn_member)}
        return left


UNHARMED = InjectedFaults()


@cache
def expand_operation(operation: str) -> frozenset[str]:
    """Return the operations that an operation's name, or a verb, stands for."""
    if operation not in VERBS:
        return frozenset((operation,))
    return frozenset(kind.operation(operation) for kind in KINDS.values() if kind.simulation)


def can_target(kind: FaultKind, operation: str) -> bool:
    """Whether a fault of a kind can befall an operation, or the operations of a verb."""
    return any(Fault(kind=kind).can_affect(name) for name in expand_operation(operation))
