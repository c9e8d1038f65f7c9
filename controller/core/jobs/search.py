"""Searches for the job that counts for a manifest, one lookup at a time.

The functions are generators without I/O: each yields a name or ARN and receives the job, so that a
sidecar, a listing or Get can answer.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from controller.core.identity.tokens import Ownership
from controller.core.jobs.attempts import Attempts, JobSearch, SearchResult
from controller.core.model import (
    EarlierJob,
    JobRecord,
    LiveJob,
    Submission,
)
from controller.core.policy import OnSpecChange


def search_job(attempts: Attempts, recorded: JobRecord | None) -> JobSearch:
    """Look up a manifest's jobs until it is known which one counts and which would follow.

    The search starts at the recorded job. Without a record it starts at the attempt that policy
    names and goes down from there. No job is looked up twice.
    """
    known: dict[str, LiveJob | None] = {}
    path = _search(attempts, recorded)
    try:
        asked = next(path)
        while True:
            if asked not in known:
                live = known[asked] = yield asked
                # One job has a name and an ARN: either answers for both.
                known |= {live.name: live, live.arn: live} if live is not None else {}
            asked = path.send(known[asked])
    except StopIteration as end:
        found: SearchResult = end.value
    return _drop_duplicates(found)


def _drop_duplicates(found: SearchResult) -> SearchResult:
    """Remove earlier jobs that are listed already; a sidecar may record a job twice."""
    if not found.earlier:
        return found
    by_arn: dict[str, EarlierJob] = {}
    for one in found.earlier:
        if one.attempt is not None or one.live.arn not in by_arn:
            by_arn[one.live.arn] = one
    if found.live is not None:
        by_arn.pop(found.live.arn, None)
    return replace(found, earlier=tuple(by_arn.values()))


def _search(attempts: Attempts, recorded: JobRecord | None) -> JobSearch:
    arn = recorded.arn if recorded is not None else None
    # Invalid and removed manifests derive no names: only the record or a guess leads to a job.
    if attempts.desired.submission is None:
        never_made = arn is None and recorded is not None and not recorded.is_intent
        is_known = attempts.desired.removed and never_made
        live = None if is_known else (yield arn or attempts.desired.name)
        return SearchResult(None, live, (yield from _search_unfinished(attempts, recorded)))
    begun = attempts.find_recorded(recorded)
    if begun is None or arn is None or recorded is None:
        found = yield from _search_from_policy(attempts, recorded)
        unfinished = yield from _search_unfinished(attempts, recorded)
        return replace(found, earlier=(*unfinished, *found.earlier)) if unfinished else found
    adopted, known = attempts.desired.policy.adopt, recorded.live
    # An adopted job keeps its own name, so only its ARN leads to it.
    renamed = adopted == arn and known is not None and known.name != begun.name
    live = (yield arn if renamed else begun.name) or (yield arn)
    if live is None:
        return SearchResult(begun, None)
    earlier = yield from _search_unfinished(attempts, recorded)
    return (yield from _follow_attempts(attempts, recorded, begun, live, earlier))


def _search_unfinished(
    attempts: Attempts, recorded: JobRecord | None
) -> Generator[str, LiveJob | None, tuple[EarlierJob, ...]]:
    """Look up the earlier jobs that had not ended when they were recorded."""
    found: list[EarlierJob] = []
    for arn in recorded.unfinished if recorded is not None else ():
        live = yield arn
        if live is not None and attempts.is_ours(live):
            found.append(EarlierJob(live))
    return tuple(found)


def _search_from_policy(attempts: Attempts, recorded: JobRecord | None) -> JobSearch:
    made, live = yield from _search_downward(attempts, revised=False)
    other = yield from _search_recorded(recorded, made, live)
    if live is None:
        # Even if it is not ours: nothing is submitted beside a job that a sidecar records.
        live, other = other or (yield from _search_running(attempts, recorded)), None
    whose = (
        attempts.judge_ownership(made, live, recorded) if live is not None else Ownership.FOREIGN
    )
    if whose is Ownership.FOREIGN:
        revision = yield from _search_revisions(attempts, recorded)
        if revision is not None:
            return revision
    if live is None:
        return SearchResult(attempts.prefer_unconfirmed(made, recorded), None)
    # The sidecar may have been copied from another fleet's repository.
    if other is not None and not attempts.is_ours(other):
        other = None
    last = recorded.attempt if recorded is not None else 0
    if whose is not Ownership.CHANGED:
        earlier = (EarlierJob(other, last),) if other is not None else ()
        return (yield from _follow_attempts(attempts, recorded, made, live, earlier))
    if other is not None:
        # Of two jobs with other specs, the recorded one is the later.
        changed = SearchResult(
            attempts.derive_attempt(last), other, (EarlierJob(live, made.attempt),)
        )
    else:
        changed = yield from _follow_attempts(attempts, recorded, made, live, ())
    if attempts.desired.policy.adopt is not None:
        return changed
    return (yield from _search_current_spec(attempts, recorded, changed))


def _search_revisions(
    attempts: Attempts, recorded: JobRecord | None
) -> Generator[str, LiveJob | None, SearchResult | None]:
    """Look up revisions of a manifest that has no job under its unrevised names.

    The job before them may have had a ``jobName`` that the spec no longer has.
    """
    policy = attempts.desired.policy
    if policy.on_spec_change is not OnSpecChange.NEW_REVISION or policy.adopt is not None:
        return None
    revised, live = yield from _search_downward(attempts, revised=True)
    if live is not None:
        if attempts.judge_ownership(revised, live, recorded) is Ownership.FOREIGN:
            return None
        return (yield from _follow_attempts(attempts, recorded, revised, live, ()))
    begun = attempts.prefer_unconfirmed(revised, recorded)
    is_begun = recorded is not None and recorded.is_intent and begun.token == recorded.token
    return SearchResult(begun, None) if is_begun else None


def _search_downward(
    attempts: Attempts, *, revised: bool
) -> Generator[str, LiveJob | None, tuple[Submission, LiveJob | None]]:
    """Look up the attempt that policy names, then each attempt before it."""
    policy = attempts.desired.policy
    for attempt in range(policy.attempt, -1, -1):
        made = attempts.derive_attempt(attempt, revised=revised)
        # An adopted job counts as the manifest's first attempt.
        adopted = policy.adopt if attempt == 0 and not revised else None
        live = yield adopted or made.name
        if live is not None:
            return made, live
    return attempts.derive_attempt(policy.attempt, revised=revised), None


def _search_recorded(
    recorded: JobRecord | None, made: Submission, live: LiveJob | None
) -> Generator[str, LiveJob | None, LiveJob | None]:
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


def _search_running(
    attempts: Attempts, recorded: JobRecord | None
) -> Generator[str, LiveJob | None, LiveJob | None]:
    """Look up a running job that only the history names; nothing may be submitted beside it.

    Its name was edited since, and the Create that should have replaced it made no job.
    """
    for one in (yield from _search_unfinished(attempts, recorded)):
        if one.live.status not in attempts.kind.terminal:
            return one.live
    return None


def _search_current_spec(
    attempts: Attempts, recorded: JobRecord | None, changed: SearchResult
) -> JobSearch:
    """Look up the jobs of the current spec, which have names of their own.

    Under policy.onSpecChange Hold none is submitted, but an existing one still counts.
    """
    made, live = yield from _search_downward(attempts, revised=True)
    if live is None or changed.live is None or changed.submission is None:
        is_held = attempts.desired.policy.on_spec_change is OnSpecChange.HOLD
        return replace(
            changed,
            next_submission=None if is_held else attempts.prefer_unconfirmed(made, recorded),
        )
    earlier = (*changed.earlier, EarlierJob(changed.live, changed.submission.attempt))
    return (yield from _follow_attempts(attempts, recorded, made, live, earlier))


def _follow_attempts(
    attempts: Attempts,
    recorded: JobRecord | None,
    made: Submission,
    live: LiveJob,
    earlier: tuple[EarlierJob, ...],
) -> JobSearch:
    """Follow the attempts that are due, or may have been due once, as long as their jobs exist."""
    while True:
        following = attempts.find_next_attempt(made, live, recorded)
        if following is not None:
            following = attempts.prefer_unconfirmed(following, recorded, after=made.attempt)
        # An attempt that nobody asks for today may exist: policy may have been lowered since.
        further = following or attempts.find_possible_attempt(made, live, recorded)
        found = (yield further.name) if further is not None else None
        is_due = following is not None
        if further is None or found is None or not (is_due or attempts.is_ours(found)):
            return SearchResult(made, live, earlier, following)
        earlier = (*earlier, EarlierJob(live, made.attempt))
        made, live = further, found
