"""Running passes from the command line: their exit codes, problems and failures."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import click

from controller.adapters.manifests.source_lines import read_source_lines
from controller.cli.options.shared import convert_to_real_time
from controller.cli.output.console import make_console, say, say_line
from controller.cli.output.exit_codes import ExitCode
from controller.cli.workspace.arguments import make_relative
from controller.cli.workspace.loading import ConnectionOptions, Workspace
from controller.core.kinds.registry import KINDS
from controller.core.model import Disposition, JobKey, Problem
from controller.core.planning.actions import UNREADABLE_REASONS, Action, Plan, Reason
from controller.core.planning.rules_removed import CleanupOptions
from controller.core.severity import filter_errors
from controller.engine.apply import JobResult, PassContext, PlanApproval
from controller.engine.reconcile import Mode, PassScope, Report, reconcile
from controller.engine.wait import wait_for_jobs
from controller.views.notices import Notices
from controller.views.plan import is_pending
from controller.views.problems import render_problems
from controller.views.progress import Progress, show_progress
from controller.views.status import JobStatus, is_unhealthy

# An outage affects every job, and its line should stay readable.
_MAX_NAMES = 3
_MINUTE = 60.0
_SHORTEST = 0.1


@dataclass
class PassRunner:
    """The passes of one command, with their progress; ``first`` is the report of the first.

    ``collected`` counts the entries that they removed; ``after`` is called after each.
    """

    work: Workspace
    ports: PassContext
    mode: Mode
    sandbox: bool
    first: Report = field(default_factory=lambda: Report(Plan()))
    cleaning: CleanupOptions = field(default_factory=CleanupOptions)
    full: bool = False
    forgotten: frozenset[str] = frozenset()
    collected: int = 0
    after: Callable[[], object] = lambda: None
    terms: PlanApproval = field(default_factory=PlanApproval)
    awaits: Callable[[Action], bool] = lambda _: True

    def run(self, given: dict[str, Any], *, waits: bool) -> tuple[Report, set[ExitCode]]:
        """Run one pass, or repeat it until every job has ended or the timeout is reached."""
        # A single pass is over too soon for a live display.
        terminal = sys.stderr.isatty() and waits
        total = len(self.work.desired)
        screen = make_console() if terminal else None
        with show_progress(KINDS, total, say, screen, sandbox=self.sandbox) as shown:
            if not waits:
                self.first = self._run_pass(shown)
                return self.first, set()
            return self._run_until_ended(shown, given)

    def _run_until_ended(
        self, shown: Progress, given: dict[str, Any]
    ) -> tuple[Report, set[ExitCode]]:
        every = given["every"] or convert_to_real_time(given, _MINUTE, _SHORTEST)

        def run_pass() -> Report:
            report = self._run_pass(shown)
            # The initial report is an empty placeholder.
            self.first = self.first if self.first.plan.actions else report
            return report

        waited = wait_for_jobs(
            run_pass,
            KINDS,
            self.ports.clock,
            every,
            given["timeout"],
            lambda report: shown.update_all(build_statuses(report)),
            self.awaits,
        )
        if not waited.has_timed_out:
            return waited.report, set()
        say(_describe_timeout(waited.unfinished, given["timeout"]))
        return waited.report, {ExitCode.TIMED_OUT}

    def _run_pass(self, shown: Progress) -> Report:
        def report_result(result: JobResult) -> None:
            if result.outcome.planned.verb.is_mutating:
                shown.update(_build_status(result))

        work = self.work
        # ``wait`` records the jobs that it waits for, and no others.
        coverage = work.coverage if self.mode is not Mode.RECORD else None
        report = reconcile(
            work.desired,
            replace(self.ports, on_result=report_result),
            work.fleet,
            self.mode,
            PassScope(
                self.full, coverage=coverage, cleaning=self.cleaning, forgotten=self.forgotten
            ),
            self.terms,
        )
        self.collected += report.collected
        self.after()
        return report


def _describe_timeout(unfinished: Sequence[JobKey], seconds: float) -> str:
    """Return a message for a wait that timed out, about the jobs that have not ended."""
    first = ", ".join(key.name for key in unfinished[:_MAX_NAMES])
    more = f" and {len(unfinished) - _MAX_NAMES} more" if len(unfinished) > _MAX_NAMES else ""
    count = f"{len(unfinished)} job{'s have' if len(unfinished) != 1 else ' has'} not ended"
    return (
        f"bedrock-jobs: timed out after {seconds:g} s: {count} ({first}{more}); what runs goes on "
        "running. `bedrock-jobs wait` waits again, `bedrock-jobs status` shows what is known"
    )


def parse_connection_options(given: dict[str, Any]) -> ConnectionOptions:
    """Return the connection options of a command; raises usage errors."""
    if given["sandbox"] and given["endpoint_url"]:
        raise click.UsageError(
            "--endpoint-url cannot be combined with --sandbox, which has its own: remove one"
        )
    return ConnectionOptions(given, given["sandbox"], given["speed"])


def build_statuses(report: Report) -> list[JobStatus]:
    """Return the jobs' entries after a pass, in the plan's order."""
    return [_build_status(result) for result in report.results]


def print_problems(problems: Iterable[Problem]) -> None:
    """Print every problem to stderr, with its place and what to do."""
    sensitive = frozenset().union(*(kind.sensitive for kind in KINDS.values()))
    for line in render_problems(make_problems_relative(problems), read_source_lines, sensitive):
        say_line(line)


def make_problems_relative(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems with their places relative to the current folder."""
    return [replace(one, source=make_relative(one.source)) for one in problems]


def collect_notices(
    work: Workspace,
    report: Report,
    more: Mapping[str, Any] | None = None,
    *,
    timed_out: bool = False,
) -> Notices:
    """Return as data what people read on stderr."""
    failures: dict[str, Sequence[JobKey]] = {report.uncollected: ()} if report.uncollected else {}
    failures |= _group_failures(report)
    return Notices(
        make_problems_relative(work.problems), failures, report.refused, timed_out, more=more or {}
    )


def print_failures(report: Report) -> None:
    """Print failures to stderr, each cause once with its jobs."""
    if report.refused:
        say(f"bedrock-jobs: refused: {report.refused}")
    if report.uncollected:
        say(f"bedrock-jobs: {report.uncollected}")
    for cause, keys in _group_failures(report).items():
        names = [key.name for key in keys]
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        say(f"bedrock-jobs: {cause} [{', '.join(names[:_MAX_NAMES])}{more}]")


def collect_failures(report: Report) -> dict[JobKey, str]:
    """Return why jobs could not be reconciled, each with all of its causes."""
    return {
        result.outcome.planned.desired.key: "; ".join(dict.fromkeys(_list_failures(result)))
        for result in report.results
        if _has_failed(result)
    }


def judge_pass(work: Workspace, report: Report) -> set[ExitCode]:
    """Return the exit code of a pass, apart from the state of its jobs."""
    codes: set[ExitCode] = set()
    if report.uncollected or any(_has_failed(result) for result in report.results):
        codes.add(ExitCode.FAILED)
    reasons = Counter(result.outcome.actual.reason for result in report.results)
    if report.refused or reasons[Reason.WRONG_TARGET]:
        codes.add(ExitCode.UNSAFE)
    if work.is_invalid or reasons[Reason.INVALID]:
        codes.add(ExitCode.INVALID)
    return codes


def judge_jobs(report: Report) -> set[ExitCode]:
    """Return the exit codes of the jobs' states; jobs without a manifest do not count."""
    wanted = [one for one in report.results if not one.outcome.planned.desired.removed]
    unhealthy = any(is_unhealthy(_build_status(result), KINDS) for result in wanted)
    return {ExitCode.UNHEALTHY} if unhealthy else set()


def judge_plan(report: Report) -> set[ExitCode]:
    """Return the exit code of a plan: whether anything is to be done."""
    return {ExitCode.CHANGES_PENDING} if any(map(is_pending, report.plan.actions)) else set()


def _build_status(result: JobResult) -> JobStatus:
    desired = result.outcome.planned.desired
    return JobStatus(desired.key, make_relative(desired.source), result.entry)


def _has_failed(result: JobResult) -> bool:
    failure = result.outcome.failure
    # A full quota is no failure: a later pass submits the job.
    if failure is not None and failure.disposition is not Disposition.QUOTA:
        return True
    return bool(result.write_error) or result.outcome.actual.reason in UNREADABLE_REASONS


def _group_failures(report: Report) -> dict[str, list[JobKey]]:
    causes: dict[str, list[JobKey]] = {}
    for result in report.results:
        for cause in dict.fromkeys(_list_failures(result)):
            causes.setdefault(cause, []).append(result.outcome.planned.desired.key)
    return causes


def _list_failures(result: JobResult) -> Iterator[str]:
    outcome = result.outcome
    if outcome.failure is not None:
        yield str(outcome.failure)
    if outcome.actual.failure is not None:
        yield str(outcome.actual.failure)
    if outcome.actual.reason is Reason.WRONG_TARGET:
        yield f"WrongTarget: {outcome.actual.message}"
    if outcome.actual.reason is Reason.RECORD_UNREADABLE:
        yield f"RecordUnreadable: {outcome.actual.message}"
    if outcome.actual.reason is Reason.INVALID and not filter_errors(
        outcome.planned.desired.problems
    ):
        yield f"Invalid: {outcome.actual.message}"
    failure_text = outcome.failure.message if outcome.failure else ""
    # A failure may already quote the write error.
    if result.write_error is not None and result.write_error not in failure_text:
        now = outcome.actual
        # What could not be recorded is at least printed.
        shown = f"; its status is {now.live.status}, {now.live.arn}" if now.live else ""
        arn = f"; it was submitted as {outcome.arn}" if outcome.arn else shown
        yield f"{result.write_error}{arn}"
