"""Findings that a command reports about manifests, for CI systems and editors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from controller.core.kinds.kind import Kind
from controller.core.model import JobKey, Problem, Source
from controller.core.planning.actions import UNREADABLE_REASONS, Action, Plan, Reason, Verb
from controller.core.printable import escape_line
from controller.core.problems import Code
from controller.core.severity import filter_errors
from controller.core.status.conditions import STALLED
from controller.views.status import JobStatus, is_unhealthy

NOWHERE = Source("")
"""The place of findings about the tree as a whole."""

UNWRITTEN = "NotWrittenBack"
"""The rule for statuses that are only in files."""

_FAILED = UNREADABLE_REASONS | {Reason.INVALID, Reason.WRONG_TARGET}
_CODES = frozenset(code.code for code in Code)
# Stops come first, because they cannot be undone.
_ORDER = (Verb.STOP, Verb.SUBMIT, Verb.TAG, Verb.ADOPT)


class Level(StrEnum):
    """The severity of a finding, the most severe first."""

    ERROR = "error"
    """The command fails because of it."""
    WARNING = "warning"
    """A person must act before the job is as the manifest says."""
    NOTICE = "notice"
    """A planned change."""


@dataclass(frozen=True, slots=True)
class ReportFinding:
    """One finding at one place; ``rule`` is a problem code, a reason or a service's error code.

    ``subject`` is the manifest's name, empty for findings about a file or the tree.
    """

    level: Level
    rule: str
    message: str
    source: Source = NOWHERE
    hint: str = ""
    subject: JobKey | None = None

    @property
    def is_problem(self) -> bool:
        """Whether it is about the text of a manifest, and not about its job."""
        return self.rule in _CODES

    @property
    def is_manifest_warning(self) -> bool:
        """Whether it is a warning about a manifest that is valid."""
        return self.is_problem and self.level is Level.WARNING

    @property
    def text(self) -> str:
        """The message and the hint, with control characters escaped."""
        hint = [f"hint: {self.hint}"] if self.hint else []
        return "\n".join(escape_line(line) for line in [*self.message.split("\n"), *hint])

    @property
    def title(self) -> str:
        """The rule, and the manifest that it is about."""
        return f"{self.rule}: {self.subject.name}" if self.subject else self.rule


@dataclass(frozen=True, slots=True)
class FindingsReport:
    """The findings about the checked manifests, the most severe first.

    ``summary`` counts them in one sentence. A report about a ``sandbox`` says that nothing in it is
    real. ``docs`` is the URL of the published documentation, if there is one.
    """

    verb: str
    summary: str
    manifests: tuple[tuple[JobKey, Source], ...] = ()
    findings: tuple[ReportFinding, ...] = ()
    sandbox: bool = False
    docs: str = ""

    def map_sources(self, place: Callable[[Source], Source]) -> FindingsReport:
        """Return the same findings with mapped places."""
        manifests = tuple((key, place(source)) for key, source in self.manifests)
        findings = tuple(
            one if one.source == NOWHERE else replace(one, source=place(one.source))
            for one in self.findings
        )
        return replace(self, manifests=manifests, findings=findings)

    def filter_by_level(self, *levels: Level) -> tuple[ReportFinding, ...]:
        """Return the findings of some levels, in order."""
        return tuple(one for one in self.findings if one.level in levels)


def build_report(
    verb: str,
    summary: str,
    manifests: Iterable[tuple[JobKey, Source]],
    findings: Iterable[ReportFinding],
    *,
    sandbox: bool = False,
) -> FindingsReport:
    """Return a report; findings of equal severity keep their order."""
    levels = list(Level)
    ordered = sorted(findings, key=lambda one: levels.index(one.level))
    return FindingsReport(verb, summary, tuple(manifests), tuple(ordered), sandbox)


def collect_problem_findings(problems: Sequence[Problem]) -> Iterator[ReportFinding]:
    """Yield an error or a warning for each problem, by its severity."""
    for one in problems:
        yield ReportFinding(
            Level(one.severity), one.code, one.message, one.source, one.hint, one.key
        )


def collect_plan_findings(
    plan: Plan, problems: Sequence[Problem], refused: str | None
) -> Iterator[ReportFinding]:
    """Yield what prevents a plan from being applied, then its changes, stops first.

    An invalid manifest is reported by its problems.
    """
    yield from _collect_refusal(refused)
    yield from collect_problem_findings(problems)
    invalid = {problem.key for problem in filter_errors(problems)}
    for action in plan.actions:
        if action.verb is Verb.HOLD and not (
            action.reason is Reason.INVALID and action.desired.key in invalid
        ):
            yield _make_action_finding(
                action, Level.ERROR if action.reason in _FAILED else Level.WARNING
            )
    changes = [action for action in plan.actions if action.verb in _ORDER]
    for action in sorted(changes, key=lambda action: _ORDER.index(action.verb)):
        yield _make_action_finding(action, Level.NOTICE)


def _collect_refusal(refused: str | None) -> Iterator[ReportFinding]:
    if refused:
        yield ReportFinding(Level.ERROR, "Refused", refused)


def collect_pass_findings(
    statuses: Sequence[JobStatus],
    kinds: Mapping[str, Kind],
    failing: Mapping[JobKey, str],
    problems: Sequence[Problem],
    refused: str | None,
) -> Iterator[ReportFinding]:
    """Yield why jobs could not be reconciled, then the jobs that failed or need attention.

    ``failing`` has the cause for each job that could not be reconciled. An invalid manifest is
    reported by its problems.
    """
    yield from _collect_refusal(refused)
    yield from collect_problem_findings(problems)
    invalid = {problem.key for problem in filter_errors(problems)}
    for status in statuses:
        if status.key in failing:
            yield _make_unserved_finding(status, failing[status.key])
        elif is_unhealthy(status, kinds) and status.key not in invalid:
            yield _make_unhealthy_finding(status, kinds)


def collect_write_back_findings(why: str) -> Iterator[ReportFinding]:
    """Yield a finding if statuses could not be written back."""
    if why:
        yield ReportFinding(Level.ERROR, UNWRITTEN, f"The statuses were not written back: {why}")


def _make_unserved_finding(status: JobStatus, why: str) -> ReportFinding:
    """Return a failure under the service's error code, if there is one."""
    # Failures are formatted as ``Code: message``.
    code, _, rest = why.partition(": ")
    rule = code if rest and code.isidentifier() else "Unserved"
    return ReportFinding(Level.ERROR, rule, why, status.source, subject=status.key)


def _make_unhealthy_finding(status: JobStatus, kinds: Mapping[str, Kind]) -> ReportFinding:
    has_failed = status.phase in kinds[status.key.kind].failed
    level = Level.ERROR if has_failed else Level.WARNING
    # Stalled says what a person must do, Synced only that something differs.
    synced = status.get_condition(STALLED) or status.get_condition("Synced")
    rule = str(synced.get("reason") or status.phase)
    message = str(synced.get("message") or status.phase)
    return ReportFinding(level, rule, message, status.source, subject=status.key)


def _make_action_finding(action: Action, level: Level) -> ReportFinding:
    """Return the finding of an action; members that differ are shown with both values."""
    changes = [
        f"{change.member}: manifest {change.declared}, live {change.live}"
        for change in action.changes
    ]
    message = "\n".join([f"{action.verb}: {action.message}", *changes])
    desired = action.desired
    return ReportFinding(level, str(action.reason), message, desired.source, subject=desired.key)
