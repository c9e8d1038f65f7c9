"""The data types that all packages share, as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from controller.core.policy import DEFAULT_POLICY, OnDelete, Policy, State

API_VERSION = "bedrock-jobs/v1"
SUBMITTING = "Submitting"


@dataclass(frozen=True, slots=True, order=True)
class JobKey:
    """A job's identity in the tree, which never includes its path."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A position in a file; line and column start at 1, and 0 means the file as a whole."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


class Severity(StrEnum):
    """How serious a problem is."""

    ERROR = "error"
    """The manifest or file that has it is invalid."""
    WARNING = "warning"
    """It is reported, but changes neither what is done nor the exit code."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem in a manifest or the fleet's file: what is wrong, where, and what to do."""

    code: str
    message: str
    source: Source
    hint: str = ""
    key: JobKey | None = None
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        """Whether it makes its manifest or file invalid."""
        return self.severity is Severity.ERROR


@dataclass(frozen=True, slots=True)
class Target:
    """Where a job belongs: a region, the required account, the role to assume."""

    region: str | None = None
    account_id: str | None = None
    assume_role_arn: str | None = None

    def fill_from(self, fallback: Target) -> Target:
        """Return this target with its gaps filled from another."""
        return Target(
            self.region or fallback.region,
            self.account_id or fallback.account_id,
            self.assume_role_arn or fallback.assume_role_arn,
        )

    @property
    def known_place(self) -> tuple[str | None, str | None]:
        """The account and region as far as they are known; a role's ARN contains its account."""
        # arn:aws:iam::ACCOUNT:role/NAME
        parts = (self.assume_role_arn or "").split(":", 5)
        return self.account_id or (parts[4] if len(parts) > 5 else None), self.region


@dataclass(frozen=True, slots=True)
class Manifest:
    """A YAML document as written, parsed by its schema.

    ``spec`` is exactly what the document holds, with typed scalars. It is None when the document
    cannot be trusted; then ``problems`` says why. ``job_name`` is the name of its first job, as far
    as that can be read.
    """

    key: JobKey
    source: Source
    labels: Mapping[str, str] = field(default_factory=dict)
    target: Target = Target()
    policy: Policy = DEFAULT_POLICY
    spec: Mapping[str, Any] | None = None
    problems: tuple[Problem, ...] = ()
    job_name: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """What was found and parsed under the given paths.

    ``problems`` holds every finding, including those of manifests, sorted by position.
    """

    manifests: tuple[Manifest, ...] = ()
    problems: tuple[Problem, ...] = ()
    files: int = 0


@dataclass(frozen=True, slots=True)
class Submission:
    """A Create request without its token, and what identifies it.

    ``digest`` and ``token`` are functions of the manifest and the owner alone.
    """

    name: str
    attempt: int
    request: Mapping[str, Any]
    digest: str
    token: str
    revision: str = ""
    """The eight digits in the names of a new revision."""


@dataclass(frozen=True, slots=True)
class DesiredJob:
    """A manifest with its target resolved and its current submission derived.

    ``submission`` is None when the manifest is invalid; ``name`` is then the best guess at the
    job's name, so that its live job is still observed. Further submissions are derived from
    ``spec``; ``path`` is the manifest's path relative to the fleet's folder. ``removed`` says that
    only a sidecar still records the job, and ``prunes`` that this pass may stop it for that reason.
    """

    key: JobKey
    source: Source
    target: Target
    policy: Policy
    name: str
    submission: Submission | None
    labels: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    spec: Mapping[str, Any] | None = None
    path: str = ""
    removed: bool = False
    prunes: bool = False

    @property
    def can_stop(self) -> bool:
        """Whether a pass may stop its job, which is then observed even in forbidden places."""
        return self.prunes if self.removed else self.policy.state is State.STOPPED


@dataclass(frozen=True, slots=True)
class LiveJob:
    """A job as returned by Get; ``members`` is the whole response, with times in RFC 3339."""

    arn: str
    name: str
    status: str
    token: str | None
    members: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EarlierJob:
    """A previous job of a manifest that another one replaced, and its attempt if known."""

    live: LiveJob
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A job as returned by List, which has no token."""

    arn: str
    name: str
    status: str
    modified: str | None
    members: Mapping[str, Any]


class Disposition(StrEnum):
    """What a failed call means for the next call."""

    TRANSIENT = "Transient"
    QUOTA = "Quota"
    REFUSED = "Refused"
    CONFLICT = "Conflict"
    DENIED = "Denied"
    ABSENT = "Absent"


@dataclass(frozen=True, slots=True)
class CallFailure:
    """Why a call failed: the service's code and message verbatim, and their classification.

    ``ambiguous`` says that the call may have taken effect nevertheless, because its response was
    lost.
    """

    code: str
    message: str
    disposition: Disposition
    ambiguous: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


class Existence(StrEnum):
    """What a pass knows about a job's existence; unknown is never treated as absent."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """An account and a region, in which credentials act."""

    account_id: str
    region: str

    def __str__(self) -> str:
        return f"account {self.account_id}, region {self.region}"


@dataclass(frozen=True, slots=True)
class Observation:
    """What one pass observed of a manifest's jobs, and where; None means not known.

    ``submission`` is the one that was looked up, None for the manifest's first. ``next_submission``
    is what policy would submit next; no job of it exists. ``tags`` holds, by the member that
    declares them, the tags that were read or why they could not be. ``is_from_record`` says that no
    call was made: the place is the declared or recorded one, and may not be where the credentials
    act.
    """

    existence: Existence
    place: Place | None = None
    live: LiveJob | None = None
    failure: CallFailure | None = None
    submission: Submission | None = None
    earlier: tuple[EarlierJob, ...] = ()
    next_submission: Submission | None = None
    tags: Mapping[str, Mapping[str, str] | CallFailure] = field(default_factory=dict)
    is_from_record: bool = False


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A declared member that Get shows with another value; sensitive values are masked."""

    member: str
    declared: str
    live: str


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A sidecar that could not be read and may hold a job's record: its ``path`` and the ``cause``.

    ``broken`` says that the file was read but is malformed; otherwise it could not be read at all.
    ``own`` says that it is the sidecar beside the job's manifest.
    """

    path: str
    cause: str
    broken: bool
    own: bool


@dataclass(frozen=True, slots=True)
class JobRecord:
    """What a sidecar records of one job, or why that is not known.

    ``entry`` is the JSON object in the file, and the other members are parsed from it. ``reason``
    and ``message`` are those of its Synced condition; ``written_at`` is the file's modification
    time.
    """

    entry: Mapping[str, Any]
    phase: str = ""
    digest: str = ""
    token: str = ""
    attempt: int = 0
    name: str = ""
    arn: str | None = None
    place: Place | None = None
    reason: str = ""
    message: str = ""
    live: LiveJob | None = None
    unfinished: tuple[str, ...] = ()
    """ARNs of earlier jobs that had not ended when another replaced them."""
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By the member that declares them: the tags that were last seen as wanted."""
    unread_tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By the member that declares them: the wanted tags of an ended job whose tags were refused."""
    on_delete: OnDelete = OnDelete.RETAIN
    queue_active: int | None = None
    """The number of active jobs when the service's quota last refused this one."""
    conflicts: int = 0
    """The number of passes in a row that ended in a conflict with a job that is not visible."""
    written_at: datetime | None = None
    doubt: UnreadableRecord | None = None
    """Set if the job's record, or a part of it, may be in a file that could not be read."""

    @property
    def is_intent(self) -> bool:
        """Whether Create was about to be called and its outcome is not known."""
        return self.phase == SUBMITTING and self.arn is None

    @property
    def arns(self) -> tuple[str, ...]:
        """The ARNs of the job and of those before it."""
        history = (one.get("jobArn") for one in self.entry.get("history") or ())
        # A sidecar that was edited by hand may contain anything here.
        return tuple(arn for arn in (self.arn, *history) if isinstance(arn, str))

    def resolve_place(self, target: Target) -> Place | None:
        """Return the place of a target, with gaps filled from the record; None if unknown."""
        known = self.place
        if known is None:
            return None
        return Place(target.account_id or known.account_id, target.region or known.region)

    def can_be_in(self, place: Place) -> bool:
        """Whether its job may be in a place; without a job or an intent it may be in any."""
        return (self.arn is None and not self.is_intent) or self.place in {None, place}
