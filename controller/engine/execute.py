"""Executes actions: write the intent, make the call, then observe the job again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from controller.core.call_errors import make_failure
from controller.core.fleet import Fleet
from controller.core.identity.tags import add_stamp_tags, collect_wanted_tags, get_job_tag_member
from controller.core.jobs.attempts import Attempts
from controller.core.kinds.kind import Kind
from controller.core.model import (
    CallFailure,
    DesiredJob,
    Disposition,
    Existence,
    JobKey,
    JobRecord,
    LiveJob,
    Observation,
    Place,
    Submission,
)
from controller.core.planning.actions import Action, Outcome, Reason, Verb
from controller.core.planning.plan import decide_action
from controller.core.policy import State
from controller.core.status.conditions import UNOBSERVED_REASONS, is_withheld
from controller.core.status.entry import build_intent
from controller.engine.job_lookup import make_unknown, start_lookup
from controller.ports import Clock, Cloud, CloudError, Ledger, LedgerError

_CONFIRM_DELAYS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds between lookups of a job that was just created: reads lag behind writes."""

_INTENT_KEPT_REASONS = UNOBSERVED_REASONS | {
    Reason.QUEUED,
    Reason.INTENT_UNCONFIRMED,
    Reason.SUBMIT_REFUSED,
}
"""Reasons for which an entry keeps recording an unanswered Create."""


@dataclass(frozen=True, slots=True)
class ActionExecutor:
    """Executes single actions; an error becomes an outcome and does not stop other actions.

    ``now`` is the time of the pass; the clock is used only for waiting.
    """

    kinds: Mapping[str, Kind]
    desired: Mapping[JobKey, DesiredJob]
    recorded: Mapping[JobKey, JobRecord]
    fleet: Fleet
    cloud: Cloud
    ledger: Ledger
    clock: Clock
    now: datetime

    def execute(self, action: Action) -> Outcome:
        """Return the outcome of an action; one that changes nothing is its own outcome.

        If the action would discard an unanswered Create, that Create's outcome is looked up first.
        """
        try:
            if action.verb is not Verb.STOP and self._has_forgotten_create(action):
                return Outcome(action, self._decide(action, self._observe(action)))
        except CloudError as error:
            return Outcome(action, self._decide(action, make_unknown(action.place, error.failure)))
        match action.verb:
            case Verb.SUBMIT:
                return self._submit(action)
            case Verb.STOP:
                return self._stop(action)
            case Verb.TAG:
                return self._retag(action)
            case Verb.ADOPT:
                return Outcome(action, self._decide_adopted(action))
            case _:
                return Outcome(action, action)

    def confirm(self, outcome: Outcome) -> Outcome:
        """Observe the job of a submit and return its outcome; others are returned unchanged."""
        action, arn = outcome.planned, outcome.arn
        if action.verb is not Verb.SUBMIT or arn is None:
            return outcome
        try:
            live = self._find_job(action, arn, action.desired.name)
        except CloudError as error:
            return Outcome(action, replace(action, failure=error.failure), arn=arn)
        if live is None or live.arn != arn:
            # Another job with the same name says nothing about the job that Create returned.
            return outcome
        return Outcome(action, self._decide_created(action, _require_submission(action), live))

    def is_withheld(self, outcome: Outcome) -> bool:
        """Whether a job's entry must not be written, because its record could not be read."""
        return is_withheld(outcome.actual, self.recorded.get(outcome.planned.desired.key))

    def _submit(self, action: Action) -> Outcome:
        desired, kind = action.desired, self._get_kind(action)
        submission = _require_submission(action)
        try:
            written = build_intent(kind, action, self.recorded.get(desired.key))
            # Before the call: if this process dies now, the next pass knows that a job may exist.
            self.ledger.write(desired.source, desired.key, written)
        except LedgerError as error:
            return Outcome(action, action, _make_write_failure(error))
        try:
            request = add_stamp_tags(kind, desired, submission, self.fleet)
            arn = self.cloud.create(kind, desired.target, request, submission.token)
        except CloudError as error:
            return self._handle_create_failure(action, error.failure)
        return Outcome(action, action, arn=arn)

    def _handle_create_failure(self, action: Action, failure: CallFailure) -> Outcome:
        """Return the outcome of a failed Create, after looking the job up if it may exist.

        It may exist if the name is in use, if the response was lost, or if an earlier unanswered
        Create made it: then that very job may take the last slot of the quota.
        """
        is_open = failure.disposition is Disposition.CONFLICT or failure.ambiguous
        try:
            if not is_open and not self._has_earlier_create(action, failure):
                return Outcome(action, action, failure)
        except CloudError:
            # This Create was refused, but the outcome of the earlier one is still unknown.
            return Outcome(action, action, replace(failure, ambiguous=True))
        again = self._decide(action, self._observe(action))
        # Still not visible: the failure stands, and later passes look again.
        if again.live is None:
            return Outcome(action, action, failure)
        return Outcome(action, again)

    def _has_earlier_create(self, action: Action, failure: CallFailure) -> bool:
        """Whether an earlier unanswered Create made a refused one's job; raises CloudError."""
        recorded = self.recorded.get(action.desired.key)
        ends_intent = failure.disposition in {Disposition.REFUSED, Disposition.QUOTA}
        if recorded is None or not recorded.is_intent or not ends_intent:
            return False
        return self._find_job(action, action.desired.name) is not None

    def _has_forgotten_create(self, action: Action) -> bool:
        """Whether an unanswered Create that this action discards has made a job; raises CloudError.

        A submit under the same name does not discard it, because token and name keep it one job.
        Under another name it would be a second job, and in other cases the job would run unnoticed.
        """
        recorded = self.recorded.get(action.desired.key)
        if recorded is None or not recorded.is_intent or not recorded.name:
            return False
        # Then the entry stays as it is, and the intent with it.
        if action.desired.removed or action.reason in _INTENT_KEPT_REASONS:
            return False
        lives = [action.live, *(one.live for one in action.earlier)]
        seen = {live.name for live in lives if live is not None}
        # Under the same name this submit repeats the unanswered Create.
        if action.verb is Verb.SUBMIT:
            seen.add(action.desired.name)
        return recorded.name not in seen and self._find_job(action, recorded.name) is not None

    def _find_job(self, action: Action, *identifiers: str) -> LiveJob | None:
        """Return a job, waiting a short time for it to become visible, or None."""
        kind, target = self._get_kind(action), action.desired.target
        # None ends the waits: after the last lookup there is nothing left to wait for.
        for pause in (*_CONFIRM_DELAYS, None):
            for identifier in identifiers:
                live = self.cloud.get(kind, target, identifier)
                if live is not None:
                    return live
            if pause is not None:
                self.clock.sleep(pause)
        return None

    def _decide_created(self, action: Action, submission: Submission, live: LiveJob) -> Action:
        """Check that the returned job is the requested one, by name and token, and decide on it."""
        if live.name == submission.name and live.token in {None, submission.token}:
            seen = self._observe_created(action, submission, live)
            recorded = _make_record(action.place, submission, live)
            return self._decide(action, seen, recorded)
        return replace(
            action,
            verb=Verb.HOLD,
            reason=Reason.TOKEN_REPLAY,
            message=f"Create returned {live.arn}, which is another job ({live.name}) than "
            f"{submission.name}. Rename the manifest, and report this",
        )

    def _observe_created(
        self, action: Action, submission: Submission, live: LiveJob
    ) -> Observation:
        """Return the observation of a new job, with all the tags that it was submitted with."""
        kind = self._get_kind(action)
        want = collect_wanted_tags(kind, action.desired, submission, self.fleet)
        # The output does not exist yet, so only the job itself has tags now.
        sent = {member: want[member] for member in want if member == get_job_tag_member(kind)}
        seen = _make_present(action.place, live)
        return replace(seen, submission=submission, earlier=action.earlier, tags=sent)

    def _stop(self, action: Action) -> Outcome:
        """Stop every job of the action; one that has ended meanwhile counts as stopped."""
        found: CallFailure | None = None
        for live in action.stops:
            try:
                self.cloud.stop(self._get_kind(action), action.desired.target, live.arn)
            except CloudError as error:
                # A conflict means that the job has ended already.
                if error.failure.disposition is not Disposition.CONFLICT:
                    found = error.failure
        try:
            self._has_forgotten_create(action)
        except CloudError as error:
            # The entry stays as recorded: nothing else leads to the job of the unanswered Create.
            now = self._decide(action, make_unknown(action.place, error.failure))
            text = f"{now.message}; before that, the stop failed: {found}" if found else now.message
            return Outcome(action, replace(now, message=text))
        now = self._decide(action, self._observe(action))
        # A failed lookup knows less than the planned action did.
        return Outcome(action, action if now.live is None else now, found)

    def _retag(self, action: Action) -> Outcome:
        """Set tags before removing any, so that wanted tags are never missing in between."""
        target = action.desired.target
        try:
            for retag in action.retags:
                if retag.put:
                    self.cloud.add_tags(target, retag.arn, retag.put)
                if retag.drop:
                    self.cloud.remove_tags(target, retag.arn, retag.drop)
        except CloudError as error:
            return Outcome(action, action, error.failure)
        return Outcome(action, self._decide(action, self._observe(action)))

    def _decide_adopted(self, action: Action) -> Action:
        submission, live = _require_submission(action), action.live
        if live is None:
            raise ValueError(f"{action.desired.key}: an adoption needs a live job")
        recorded = replace(_make_record(action.place, submission, live), tags=action.tags)
        desired = self.desired[action.desired.key]
        attempts = Attempts(self._get_kind(action), desired, self.fleet)
        # The next pass submits what follows; an attempt that must wait is recorded now.
        waits = desired.policy.state is not State.SUBMITTED
        seen = replace(
            _make_present(action.place, live),
            submission=submission,
            earlier=action.earlier,
            next_submission=attempts.find_next_attempt(submission, live, recorded)
            if waits
            else None,
        )
        return self._decide(action, seen, recorded)

    def _observe(self, action: Action) -> Observation:
        if action.place is None:
            raise ValueError(f"{action.desired.key}: an action needs a place")
        key = action.desired.key
        attempts = Attempts(self._get_kind(action), self.desired[key], self.fleet)
        known = self.recorded.get(key)
        if known is not None and action.verb is Verb.TAG:
            # An earlier refusal to list tags says nothing about those that were just set.
            known = replace(known, unread_tags={})
        return start_lookup(attempts, action.place, known, full=False).observe(self.cloud)

    def _decide(
        self, action: Action, seen: Observation, recorded: JobRecord | None = None
    ) -> Action:
        desired = self.desired[action.desired.key]
        known = recorded or self.recorded.get(desired.key)
        return decide_action(self._get_kind(action), desired, seen, known, self.fleet, self.now)

    def _get_kind(self, action: Action) -> Kind:
        return self.kinds[action.desired.key.kind]


def _require_submission(action: Action) -> Submission:
    if action.desired.submission is None:
        raise ValueError(f"{action.desired.key} is invalid and cannot be acted on")
    return action.desired.submission


def _make_present(place: Place | None, live: LiveJob) -> Observation:
    return Observation(Existence.PRESENT, place, live)


def _make_record(place: Place | None, submission: Submission, live: LiveJob) -> JobRecord:
    return JobRecord({}, digest=submission.digest, arn=live.arn, place=place)


def _make_write_failure(error: LedgerError) -> CallFailure:
    return make_failure("SidecarNotWritten", f"{error}; nothing was submitted", reading=False)
