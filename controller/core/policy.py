"""A manifest's ``policy``: what the controller may do with its job."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The values of ``policy.state``."""

    SUBMITTED = "Submitted"
    SUSPENDED = "Suspended"
    STOPPED = "Stopped"


class OnSpecChange(StrEnum):
    """What to do when the spec of a submitted manifest changes."""

    HOLD = "Hold"
    NEW_REVISION = "NewRevision"


class OnDelete(StrEnum):
    """What to do with a running job whose manifest is gone; applied only with prune."""

    RETAIN = "Retain"
    STOP = "Stop"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the controller may do with a job, from the manifest's ``policy``."""

    state: State = State.SUBMITTED
    on_spec_change: OnSpecChange = OnSpecChange.HOLD
    retries: int = 0
    attempt: int = 0
    adopt: str | None = None
    on_delete: OnDelete = OnDelete.RETAIN
    priority: int = 0


DEFAULT_POLICY = Policy()
"""The policy of a manifest that sets none."""
