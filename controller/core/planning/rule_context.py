"""The argument of the planning rules: all that is known of one manifest's jobs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from controller.core.fleet import Fleet
from controller.core.identity.tags import Tagged, judged, known_tags, refused_tags, wanted
from controller.core.identity.tokens import Ownership, suffix_of, with_names
from controller.core.jobs.attempts import Lineage, turned
from controller.core.jobs.diff import Difference, difference
from controller.core.jobs.late_members import awaits_members
from controller.core.kinds.kind import Kind
from controller.core.model import (
    Desired,
    Earlier,
    Existence,
    Live,
    Observation,
    Recorded,
    Submission,
)
from controller.core.planning.actions import Action, Reason, Verb
from controller.core.policy import State


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of one job, gathered for the planning rules."""

    kind: Kind
    desired: Desired
    observation: Observation
    recorded: Recorded | None
    fleet: Fleet
    now: datetime

    @property
    def submission(self) -> Submission:
        """The manifest's submission; rules use it only after those for invalid manifests."""
        if self.desired.submission is None:
            raise ValueError(f"{self.desired.key} is invalid and has no submission")
        return self.desired.submission

    @property
    def where(self) -> str:
        """Where the job was looked up; names the credentials only if they were checked."""
        who = "target is" if self.observation.unasked else "credentials act in"
        return f"the {who} {self.observation.place}"

    @property
    def is_absent(self) -> bool:
        """Whether the service was asked and does not have such a job."""
        return self.observation.existence is Existence.ABSENT

    @property
    def following(self) -> Submission | None:
        """The submission that policy asks for after an existing job, if its state is Submitted."""
        is_wanted = self.desired.policy.state is State.SUBMITTED
        return self.observation.following if is_wanted else None

    @property
    def missing(self) -> Submission | None:
        """The submission without a job: the first one, or the one that is to follow."""
        return self.submission if self.is_absent else self.following

    def is_recorded_for(self, made: Submission | None) -> bool:
        """Whether the sidecar records this submission."""
        return bool(made and self.recorded and self.recorded.digest == made.digest)

    @property
    def tagged(self) -> Tagged:
        """What is known of the tags of a job that is ours."""
        live, observation = self.observation.live, self.observation
        if live is None or self.desired.submission is None:
            return Tagged({})
        refused = refused_tags(self.kind, live, self.recorded)
        if not observation.tags and not refused and not known_tags(live, self.recorded):
            return Tagged({})  # nothing is known of them, whatever is wanted
        want = wanted(self.kind, self.desired, self.submission, self.fleet)
        return judged(self.kind, want, live, self.recorded, observation.tags)

    def action(
        self, verb: Verb, reason: Reason, message: str, difference: Difference | None = None
    ) -> Action:
        """Return an action on this job that carries what was observed of it."""
        tagged = self.tagged
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
            tags=tagged.right,
            unread_tags=tagged.unread,
            awaits_members=self._awaits_members,
        )

    @property
    def _awaits_members(self) -> bool:
        live = self.observation.live
        return live is not None and awaits_members(self.kind, live, self.now)

    def onward(self, verb: Verb, reason: Reason, message: str) -> Action:
        """Return an action on the next submission; the existing job becomes an earlier one.

        For a manifest's first submission this is an ordinary action.
        """
        following, live = self.following, self.observation.live
        if following is None or live is None:
            return self.action(verb, reason, message)
        attempt = self.submission.attempt
        return replace(
            self.action(verb, reason, message),
            desired=turned(self.desired, following),
            live=None,
            earlier=(*self.observation.earlier, Earlier(live, attempt)),
            # What is known of the earlier job's tags must not be recorded for the next one.
            tags={},
            unread_tags={},
            awaits_members=False,
        )

    @property
    def live(self) -> Live:
        """The live job; rules use it only after those for absent and unknown jobs."""
        if self.observation.live is None:
            raise ValueError(f"{self.desired.key} is present, but its live job is not given")
        return self.observation.live

    @property
    def whose(self) -> Ownership:
        """Whether the live job is this manifest's."""
        lineage = Lineage(self.kind, self.desired, self.fleet)
        return lineage.whose(self.submission, self.live, self.recorded)

    @property
    def is_shown(self) -> bool:
        """Whether the service shows a job that is this manifest's, by token or by policy.adopt."""
        live = self.observation.live
        if live is None or self.observation.existence is not Existence.PRESENT:
            return False
        is_named = self.desired.policy.adopt == live.arn
        return is_named or self.whose is not Ownership.FOREIGN

    @property
    def differences(self) -> Difference:
        """How the live job differs from the manifest; a derived name suffix is no difference."""
        spec, name = self.desired.spec, self.desired.key.name
        request = self.submission.request
        if spec is not None and self.live.name != self.submission.name:
            # The live job may be another attempt than the submission: compare them under its name.
            plain = with_names(self.kind, spec, name)
            suffix = suffix_of(self.live.name, str(plain[self.kind.name_member]))
            request = with_names(self.kind, spec, name, suffix) if suffix else request
        return difference(self.kind, request, self.live.members)
