"""Searches for the job that counts for a manifest, one lookup at a time.

The functions are generators without I/O: each yields a name or ARN and receives the job, so that a
sidecar, a listing or Get can answer.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from controller.core.identity.tokens import Ownership
from controller.core.jobs.attempts import Found, Lineage, Walk
from controller.core.model import (
    Earlier,
    Live,
    Recorded,
    Submission,
)
from controller.core.policy import OnSpecChange


def walk(lineage: Lineage, recorded: Recorded | None) -> Walk:
    """Look up a manifest's jobs until it is known which one counts and which would follow.

    The search starts at the recorded job. Without a record it starts at the attempt that policy
    names and goes down from there. No job is looked up twice.
    """
    known: dict[str, Live | None] = {}
    path = _path(lineage, recorded)
    try:
        asked = next(path)
        while True:
            if asked not in known:
                live = known[asked] = yield asked
                # One job has a name and an ARN: either answers for both.
                known |= {live.name: live, live.arn: live} if live is not None else {}
            asked = path.send(known[asked])
    except StopIteration as end:
        found: Found = end.value
    return _each_once(found)


def _each_once(found: Found) -> Found:
    """Remove earlier jobs that are listed already; a sidecar may record a job twice."""
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
    # Invalid and removed manifests derive no names: only the record or a guess leads to a job.
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
    # An adopted job keeps its own name, so only its ARN leads to it.
    renamed = adopted == arn and known is not None and known.name != begun.name
    live = (yield arn if renamed else begun.name) or (yield arn)
    if live is None:
        return Found(begun, None)
    earlier = yield from _unfinished(lineage, recorded)
    return (yield from _onward(lineage, recorded, begun, live, earlier))


def _unfinished(
    lineage: Lineage, recorded: Recorded | None
) -> Generator[str, Live | None, tuple[Earlier, ...]]:
    """Look up the earlier jobs that had not ended when they were recorded."""
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
        # Even if it is not ours: nothing is submitted beside a job that a sidecar records.
        live, other = other or (yield from _running_on_record(lineage, recorded)), None
    whose = lineage.whose(made, live, recorded) if live is not None else Ownership.FOREIGN
    if whose is Ownership.FOREIGN:
        revision = yield from _revision_alone(lineage, recorded)
        if revision is not None:
            return revision
    if live is None:
        return Found(lineage.instead_of(made, recorded), None)
    # The sidecar may have been copied from another fleet's repository.
    if other is not None and not lineage.is_ours(other):
        other = None
    last = recorded.attempt if recorded is not None else 0
    if whose is not Ownership.CHANGED:
        earlier = (Earlier(other, last),) if other is not None else ()
        return (yield from _onward(lineage, recorded, made, live, earlier))
    if other is not None:
        # Of two jobs with other specs, the recorded one is the later.
        changed = Found(lineage.at(last), other, (Earlier(live, made.attempt),))
    else:
        changed = yield from _onward(lineage, recorded, made, live, ())
    if lineage.desired.policy.adopt is not None:
        return changed
    return (yield from _revised(lineage, recorded, changed))


def _revision_alone(
    lineage: Lineage, recorded: Recorded | None
) -> Generator[str, Live | None, Found | None]:
    """Look up revisions of a manifest that has no job under its unrevised names.

    The job before them may have had a ``jobName`` that the spec no longer has.
    """
    policy = lineage.desired.policy
    if policy.on_spec_change is not OnSpecChange.NEW_REVISION or policy.adopt is not None:
        return None
    revised, live = yield from _downward(lineage, revised=True)
    if live is not None:
        if lineage.whose(revised, live, recorded) is Ownership.FOREIGN:
            return None
        return (yield from _onward(lineage, recorded, revised, live, ()))
    begun = lineage.instead_of(revised, recorded)
    is_begun = recorded is not None and recorded.is_intent and begun.token == recorded.token
    return Found(begun, None) if is_begun else None


def _downward(
    lineage: Lineage, *, revised: bool
) -> Generator[str, Live | None, tuple[Submission, Live | None]]:
    """Look up the attempt that policy names, then each attempt before it."""
    policy = lineage.desired.policy
    for attempt in range(policy.attempt, -1, -1):
        made = lineage.at(attempt, revised=revised)
        # An adopted job counts as the manifest's first attempt.
        adopted = policy.adopt if attempt == 0 and not revised else None
        live = yield adopted or made.name
        if live is not None:
            return made, live
    return lineage.at(policy.attempt, revised=revised), None


def _recorded_elsewhere(
    recorded: Recorded | None, made: Submission, live: Live | None
) -> Generator[str, Live | None, Live | None]:
    """Look up the recorded job unless it was seen already.

    Its spec or its name was edited since it was recorded.
    """
    if recorded is None:
        return None
    known = recorded.arn or (recorded.name if recorded.is_intent else "")
    seen = {made.name, *((live.arn, live.name) if live is not None else ())}
    # Asking again for a job that was just found would cost a call.
    if known and known not in seen:
        return (yield known)
    return None


def _running_on_record(
    lineage: Lineage, recorded: Recorded | None
) -> Generator[str, Live | None, Live | None]:
    """Look up a running job that only the history names; nothing may be submitted beside it.

    Its name was edited since, and the Create that should have replaced it made no job.
    """
    for one in (yield from _unfinished(lineage, recorded)):
        if one.live.status not in lineage.kind.terminal:
            return one.live
    return None


def _revised(lineage: Lineage, recorded: Recorded | None, changed: Found) -> Walk:
    """Look up the jobs of the current spec, which have names of their own.

    Under policy.onSpecChange Hold none is submitted, but an existing one still counts.
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
    """Follow the attempts that are due, or may have been due once, as long as their jobs exist."""
    while True:
        following = lineage.after(made, live, recorded)
        if following is not None:
            following = lineage.instead_of(following, recorded, after=made.attempt)
        # An attempt that nobody asks for today may exist: policy may have been lowered since.
        further = following or lineage.beyond(made, live, recorded)
        found = (yield further.name) if further is not None else None
        is_due = following is not None
        if further is None or found is None or not (is_due or lineage.is_ours(found)):
            return Found(made, live, earlier, following)
        earlier = (*earlier, Earlier(live, made.attempt))
        made, live = further, found
