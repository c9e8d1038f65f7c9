"""Which findings of plans and passes are errors, warnings or notices."""

from __future__ import annotations

from controller.core.model import Problem, Source
from controller.core.planning.actions import UNREADABLE_REASONS, Plan, Reason, Verb
from controller.views.findings import (
    NOWHERE,
    Level,
    ReportFinding,
    build_report,
    collect_pass_findings,
    collect_plan_findings,
)
from controller.views.status import is_unhealthy
from tests.core.cases import TEST_KINDS
from tests.views.drawn import drawn, seeded

FAILING = UNREADABLE_REASONS | {Reason.INVALID, Reason.WRONG_TARGET}
TREES = 150


def test_findings_of_a_plan_have_levels() -> None:
    """Errors fail a plan, warnings are holds, and notices are changes."""
    dice = seeded(14)
    for _ in range(TREES):
        plan = drawn(dice).plan
        found = {one.subject: one.level for one in collect_plan_findings(plan, (), None)}
        for action in plan.actions:
            level = found.get(action.desired.key)
            if action.verb is Verb.HOLD:
                assert level is (Level.ERROR if action.reason in FAILING else Level.WARNING)
            elif action.verb in {Verb.WAIT, Verb.NOOP}:
                assert level is None
            else:
                assert level is Level.NOTICE


def test_stops_are_the_first_changes() -> None:
    """Of a plan's changes those that cannot be undone come first."""
    dice = seeded(15)
    actions = [action for _ in range(60) for action in drawn(dice).plan.actions]
    told = build_report(
        "plan", "", (), collect_plan_findings(Plan(tuple(actions)), (), None)
    ).filter_by_level(Level.NOTICE)
    verbs = [one.message.partition(":")[0] for one in told]
    assert verbs == sorted(verbs, key=["STOP", "SUBMIT", "TAG", "ADOPT"].index)
    assert set(verbs) == {"STOP", "SUBMIT", "TAG", "ADOPT"}


def test_an_invalid_manifest_is_reported_by_its_problems() -> None:
    """A hold for problems adds nothing to the problems, which have places."""
    dice = seeded(16)
    invalid = next(
        action
        for action in (action for _ in range(99) for action in drawn(dice).plan.actions)
        if action.reason is Reason.INVALID
    )
    key = invalid.desired.key
    problem = Problem("BJ204", "missing", Source("jobs/a.yaml", 3, 1), key=key)
    told = list(collect_plan_findings(Plan((invalid,)), (problem,), None))
    assert [(one.rule, one.subject) for one in told] == [("BJ204", key)]


def test_findings_of_a_pass_have_levels() -> None:
    """Failed jobs are errors, jobs that need attention are warnings."""
    dice = seeded(17)
    levels = set()
    for _ in range(TREES):
        statuses = drawn(dice).statuses
        unserved = {one.key: "ThrottlingException: slow down" for one in statuses[:1]}
        found = {
            one.subject: one
            for one in collect_pass_findings(statuses, TEST_KINDS, unserved, (), None)
        }
        for status in statuses:
            told = found.get(status.key)
            if status.key in unserved:
                assert told is not None
                assert (told.level, told.rule) == (Level.ERROR, "ThrottlingException")
            elif not is_unhealthy(status, TEST_KINDS):
                assert told is None
            else:
                assert told is not None
                failed = status.phase in TEST_KINDS[status.key.kind].failed
                assert told.level is (Level.ERROR if failed else Level.WARNING)
                levels.add(told.level)
    assert levels == {Level.ERROR, Level.WARNING}


def test_what_has_no_place_gets_none() -> None:
    """Findings about the whole tree have no place, however places are mapped."""
    told = build_report("plan", "", (), [ReportFinding(Level.ERROR, "Refused", "too much")])
    assert told.map_sources(lambda _: Source("elsewhere")).findings[0].source == NOWHERE
