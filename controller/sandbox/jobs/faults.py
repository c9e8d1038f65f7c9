"""Injected faults: what fails, for which calls, and when."""

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

UNKNOWN_STATUS = "Rescheduled"
"""A status that no release of the service has used."""
VERBS = ("Create", "Get", "List", "Stop")


class FaultKind(StrEnum):
    """What fails."""

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


REPLACING = frozenset(list(FaultKind)[list(FaultKind).index(FaultKind.PAGE) :])
"""Faults that replace the service's response."""


_ERRORS: Mapping[FaultKind, tuple[str, str]] = {
    FaultKind.THROTTLE: ("ThrottlingException", "Rate exceeded"),
    FaultKind.SERVER_ERROR: ("InternalServerException", "The sandbox injected this error."),
    FaultKind.UNAVAILABLE: ("ServiceUnavailableException", "The sandbox injected this outage."),
}
_PREEMPTIVE = {*_ERRORS, FaultKind.RESET_BEFORE}
_AFFECTED_VERBS: Mapping[FaultKind, tuple[str, ...]] = {
    FaultKind.STALE_GET: ("Get",),
    FaultKind.STALE_LIST: ("List",),
    FaultKind.UNKNOWN_STATUS: ("Get", "List"),
    FaultKind.TOKENLESS: ("Get",),
    FaultKind.METRICLESS: ("Get",),
    FaultKind.ANOTHER_JOB: ("Get",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: the ``nth`` matching call from now on, and later ones, fail.

    ``operation`` is the name of an operation, one of ``VERBS`` for all kinds, or None for any
    call. ``times`` is the maximum number of failing calls, or None for no limit. With
    ``probability`` only some fail, selected by ``seed`` and the number of the call. ``seconds``
    are real for a delay and simulated for a stale read, where None means an empty service. With
    ``before`` a replaced response is sent before the call is carried out.
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
        return self.before or self.kind in _PREEMPTIVE

    def can_affect(self, operation: str) -> bool:
        """Whether the fault applies to calls of an operation."""
        # Some kinds alter a response and make sense for certain verbs only.
        concerned = _AFFECTED_VERBS.get(self.kind)
        if concerned and not any(operation in expand_operation(verb) for verb in concerned):
            return False
        return self.operation is None or operation in expand_operation(self.operation)

    def is_triggered(self, call: int, fired: int) -> bool:
        """Whether the ``call``-th matching call fails, after ``fired`` have failed."""
        if call < self.nth or (self.times is not None and fired >= self.times):
            return False
        return self.probability is None or self._draw_share(call) < self.probability

    def _draw_share(self, call: int) -> float:
        """Return a number from 0 to 1 that depends only on the fault and the call's number."""
        # Derived from the call number, so that a run can be repeated exactly.
        text = f"{self.kind}/{self.seed}/{call}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


@dataclass(frozen=True, slots=True)
class InjectedFaults:
    """The faults that apply to one call, in the order in which they were injected."""

    faults: tuple[Fault, ...] = ()

    @property
    def names(self) -> str | None:
        """The kinds of the faults as recorded in the journal, or None."""
        return ", ".join(fault.kind for fault in self.faults) or None

    @property
    def error(self) -> ApiError | None:
        """The error that is returned instead of carrying out the call."""
        found = (_ERRORS[fault.kind] for fault in self.faults if fault.kind in _ERRORS)
        return next((ApiError(code, message) for code, message in found), None)

    @property
    def replacement(self) -> Fault | None:
        """The fault that replaces the service's response."""
        return next((fault for fault in self.faults if fault.kind in REPLACING), None)

    def has(self, kind: FaultKind) -> bool:
        """Whether there is a fault of this kind."""
        return any(fault.kind is kind for fault in self.faults)

    def sum_seconds(self, kind: FaultKind) -> float:
        """Return the sum of the seconds of these faults; a missing number counts as infinite."""
        met = (fault.seconds for fault in self.faults if fault.kind is kind)
        return sum(float("inf") if seconds is None else seconds for seconds in met)

    def apply_to(self, shown: dict[str, Any], kind: Kind) -> dict[str, Any]:
        """Return a job's members in Get or List, altered by the faults."""
        left = dict(shown)
        if self.has(FaultKind.UNKNOWN_STATUS):
            left[kind.status_member] = UNKNOWN_STATUS
        if self.has(FaultKind.TOKENLESS):
            left.pop(kind.token_member, None)
        if self.has(FaultKind.METRICLESS) and kind.simulation is not None:
            left.pop(kind.simulation.training_metric[0], None)
        if self.has(FaultKind.ANOTHER_JOB):
            left |= {member: f"{left[member]}0" for member in (kind.name_member, kind.arn_member)}
        return left


NO_FAULTS = InjectedFaults()


@cache
def expand_operation(operation: str) -> frozenset[str]:
    """Return the operations that a name of an operation, or a verb, refers to."""
    if operation not in VERBS:
        return frozenset((operation,))
    return frozenset(kind.get_operation(operation) for kind in KINDS.values() if kind.simulation)


def can_target(kind: FaultKind, operation: str) -> bool:
    """Whether a kind of fault can apply to an operation, or to the operations of a verb."""
    return any(Fault(kind=kind).can_affect(name) for name in expand_operation(operation))
