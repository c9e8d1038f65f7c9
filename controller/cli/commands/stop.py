"""The command ``stop``: stops running jobs, and does not edit their manifests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from controller.cli.edits.confirm import check_can_confirm, confirm_and_run, make_step
from controller.cli.edits.job_selection import select_jobs
from controller.cli.options import shared
from controller.cli.output.exit_codes import ExitCode
from controller.cli.passes.passes import (
    collect_notices,
    judge_pass,
    make_problems_relative,
    parse_connection_options,
    print_failures,
)
from controller.cli.workspace.loading import Workspace, open_ports
from controller.core.kinds.registry import KINDS
from controller.core.model import (
    DesiredJob,
    JobKey,
    LiveJob,
)
from controller.core.planning.actions import Action, Reason, Verb
from controller.core.policy import State
from controller.engine.apply import PassContext
from controller.engine.execute import ActionExecutor
from controller.engine.reconcile import Mode, PassScope, Report, reconcile
from controller.views.job_steps import Step, Steps, Verdict
from controller.views.notices import Notices

_COST = (
    "A stopped job cannot be resumed: Bedrock bills the tokens that it was trained on so far, and "
    "it yields no model."
)


@click.command(name="stop")
@shared.names_and_paths
@shared.confirm_options
@shared.selection_options
@shared.connection_options
@shared.output_options
@click.pass_context
def command(ctx: click.Context, /, words: tuple[str, ...], **given: Any) -> None:
    """Stop the running jobs of each NAME, or of the manifests under each PATH.

    It asks for confirmation first. Jobs of earlier revisions that still run are stopped too. The
    manifests are not edited: to keep the jobs stopped, set policy.state to Stopped and commit. The
    exit code is 1 if the answer is no or a named job is not managed by its manifest.
    """
    check_can_confirm("stop", given)
    work = select_jobs(words, given).work
    with open_ports(work, parse_connection_options(given)) as ports:
        stopping = tuple(map(_request_stop, work.desired))
        # A full scope also observes jobs that the sidecars record as ended.
        report = reconcile(stopping, ports, work.fleet, Mode.PLAN, PassScope(full=True))
        actions = report.plan.actions
        found_notices = Notices(make_problems_relative(work.problems))
        foreseen = Steps("stop", _COST, tuple(map(_plan_step, actions)), found_notices)

        def stop_jobs() -> tuple[Steps, set[ExitCode]]:
            actor = _make_executor(ports, work)
            steps = {one.desired.key: _execute_step(one, actor) for one in actions}
            # Records that the jobs are stopping, and shows what the manifests lead to next.
            after = reconcile(work.desired, ports, work.fleet, Mode.RECORD)
            print_failures(after)
            noted = tuple(
                _add_policy_note(steps[one.key], one.key, work, after) for one in foreseen.steps
            )
            taken = replace(foreseen, steps=noted, remarks=collect_notices(work, after))
            return taken, judge_pass(work, after)

        confirm_and_run(
            ctx, foreseen, given, stop_jobs, {ExitCode.INVALID} if work.is_invalid else ()
        )


def _request_stop(job: DesiredJob) -> DesiredJob:
    """Return a job as if its manifest requested the stop, so that the same rules decide."""
    return replace(job, policy=replace(job.policy, state=State.STOPPED))


def _plan_step(action: Action) -> Step:
    kind, live = KINDS[action.desired.key.kind], action.live
    if action.verb is Verb.STOP:
        notes = tuple(_describe_job(action, one) for one in action.stops)
        stops = [_serialize_job(action, one) for one in action.stops]
        return make_step(action, Verdict.PLANNED, _describe_stop(action), *notes, stops=stops)
    if action.verb is Verb.ADOPT:
        message = "it is not ours yet: reconcile adopts it, and then it can be stopped"
        return make_step(action, Verdict.REFUSED, message)
    # A refused Create made no job: there is nothing to stop, which is no error.
    if action.verb is Verb.HOLD and action.reason is not Reason.SUBMIT_REFUSED:
        return make_step(action, Verdict.REFUSED, action.message)
    if live is None:
        return make_step(action, Verdict.UNNEEDED, "nothing runs: it has no job")
    # The job runs, and even a manifest that requests a stop leads to none.
    if live.status not in kind.terminal | kind.stopping:
        message = f"{live.name} is {live.status}, and jobs of this kind cannot be stopped"
        return make_step(action, Verdict.REFUSED, message)
    return make_step(action, Verdict.UNNEEDED, f"nothing to stop: {live.name} is {live.status}")


def _describe_stop(action: Action) -> str:
    first, *more = (live.name for live in action.stops)
    return f"stop {first}{f' and {len(more)} earlier' if more else ''} in {action.place}"


def _describe_job(action: Action, live: LiveJob) -> str:
    since = _get_start_time(action, live)
    return f"{live.name}: {live.status}{f' since {since}' if since else ''}, {live.arn}"


def _serialize_job(action: Action, live: LiveJob) -> dict[str, Any]:
    since = _get_start_time(action, live)
    made = {"jobName": live.name, "jobArn": live.arn, "status": live.status}
    return {**made, "since": since} if since else made


def _get_start_time(action: Action, live: LiveJob) -> str:
    return str(live.members.get(KINDS[action.desired.key.kind].created_member) or "")


def _make_executor(ports: PassContext, work: Workspace) -> ActionExecutor:
    """Return an executor that reads the records again: the confirmation may have taken hours."""
    desired = {job.key: _request_stop(job) for job in work.desired}
    recorded = ports.ledger.read({job.key: job.source for job in work.desired})
    now = ports.clock.now()
    return ActionExecutor(
        ports.kinds, desired, recorded, work.fleet, ports.cloud, ports.ledger, ports.clock, now
    )


def _execute_step(action: Action, actor: ActionExecutor) -> Step:
    """Stop exactly the jobs that were shown, none that started since."""
    foreseen = _plan_step(action)
    if action.verb is not Verb.STOP:
        return foreseen
    failure = actor.execute(action).failure
    if failure is not None:
        return replace(foreseen, verdict=Verdict.FAILED, message=str(failure))
    # The service stops a job asynchronously, so it may run for a while yet.
    asked = f"asked to {_describe_stop(action)}"
    return replace(foreseen, verdict=Verdict.DONE, message=asked)


def _add_policy_note(step: Step, key: JobKey, work: Workspace, after: Report) -> Step:
    """Return the step with notes on what the manifest still requests and leads to."""
    job = next(one for one in work.desired if one.key == key)
    if step.verdict is not Verdict.DONE or job.policy.state is State.STOPPED:
        return step
    (action,) = (one for one in after.plan.actions if one.desired.key == key)
    return replace(step, notes=(*step.notes, *_explain_policy(job, action)))


def _explain_policy(job: DesiredJob, action: Action) -> tuple[str, str]:
    still = f"the manifest still says policy.state: {job.policy.state}, and "
    own = "to keep the job stopped, set policy.state to Stopped and commit that"
    made = action.desired.submission
    if action.verb is Verb.SUBMIT:
        return f"{still}the next reconcile submits {action.desired.name} all the same", own
    if made is not None and action.live is not None and made.attempt < job.policy.attempt:
        attempt = job.policy.attempt
        return f"{still}policy.attempt {attempt} is submitted once the job is Stopped", own
    raised = "the job stays Stopped all the same: it runs again only when policy.attempt is raised"
    return still + raised, own
