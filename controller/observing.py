"""Observe: look at as many jobs as the decision needs, with the fewest calls.

Each manifest's walk says which jobs to look for; here each is answered from the sidecar, a listing
or Get. A listing that failed is never taken for absence: its jobs are unknown until the next pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial

from controller.core.errors import UNREADABLE
from controller.core.fleet import Fleet, forbidden_target
from controller.core.identity import Ownership
from controller.core.kind import Kind
from controller.core.lineage import Found, Lineage, Walk
from controller.core.model import (
    Desired,
    Existence,
    Failure,
    JobKey,
    Live,
    Observation,
    Place,
    Recorded,
    State,
    Summary,
    Target,
)
from controller.core.tagging import to_read, token_of, wanted
from controller.core.walks import walk
from controller.ports import Cloud, CloudError, ListingTooLongError

FEW = 10
"""So many unknown jobs are looked up one by one; more are looked up by listing first."""
GETS_PER_PAGE = 20
"""What a page of a listing may cost: side by side, so many Gets take about as long."""

_Answers = Callable[[str], Live | None]
_ARN = "arn:"


class _UnansweredError(Exception):
    """What is at hand does not tell whether a job exists."""


@dataclass(slots=True)
class _Look:
    """One manifest's walk under way: where, what is recorded, and which job it asks for next.

    ``found`` is set once it has ended. With ``full``, what ended is asked about again.
    """

    lineage: Lineage
    place: Place
    recorded: Recorded | None
    full: bool
    walk: Walk
    asked: str = ""
    found: Found | None = None

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
            if not self.asked:
                self.asked = next(self.walk)
            while True:
                self.asked = self.walk.send(answers(self.asked))
        except StopIteration as end:
            self.found = end.value
        except _UnansweredError:
            return

    def from_sidecar(self, identifier: str) -> Live:
        """Return a job that ended, which never changes again; any other is unanswered."""
        recorded = self.recorded
        if recorded is None or recorded.live is None or self.full:
            raise _UnansweredError
        if recorded.live.status not in self.lineage.kind.terminal:
            raise _UnansweredError
        if identifier == recorded.arn or (
            identifier == recorded.live.name and self.lineage.recorded_as(recorded) is not None
        ):
            return recorded.live
        raise _UnansweredError


@dataclass(frozen=True, slots=True)
class _Places:
    """Where targets' credentials act; each is asked for once in a pass, whatever the answer."""

    cloud: Cloud
    known: dict[Target, Place | Failure] = field(default_factory=dict)

    def of(self, target: Target) -> Place | Failure:
        """Return where a target's credentials act, or why that is not known."""
        asked = replace(target, account_id=None)
        if asked not in self.known:
            try:
                self.known[asked] = self.cloud.place(asked)
            except CloudError as error:
                self.known[asked] = error.failure
        return self.known[asked]


def observe(
    kinds: Mapping[str, Kind],
    desired: Iterable[Desired],
    recorded: Mapping[JobKey, Recorded],
    fleet: Fleet,
    cloud: Cloud,
    executor: Executor,
    *,
    full: bool = False,
) -> dict[JobKey, Observation]:
    """Every desired job gets an observation; a failed call makes its jobs unknown, never absent.

    Jobs whose sidecar holds a terminal status for today's digest cost no call, unless ``full``.
    """
    seen: dict[JobKey, Observation] = {}
    groups: dict[tuple[str, Target], list[_Look]] = defaultdict(list)
    places = _Places(cloud)
    for job in desired:
        kind, known = kinds[job.key.kind], recorded.get(job.key)
        place = places.of(job.target)
        if isinstance(place, Failure):
            seen[job.key] = _unknown(None, place)
        elif _is_off_limits(job, known, fleet, place):
            seen[job.key] = Observation(Existence.UNKNOWN, place)
        else:
            look = _begun(Lineage(kind, job, fleet), place, known, full=full)
            where = Target(place.region, None, job.target.assume_role_arn)
            groups[kind.name, where].append(look)
    for group in groups.values():
        seen |= _look_at(group, cloud, executor)
    return seen


def look(lineage: Lineage, place: Place, recorded: Recorded | None, cloud: Cloud) -> Observation:
    """Look at one manifest's jobs, each by Get."""
    return _observed(_begun(lineage, place, recorded, full=False), cloud)


def _begun(lineage: Lineage, place: Place, recorded: Recorded | None, *, full: bool) -> _Look:
    """Return a walk that has gone as far as the sidecar alone leads it."""
    begun = _Look(lineage, place, recorded, full, walk(lineage, recorded))
    begun.go(begun.from_sidecar)
    return begun


def _is_off_limits(job: Desired, recorded: Recorded | None, fleet: Fleet, place: Place) -> bool:
    """Whether the plan will hold the job for where it is, so that nothing needs to be asked."""
    if job.target.account_id not in {None, place.account_id}:
        return True
    if recorded is not None and not recorded.may_be_in(place):
        return True
    return bool(forbidden_target(Target(place.region, place.account_id), fleet))


def _look_at(group: list[_Look], cloud: Cloud, executor: Executor) -> dict[JobKey, Observation]:
    """Look at the jobs of one kind and place, by listing where that takes fewer calls."""
    seen = {one.key: _settled(one) for one in group if one.found and not _reads_tags(one)}
    rest = [one for one in group if one.key not in seen]
    active = [one for one in rest if not one.found and one.is_known_active]
    known = {id(one) for one in active}
    unknown = [one for one in rest if id(one) not in known]
    if sum(one.found is None for one in unknown) > FEW:
        return seen | _by_listing(rest, None, cloud, executor)
    seen |= _one_by_one(unknown, cloud, executor)
    if len(active) > 1:
        status = active[0].lineage.kind.listed_as_active
        return seen | _by_listing(active, status, cloud, executor)
    return seen | _one_by_one(active, cloud, executor)


def _one_by_one(
    looks: Iterable[_Look], cloud: Cloud, executor: Executor
) -> dict[JobKey, Observation]:
    def one(look: _Look) -> tuple[JobKey, Observation]:
        return look.key, _observed(look, cloud)

    return dict(executor.map(one, looks))


def _by_listing(
    looks: list[_Look], status: str | None, cloud: Cloud, executor: Executor
) -> dict[JobKey, Observation]:
    """List once, then Get only the jobs that the listing does not settle."""
    first = looks[0].lineage
    try:
        most = max(1, len(looks) // GETS_PER_PAGE)
        listed = cloud.listing(first.kind, first.desired.target, status=status, most=most)
    except ListingTooLongError:
        # The account's history never shrinks, and its length must not be what a pass costs.
        return _one_by_one(looks, cloud, executor)
    except CloudError as error:
        if error.failure.code == UNREADABLE:
            # A list that is not there is not an empty list: only Get can tell.
            return _one_by_one(looks, cloud, executor)
        return {look.key: _unknown(look.place, error.failure) for look in looks}
    by_name = {summary.name: summary for summary in listed}
    by_name |= {summary.arn: summary for summary in listed}
    for one in looks:
        if one.found is None:
            one.go(partial(_listed, one, by_name, status))
    return _one_by_one(looks, cloud, executor)


def _listed(
    look: _Look, by_name: Mapping[str, Summary], status: str | None, identifier: str
) -> Live | None:
    """Return what the sidecar or a listing knows of a job; the rest only Get can answer."""
    recorded = look.recorded
    summary = by_name.get(identifier)
    if summary is not None and recorded is not None and _is_unchanged(look, recorded, summary):
        return recorded.live
    is_complete = status is None and not identifier.startswith(_ARN)
    if summary is None and is_complete and (recorded is None or recorded.arn is None):
        return None
    return look.from_sidecar(identifier)


def _is_unchanged(look: _Look, recorded: Recorded, summary: Summary) -> bool:
    known, kind = recorded.live, look.lineage.kind
    if known is None or not look.is_known_active:
        return False
    return (
        summary.arn == known.arn
        and summary.status == known.status
        and summary.modified == known.members.get(kind.modified_member)
        and summary.members.get(kind.stages_member) == known.members.get(kind.stages_member)
    )


def _observed(look: _Look, cloud: Cloud) -> Observation:
    """Walk to the end with one Get for every step, then read the tags that need it."""
    lineage = look.lineage
    kind, target = lineage.kind, lineage.desired.target

    def answers(identifier: str) -> Live | None:
        try:
            return look.from_sidecar(identifier)
        except _UnansweredError:
            return _recognised(lineage, cloud.get(kind, target, identifier), cloud)

    try:
        if look.found is None:
            look.go(answers)
    except CloudError as error:
        return _unknown(look.place, error.failure)
    seen = _settled(look)
    return replace(seen, tags=_tags(look, cloud)) if _reads_tags(look) else seen


def _recognised(lineage: Lineage, live: Live | None, cloud: Cloud) -> Live | None:
    """Where Get omits the token of a kind that shows one, the stamps on a job tell whose it is."""
    stamped = lineage.fleet.stamp_tags and lineage.kind.echoes_token
    if live is None or live.token is not None or not stamped:
        return live
    try:
        tags = cloud.tags(lineage.desired.target, live.arn)
    except CloudError:
        return live
    return replace(live, token=token_of(tags, lineage.fleet.owner))


def _reads_tags(look: _Look) -> bool:
    return any(True for _ in _unread(look))


def _unread(look: _Look) -> Iterable[tuple[str, str]]:
    """Return the members and ARNs whose tags must be read: only those of jobs that are ours."""
    lineage, found = look.lineage, look.found
    if found is None or found.live is None or found.submission is None:
        return ()
    if found.following and lineage.desired.policy.state is State.SUBMITTED:
        return ()  # it is about to be an earlier job
    want = wanted(lineage.kind, lineage.desired, found.submission, lineage.fleet)
    unread = tuple(to_read(lineage.kind, want, found.live, look.recorded, full=look.full))
    if not unread:
        return ()
    whose = lineage.whose(found.submission, found.live, look.recorded)
    is_ours = whose is Ownership.SAME or lineage.adopts(found.submission, found.live)
    return unread if is_ours else ()


def _tags(look: _Look, cloud: Cloud) -> dict[str, Mapping[str, str] | Failure]:
    read: dict[str, Mapping[str, str] | Failure] = {}
    for member, arn in _unread(look):
        try:
            read[member] = cloud.tags(look.lineage.desired.target, arn)
        except CloudError as error:
            read[member] = error.failure
    return read


def _settled(look: _Look) -> Observation:
    found = look.found
    if found is None:
        raise ValueError(f"{look.key}: its walk has not ended")
    existence = Existence.PRESENT if found.live else Existence.ABSENT
    return Observation(
        existence,
        look.place,
        found.live,
        submission=found.submission,
        earlier=found.earlier,
        following=found.following,
    )


def _unknown(place: Place | None, failure: Failure) -> Observation:
    return Observation(Existence.UNKNOWN, place, failure=failure)
