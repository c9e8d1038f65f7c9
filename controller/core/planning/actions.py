"""The types of a plan: actions, their reasons, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from controller.core.identity.tags import Retag, Tags
from controller.core.model import CallFailure, DesiredJob, EarlierJob, FieldChange, LiveJob, Place


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
    def is_mutating(self) -> bool:
        """Whether executing it calls an operation that changes something."""
        return self in {Verb.SUBMIT, Verb.STOP, Verb.TAG}


class Reason(StrEnum):
    """Why an action was chosen: a closed list, documented in docs/reference/reasons.md."""

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


UNREADABLE_REASONS = frozenset({Reason.OBSERVATION_FAILED, Reason.RECORD_UNREADABLE})
"""Reasons for which something could not be read: the pass has failed, and a retry is safe."""


@dataclass(frozen=True, slots=True)
class Action:
    """What will happen to one job, and why.

    ``live`` is the job that the decision was based on, ``place`` the account and region that were
    searched, and ``earlier`` the manifest's previous jobs that it replaced. ``stops`` are the jobs
    that STOP stops, ``retags`` what TAG corrects, ``tags`` the tags known to be as wanted, and
    ``unread_tags`` those that the service refuses to list. ``awaits_members`` says that Get may
    soon show more about a job that has ended.
    """

    verb: Verb
    reason: Reason
    desired: DesiredJob
    message: str = ""
    place: Place | None = None
    live: LiveJob | None = None
    changes: tuple[FieldChange, ...] = ()
    failure: CallFailure | None = None
    earlier: tuple[EarlierJob, ...] = ()
    stops: tuple[LiveJob, ...] = ()
    retags: tuple[Retag, ...] = ()
    tags: Mapping[str, Tags] = field(default_factory=dict)
    unread_tags: Mapping[str, Tags] = field(default_factory=dict)
    awaits_members: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The action of every job, sorted by key: the value that is printed, checked and executed."""

    actions: tuple[Action, ...] = ()

    @property
    def changes(self) -> tuple[Action, ...]:
        """The actions that change something, in the order in which they start.

        Unconfirmed submits go first: their jobs may be running already.
        """
        return tuple(
            sorted(
                (action for action in self.actions if action.verb.is_mutating),
                key=lambda action: (
                    # False sorts before True, so unconfirmed intents come first.
                    action.reason is not Reason.INTENT_UNCONFIRMED,
                    # Higher priorities first; the key keeps the order the same on every machine.
                    -action.desired.policy.priority,
                    action.desired.key,
                ),
            )
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a planned action.

    ``actual`` is the decision that describes the job afterwards: the planned one if nothing was
    executed or the call failed, otherwise the one made after observing the job again. ``arn`` is
    set when Create returned it but the job is not visible yet. ``active`` is the number of active
    jobs when the service's quota refused a Create, or None if they could not be counted.
    """

    planned: Action
    actual: Action
    failure: CallFailure | None = None
    arn: str | None = None
    active: int | None = None
