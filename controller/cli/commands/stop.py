"""The verb ``stop``: stops the jobs that run, and leaves their manifests as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from controller.cli.edits.confirm import permit, settle, stepping
from controller.cli.edits.job_selection import chosen
from controller.cli.options import shared
from controller.cli.output.exit_codes import Exit
from controller.cli.passes.passes import judged, placed, reach_of, remarks_of, tell_failures
from controller.cli.workspace.loading import Work, outside
from controller.core.kinds.registry import KINDS
from controller.core.model import (
    Desired,
    JobKey,
    Live,
)
from controller.core.planning.actions import Action, Reason, Verb
from controller.core.policy import State
from controller.engine.apply import Outside
from controller.engine.execute import Actor
from controller.engine.reconcile import Mode, Report, Scope, reconcile
from controller.views.job_steps import Step, Steps, Verdict
from controller.views.notices import Remarks

_COST = (
    "A stopped job cannot be resumed: Bedrock bills the tokens that it was trained on so far, and "
    "it yields no model."
)


@click.command(name="stop")
@shared.words
@shared.deciding
@shared.selecting
@shared.connecting
@shared.printing
@click.pass_context
def command(ctx: click.Context, /, words: tuple[str, ...], **given: Any) -> None:
    """Stop the jobs that run for each NAME, or for the manifests under each PATH.

    It asks before it does anything. Jobs of earlier revisions that still run are stopped too. The
    manifests stay as they are: to make it their own wish, set policy.state to Stopped and commit.
    The exit code is 1 when the answer is no, or when a job that was named is not ours to stop.
    """
    permit("stop", given)
    work = chosen(words, given).work
    with outside(work, reach_of(given)) as ports:
        stopping = tuple(map(_stopped, work.desired))
        report = reconcile(stopping, ports, work.fleet, Mode.PLAN, Scope(full=True))
        actions = report.plan.actions
        told = Remarks(placed(work.problems))
        foreseen = Steps("stop", _COST, tuple(map(_foreseen, actions)), told)

        def take() -> tuple[Steps, set[Exit]]:
            actor = _actor(ports, work)
            steps = {one.desired.key: _carried_out(one, actor) for one in actions}
            after = reconcile(work.desired, ports, work.fleet, Mode.RECORD)
            tell_failures(after)
            noted = tuple(_noted(steps[one.key], one.key, work, after) for one in foreseen.steps)
            taken = replace(foreseen, steps=noted, remarks=remarks_of(work, after))
            return taken, judged(work, after)

        settle(ctx, foreseen, given, take, {Exit.INVALID} if work.is_invalid else ())


def _stopped(job: Desired) -> Desired:
    """Return a job as if its manifest asked for the stop, so that the same rules decide."""
    return replace(job, policy=replace(job.policy, state=State.STOPPED))


def _foreseen(action: Action) -> Step:
    kind, live = KINDS[action.desired.key.kind], action.live
    if action.verb is Verb.STOP:
        notes = tuple(_told(action, one) for one in action.stops)
        stops = [_data(action, one) for one in action.stops]
        return stepping(action, Verdict.PLANNED, _count(action), *notes, stops=stops)
    if action.verb is Verb.ADOPT:
        message = "it is not ours yet: reconcile adopts it, and then it can be stopped"
        return stepping(action, Verdict.REFUSED, message)
    if action.verb is Verb.HOLD and action.reason is not Reason.SUBMIT_REFUSED:
        return stepping(action, Verdict.REFUSED, action.message)
    if live is None:
        return stepping(action, Verdict.UNNEEDED, "nothing runs: it has no job")
    if live.status not in kind.terminal | kind.stopping:
        message = f"{live.name} is {live.status}, and jobs of this kind cannot be stopped"
        return stepping(action, Verdict.REFUSED, message)
    return stepping(action, Verdict.UNNEEDED, f"nothing to stop: {live.name} is {live.status}")


def _count(action: Action) -> str:
    first, *more = (live.name for live in action.stops)
    return f"stop {first}{f' and {len(more)} earlier' if more else ''} in {action.place}"


def _told(action: Action, live: Live) -> str:
    since = _since(action, live)
    return f"{live.name}: {live.status}{f' since {since}' if since else ''}, {live.arn}"


def _data(action: Action, live: Live) -> dict[str, Any]:
    since = _since(action, live)
    made = {"jobName": live.name, "jobArn": live.arn, "status": live.status}
    return {**made, "since": since} if since else made


def _since(action: Action, live: Live) -> str:
    return str(live.members.get(KINDS[action.desired.key.kind].created_member) or "")


def _actor(ports: Outside, work: Work) -> Actor:
    """Return what stops jobs, by what is recorded of them now: the answer may have taken hours."""
    desired = {job.key: _stopped(job) for job in work.desired}
    recorded = ports.ledger.read({job.key: job.source for job in work.desired})
    now = ports.clock.now()
    return Actor(
        ports.kinds, desired, recorded, work.fleet, ports.cloud, ports.ledger, ports.clock, now
    )


def _carried_out(action: Action, actor: Actor) -> Step:
    """Stop just what was shown; what began to run since then is left alone."""
    foreseen = _foreseen(action)
    if action.verb is not Verb.STOP:
        return foreseen
    failure = actor.carry_out(action).failure
    if failure is not None:
        return replace(foreseen, verdict=Verdict.FAILED, message=str(failure))
    asked = f"asked to {_count(action)}"
    return replace(foreseen, verdict=Verdict.DONE, message=asked)


def _noted(step: Step, key: JobKey, work: Work, after: Report) -> Step:
    """Say what the manifest still asks for, and what that leads to."""
    job = next(one for one in work.desired if one.key == key)
    if step.verdict is not Verdict.DONE or job.policy.state is State.STOPPED:
        return step
    (action,) = (one for one in after.plan.actions if one.desired.key == key)
    return replace(step, notes=(*step.notes, *_wishes(job, action)))


def _wishes(job: Desired, action: Action) -> tuple[str, str]:
    still = f"the manifest still says policy.state: {job.policy.state}, and "
    own = "to make it the manifest's own wish, set policy.state to Stopped and commit that"
    made = action.desired.submission
    if action.verb is Verb.SUBMIT:
        return f"{still}the next reconcile submits {action.desired.name} all the same", own
    if made is not None and action.live is not None and made.attempt < job.policy.attempt:
        attempt = job.policy.attempt
        return f"{still}policy.attempt {attempt} is submitted once the job is Stopped", own
    raised = "the job stays Stopped all the same: it runs again only when policy.attempt is raised"
    return still + raised, own
