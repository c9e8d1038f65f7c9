"""The argument of the planning rules: all that is known of one manifest's jobs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from controller.core.fleet import Fleet
from controller.core.identity.tags import (
    TagState,
    collect_wanted_tags,
    compare_tags,
    get_known_tags,
    get_refused_tags,
)
from controller.core.identity.tokens import Ownership, fill_names, find_suffix
from controller.core.jobs.attempts import Attempts, select_submission
from controller.core.jobs.diff import Difference, compare_members
from controller.core.jobs.late_members import is_awaiting_members
from controller.core.kinds.kind import Kind
from controller.core.model import (
    DesiredJob,
    EarlierJob,
    Existence,
    JobRecord,
    LiveJob,
    Observation,
    Submission,
)
from controller.core.planning.actions import Action, Reason, Verb
from controller.core.policy import State


@dataclass(frozen=True, slots=True)
class RuleContext:
    """All that is known of one job, gathered for the planning rules."""

    kind: Kind
    desired: DesiredJob
    observation: Observation
    recorded: JobRecord | None
    fleet: Fleet
    now: datetime

    @property
    def submission(self) -> Submission:
        """The manifest's submission; rules use it only after those for invalid manifests."""
        if self.desired.submission is None:
            raise ValueError(f"{self.desired.key} is invalid and has no submission")
        return self.desired.submission

    @property
    def location_text(self) -> str:
        """Where the job was looked up; names the credentials only if they were checked."""
        who = "target is" if self.observation.is_from_record else "credentials act in"
        return f"the {who} {self.observation.place}"

    @property
    def is_absent(self) -> bool:
        """Whether the service was asked and does not have such a job."""
        return self.observation.existence is Existence.ABSENT

    @property
    def next_submission(self) -> Submission | None:
        """The submission that policy asks for after an existing job, if its state is Submitted."""
        is_wanted = self.desired.policy.state is State.SUBMITTED
        return self.observation.next_submission if is_wanted else None

    @property
    def missing_submission(self) -> Submission | None:
        """The submission without a job: the first one, or the one that is to follow."""
        return self.submission if self.is_absent else self.next_submission

    def is_recorded_for(self, made: Submission | None) -> bool:
        """Whether the sidecar records this submission."""
        return bool(made and self.recorded and self.recorded.digest == made.digest)

    @property
    def tag_state(self) -> TagState:
        """What is known of the tags of a job that is ours."""
        live, observation = self.observation.live, self.observation
        if live is None or self.desired.submission is None:
            return TagState({})
        refused = get_refused_tags(self.kind, live, self.recorded)
        if not observation.tags and not refused and not get_known_tags(live, self.recorded):
            return TagState({})  # nothing is known of them, whatever is wanted
        want = collect_wanted_tags(self.kind, self.desired, self.submission, self.fleet)
        return compare_tags(self.kind, want, live, self.recorded, observation.tags)

    def make_action(
        self, verb: Verb, reason: Reason, message: str, difference: Difference | None = None
    ) -> Action:
        """Return an action on this job that carries what was observed of it."""
        tagged = self.tag_state
        return Action(
            verb,
            reason,
            self.desired,
            message,
            place=self.observation.place,
            live=self.observation.live,
            changes=difference.changes if difference else (),
            failure=self.observation.failure or tagged.failure,
            earlier=self.observation.earlier,
            tags=tagged.matching,
            unread_tags=tagged.unread,
            awaits_members=self._is_awaiting_members,
        )

    @property
    def _is_awaiting_members(self) -> bool:
        live = self.observation.live
        return live is not None and is_awaiting_members(self.kind, live, self.now)

    def make_next_action(self, verb: Verb, reason: Reason, message: str) -> Action:
        """Return an action on the next submission; the existing job becomes an earlier one.

        For a manifest's first submission this is an ordinary action.
        """
        following, live = self.next_submission, self.observation.live
        if following is None or live is None:
            return self.make_action(verb, reason, message)
        attempt = self.submission.attempt
        return replace(
            self.make_action(verb, reason, message),
            desired=select_submission(self.desired, following),
            live=None,
            earlier=(*self.observation.earlier, EarlierJob(live, attempt)),
            # What is known of the earlier job's tags must not be recorded for the next one.
            tags={},
            unread_tags={},
            awaits_members=False,
        )

    @property
    def live(self) -> LiveJob:
        """The live job; rules use it only after those for absent and unknown jobs."""
        if self.observation.live is None:
            raise ValueError(f"{self.desired.key} is present, but its live job is not given")
        return self.observation.live

    @property
    def ownership(self) -> Ownership:
        """Whether the live job is this manifest's."""
        attempts = Attempts(self.kind, self.desired, self.fleet)
        return attempts.judge_ownership(self.submission, self.live, self.recorded)

    @property
    def is_shown(self) -> bool:
        """Whether the service shows a job that is this manifest's, by token or by policy.adopt."""
        live = self.observation.live
        if live is None or self.observation.existence is not Existence.PRESENT:
            return False
        is_named = self.desired.policy.adopt == live.arn
        return is_named or self.ownership is not Ownership.FOREIGN

    @property
    def difference(self) -> Difference:
        """How the live job differs from the manifest; a derived name suffix is no difference."""
        spec, name = self.desired.spec, self.desired.key.name
        request = self.submission.request
        if spec is not None and self.live.name != self.submission.name:
            # The live job may be another attempt than the submission: compare them under its name.
            plain = fill_names(self.kind, spec, name)
            suffix = find_suffix(self.live.name, str(plain[self.kind.name_member]))
            request = fill_names(self.kind, spec, name, suffix) if suffix else request
        return compare_members(self.kind, request, self.live.members)
