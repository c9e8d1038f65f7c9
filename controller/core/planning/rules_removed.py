"""The planning rules for jobs whose manifest is gone, and the safeguards of a prune.

Only a sidecar still records such a job. Moving or renaming a file removes nothing, because a
manifest's identity never includes its path.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from controller.core.identity.tokens import get_owner_prefix
from controller.core.jobs.late_members import is_within_read_lag
from controller.core.kinds.kind import Kind
from controller.core.model import (
    Existence,
    JobRecord,
    LiveJob,
)
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.core.planning.rule_context import RuleContext
from controller.core.planning.rules_live_job import format_stop
from controller.core.policy import OnDelete

MANY_JOBS = 10
"""From this many jobs on, a prune may stop only a share of them."""
MAX_PRUNED_SHARE = 0.3
_GONE = "The manifest is gone"


@dataclass(frozen=True, slots=True)
class CleanupOptions:
    """What a pass may do about jobs whose manifest is gone.

    ``prune`` stops those whose policy.onDelete was Stop; with ``force`` even if they are many.
    ``collect`` removes the entries of jobs that ended.
    """

    prune: bool = False
    force: bool = False
    collect: bool = False


def check_prune(
    plan: Plan, cleaning: CleanupOptions, owner: str, *, manifests: int, problems: int
) -> str | None:
    """Return why a plan that prunes must not be executed, or None: a safeguard before acting.

    ``manifests`` and ``problems`` are counts over the tree that the plan covers.
    """
    if cleaning.prune and not owner:
        return (
            "a prune needs an owner, or another repository's jobs could be taken for this one's; "
            "nothing was done. Set owner in bedrock-jobs.yaml, or omit --prune"
        )
    removed = [action for action in plan.actions if action.desired.removed]
    stops = sum(action.verb is Verb.STOP for action in removed)
    # Entries that are never collected pile up over the years and would distort the share.
    jobs = len(plan.actions) - len(removed) + stops
    text = f"the plan stops {stops} of {jobs} jobs because their manifests are gone"
    if not stops:
        return None
    if problems:
        return (
            f"{text}, but the tree has {problems} problem{'s' if problems > 1 else ''}: what cannot"
            " be read may be one of these manifests; nothing was done. Fix what `bedrock-jobs "
            "validate` reports, or omit --prune"
        )
    # An empty or failed checkout looks like a tree whose manifests were all deleted.
    if not manifests:
        return (
            f"{text}, and no manifest is left; nothing was done. Check the path and the checkout. "
            "If it is intended, restore the manifests with policy.state: Stopped before you delete "
            "them"
        )
    # In a small tree, deleting one of two manifests is an ordinary change.
    if len(plan.actions) >= MANY_JOBS and stops > MAX_PRUNED_SHARE * jobs and not cleaning.force:
        return (
            f"{text}, which is more than {MAX_PRUNED_SHARE:.0%}; nothing was done. "
            "If all are intended, add --force"
        )
    return None


def decide_removed_job(context: RuleContext) -> Action | None:
    """Decide on a job without a manifest: it is stopped only if its manifest had asked for that."""
    if not context.desired.removed:
        return None
    return next(action for rule in _RULES if (action := rule(context)) is not None)


def limit_stops(action: Action, stops: tuple[LiveJob, ...], why: str) -> Action:
    """Return a removed job's action limited to these stops; the others may be a manifest's jobs.

    A renamed manifest may lead to the same job that the entry under its old name records.
    """
    if stops:
        text = f"{_GONE}. {format_stop(', '.join(live.arn for live in stops))}"
        return replace(action, stops=stops, message=text)
    return replace(
        action, verb=Verb.NOOP, stops=(), message=f"{_GONE}, but {why}: it keeps running"
    )


def is_collectable(kind: Kind, action: Action, recorded: JobRecord, now: datetime) -> bool:
    """Whether a removed job's entry is no longer needed: its jobs ended, or none ever existed."""
    if (action.verb, action.reason) != (Verb.NOOP, Reason.MANIFEST_REMOVED):
        return False
    if any(one.live.status not in kind.terminal for one in action.earlier):
        return False
    if action.live is not None:
        return action.live.status in kind.terminal
    if _has_ended_on_record(kind, recorded):
        return True
    # Absence counts only in the place where the job would be.
    was_looked_for = action.place is not None and recorded.can_be_in(action.place)
    is_late = is_within_read_lag(kind, recorded, now) or _can_still_appear(kind, recorded, now)
    return was_looked_for and not is_late


def _can_still_appear(kind: Kind, recorded: JobRecord, now: datetime) -> bool:
    """Whether an unanswered Create may have made a job that a lookup by name cannot find yet."""
    if not recorded.is_intent or kind.unique_names:
        return False
    settled = timedelta(seconds=kind.settle_seconds)
    return recorded.written_at is None or now - recorded.written_at < settled


def _has_ended_on_record(kind: Kind, recorded: JobRecord) -> bool:
    live = recorded.live
    # An earlier job of the manifest may still run.
    return live is not None and live.status in kind.terminal and not recorded.unfinished


def _make_noop(context: RuleContext, message: str) -> Action:
    return context.make_action(Verb.NOOP, Reason.MANIFEST_REMOVED, f"{_GONE}{message}")


def _skip_if_recorded_as_ended(context: RuleContext) -> Action | None:
    """Leave a job that ended on record as it is, whether or not the service can be asked today."""
    seen, recorded = context.observation, context.recorded
    if recorded is None or not _has_ended_on_record(context.kind, recorded):
        return None
    if seen.existence is Existence.PRESENT and recorded.place in {None, seen.place}:
        return None
    ended = _make_noop(context, f"; its job ended: {recorded.phase}")
    return replace(ended, place=None, live=None, failure=None)


def _decide_unreachable(context: RuleContext) -> Action | None:
    """Leave a job alone whose place is not reachable or not allowed; hold a stop that is due."""
    seen, recorded = context.observation, context.recorded
    if recorded is not None and seen.place is not None and recorded.place not in {None, seen.place}:
        reason = Reason.WRONG_TARGET
        why = f"{context.location_text}, but the sidecar records {recorded.place}"
    elif seen.existence is Existence.UNKNOWN and seen.failure is None:
        reason, why = Reason.INVALID, f"the fleet does not allow {seen.place}"
    else:
        return None
    if not (context.desired.prunes and context.desired.policy.on_delete is OnDelete.STOP):
        return replace(
            _make_noop(context, f"; {why}: its job is left alone"), place=None, live=None
        )
    text = f"{_GONE} and its job is to be stopped, but {why}. Use credentials of that place"
    return context.make_action(Verb.HOLD, reason, f"{text}, or stop it by other means")


def _hold_if_unknown(context: RuleContext) -> Action | None:
    if context.observation.existence is not Existence.UNKNOWN:
        return None
    text = f"{_GONE}, and the job could not be looked up: {context.observation.failure}"
    return context.make_action(Verb.HOLD, Reason.OBSERVATION_FAILED, text)


def _skip_if_absent(context: RuleContext) -> Action | None:
    if context.is_absent and not context.observation.earlier:
        return _make_noop(context, f", and there is no job {context.desired.name}")
    return None


def _skip_if_ended(context: RuleContext) -> Action | None:
    """Leave a job that ended, or that somebody else submitted, whatever a sidecar says."""
    if _list_running(context):
        return None
    live = context.observation.live
    if live is not None and live.status not in context.kind.terminal:
        return _make_noop(
            context, f"; {live.arn} is {live.status}, but this fleet did not submit it"
        )
    return _make_noop(context, f"; its job ended: {live.status}" if live else "; its jobs ended")


def _skip_if_retained(context: RuleContext) -> Action | None:
    runs = ", ".join(live.arn for live in _list_running(context))
    if context.desired.policy.on_delete is not OnDelete.STOP:
        return _make_noop(context, f"; {runs} keeps running, because policy.onDelete was Retain")
    if not context.kind.stoppable:
        return _make_noop(
            context, f"; {runs} keeps running, because jobs of its kind cannot be stopped"
        )
    if not context.desired.prunes:
        return _make_noop(context, f"; {runs} keeps running; --prune stops it")
    return None


def _plan_stop(context: RuleContext) -> Action:
    running = _list_running(context)
    stops = tuple(live for live in running if live.status not in context.kind.stopping)
    if not stops:
        text = f"{_GONE}; {', '.join(live.arn for live in running)} is stopping"
        return context.make_action(Verb.WAIT, Reason.MANIFEST_REMOVED, text)
    text = f"{_GONE}. {format_stop(', '.join(live.arn for live in stops))}"
    return replace(context.make_action(Verb.STOP, Reason.MANIFEST_REMOVED, text), stops=stops)


def _list_running(context: RuleContext) -> list[LiveJob]:
    """Return the jobs that have not ended and that this fleet provably submitted.

    Anyone can edit a sidecar; but where Get shows no token, the recorded ARN is the only evidence.
    """
    mark = get_owner_prefix(context.fleet.owner)
    live, recorded = context.observation.live, context.recorded
    lives = [one.live for one in context.observation.earlier]
    if live is not None and (live.token or (recorded is not None and live.arn == recorded.arn)):
        lives.insert(0, live)
    return [
        one
        for one in lives
        if one.status not in context.kind.terminal
        and (one.token is None or one.token.startswith(mark))
    ]


_RULES: tuple[Callable[[RuleContext], Action | None], ...] = (
    _skip_if_recorded_as_ended,
    _decide_unreachable,
    _hold_if_unknown,
    _skip_if_absent,
    _skip_if_ended,
    _skip_if_retained,
    _plan_stop,
)
