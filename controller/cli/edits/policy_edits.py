"""What retry and adopt share: one member of policy is set in each manifest, for a commit."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from controller.adapters.authoring.policy_editor import Edit, EditError, set_policy
from controller.adapters.host.tree_bounds import bounds_of
from controller.adapters.manifests.discovery import content
from controller.cli.edits.confirm import settle
from controller.cli.output.exit_codes import Exit
from controller.cli.passes.passes import placed
from controller.cli.workspace.loading import Work
from controller.views.job_steps import Step, Steps, Verdict
from controller.views.notices import Remarks

_COMMIT = "commit the edit, and let reconcile do the rest"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A step, and the value that it gives a member of its manifest's policy, if it is planned."""

    step: Step
    value: int | str = 0


def revise(
    ctx: click.Context,
    told: Steps,
    member: str,
    proposals: Sequence[Proposal],
    given: dict[str, Any],
    work: Work,
) -> None:
    """Ask, edit the manifests whose steps are planned, tell what was done, and end.

    ``told`` says which verb it is and what it costs. Every edit is tried out first: a file that
    cannot be edited is told before anything is asked or done.
    """
    paths = {job.key: Path(job.source.path) for job in work.desired}

    def edited(proposal: Proposal, *, dry_run: bool) -> Step:
        step = proposal.step
        if step.verdict is not Verdict.PLANNED:
            return step
        return _edited(proposal, paths[step.key], member, dry_run=dry_run)

    tried = tuple(edited(proposal, dry_run=True) for proposal in proposals)
    ready = [replace(old, step=new) for old, new in zip(proposals, tried, strict=True)]

    foreseen = replace(told, steps=tried, remarks=Remarks(placed(work.problems)))

    def take() -> tuple[Steps, set[Exit]]:
        return replace(foreseen, steps=tuple(edited(one, dry_run=False) for one in ready)), set()

    settle(ctx, foreseen, given, take, {Exit.INVALID} if work.is_invalid else set())


def _edited(proposal: Proposal, path: Path, member: str, *, dry_run: bool) -> Step:
    step = proposal.step
    try:
        edit = set_policy(path, step.key, member, proposal.value, dry_run=dry_run)
    except (EditError, OSError) as error:
        verdict = Verdict.REFUSED if dry_run else Verdict.FAILED
        return replace(step, verdict=verdict, message=str(error), diff=())
    if dry_run:
        diff = tuple(_unified(edit, step.source.path))
        return replace(step, diff=diff, data={**step.data, "diff": "\n".join(diff)})
    return replace(step, verdict=Verdict.DONE, notes=(*step.notes, _COMMIT), diff=())


def _unified(edit: Edit, path: str) -> Iterator[str]:
    """Yield a unified diff of an edit that was only tried out."""
    if not edit.is_change:
        return
    text = content(str(edit.path), bounds_of(edit.path).root).decode("utf-8-sig")
    before = text.splitlines()
    begin = edit.line - 1
    after = [*before[:begin], *edit.added, *before[begin + len(edit.removed) :]]
    shown = Path(os.path.normpath(path)).as_posix()
    yield from difflib.unified_diff(before, after, f"a/{shown}", f"b/{shown}", lineterm="")
