"""One manifest's look: its walk, from job to job, as far as each one's answer leads it.

An answer comes from the sidecar, from Get, or from whoever has listed the jobs. What nobody could
answer is unknown until the next pass, and never absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from controller.core.identity.tags import to_read, token_of, wanted
from controller.core.identity.tokens import Ownership
from controller.core.jobs.attempts import Found, Lineage, Walk
from controller.core.jobs.late_members import awaits_members
from controller.core.jobs.search import walk
from controller.core.model import (
    Existence,
    Failure,
    JobKey,
    Live,
    Observation,
    Place,
    Recorded,
)
from controller.core.policy import State
from controller.ports import Cloud, CloudError

_Answers = Callable[[str], Live | None]


class UnansweredError(Exception):
    """What is at hand does not tell whether a job exists."""


@dataclass(slots=True)
class Look:
    """One manifest's walk under way: where, what is recorded, and which job it asks for next.

    ``found`` is set once it has ended. With ``full``, what ended is asked about again; so is, with
    the pass's ``now``, what ended lately and lacks members that come late.
    ``by_record`` says that the sidecar answered for a job, and ``asks`` that it may not; ``heard``
    holds what the service answered, so that no job is asked for twice.
    """

    lineage: Lineage
    place: Place
    recorded: Recorded | None
    full: bool
    walk: Walk
    asked: str = ""
    found: Found | None = None
    now: datetime | None = None
    by_record: bool = False
    asks: bool = False
    heard: dict[str, Live | None] = field(default_factory=dict)

    @property
    def key(self) -> JobKey:
        """The job's key."""
        return self.lineage.desired.key

    @property
    def is_known_active(self) -> bool:
        """Whether a filtered listing can say that nothing changed."""
        recorded, kind = self.recorded, self.lineage.kind
        return (
            recorded is not None
            and recorded.live is not None
            and recorded.live.status == kind.listed_as_active
            and self._is_of_record(recorded)
        )

    def _is_of_record(self, recorded: Recorded) -> bool:
        """Whether the sidecar's job is asked for: its ARN where no manifest is left to name it."""
        if self.lineage.desired.removed:
            return self.asked == recorded.arn
        named = recorded.live is not None and self.asked == recorded.live.name
        return named and self.lineage.recorded_as(recorded) is not None

    def go(self, answers: _Answers) -> None:
        """Walk on to the end, or to the first job that there is no answer for."""
        try:
            found = self._followed(answers)
            if self.by_record and found.may_submit:
                # A sidecar can be edited or merged: its word never leads to a job that is billed.
                self.walk, self.asked, self.asks = walk(self.lineage, self.recorded), "", True
                found = self._followed(answers)
            self.found = found
        except UnansweredError:
            return

    def _followed(self, answers: _Answers) -> Found:
        """Return where the walk ends; raises UnansweredError where it waits for an answer."""
        try:
            if not self.asked:
                self.asked = next(self.walk)
            while True:
                self.asked = self.walk.send(answers(self.asked))
        except StopIteration as end:
            found: Found = end.value
            return found

    def from_sidecar(self, identifier: str) -> Live:
        """Return a job that ended, which never changes again; any other is unanswered."""
        recorded = self.recorded
        if recorded is None or recorded.live is None or self.full or self.asks:
            raise UnansweredError
        if recorded.live.status not in self.lineage.kind.terminal or self._is_to_compare(recorded):
            raise UnansweredError
        if self.now and awaits_members(self.lineage.kind, recorded.live, self.now):
            raise UnansweredError
        if identifier == recorded.arn or (
            identifier == recorded.live.name and self.lineage.recorded_as(recorded) is not None
        ):
            self.by_record = True
            return recorded.live
        raise UnansweredError

    def _is_to_compare(self, recorded: Recorded) -> bool:
        """Whether an adoption is decided anew, by values that a sidecar may show masked."""
        desired = self.lineage.desired
        if desired.submission is None or desired.policy.adopt != recorded.arn:
            return False
        return recorded.digest != desired.submission.digest

    def observed(self, cloud: Cloud) -> Observation:
        """Walk to the end with one Get for every step, then read the tags that need it."""
        try:
            if self.found is None:
                self.go(partial(self._answered, cloud))
        except CloudError as error:
            return unseen(self.place, error.failure)
        seen = self.settled()
        return replace(seen, tags=self._tags(cloud)) if self.reads_tags else seen

    def settled(self) -> Observation:
        """Return what a walk that has ended came to, tags apart."""
        found = self.found
        if found is None:
            raise ValueError(f"{self.key}: its walk has not ended")
        existence = Existence.PRESENT if found.live else Existence.ABSENT
        return Observation(
            existence,
            self.place,
            found.live,
            submission=found.submission,
            earlier=found.earlier,
            following=found.following,
        )

    @property
    def reads_tags(self) -> bool:
        """Whether tags must be read of what a walk that has ended came to."""
        return any(True for _ in self._unread())

    @property
    def is_settled(self) -> bool:
        """Whether the sidecar alone answered: nothing is to be read, and nothing would follow."""
        return self.found is not None and self.found.following is None and not self.reads_tags

    def _answered(self, cloud: Cloud, identifier: str) -> Live | None:
        lineage = self.lineage
        try:
            return self.from_sidecar(identifier)
        except UnansweredError:
            live = cloud.get(lineage.kind, lineage.desired.target, identifier)
            return self._recognised(live, cloud)

    def _recognised(self, live: Live | None, cloud: Cloud) -> Live | None:
        """Return a job with the token that its stamps prove, where Get omits it; raises CloudError.

        Without either, and without a record of the job, nobody knows whose it is.
        """
        lineage, recorded = self.lineage, self.recorded
        stamped = lineage.fleet.stamp_tags and lineage.kind.echoes_token
        if live is None or live.token is not None or not stamped:
            return live
        try:
            tags = cloud.tags(lineage.desired.target, live.arn)
        except CloudError:
            if recorded is None or recorded.arn != live.arn:
                raise
            return live
        return replace(live, token=token_of(tags, lineage.fleet.owner))

    def _unread(self) -> Iterable[tuple[str, str]]:
        """Return the members and ARNs whose tags must be read: only those of jobs that are ours."""
        lineage, found = self.lineage, self.found
        if found is None or found.live is None or found.submission is None:
            return ()
        if found.following and lineage.desired.policy.state is State.SUBMITTED:
            return ()  # it is about to be an earlier job
        want = wanted(lineage.kind, lineage.desired, found.submission, lineage.fleet)
        unread = tuple(to_read(lineage.kind, want, found.live, self.recorded, full=self.full))
        if not unread:
            return ()
        whose = lineage.whose(found.submission, found.live, self.recorded)
        is_ours = whose is Ownership.SAME or lineage.adopts(found.submission, found.live)
        return unread if is_ours else ()

    def _tags(self, cloud: Cloud) -> dict[str, Mapping[str, str] | Failure]:
        read: dict[str, Mapping[str, str] | Failure] = {}
        for member, arn in self._unread():
            try:
                read[member] = cloud.tags(self.lineage.desired.target, arn)
            except CloudError as error:
                read[member] = error.failure
        return read


def begun(
    lineage: Lineage,
    place: Place,
    recorded: Recorded | None,
    *,
    full: bool,
    now: datetime | None = None,
) -> Look:
    """Return a look that has gone as far as the sidecar alone leads it."""
    made = Look(lineage, place, recorded, full, walk(lineage, recorded), now=now)
    made.go(made.from_sidecar)
    return made


def unseen(place: Place | None, failure: Failure) -> Observation:
    """Return what is seen of a job when a call failed: that is ignorance, and no absence."""
    return Observation(Existence.UNKNOWN, place, failure=failure)
