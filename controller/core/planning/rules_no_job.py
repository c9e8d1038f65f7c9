"""The decision table: ordered early returns over all that is known of one job.

A rule sees one case and either has its action or leaves it to the next. The first rules deal with
what must not be acted on, so that the later ones may trust what they see. Here are those for a
manifest that is held or whose job does not exist; ``living`` has the others.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from controller.core.fleet import OF_THE_FLEET, forbidden_target
from controller.core.jobs.late_members import may_lag
from controller.core.model import (
    Doubt,
    Existence,
    Recorded,
    Target,
)
from controller.core.planning import rules_live_job, rules_removed
from controller.core.planning.actions import Action, Reason, Verb
from controller.core.planning.rule_context import Case
from controller.core.policy import State
from controller.core.severity import errors

HELD_PER_DIGEST = frozenset({Reason.SUBMIT_REFUSED, Reason.TOKEN_REPLAY})
"""Reasons that hold until the digest changes: the same request would end the same way."""


def _invalid(case: Case) -> Action | None:
    problems = errors(case.desired.problems)
    if not problems and case.desired.submission is not None:
        return None
    if problems and all(problem.code in OF_THE_FLEET for problem in problems):
        elsewhere = _wrong_target(case)
        if (action := None if elsewhere else rules_live_job.stop_unallowed(case)) is not None:
            return action
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    first = f"; the first: {problems[0].code} {problems[0].message}" if problems else ""
    return case.action(Verb.HOLD, Reason.INVALID, f"The manifest has {count}{first}")


def _forbidden(case: Case) -> Action | None:
    """What a manifest left open in its target is only known here; the fleet's rules still hold.

    They bar a submit, so that a job that is to be stopped goes on to be judged.
    """
    place = case.observation.place
    if place is None or case.desired.may_stop:
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
        use = "correct target" if case.observation.unasked else "use credentials of that place"
        return case.action(
            Verb.HOLD,
            Reason.WRONG_TARGET,
            f"{case.where.capitalize()}, but the sidecar records {case.recorded.place}: {use}, or "
            "give the manifest another name to submit it here",
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


def _unreadable(case: Case) -> Action | None:
    """A record that could not be read may name a job that nothing else leads to.

    What the service shows to be ours is enough to rebuild a broken record, and to stop the job;
    it is never enough to write over a file that may be whole.
    """
    doubt = case.recorded.doubt if case.recorded is not None else None
    if doubt is None:
        return None
    if case.is_shown:
        if doubt.broken:
            return None
        stopping = rules_live_job.stop(case)
        if stopping is not None:
            return stopping
    return case.action(Verb.HOLD, Reason.RECORD_UNREADABLE, _doubt_text(doubt))


def _doubt_text(doubt: Doubt) -> str:
    what = "cannot be read" if not doubt.broken else "is no whole sidecar"
    whose = "" if doubt.own else ", and may hold the record of this job"
    return (
        f"{doubt.path} {what} ({doubt.cause}){whose}: nothing is submitted, since the record may "
        "name a job. Restore the file; or, if no such job was submitted, run `bedrock-jobs "
        "reconcile --forget-record NAME` or delete the file"
    )


def _refused(case: Case) -> Action | None:
    if case.recorded is None or not case.is_recorded_for(case.missing):
        return None
    if case.recorded.reason not in HELD_PER_DIGEST:
        return None
    return case.onward(Verb.HOLD, Reason(case.recorded.reason), case.recorded.message)


def _missing(case: Case) -> Action | None:
    if not case.is_absent:
        return None
    if case.recorded is not None and may_lag(case.kind, case.recorded, case.now):
        return case.action(
            Verb.WAIT,
            Reason.INTENT_UNCONFIRMED,
            f"The sidecar records {case.recorded.arn}, which is too young to be missed: the "
            "service may only be late to show it",
        )
    if case.recorded is not None and case.recorded.arn:
        return case.action(
            Verb.HOLD,
            Reason.LIVE_MISSING,
            f"The sidecar records {case.recorded.arn}, which the service does not have. If that "
            "job is gone for good, delete the sidecar's entry to submit again",
        )
    if case.desired.policy.adopt is not None:
        return case.action(
            Verb.HOLD,
            Reason.LIVE_MISSING,
            f"policy.adopt names {case.desired.policy.adopt}, which the service does not have: "
            "correct the ARN, or remove it to submit a job of the manifest's own",
        )
    return None


def _unsettled(case: Case) -> Action | None:
    """Where names are not unique, only time tells whether an unanswered Create made a job."""
    if not (case.recorded and _is_unconfirmed(case, case.recorded)):
        return None
    written = case.recorded.written_at
    settled = timedelta(seconds=case.kind.settle_seconds)
    if case.kind.unique_names or (written is not None and case.now - written >= settled):
        return None
    return case.onward(
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
    """Sent again as it is, it is one submission; what has another name by now is another one."""
    if not (case.recorded and _is_unconfirmed(case, case.recorded)):
        return None
    if case.missing is None or case.recorded.name not in {"", case.missing.name}:
        return None
    return case.onward(
        Verb.SUBMIT,
        Reason.INTENT_UNCONFIRMED,
        "An earlier Create has no known outcome: submit again under the same token and name",
    )


def _is_unconfirmed(case: Case, recorded: Recorded) -> bool:
    """Whether what is missing may have been submitted; a first name is the same for every spec."""
    return recorded.is_intent and (case.is_absent or case.is_recorded_for(case.following))


def _not_submitted(case: Case) -> Action | None:
    if not case.is_absent:
        return None
    return case.action(
        Verb.SUBMIT, Reason.NOT_SUBMITTED, f"No job {case.submission.name} exists yet"
    )


RULES: tuple[Callable[[Case], Action | None], ...] = (
    rules_removed.removed,
    _invalid,
    _forbidden,
    _wrong_target,
    _unknown,
    _unreadable,
    _refused,
    _missing,
    _unsettled,
    _not_wanted,
    _unconfirmed,
    _not_submitted,
    rules_live_job.not_owned,
    rules_live_job.stop,
    rules_live_job.retry,
    rules_live_job.changed,
    rules_live_job.tags,
    rules_live_job.ended,
    rules_live_job.in_progress,
)
