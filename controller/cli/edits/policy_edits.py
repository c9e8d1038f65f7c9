"""Edits that ``retry`` and ``adopt`` share: one policy key is set in each manifest."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from controller.adapters.authoring.policy_editor import EditError, FileEdit, set_policy
from controller.adapters.host.tree_bounds import find_bounds
from controller.adapters.manifests.discovery import read_content
from controller.cli.edits.confirm import confirm_and_run
from controller.cli.output.exit_codes import ExitCode
from controller.cli.passes.passes import make_problems_relative
from controller.cli.workspace.loading import Workspace
from controller.views.job_steps import Step, Steps, Verdict
from controller.views.notices import Notices

_COMMIT = "commit the edit, and let reconcile do the rest"


@dataclass(frozen=True, slots=True)
class PolicyEdit:
    """A step, and the value of its manifest's policy key, if it is planned."""

    step: Step
    value: int | str = 0


def edit_policies(
    ctx: click.Context,
    planned_steps: Steps,
    member: str,
    proposals: Sequence[PolicyEdit],
    given: dict[str, Any],
    work: Workspace,
) -> None:
    """Ask for confirmation, edit the manifests whose steps are planned, print the result, and exit.

    ``planned_steps`` names the command and its consequences. Every edit is tried out first: a file
    that cannot be edited is reported before anything is asked or done.
    """
    paths = {job.key: Path(job.source.path) for job in work.desired}

    def apply_edit(proposal: PolicyEdit, *, dry_run: bool) -> Step:
        step = proposal.step
        if step.verdict is not Verdict.PLANNED:
            return step
        return _edit_policy(proposal, paths[step.key], member, dry_run=dry_run)

    tried = tuple(apply_edit(proposal, dry_run=True) for proposal in proposals)
    # A step that the trial refused is no longer planned, so the real edit skips it.
    ready = [replace(old, step=new) for old, new in zip(proposals, tried, strict=True)]

    foreseen = replace(
        planned_steps, steps=tried, remarks=Notices(make_problems_relative(work.problems))
    )

    def write_edits() -> tuple[Steps, set[ExitCode]]:
        return replace(
            foreseen, steps=tuple(apply_edit(one, dry_run=False) for one in ready)
        ), set()

    confirm_and_run(
        ctx, foreseen, given, write_edits, {ExitCode.INVALID} if work.is_invalid else set()
    )


def _edit_policy(proposal: PolicyEdit, path: Path, member: str, *, dry_run: bool) -> Step:
    step = proposal.step
    try:
        edit = set_policy(path, step.key, member, proposal.value, dry_run=dry_run)
    except (EditError, OSError) as error:
        # Before the confirmation an impossible edit is a refusal, afterwards a failure.
        verdict = Verdict.REFUSED if dry_run else Verdict.FAILED
        return replace(step, verdict=verdict, message=str(error), diff=())
    if dry_run:
        diff = tuple(_render_diff(edit, step.source.path))
        return replace(step, diff=diff, data={**step.data, "diff": "\n".join(diff)})
    return replace(step, verdict=Verdict.DONE, notes=(*step.notes, _COMMIT), diff=())


def _render_diff(edit: FileEdit, path: str) -> Iterator[str]:
    """Yield the unified diff of an edit that was tried out."""
    if not edit.is_change:
        return
    # The trial wrote nothing: the file still has the text before the edit.
    text = read_content(str(edit.path), find_bounds(edit.path).root).decode("utf-8-sig")
    before = text.splitlines()
    begin = edit.line - 1
    after = [*before[:begin], *edit.added, *before[begin + len(edit.removed) :]]
    shown = Path(os.path.normpath(path)).as_posix()
    yield from difflib.unified_diff(before, after, f"a/{shown}", f"b/{shown}", lineterm="")
