"""Every job that one manifest can lead to, and the way to the one that counts (DESIGN 5, 6).

A manifest has a job for each attempt, and where it asks for new revisions, for each attempt of
today's spec. All their names follow from the manifest, so the way needs no stored state.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

from controller.core.diff import difference, failure_text
from controller.core.fleet import Fleet
from controller.core.healing import heals
from controller.core.identity import Ownership, owner_mark, ownership, revision_of, submission
from controller.core.kind import Kind
from controller.core.model import Desired, Earlier, Live, OnSpecChange, Recorded, Submission

Walk = Generator[str, Live | None, "Found"]
"""Yields the name or ARN of a job to look for, takes what was found, and ends in ``Found``."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a walk ended.

    ``submission`` is the one that was looked for last and ``live`` its job, or None when none of
    the manifest's jobs exists. ``following`` is what policy would submit next: it was looked for
    too, and is absent.
    """

    submission: Submission | None
    live: Live | None
    earlier: tuple[Earlier, ...] = ()
    following: Submission | None = None


@dataclass(frozen=True, slots=True)
class Lineage:
    """The submissions of one manifest under its fleet, derived as they are asked for."""

    kind: Kind
    desired: Desired
    fleet: Fleet

    def at(self, attempt: int, *, revised: bool = False) -> Submission:
        """Return the submission of an attempt; ``revised`` ones carry today's spec in their name.

        Raises ValueError for an invalid manifest, which has none.
        """
        desired, spec = self.desired, self.desired.spec
        if spec is None or desired.submission is None:
            raise ValueError(f"{desired.key} is invalid and has no submission")
        if not revised and attempt == desired.submission.attempt:
            return desired.submission
        name = desired.key.name
        revision = revision_of(self.kind, spec, name) if revised else ""
        owner = self.fleet.owner
        return submission(self.kind, spec, name, owner, attempt=attempt, revision=revision)

    def recorded_as(self, recorded: Recorded | None) -> Submission | None:
        """Return which of today's submissions a sidecar's job was made from, if any."""
        if recorded is None or recorded.arn is None:
            return None
        return self._made_of(recorded)

    def instead_of(
        self, made: Submission, recorded: Recorded | None, *, after: int = -1
    ) -> Submission:
        """Return what comes before a submission: an earlier one whose Create has no known outcome.

        Its job may run and not show yet; under its own name and token it is never made twice, and
        under its name alone not beside it, where the spec was edited since.
        Attempts up to ``after`` are known to have had their jobs.
        """
        if recorded is None or not recorded.is_intent:
            return made
        begun = self._made_of(recorded) or self._namesake(recorded)
        if begun is None or begun.revision != made.revision:
            return made
        return begun if after < begun.attempt < made.attempt else made

    def _namesake(self, recorded: Recorded) -> Submission | None:
        made = self.at(recorded.attempt)
        return made if made.name == recorded.name else None

    def _made_of(self, recorded: Recorded) -> Submission | None:
        if self.desired.submission is None:
            return None
        for revised in (False, True):
            made = self.at(recorded.attempt, revised=revised)
            if (made.digest, made.token) == (recorded.digest, recorded.token):
                return made
        return None

    def whose(self, made: Submission, live: Live, recorded: Recorded | None) -> Ownership:
        """Tokens decide; where Get shows none, the recorded ARN does, then an exact name.

        A job that the manifest adopted counts as made from it, as long as its spec is the one
        that was compared then.
        """
        is_recorded = recorded is not None and recorded.arn == live.arn
        same_digest = recorded is not None and recorded.digest == made.digest
        if is_recorded and same_digest and self.desired.policy.adopt == live.arn:
            return Ownership.SAME
        if live.token is not None:
            return ownership(live.token, made, self.fleet.owner)
        if is_recorded:
            return Ownership.SAME if same_digest else Ownership.CHANGED
        if self.kind.echoes_token:
            return Ownership.FOREIGN
        found = difference(self.kind, made.request, live.members)
        return Ownership.CHANGED if found.changes else Ownership.SAME

    def is_ours(self, live: Live) -> bool:
        """Whether a job that only a sidecar speaks of was made by this fleet, as far as is shown.

        Anybody can edit a sidecar; a token shows who submitted the job.
        """
        return live.token is None or live.token.startswith(owner_mark(self.fleet.owner))

    def adopts(self, made: Submission, live: Live) -> bool:
        """Whether the manifest names a job whose spec is shown to be its own.

        What follows that job is then known also when no sidecar tells of the adoption.
        """
        if self.desired.policy.adopt != live.arn:
            return False
        found = difference(self.kind, made.request, live.members)
        return not found.changes and not found.unknown

    def after(self, made: Submission, live: Live, recorded: Recorded | None) -> Submission | None:
        """Return the attempt that policy wants after this one, or None while it wants none.

        A person's ``policy.attempt`` counts for jobs that failed or were stopped; automatic ones
        follow failures that can heal.
        """
        if live.status not in self._again:
            return None
        if self.whose(made, live, recorded) is not Ownership.SAME and not self.adopts(made, live):
            return None
        policy, revised = self.desired.policy, bool(made.revision)
        if made.attempt < policy.attempt:
            return self.at(policy.attempt, revised=revised)
        is_last = made.attempt >= policy.attempt + policy.retries
        if is_last or live.status not in self.kind.failed:
            return None
        if not heals(failure_text(self.kind, live.members), self.fleet):
            return None
        return self.at(made.attempt + 1, revised=revised)

    def beyond(self, made: Submission, live: Live, recorded: Recorded | None) -> Submission | None:
        """Return the attempt that there may be although policy wants none, where no record tells.

        Policy, or the spec, may have been another when it was submitted.
        """
        if (recorded is not None and recorded.arn is not None) or live.status not in self._again:
            return None
        is_foreign = self.whose(made, live, recorded) is Ownership.FOREIGN
        if is_foreign and not self.adopts(made, live):
            return None
        return self.at(made.attempt + 1, revised=bool(made.revision))

    @property
    def _again(self) -> frozenset[str]:
        """How a job ends that another attempt may follow."""
        return self.kind.failed | self.kind.stopped


def turned(desired: Desired, made: Submission | None) -> Desired:
    """Return a manifest's job with another of its submissions as the one that counts."""
    if made is None or made is desired.submission:
        return desired
    return replace(desired, name=made.name, submission=made)


def walk(lineage: Lineage, recorded: Recorded | None) -> Walk:
    """Look for a manifest's jobs until it is known which one counts and what would follow it.

    What is recorded is where to begin; without it the walk begins at the attempt that policy
    names, and goes down from there. No job is asked for twice.
    """
    known: dict[str, Live | None] = {}
    path = _path(lineage, recorded)
    try:
        asked = next(path)
        while True:
            if asked not in known:
                live = known[asked] = yield asked
                known |= {live.name: live, live.arn: live} if live is not None else {}
            asked = path.send(known[asked])
    except StopIteration as end:
        found: Found = end.value
    return _each_once(found)


def _each_once(found: Found) -> Found:
    """Leave out of the earlier jobs what is there already: a sidecar may tell of a job twice."""
    if not found.earlier:
        return found
    by_arn: dict[str, Earlier] = {}
    for one in found.earlier:
        if one.attempt is not None or one.live.arn not in by_arn:
            by_arn[one.live.arn] = one
    if found.live is not None:
        by_arn.pop(found.live.arn, None)
    return replace(found, earlier=tuple(by_arn.values()))


def _path(lineage: Lineage, recorded: Recorded | None) -> Walk:
    arn = recorded.arn if recorded is not None else None
    if lineage.desired.submission is None:
        never_made = arn is None and recorded is not None and not recorded.is_intent
        is_known = lineage.desired.removed and never_made
        live = None if is_known else (yield arn or lineage.desired.name)
        return Found(None, live, (yield from _unfinished(lineage, recorded)))
    begun = lineage.recorded_as(recorded)
    if begun is None or arn is None or recorded is None:
        found = yield from _from_the_top(lineage, recorded)
        unfinished = yield from _unfinished(lineage, recorded)
        return replace(found, earlier=(*unfinished, *found.earlier)) if unfinished else found
    adopted, known = lineage.desired.policy.adopt, recorded.live
    renamed = adopted == arn and known is not None and known.name != begun.name
    live = (yield arn if renamed else begun.name) or (yield arn)
    if live is None:
        return Found(begun, None)
    earlier = yield from _unfinished(lineage, recorded)
    return (yield from _onward(lineage, recorded, begun, live, earlier))


def _unfinished(
    lineage: Lineage, recorded: Recorded | None
) -> Generator[str, Live | None, tuple[Earlier, ...]]:
    """Look for the earlier jobs that had not ended when they were recorded."""
    found: list[Earlier] = []
    for arn in recorded.unfinished if recorded is not None else ():
        live = yield arn
        if live is not None and lineage.is_ours(live):
            found.append(Earlier(live))
    return tuple(found)


def _from_the_top(lineage: Lineage, recorded: Recorded | None) -> Walk:
    made, live = yield from _downward(lineage, revised=False)
    other = yield from _recorded_elsewhere(recorded, made, live)
    if live is None:
        # Also when it is not ours: a job that a sidecar stands for is not submitted beside.
        live, other = other, None
    if live is None:
        return (yield from _unmade(lineage, recorded, made))
    if other is not None and not lineage.is_ours(other):
        other = None
    last = recorded.attempt if recorded is not None else 0
    if lineage.whose(made, live, recorded) is not Ownership.CHANGED:
        earlier = (Earlier(other, last),) if other is not None else ()
        return (yield from _onward(lineage, recorded, made, live, earlier))
    if other is not None:
        # Of two jobs of other specs, the one that was recorded is the later.
        changed = Found(lineage.at(last), other, (Earlier(live, made.attempt),))
    else:
        changed = yield from _onward(lineage, recorded, made, live, ())
    if lineage.desired.policy.adopt is not None:
        return changed
    return (yield from _revised(lineage, recorded, changed))


def _unmade(lineage: Lineage, recorded: Recorded | None, made: Submission) -> Walk:
    """Look for revisions of a manifest that has no job under its own names.

    The job that came before them may have had a ``jobName`` that the spec no longer has.
    """
    policy = lineage.desired.policy
    if policy.on_spec_change is OnSpecChange.NEW_REVISION and policy.adopt is None:
        revised, live = yield from _downward(lineage, revised=True)
        if live is not None:
            return (yield from _onward(lineage, recorded, revised, live, ()))
        begun = lineage.instead_of(revised, recorded)
        if recorded is not None and recorded.is_intent and begun.token == recorded.token:
            return Found(begun, None)
    return Found(lineage.instead_of(made, recorded), None)


def _downward(
    lineage: Lineage, *, revised: bool
) -> Generator[str, Live | None, tuple[Submission, Live | None]]:
    """Look for the attempt that policy names, then for each one before it."""
    policy = lineage.desired.policy
    for attempt in range(policy.attempt, -1, -1):
        made = lineage.at(attempt, revised=revised)
        adopted = policy.adopt if attempt == 0 and not revised else None
        live = yield adopted or made.name
        if live is not None:
            return made, live
    return lineage.at(policy.attempt, revised=revised), None


def _recorded_elsewhere(
    recorded: Recorded | None, made: Submission, live: Live | None
) -> Generator[str, Live | None, Live | None]:
    """Look for the job that a sidecar knows of, where it is none that was seen already.

    Its spec was edited since, or its name.
    """
    if recorded is None:
        return None
    known = recorded.arn or (recorded.name if recorded.is_intent else "")
    seen = {made.name, *((live.arn, live.name) if live is not None else ())}
    if not known or known in seen:
        return None
    return (yield known)


def _revised(lineage: Lineage, recorded: Recorded | None, changed: Found) -> Walk:
    """Look for the jobs of today's spec, under names of their own.

    Under Hold none is submitted, but one that was made before still counts.
    """
    made, live = yield from _downward(lineage, revised=True)
    if live is None or changed.live is None or changed.submission is None:
        is_held = lineage.desired.policy.on_spec_change is OnSpecChange.HOLD
        return replace(changed, following=None if is_held else lineage.instead_of(made, recorded))
    earlier = (*changed.earlier, Earlier(changed.live, changed.submission.attempt))
    return (yield from _onward(lineage, recorded, made, live, earlier))


def _onward(
    lineage: Lineage,
    recorded: Recorded | None,
    made: Submission,
    live: Live,
    earlier: tuple[Earlier, ...],
) -> Walk:
    """Follow attempts that are due, or may once have been, as far as there are jobs of them."""
    while True:
        following = lineage.after(made, live, recorded)
        if following is not None:
            following = lineage.instead_of(following, recorded, after=made.attempt)
        further = following or lineage.beyond(made, live, recorded)
        found = (yield further.name) if further is not None else None
        is_due = following is not None
        if further is None or found is None or not (is_due or lineage.is_ours(found)):
            return Found(made, live, earlier, following)
        earlier = (*earlier, Earlier(live, made.attempt))
        made, live = further, found
