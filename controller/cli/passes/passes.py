"""What the verbs that make passes share: judging a report, and telling what went wrong."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import click

from controller.adapters.manifests.source_lines import source_lines
from controller.cli.options.shared import in_real_seconds
from controller.cli.output.console import console, say, say_line
from controller.cli.output.exit_codes import Exit
from controller.cli.workspace.arguments import relative
from controller.cli.workspace.loading import Reach, Work
from controller.core.kinds.registry import KINDS
from controller.core.model import Disposition, JobKey, Problem
from controller.core.planning.actions import UNREAD, Action, Plan, Reason
from controller.core.planning.rules_removed import Cleaning
from controller.core.severity import errors
from controller.engine.apply import Outside, Result, Terms
from controller.engine.reconcile import Mode, Report, Scope, reconcile
from controller.engine.wait import wait
from controller.views.notices import Remarks
from controller.views.plan import is_pending
from controller.views.problems import problem_lines
from controller.views.progress import Progress, progress
from controller.views.status import JobStatus, is_unhealthy

_FEW = 3
_MINUTE = 60.0
_SHORTEST = 0.1


@dataclass
class Passes:
    """The passes of one command, with their progress; ``first`` is the report of the first.

    ``collected`` counts the entries that they removed; ``after`` is called when each has ended.
    """

    work: Work
    ports: Outside
    mode: Mode
    sandbox: bool
    first: Report = field(default_factory=lambda: Report(Plan()))
    cleaning: Cleaning = field(default_factory=Cleaning)
    full: bool = False
    forgotten: frozenset[str] = frozenset()
    collected: int = 0
    after: Callable[[], object] = lambda: None
    terms: Terms = field(default_factory=Terms)
    awaits: Callable[[Action], bool] = lambda _: True

    def make(self, given: dict[str, Any], *, waits: bool) -> tuple[Report, set[Exit]]:
        """Make one pass, or pass after pass until every job has ended or time is up."""
        terminal = sys.stderr.isatty() and waits
        total = len(self.work.desired)
        screen = console() if terminal else None
        with progress(KINDS, total, say, screen, sandbox=self.sandbox) as shown:
            if not waits:
                self.first = self._one(shown)
                return self.first, set()
            return self._until_ended(shown, given)

    def _until_ended(self, shown: Progress, given: dict[str, Any]) -> tuple[Report, set[Exit]]:
        every = given["every"] or in_real_seconds(given, _MINUTE, _SHORTEST)

        def one_pass() -> Report:
            report = self._one(shown)
            self.first = self.first if self.first.plan.actions else report
            return report

        waited = wait(
            one_pass,
            KINDS,
            self.ports.clock,
            every,
            given["timeout"],
            lambda report: shown.all(statuses(report)),
            self.awaits,
        )
        if not waited.timed_out:
            return waited.report, set()
        say(_timed_out(waited.unfinished, given["timeout"]))
        return waited.report, {Exit.TIMED_OUT}

    def _one(self, shown: Progress) -> Report:
        def watcher(result: Result) -> None:
            if result.outcome.planned.verb.mutates:
                shown.one(_status(result))

        work = self.work
        # Recording what there is concerns those who wait for jobs that they want.
        coverage = work.coverage if self.mode is not Mode.RECORD else None
        report = reconcile(
            work.desired,
            replace(self.ports, watcher=watcher),
            work.fleet,
            self.mode,
            Scope(self.full, coverage=coverage, cleaning=self.cleaning, forgotten=self.forgotten),
            self.terms,
        )
        self.collected += report.collected
        self.after()
        return report


def _timed_out(unfinished: Sequence[JobKey], seconds: float) -> str:
    """Return what a wait that is over says of the jobs that are not."""
    first = ", ".join(key.name for key in unfinished[:_FEW])
    more = f" and {len(unfinished) - _FEW} more" if len(unfinished) > _FEW else ""
    count = f"{len(unfinished)} job{'s have' if len(unfinished) != 1 else ' has'} not ended"
    return (
        f"bedrock-jobs: timed out after {seconds:g} s: {count} ({first}{more}); what runs goes on "
        "running. `bedrock-jobs wait` waits again, `bedrock-jobs status` shows what is known"
    )


def reach_of(given: dict[str, Any]) -> Reach:
    """Return how to reach the cloud, from a verb's options; raises click's usage error."""
    if given["sandbox"] and given["endpoint_url"]:
        raise click.UsageError(
            "--endpoint-url does not go with --sandbox, which has one of its own: leave one out"
        )
    return Reach(given, given["sandbox"], given["speed"])


def statuses(report: Report) -> list[JobStatus]:
    """Return the jobs' entries after a pass, in the plan's order."""
    return [_status(result) for result in report.results]


def tell_problems(problems: Iterable[Problem]) -> None:
    """Tell every problem on stderr, with its place and what to do."""
    sensitive = frozenset().union(*(kind.sensitive for kind in KINDS.values()))
    for line in problem_lines(placed(problems), source_lines, sensitive):
        say_line(line)


def placed(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems with their places as people are told them: from the present folder."""
    return [replace(one, source=relative(one.source)) for one in problems]


def remarks_of(
    work: Work, report: Report, more: Mapping[str, Any] | None = None, *, timed_out: bool = False
) -> Remarks:
    """Return what programs find of what people are told on stderr."""
    failures: dict[str, Sequence[JobKey]] = {report.uncollected: ()} if report.uncollected else {}
    failures |= _causes(report)
    return Remarks(placed(work.problems), failures, report.refused, timed_out, more=more or {})


def tell_failures(report: Report) -> None:
    """Tell what failed, each cause once with the jobs that it hit; on stderr."""
    if report.refused:
        say(f"bedrock-jobs: refused: {report.refused}")
    if report.uncollected:
        say(f"bedrock-jobs: {report.uncollected}")
    for cause, keys in _causes(report).items():
        names = [key.name for key in keys]
        more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
        say(f"bedrock-jobs: {cause} [{', '.join(names[:_FEW])}{more}]")


def failing(report: Report) -> dict[JobKey, str]:
    """Return why jobs could not be served, each with all of its causes."""
    return {
        result.outcome.planned.desired.key: "; ".join(dict.fromkeys(_failures(result)))
        for result in report.results
        if _has_failed(result)
    }


def judged(work: Work, report: Report) -> set[Exit]:
    """Return what a pass says of itself, apart from how its jobs fare."""
    codes: set[Exit] = set()
    if report.uncollected or any(_has_failed(result) for result in report.results):
        codes.add(Exit.FAILED)
    reasons = Counter(result.outcome.now.reason for result in report.results)
    if report.refused or reasons[Reason.WRONG_TARGET]:
        codes.add(Exit.UNSAFE)
    if work.is_invalid or reasons[Reason.INVALID]:
        codes.add(Exit.INVALID)
    return codes


def fared(report: Report) -> set[Exit]:
    """Return what the jobs' own fate says; one whose manifest is gone is nobody's concern."""
    wanted = [one for one in report.results if not one.outcome.planned.desired.removed]
    unhealthy = any(is_unhealthy(_status(result), KINDS) for result in wanted)
    return {Exit.UNHEALTHY} if unhealthy else set()


def pending(report: Report) -> set[Exit]:
    """Return whether the plan leaves anything to do."""
    return {Exit.CHANGES_PENDING} if any(map(is_pending, report.plan.actions)) else set()


def _status(result: Result) -> JobStatus:
    desired = result.outcome.planned.desired
    return JobStatus(desired.key, relative(desired.source), result.entry)


def _has_failed(result: Result) -> bool:
    failure = result.outcome.failure
    if failure is not None and failure.disposition is not Disposition.QUOTA:
        return True
    return bool(result.unwritten) or result.outcome.now.reason in UNREAD


def _causes(report: Report) -> dict[str, list[JobKey]]:
    causes: dict[str, list[JobKey]] = {}
    for result in report.results:
        for cause in dict.fromkeys(_failures(result)):
            causes.setdefault(cause, []).append(result.outcome.planned.desired.key)
    return causes


def _failures(result: Result) -> Iterator[str]:
    outcome = result.outcome
    if outcome.failure is not None:
        yield str(outcome.failure)
    if outcome.now.failure is not None:
        yield str(outcome.now.failure)
    if outcome.now.reason is Reason.WRONG_TARGET:
        yield f"WrongTarget: {outcome.now.message}"
    if outcome.now.reason is Reason.RECORD_UNREADABLE:
        yield f"RecordUnreadable: {outcome.now.message}"
    if outcome.now.reason is Reason.INVALID and not errors(outcome.planned.desired.problems):
        yield f"Invalid: {outcome.now.message}"
    told = outcome.failure.message if outcome.failure else ""
    if result.unwritten is not None and result.unwritten not in told:
        now = outcome.now
        shown = f"; its status is {now.live.status}, {now.live.arn}" if now.live else ""
        arn = f"; it was submitted as {outcome.arn}" if outcome.arn else shown
        yield f"{result.unwritten}{arn}"
