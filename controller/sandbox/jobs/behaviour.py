"""The behaviour of the simulated service where it is configurable or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TokenLifetime(StrEnum):
    """How long a token returns the job that it created."""

    NONE = "none"
    TEN_MINUTES = "10m"
    FOREVER = "forever"


class TokenMismatch(StrEnum):
    """What a Create returns whose token created a job with other parameters."""

    OLD_JOB = "old-job"
    CONFLICT = "conflict"


class OverQuota(StrEnum):
    """What happens to a Create when the quota of active jobs is reached."""

    REFUSE = "refuse"
    QUEUE = "queue"


class ModelNames(StrEnum):
    """Whether two jobs may produce models with the same name."""

    REUSABLE = "reusable"
    UNIQUE = "unique"


class JobNames(StrEnum):
    """Whether a job name can be reused."""

    UNIQUE = "unique"
    REPEATABLE = "repeatable"


class FailureMode(StrEnum):
    """How jobs fail that are selected to fail regardless of their data."""

    INTERNAL = "internal"
    CAPACITY = "capacity"
    ACCESS = "access"
    SIZE = "size"
    DATA = "data"


_LIFETIMES = {TokenLifetime.NONE: 0, TokenLifetime.TEN_MINUTES: 600_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """A value for every setting; times are in simulated seconds."""

    life_seconds: float = 3600.0
    """How long a job runs, before ``deviation``."""
    deviation: float = 0.1
    """The maximum deviation of a job's duration from ``life_seconds``, as a fraction of it."""
    failing_part: float = 0.45
    """The fraction of its duration after which a failing job fails."""
    failing_share: float = 0.0
    """The fraction of jobs that fail regardless of their data."""
    failing_with: FailureMode = FailureMode.INTERNAL
    failing_seed: int = 0
    """Selects those jobs: the same seed always selects the same names."""
    stop_seconds: float = 60.0
    """How long a job is Stopping."""
    page_size: int = 100
    """The default page size of List."""
    tags_per_resource: int = 50
    token_lifetime: TokenLifetime = TokenLifetime.FOREVER
    token_mismatch: TokenMismatch = TokenMismatch.OLD_JOB
    quota: int | None = None
    """The maximum number of active jobs per kind, account and region; None is no limit."""
    over_quota: OverQuota = OverQuota.REFUSE
    get_lag: float = 0.0
    """How long Get lags behind Create and Stop."""
    list_lag: float = 0.0
    """How long List lags behind Create and Stop."""
    model_names: ModelNames = ModelNames.REUSABLE
    job_names: JobNames = JobNames.UNIQUE

    def is_token_valid(self, created: int, now: int) -> bool:
        """Whether a token still returns the job that it created at ``created``; times are in ms."""
        # Missing from the table means that tokens never expire.
        lifetime = _LIFETIMES.get(self.token_lifetime)
        return lifetime is None or now - created < lifetime


RECORDED_BEHAVIOUR = Behaviour()
"""The behaviour that was recorded from the service."""
