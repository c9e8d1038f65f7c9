"""What verbs that make passes have to say, in every form that it is asked for in."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from controller.cli.asked import relative
from controller.cli.passing import failing
from controller.cli.presenting import Placing, Result
from controller.cli.wiring import Work
from controller.core.kinds import KINDS
from controller.core.model import JobKey, Source
from controller.reconcile import Report
from controller.views.plan import in_sandbox, plan_data, plan_lines, summary
from controller.views.status import JobStatus, phases, status_data, status_lines

if TYPE_CHECKING:
    from controller.views.review import Review

# What reports are made of is imported when one is asked for: most passes print text.


def plan_result(work: Work, report: Report, *, sandbox: bool) -> Result:
    """Return a plan in all its forms."""
    plan, refused = report.plan, report.refused
    problems = [replace(one, source=relative(one.source)) for one in work.problems]

    def reviewed() -> Review:
        from controller.views.review import of_plan, review

        told = of_plan(plan, work.problems, refused)
        counts = summary(plan, sandbox=sandbox)
        return review("plan", counts, _manifests(work), told, sandbox=sandbox)

    def markdown(told: Review, place: Placing, limit: int) -> str:
        from controller.views.summaries import plan_markdown

        return plan_markdown(told, plan, refused, place, limit)

    return Result(
        lambda: plan_data(plan, refused, problems, sandbox=sandbox),
        lambda: plan_lines(plan, sandbox=sandbox),
        reviewed,
        markdown,
    )


def pass_result(
    work: Work,
    report: Report,
    shown: Sequence[JobStatus],
    quiet: Container[JobKey],
    *,
    sandbox: bool,
) -> Result:
    """Return what became of a pass in all its forms; quiet jobs are only counted in its text."""

    def reviewed() -> Review:
        from controller.views.review import of_pass, review

        told = of_pass(shown, KINDS, failing(report), work.problems, report.refused)
        counts = phases(shown) + in_sandbox(sandbox)
        return review("reconcile", counts, _manifests(work), told, sandbox=sandbox)

    def markdown(told: Review, place: Placing, limit: int) -> str:
        from controller.views.summaries import status_markdown

        return status_markdown(told, shown, report.refused, place, limit)

    return Result(
        lambda: status_data(shown, sandbox=sandbox),
        lambda: status_lines(shown, sandbox=sandbox, quiet=quiet),
        reviewed,
        markdown,
    )


def _manifests(work: Work) -> Iterator[tuple[JobKey, Source]]:
    return ((job.key, job.source) for job in sorted(work.desired, key=lambda job: job.key))
