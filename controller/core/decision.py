"""The decision table: ordered early returns over all that is known of one job (DESIGN 6).

A rule sees one case and either has its action or leaves it to the next. The first rules deal with
what must not be acted on, so that the later ones may trust what they see. Rules for retries, new
revisions, tags and pruning join the run here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.core.actions import Action, Reason, Verb
from controller.core.diff import Difference, difference, failure_text
from controller.core.fleet import Fleet, forbidden_target
from controller.core.identity import Ownership, ownership
from controller.core.kind import Kind
from controller.core.model import (
    Desired,
    Existence,
    Live,
    Observation,
    Recorded,
    State,
    Submission,
    Target,
)

HELD_PER_DIGEST = frozenset({Reason.SUBMIT_REFUSED, Reason.TOKEN_REPLAY})
"""Reasons that hold until the digest changes: the same request would end the same way."""


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of one job, gathered for the rules."""

    kind: Kind
    desired: Desired
    observation: Observation
    recorded: Recorded | None
    fleet: Fleet
    now: datetime

    @property
    def submission(self) -> Submission:
        """The submission; rules ask for it only after invalid manifests are dealt with."""
        if self.desired.submission is None:
            raise ValueError(f"{self.desired.key} is invalid and has no submission")
        return self.desired.submission

    @property
    def is_absent(self) -> bool:
        """Whether the service was asked and has no such job."""
        return self.observation.existence is Existence.ABSENT

    @property
    def is_recorded_for_this_digest(self) -> bool:
        """Whether the sidecar speaks of today's spec."""
        return self.recorded is not None and self.recorded.digest == self.submission.digest

    def action(
        self, verb: Verb, reason: Reason, message: str, difference: Difference | None = None
    ) -> Action:
        """Return an action on this job that carries what was seen of it."""
        return Action(
            verb,
            reason,
            self.desired,
            message,
            place=self.observation.place,
            live=self.observation.live,
            changes=difference.changes if difference else (),
            failure=self.observation.failure,
        )


def _invalid(case: Case) -> Action | None:
    problems = case.desired.problems
    if not problems and case.desired.submission is not None:
        return None
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    first = f"; the first: {problems[0].code} {problems[0].message}" if problems else ""
    return case.action(Verb.HOLD, Reason.INVALID, f"The manifest has {count}{first}")


def _forbidden(case: Case) -> Action | None:
    """What a manifest left open in its target is only known here; the fleet's rules still hold."""
    place = case.observation.place
    if place is None:
        return None
    found = forbidden_target(Target(place.region, place.account_id), case.fleet)
    if not found:
        return None
    text = "; ".join(f"{one.code.code} {one.message} ({one.hint})" for one in found)
    return case.action(Verb.HOLD, Reason.INVALID, text)


def _wrong_target(case: Case) -> Action | None:
    place = case.observation.place
    if place is None:
        return None
    declared = case.desired.target.account_id
    if declared is not None and declared != place.account_id:
        return case.action(
            Verb.HOLD,
            Reason.WRONG_TARGET,
            f"The credentials act in {place}, but the job is declared for account {declared}: use "
            "credentials of that account, or correct target.accountId",
        )
    if case.recorded is not None and not case.recorded.may_be_in(place):
        return case.action(
            Verb.HOLD,
            Reason.WRONG_TARGET,
            f"The credentials act in {place}, but the sidecar records {case.recorded.place}: use "
            "credentials of that place, or give the manifest another name to submit it here",
        )
    return None


def _unknown(case: Case) -> Action | None:
    if case.observation.existence is not Existence.UNKNOWN:
        return None
    return case.action(
        Verb.HOLD,
        Reason.OBSERVATION_FAILED,
        f"The job could not be looked up: {case.observation.failure}",
    )


def _refused(case: Case) -> Action | None:
    if not (case.is_absent and case.recorded and case.is_recorded_for_this_digest):
        return None
    if case.recorded.reason not in HELD_PER_DIGEST:
        return None
    return case.action(Verb.HOLD, Reason(case.recorded.reason), case.recorded.message)


def _missing(case: Case) -> Action | None:
    if not (case.is_absent and case.recorded and case.recorded.arn):
        return None
    return case.action(
        Verb.HOLD,
        Reason.LIVE_MISSING,
        f"The sidecar records {case.recorded.arn}, which the service does not have. If that job is "
        "gone for good, delete the sidecar's entry to submit again",
    )


def _unsettled(case: Case) -> Action | None:
    """Where names are not unique, only time tells whether an unanswered Create made a job."""
    if not (case.is_absent and case.recorded and case.recorded.is_intent):
        return None
    written = case.recorded.written_at
    settled = timedelta(seconds=case.kind.settle_seconds)
    if case.kind.unique_names or (written is not None and case.now - written >= settled):
        return None
    return case.action(
        Verb.WAIT,
        Reason.INTENT_UNCONFIRMED,
        "An earlier Create has no known outcome: wait until it would have shown",
    )


def _not_wanted(case: Case) -> Action | None:
    if not case.is_absent:
        return None
    match case.desired.policy.state:
        case State.SUSPENDED:
            return case.action(Verb.NOOP, Reason.SUSPENDED, "Suspended: it is not submitted")
        case State.STOPPED:
            return case.action(Verb.NOOP, Reason.STOPPED, "Stopped: it is not submitted")
        case State.SUBMITTED:
            return None


def _unconfirmed(case: Case) -> Action | None:
    if not (case.is_absent and case.recorded and case.recorded.is_intent):
        return None
    return case.action(
        Verb.SUBMIT,
        Reason.INTENT_UNCONFIRMED,
        "An earlier Create has no known outcome: submit again under the same token and name",
    )


def _not_submitted(case: Case) -> Action | None:
    if not case.is_absent:
        return None
    return case.action(
        Verb.SUBMIT, Reason.NOT_SUBMITTED, f"No job {case.submission.name} exists yet"
    )


def _live(case: Case) -> Live:
    if case.observation.live is None:
        raise ValueError(f"{case.desired.key} is present, but its live job is not given")
    return case.observation.live


def _whose(case: Case) -> Ownership:
    """Tokens decide; where Get shows none, the recorded ARN does, then an exact name."""
    live = _live(case)
    if live.token is not None:
        return ownership(live.token, case.submission, case.fleet.owner)
    if case.recorded is not None and case.recorded.arn == live.arn:
        same = case.recorded.digest == case.submission.digest
        return Ownership.SAME if same else Ownership.CHANGED
    if case.kind.echoes_token:
        return Ownership.FOREIGN
    return Ownership.CHANGED if _differences(case).changes else Ownership.SAME


def _differences(case: Case) -> Difference:
    return difference(case.kind, case.submission.request, _live(case).members)


def _not_owned(case: Case) -> Action | None:
    """Another's job is ours only when the manifest adopts it, and only with an equal spec."""
    if _whose(case) is not Ownership.FOREIGN:
        return None
    live = _live(case)
    if case.desired.policy.adopt != live.arn:
        return case.action(
            Verb.HOLD,
            Reason.NOT_OWNED,
            f"{live.arn} was made elsewhere under the name {live.name}. Give the manifest another "
            "name, or set policy.adopt to that ARN if it stands for that job",
        )
    if _was_adopted(case, live):
        return None
    found = _differences(case)
    if found.changes or found.unknown:
        fields = ", ".join([change.member for change in found.changes] or found.unknown)
        return case.action(
            Verb.HOLD,
            Reason.NOT_OWNED,
            f"{live.arn} cannot be adopted: its spec is not shown to be the manifest's in {fields}",
            found,
        )
    return case.action(
        Verb.ADOPT, Reason.ADOPTED, f"{live.arn} comes under this manifest: their specs are equal"
    )


def _was_adopted(case: Case, live: Live) -> bool:
    """An adoption holds as long as the manifest asks for the spec that was compared then."""
    return (
        case.recorded is not None
        and case.recorded.arn == live.arn
        and case.is_recorded_for_this_digest
    )


def _stop(case: Case) -> Action | None:
    live = _live(case)
    if live.status in case.kind.terminal or case.desired.policy.state is not State.STOPPED:
        return None
    if not case.kind.stoppable or live.status in case.kind.stopping:
        return None
    return case.action(
        Verb.STOP,
        Reason.STOP_REQUESTED,
        f"Stop {live.arn}: it cannot be resumed, is billed up to now and yields no model",
    )


def _changed(case: Case) -> Action | None:
    if _whose(case) is not Ownership.CHANGED:
        return None
    found = _differences(case)
    fields = ", ".join(change.member for change in found.changes) or _unshown(found)
    return case.action(
        Verb.HOLD,
        Reason.SPEC_CHANGED,
        f"The spec changed after submit: {fields}. A submitted job cannot be changed: restore the "
        "spec, or give the manifest another name to submit it as a new job",
        found,
    )


def _unshown(found: Difference) -> str:
    """Say what is known when the digest differs and no shown member does."""
    if found.unknown:
        return f"in a member that the service shows otherwise ({', '.join(found.unknown)})"
    return "in a member that the service does not show, or in how a value is written"


def _ended(case: Case) -> Action | None:
    live = _live(case)
    if live.status in case.kind.succeeded:
        return case.action(Verb.NOOP, Reason.COMPLETED, "The job completed")
    if live.status in case.kind.failed:
        cause = failure_text(case.kind, live.members)
        return case.action(Verb.NOOP, Reason.FAILED, f"The job failed: {cause}")
    if live.status in case.kind.stopped:
        return case.action(Verb.NOOP, Reason.STOPPED, "The job was stopped")
    return None


def _in_progress(case: Case) -> Action:
    live = _live(case)
    stage = _stage(case.kind, live)
    return case.action(
        Verb.WAIT, Reason.IN_PROGRESS, f"The job is {live.status}{f': {stage}' if stage else ''}"
    )


def _stage(kind: Kind, live: Live) -> str:
    """Return the stage that has the job's own status, such as ``training``."""
    stages = live.members.get(kind.stages_member)
    if not isinstance(stages, Mapping):
        return ""
    found = (
        name.removesuffix("Details")
        for name, stage in stages.items()
        if isinstance(stage, Mapping) and stage.get("status") == live.status
    )
    return next(found, "")


RULES: tuple[Callable[[Case], Action | None], ...] = (
    _invalid,
    _forbidden,
    _wrong_target,
    _unknown,
    _refused,
    _missing,
    _unsettled,
    _not_wanted,
    _unconfirmed,
    _not_submitted,
    _not_owned,
    _stop,
    _changed,
    _ended,
    _in_progress,
)
