"""The command ``adopt``: links manifests to jobs that were created elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from controller.cli.edits.confirm import check_can_confirm, make_step
from controller.cli.edits.job_selection import select_jobs
from controller.cli.edits.policy_edits import PolicyEdit, edit_policies
from controller.cli.options import shared
from controller.cli.passes.passes import parse_connection_options
from controller.cli.workspace.loading import Workspace, open_ports
from controller.core.model import (
    DesiredJob,
    JobKey,
    LiveJob,
)
from controller.core.planning.actions import UNREADABLE_REASONS, Action, Reason
from controller.core.policy import State
from controller.engine.apply import PassContext
from controller.engine.reconcile import Mode, reconcile
from controller.views.job_steps import Step, Steps, Verdict

_COST = (
    "Adoption submits nothing and costs nothing; from then on the manifest manages the job, and "
    "its policy about stopping applies."
)
# With these reasons the plan found no job of the manifest's name.
_NO_JOB_REASONS = frozenset(
    {Reason.NOT_SUBMITTED, Reason.QUEUED, Reason.INTENT_UNCONFIRMED, Reason.SUBMIT_REFUSED}
)
_UNAFFECTED_REASONS = UNREADABLE_REASONS | {Reason.WRONG_TARGET, Reason.INVALID}
"""Reasons that another ARN does not change."""


@click.command(name="adopt")
@shared.names_and_paths
@click.option(
    "--arn",
    metavar="ARN",
    help="The job to adopt, for one manifest. [default: the job that has its name]",
)
@shared.confirm_options
@shared.selection_options
@shared.connection_options
@shared.output_options
@click.pass_context
def command(ctx: click.Context, /, words: tuple[str, ...], **given: Any) -> None:
    """Adopt jobs that were created elsewhere: for each NAME, or each manifest under a PATH.

    It looks the job up and, if its spec equals the manifest's, asks for confirmation and sets
    policy.adopt to the job's ARN. No AWS call changes anything: commit the edit, and the next
    reconcile adopts the job. The exit code is 1 if the answer is no or a job cannot be adopted.
    """
    check_can_confirm("adopt", given)
    arn = _parse_arn(given)
    work = select_jobs(words, given).work
    if arn and len(work.desired) != 1:
        raise click.UsageError(f"--arn is for one manifest, and {len(work.desired)} are selected")
    with open_ports(work, parse_connection_options(given)) as ports:
        proposals = _propose_edits(work, ports, arn)
    edit_policies(ctx, Steps("adopt", _COST, ()), "adopt", proposals, given, work)


def _parse_arn(given: dict[str, Any]) -> str:
    arn = str(given["arn"] or "")
    if arn and not arn.startswith("arn:"):
        raise click.UsageError(f"--arn takes a whole ARN, beginning with `arn:`, not {arn}")
    return arn


def _propose_edits(work: Workspace, ports: PassContext, arn: str) -> list[PolicyEdit]:
    """Plan each job twice: as it is, and as it would be once adopted."""
    first = reconcile(work.desired, ports, work.fleet, Mode.PLAN).plan.actions
    wanted = {action.desired.key: _choose_arn(action, arn) for action in first}
    trial = [_assume_adopted(job, wanted[job.key]) for job in work.desired if wanted[job.key]]
    then = reconcile(trial, ports, work.fleet, Mode.PLAN).plan.actions if trial else ()
    after = {action.desired.key: action for action in then}
    return [_propose_edit(action, after, wanted[action.desired.key], arn) for action in first]


def _choose_arn(action: Action, arn: str) -> str:
    """Return the ARN to adopt; empty if the first plan rules adoption out."""
    live, reason = action.live, action.reason
    # A manifest with a job of its own keeps it: adopting another would lose track of that one.
    if reason in _UNAFFECTED_REASONS or _is_own(action) or _find_earlier_job(action):
        return ""
    if arn:
        return arn
    return live.arn if live is not None and reason is Reason.NOT_OWNED else ""


def _is_own(action: Action) -> bool:
    """Whether the observed job is the manifest's own, of its present spec or an earlier one."""
    # Plans give these reasons for a job that the manifest does not own yet, or does not describe.
    theirs = {Reason.NOT_OWNED, Reason.ADOPTED, Reason.SPEC_CHANGED, Reason.TOKEN_REPLAY}
    return action.live is not None and action.reason not in theirs


def _assume_adopted(job: DesiredJob, arn: str) -> DesiredJob:
    return replace(job, policy=replace(job.policy, adopt=arn))


def _propose_edit(action: Action, after: dict[JobKey, Action], wanted: str, arn: str) -> PolicyEdit:
    if not wanted or (action.reason is Reason.ADOPTED and _get_adopt_arn(action) == wanted):
        return PolicyEdit(_explain_no_edit(action, arn))
    then = after[action.desired.key]
    if then.reason is not Reason.ADOPTED or then.live is None:
        # The trial plan does not adopt the job; its message and changes say why.
        step = make_step(then, Verdict.REFUSED, then.message)
        return PolicyEdit(replace(step, changes=then.changes))
    notes = [f"{then.live.name} is {then.live.status}; its spec equals the manifest's"]
    # Once adopted, the policy applies: the user must know of the stop before they agree.
    if action.desired.policy.state is State.STOPPED:
        notes.append("policy.state is Stopped: once it is adopted, reconcile stops it if it runs")
    step = make_step(then, Verdict.PLANNED, f"policy.adopt: {wanted}", *notes, jobArn=wanted)
    return PolicyEdit(step, wanted)


def _get_adopt_arn(action: Action) -> str | None:
    return action.desired.policy.adopt


def _explain_no_edit(action: Action, arn: str) -> Step:
    """Return why a job needs no adoption or cannot be adopted."""
    live, reason = action.live, action.reason
    if reason is Reason.ADOPTED and live is not None:
        message = f"policy.adopt names {live.arn} already: the next reconcile adopts it"
        return make_step(action, Verdict.UNNEEDED, message, jobArn=live.arn)
    if reason in _UNAFFECTED_REASONS:
        return make_step(action, Verdict.REFUSED, action.message)
    own = live if _is_own(action) else _find_earlier_job(action)
    if own is not None:
        return _explain_own_job(action, own, arn)
    if reason in _NO_JOB_REASONS:
        message = (
            f"there is no job {action.desired.name} to adopt: name another with --arn, or let "
            "reconcile submit one"
        )
        return make_step(action, Verdict.REFUSED, message)
    return make_step(action, Verdict.REFUSED, action.message)


def _find_earlier_job(action: Action) -> LiveJob | None:
    """Return the manifest's latest job if another one is to follow it."""
    return action.earlier[-1].live if action.live is None and action.earlier else None


def _explain_own_job(action: Action, own: LiveJob, arn: str) -> Step:
    if arn and arn != own.arn:
        message = f"{own.arn} is the manifest's own job: write another manifest for {arn}"
        return make_step(action, Verdict.REFUSED, message)
    message = f"{own.arn} is the manifest's own job already"
    return make_step(action, Verdict.UNNEEDED, message, jobArn=own.arn)
