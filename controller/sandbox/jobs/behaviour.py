"""How the simulated service behaves where it has a choice, or where nobody knows what it does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TokenLifetime(StrEnum):
    """How long a token answers with the job that it made."""

    NONE = "none"
    TEN_MINUTES = "10m"
    FOREVER = "forever"


class TokenMismatch(StrEnum):
    """What becomes of a Create whose token made a job of other parameters."""

    OLD_JOB = "old-job"
    CONFLICT = "conflict"


class OverQuota(StrEnum):
    """What becomes of a Create when as many jobs are active as the quota allows."""

    REFUSE = "refuse"
    QUEUE = "queue"


class ModelNames(StrEnum):
    """Whether two jobs may make products of one name."""

    REUSABLE = "reusable"
    UNIQUE = "unique"


class JobNames(StrEnum):
    """Whether a name that some job has had can name another job."""

    UNIQUE = "unique"
    REPEATABLE = "repeatable"


class FailureMode(StrEnum):
    """What sort of failure the jobs meet that are to fail for no fault of their data."""

    INTERNAL = "internal"
    CAPACITY = "capacity"
    ACCESS = "access"
    SIZE = "size"
    DATA = "data"


_LIFETIMES = {TokenLifetime.NONE: 0, TokenLifetime.TEN_MINUTES: 600_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One position of every choice; times are in simulated seconds."""

    life_seconds: float = 3600.0
    """How long a job runs, before its own deviation."""
    deviation: float = 0.1
    """How far a job's life may lie from ``life_seconds``, as a part of it."""
    failing_part: float = 0.45
    """After which part of its life a job that is to fail does so."""
    failing_share: float = 0.0
    """Which part of the jobs fails though their data ask for no failure."""
    failing_with: FailureMode = FailureMode.INTERNAL
    failing_seed: int = 0
    """Which jobs those are: the same seed always meets the same names."""
    stop_seconds: float = 60.0
    """How long a job is Stopping."""
    page_size: int = 100
    """How many jobs a page of List holds when the caller names no number."""
    tags_per_resource: int = 50
    token_lifetime: TokenLifetime = TokenLifetime.FOREVER
    token_mismatch: TokenMismatch = TokenMismatch.OLD_JOB
    quota: int | None = None
    """How many jobs of a kind may be active in one account and region; None is no limit."""
    over_quota: OverQuota = OverQuota.REFUSE
    get_lag: float = 0.0
    """How long a Create or Stop takes to show in Get."""
    list_lag: float = 0.0
    """How long a Create or Stop takes to show in List."""
    model_names: ModelNames = ModelNames.REUSABLE
    job_names: JobNames = JobNames.UNIQUE

    def is_token_valid(self, created: int, now: int) -> bool:
        """Whether a token still stands for the job that it made at ``created``, both in ms."""
        lifetime = _LIFETIMES.get(self.token_lifetime)
        return lifetime is None or now - created < lifetime


AS_RECORDED = Behaviour()
"""Every choice as the service has been seen to make it."""
