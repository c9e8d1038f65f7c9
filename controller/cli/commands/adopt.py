"""The verb ``adopt``: says, in the manifest, that it stands for a job that was made elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from controller.cli.edits.confirm import permit, stepping
from controller.cli.edits.job_selection import chosen
from controller.cli.edits.policy_edits import Proposal, revise
from controller.cli.options import shared
from controller.cli.passes.passes import reach_of
from controller.cli.workspace.loading import Work, outside
from controller.core.model import (
    Desired,
    JobKey,
    Live,
)
from controller.core.planning.actions import UNREAD, Action, Reason
from controller.core.policy import State
from controller.engine.apply import Outside
from controller.engine.reconcile import Mode, reconcile
from controller.views.job_steps import Step, Steps, Verdict

_COST = (
    "Adoption submits nothing and costs nothing; from then on the manifest decides about the job, "
    "and what its policy says of stopping holds for it."
)
_ABSENT = frozenset(
    {Reason.NOT_SUBMITTED, Reason.QUEUED, Reason.INTENT_UNCONFIRMED, Reason.SUBMIT_REFUSED}
)
_AS_THEY_ARE = UNREAD | {Reason.WRONG_TARGET, Reason.INVALID}
"""Reasons that another ARN does not change."""


@click.command(name="adopt")
@shared.words
@click.option(
    "--arn",
    metavar="ARN",
    help="The job to adopt, for one manifest. [default: the job that has its name]",
)
@shared.deciding
@shared.selecting
@shared.connecting
@shared.printing
@click.pass_context
def command(ctx: click.Context, /, words: tuple[str, ...], **given: Any) -> None:
    """Let the manifest of each NAME, or each under a PATH, stand for a job made elsewhere.

    It looks the job up and, when its spec equals the manifest's, asks and sets policy.adopt to its
    ARN; it calls nothing that changes anything. Commit the edit, and the next reconcile adopts the
    job. The exit code is 1 when the answer is no, or when a job cannot be adopted.
    """
    permit("adopt", given)
    arn = _arn(given)
    work = chosen(words, given).work
    if arn and len(work.desired) != 1:
        raise click.UsageError(f"--arn is for one manifest, and {len(work.desired)} are meant")
    with outside(work, reach_of(given)) as ports:
        proposals = _proposals(work, ports, arn)
    revise(ctx, Steps("adopt", _COST, ()), "adopt", proposals, given, work)


def _arn(given: dict[str, Any]) -> str:
    arn = str(given["arn"] or "")
    if arn and not arn.startswith("arn:"):
        raise click.UsageError(f"--arn takes a whole ARN, beginning with `arn:`, not {arn}")
    return arn


def _proposals(work: Work, ports: Outside, arn: str) -> list[Proposal]:
    """Look twice: at the jobs as they are, then as they would be once adopted."""
    first = reconcile(work.desired, ports, work.fleet, Mode.PLAN).plan.actions
    wanted = {action.desired.key: _wanted(action, arn) for action in first}
    trial = [_adopting(job, wanted[job.key]) for job in work.desired if wanted[job.key]]
    then = reconcile(trial, ports, work.fleet, Mode.PLAN).plan.actions if trial else ()
    after = {action.desired.key: action for action in then}
    return [_proposal(action, after, wanted[action.desired.key], arn) for action in first]


def _wanted(action: Action, arn: str) -> str:
    """Return the ARN to adopt; nothing where the first look says already that none is."""
    live, reason = action.live, action.reason
    if reason in _AS_THEY_ARE or _is_own(action) or _earlier(action):
        return ""
    if arn:
        return arn
    return live.arn if live is not None and reason is Reason.NOT_OWNED else ""


def _is_own(action: Action) -> bool:
    """Whether the job that was seen is the manifest's own, with today's spec or an earlier one."""
    theirs = {Reason.NOT_OWNED, Reason.ADOPTED, Reason.SPEC_CHANGED, Reason.TOKEN_REPLAY}
    return action.live is not None and action.reason not in theirs


def _adopting(job: Desired, arn: str) -> Desired:
    return replace(job, policy=replace(job.policy, adopt=arn))


def _proposal(action: Action, after: dict[JobKey, Action], wanted: str, arn: str) -> Proposal:
    if not wanted or (action.reason is Reason.ADOPTED and _adopted(action) == wanted):
        return Proposal(_settled(action, arn))
    then = after[action.desired.key]
    if then.reason is not Reason.ADOPTED or then.live is None:
        step = stepping(then, Verdict.REFUSED, then.message)
        return Proposal(replace(step, changes=then.changes))
    notes = [f"{then.live.name} is {then.live.status}; its spec equals the manifest's"]
    if action.desired.policy.state is State.STOPPED:
        notes.append("policy.state is Stopped: once it is adopted, reconcile stops it if it runs")
    step = stepping(then, Verdict.PLANNED, f"policy.adopt: {wanted}", *notes, jobArn=wanted)
    return Proposal(step, wanted)


def _adopted(action: Action) -> str | None:
    return action.desired.policy.adopt


def _settled(action: Action, arn: str) -> Step:
    """Say of a job that needs no adoption, or cannot have one, why that is."""
    live, reason = action.live, action.reason
    if reason is Reason.ADOPTED and live is not None:
        message = f"policy.adopt names {live.arn} already: the next reconcile adopts it"
        return stepping(action, Verdict.UNNEEDED, message, jobArn=live.arn)
    if reason in _AS_THEY_ARE:
        return stepping(action, Verdict.REFUSED, action.message)
    own = live if _is_own(action) else _earlier(action)
    if own is not None:
        return _own(action, own, arn)
    if reason in _ABSENT:
        message = (
            f"there is no job {action.desired.name} to adopt: name another with --arn, or let "
            "reconcile submit one"
        )
        return stepping(action, Verdict.REFUSED, message)
    return stepping(action, Verdict.REFUSED, action.message)


def _earlier(action: Action) -> Live | None:
    """Return the manifest's last job where another one is to follow it."""
    return action.earlier[-1].live if action.live is None and action.earlier else None


def _own(action: Action, own: Live, arn: str) -> Step:
    if arn and arn != own.arn:
        message = f"{own.arn} is the manifest's own job: write another manifest for {arn}"
        return stepping(action, Verdict.REFUSED, message)
    message = f"{own.arn} is the manifest's own job already"
    return stepping(action, Verdict.UNNEEDED, message, jobArn=own.arn)
