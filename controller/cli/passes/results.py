"""Results of commands that run passes, in every output format."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.cli.output.reports import Output, SourceMapper
from controller.cli.passes.passes import collect_failures, make_problems_relative
from controller.cli.workspace.loading import Workspace
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Source
from controller.core.planning.actions import Plan
from controller.engine.reconcile import Report
from controller.views.notices import Notices
from controller.views.plan import format_sandbox_note, render_plan, serialize_plan, summarize_plan
from controller.views.status import JobStatus, render_statuses, serialize_statuses, summarize_phases

if TYPE_CHECKING:
    from controller.views.findings import FindingsReport

# Report formats are imported on demand: most passes print text.


def build_plan_output(
    work: Workspace, report: Report, more: Mapping[str, Any] | None = None, *, sandbox: bool
) -> Output:
    """Return a plan in all formats; ``more`` is further data of its command."""
    plan, refused = report.plan, report.refused

    def build_plan_report() -> FindingsReport:
        from controller.views.findings import build_report, collect_plan_findings

        collected = collect_plan_findings(plan, work.problems, refused)
        counts = summarize_plan(plan, sandbox=sandbox)
        return build_report("plan", counts, _list_manifests(work), collected, sandbox=sandbox)

    def render_markdown(collected: FindingsReport, place: SourceMapper, limit: int) -> str:
        from controller.views.markdown_reports import render_plan_markdown

        return render_plan_markdown(collected, plan, refused, place, limit)

    return Output(
        lambda: serialize_plan(
            plan, refused, make_problems_relative(work.problems), more, sandbox=sandbox
        ),
        lambda: render_plan(plan, sandbox=sandbox),
        build_plan_report,
        render_markdown,
    )


def build_pass_output(
    work: Workspace,
    report: Report,
    shown: Sequence[JobStatus],
    quiet: Container[JobKey],
    remarks: Notices,
    *,
    sandbox: bool,
) -> Output:
    """Return the results of a pass in all formats; the text only counts quiet jobs."""

    def build_pass_report() -> FindingsReport:
        from controller.views.findings import (
            build_report,
            collect_pass_findings,
            collect_write_back_findings,
        )

        collected = collect_pass_findings(
            shown, KINDS, collect_failures(report), work.problems, report.refused
        )
        findings = (*collect_write_back_findings(remarks.unwritten), *collected)
        counts = summarize_phases(shown) + format_sandbox_note(sandbox)
        return build_report("reconcile", counts, _list_manifests(work), findings, sandbox=sandbox)

    def render_markdown(collected: FindingsReport, place: SourceMapper, limit: int) -> str:
        from controller.views.markdown_reports import render_status_markdown

        return render_status_markdown(collected, shown, report.refused, place, limit)

    return Output(
        lambda: serialize_statuses(shown, remarks, sandbox=sandbox),
        lambda: render_statuses(shown, sandbox=sandbox, quiet=quiet),
        build_pass_report,
        render_markdown,
    )


def build_refusal_output(
    work: Workspace, refused: str, more: Mapping[str, Any], given: Mapping[str, Any]
) -> Output:
    """Return a refusal in all formats but text, which is on stderr."""
    report, sandbox = Report(Plan(), refused=refused), given["sandbox"]
    if given["dry_run"]:
        made = build_plan_output(work, report, more, sandbox=sandbox)
    else:
        collected = Notices(make_problems_relative(work.problems), refused=refused, more=more)
        made = build_pass_output(work, report, (), (), collected, sandbox=sandbox)
    return replace(made, lines=tuple)


def _list_manifests(work: Workspace) -> Iterator[tuple[JobKey, Source]]:
    return ((job.key, job.source) for job in sorted(work.desired, key=lambda job: job.key))
