"""What is done with a job and why: the plan, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from controller.core.identity.tags import Retag, Tags
from controller.core.model import Change, Desired, Earlier, Failure, Live, Place


class Verb(StrEnum):
    """What an action does."""

    SUBMIT = "SUBMIT"
    ADOPT = "ADOPT"
    STOP = "STOP"
    TAG = "TAG"
    WAIT = "WAIT"
    HOLD = "HOLD"
    NOOP = "NOOP"

    @property
    def mutates(self) -> bool:
        """Whether carrying it out calls an operation that changes something."""
        return self in {Verb.SUBMIT, Verb.STOP, Verb.TAG}


class Reason(StrEnum):
    """Why an action was chosen: a closed list, documented in docs/reasons.md."""

    INVALID = "Invalid"
    OBSERVATION_FAILED = "ObservationFailed"
    RECORD_UNREADABLE = "RecordUnreadable"
    WRONG_TARGET = "WrongTarget"
    SUBMIT_REFUSED = "SubmitRefused"
    LIVE_MISSING = "LiveMissing"
    INTENT_UNCONFIRMED = "IntentUnconfirmed"
    NOT_SUBMITTED = "NotSubmitted"
    SUSPENDED = "Suspended"
    STOPPED = "Stopped"
    IN_PROGRESS = "InProgress"
    STOP_REQUESTED = "StopRequested"
    COMPLETED = "Completed"
    FAILED = "Failed"
    RETRY = "Retry"
    SPEC_CHANGED = "SpecChanged"
    NEW_REVISION = "NewRevision"
    TAGS_CHANGED = "TagsChanged"
    ADOPTED = "Adopted"
    NOT_OWNED = "NotOwned"
    MANIFEST_REMOVED = "ManifestRemoved"
    QUEUED = "Queued"
    TOKEN_REPLAY = "TokenReplay"  # noqa: S105 - a reason's name, not a secret


UNREAD = frozenset({Reason.OBSERVATION_FAILED, Reason.RECORD_UNREADABLE})
"""Reasons under which something could not be read: the pass has failed, and a retry is safe."""


@dataclass(frozen=True, slots=True)
class Action:
    """What will happen to one job, and why.

    ``live`` is the job that the decision was made on, ``place`` where it was looked for, and
    ``earlier`` the manifest's jobs that it took the place of. ``stops`` are the jobs that STOP
    stops, ``retags`` what TAG corrects, ``tags`` what is known to be tagged as wanted, and
    ``unread_tags`` what the service refuses to list. ``awaits_members`` says that Get may show more
    of an ended job soon.
    """

    verb: Verb
    reason: Reason
    desired: Desired
    message: str = ""
    place: Place | None = None
    live: Live | None = None
    changes: tuple[Change, ...] = ()
    failure: Failure | None = None
    earlier: tuple[Earlier, ...] = ()
    stops: tuple[Live, ...] = ()
    retags: tuple[Retag, ...] = ()
    tags: Mapping[str, Tags] = field(default_factory=dict)
    unread_tags: Mapping[str, Tags] = field(default_factory=dict)
    awaits_members: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Every job's action, sorted by key: the value that is printed, guarded and carried out."""

    actions: tuple[Action, ...] = ()

    @property
    def changes(self) -> tuple[Action, ...]:
        """The actions that change something, in the order in which they start.

        Unconfirmed submits go first: their jobs may be running already.
        """
        return tuple(
            sorted(
                (action for action in self.actions if action.verb.mutates),
                key=lambda action: (
                    action.reason is not Reason.INTENT_UNCONFIRMED,
                    -action.desired.policy.priority,
                    action.desired.key,
                ),
            )
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a planned action.

    ``now`` is the decision that describes the job afterwards: the planned one when nothing was
    carried out or the call failed, else what a second look decided. ``arn`` is set when a Create
    was answered but its job has not been seen yet. ``active`` is how many jobs were active when
    the service's quota refused a Create, None if nobody could count.
    """

    planned: Action
    now: Action
    failure: Failure | None = None
    arn: str | None = None
    active: int | None = None
