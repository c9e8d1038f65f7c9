"""What verbs that make passes have to say, in every form that it is asked for in."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.cli.output.reports import Placing, Result
from controller.cli.passes.passes import failing, placed
from controller.cli.workspace.loading import Work
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Source
from controller.core.planning.actions import Plan
from controller.engine.reconcile import Report
from controller.views.notices import Remarks
from controller.views.plan import in_sandbox, plan_data, plan_lines, summary
from controller.views.status import JobStatus, phases, status_data, status_lines

if TYPE_CHECKING:
    from controller.views.findings import Review

# What reports are made of is imported when one is asked for: most passes print text.


def plan_result(
    work: Work, report: Report, more: Mapping[str, Any] | None = None, *, sandbox: bool
) -> Result:
    """Return a plan in all its forms; ``more`` is data of what its verb has to say beside it."""
    plan, refused = report.plan, report.refused

    def reviewed() -> Review:
        from controller.views.findings import of_plan, review

        told = of_plan(plan, work.problems, refused)
        counts = summary(plan, sandbox=sandbox)
        return review("plan", counts, _manifests(work), told, sandbox=sandbox)

    def markdown(told: Review, place: Placing, limit: int) -> str:
        from controller.views.markdown_reports import plan_markdown

        return plan_markdown(told, plan, refused, place, limit)

    return Result(
        lambda: plan_data(plan, refused, placed(work.problems), more, sandbox=sandbox),
        lambda: plan_lines(plan, sandbox=sandbox),
        reviewed,
        markdown,
    )


def pass_result(
    work: Work,
    report: Report,
    shown: Sequence[JobStatus],
    quiet: Container[JobKey],
    remarks: Remarks,
    *,
    sandbox: bool,
) -> Result:
    """Return what became of a pass in all its forms; quiet jobs are only counted in its text."""

    def reviewed() -> Review:
        from controller.views.findings import of_pass, of_write_back, review

        told = of_pass(shown, KINDS, failing(report), work.problems, report.refused)
        findings = (*of_write_back(remarks.unwritten), *told)
        counts = phases(shown) + in_sandbox(sandbox)
        return review("reconcile", counts, _manifests(work), findings, sandbox=sandbox)

    def markdown(told: Review, place: Placing, limit: int) -> str:
        from controller.views.markdown_reports import status_markdown

        return status_markdown(told, shown, report.refused, place, limit)

    return Result(
        lambda: status_data(shown, remarks, sandbox=sandbox),
        lambda: status_lines(shown, sandbox=sandbox, quiet=quiet),
        reviewed,
        markdown,
    )


def refusal_result(
    work: Work, refused: str, more: Mapping[str, Any], given: Mapping[str, Any]
) -> Result:
    """Return that nothing was looked at or done, in all its forms but text, which stderr has."""
    report, sandbox = Report(Plan(), refused=refused), given["sandbox"]
    if given["dry_run"]:
        made = plan_result(work, report, more, sandbox=sandbox)
    else:
        told = Remarks(placed(work.problems), refused=refused, more=more)
        made = pass_result(work, report, (), (), told, sandbox=sandbox)
    return replace(made, lines=tuple)


def _manifests(work: Work) -> Iterator[tuple[JobKey, Source]]:
    return ((job.key, job.source) for job in sorted(work.desired, key=lambda job: job.key))
