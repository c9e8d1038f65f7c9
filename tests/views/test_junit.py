"""JUnit has a case for every manifest, with its outcome."""

from __future__ import annotations

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite

from controller.core.model import JobKey, Source
from controller.views.findings import (
    FindingsReport,
    Level,
    ReportFinding,
    build_report,
    collect_plan_findings,
)
from controller.views.junit import render_junit
from tests.views.drawn import drawn, seeded

KEY = JobKey("Kind", "some-job")
OTHER = JobKey("Kind", "other-job")
PLACE = Source("jobs/a.yaml", 4, 9)
TREES = 80


def read(told: FindingsReport) -> TestSuite:
    """Return the only suite of a report, as an independent reader parses it."""
    (suite,) = JUnitXml.fromstring(render_junit(told).encode())
    return suite


def manifests() -> list[tuple[JobKey, Source]]:
    """Return two manifests of one file."""
    return [(KEY, PLACE), (OTHER, Source("jobs/a.yaml", 14, 9))]


def test_every_manifest_is_a_case() -> None:
    """Manifests without a finding have passed; a case has the manifest's name and place."""
    suite = read(build_report("plan", "", manifests(), []))
    assert [(case.name, case.classname, case.result) for case in suite] == [
        ("some-job", "Kind", []),
        ("other-job", "Kind", []),
    ]
    assert (suite.name, suite.tests, suite.failures, suite.skipped) == (
        "bedrock-jobs plan",
        2,
        0,
        0,
    )
    assert 'file="jobs/a.yaml" line="14"' in render_junit(build_report("plan", "", manifests(), []))


def test_errors_are_one_failure_that_lists_them() -> None:
    """A case has one failure with all errors, because readers show no more than one."""
    findings = [
        ReportFinding(Level.ERROR, "BJ204", "one is missing", PLACE, "write it", KEY),
        ReportFinding(
            Level.ERROR, "BJ203", "one is too much", Source("jobs/a.yaml", 5, 1), "", KEY
        ),
    ]
    suite = read(build_report("validate", "", manifests(), findings))
    failed, passed = suite
    (failure,) = failed.result
    assert isinstance(failure, Failure)
    assert failure.message == "one is missing (and 1 more)"
    assert failure.text.splitlines() == [
        "jobs/a.yaml:4:9: BJ204 one is missing",
        "hint: write it",
        "jobs/a.yaml:5:1: BJ203 one is too much",
        "See docs/reference/problems.md#bj204",
        "See docs/reference/problems.md#bj203",
    ]
    assert passed.result == []
    assert (suite.tests, suite.failures) == (2, 1)


def test_a_hold_is_skipped() -> None:
    """A held job is skipped, which is no failure."""
    held = ReportFinding(Level.WARNING, "SpecChanged", "HOLD: the spec changed", PLACE, "", KEY)
    done = ReportFinding(Level.NOTICE, "NotSubmitted", "SUBMIT: no job yet", PLACE, "", OTHER)
    first, second = read(build_report("plan", "", manifests(), [held, done]))
    assert [type(one) for one in first.result] == [Skipped]
    assert second.result == []


@pytest.mark.parametrize(
    ("source", "name"),
    [(Source("jobs/b.yaml"), "jobs/b.yaml"), (Source(""), "the tree as a whole")],
)
def test_what_belongs_to_no_manifest_has_its_case(source: Source, name: str) -> None:
    """An unreadable file, or a refused plan, has its own case."""
    told = build_report(
        "plan", "", manifests(), [ReportFinding(Level.ERROR, "BJ101", "unreadable", source)]
    )
    *_, last = read(told)
    assert last.name == name
    assert [type(one) for one in last.result] == [Failure]


def test_random_trees_are_read() -> None:
    """For random trees with hostile texts the reader counts every finding."""
    dice = seeded(10)
    for _ in range(TREES):
        one = drawn(dice)
        told = [(action.desired.key, action.desired.source) for action in one.plan.actions]
        made = build_report(
            "plan", "", told, collect_plan_findings(one.plan, one.problems, one.refused)
        )
        suite = read(made)
        cases = list(suite)
        broken = {
            (f.subject, "" if f.subject else f.source.path)
            for f in made.filter_by_level(Level.ERROR)
        }
        assert suite.tests == len(cases) >= len(told)
        assert suite.failures == len(broken)
        assert suite.failures == sum(isinstance(r, Failure) for case in cases for r in case.result)
        assert suite.skipped == sum(isinstance(r, Skipped) for case in cases for r in case.result)
        assert suite.errors == sum(isinstance(r, Error) for case in cases for r in case.result) == 0
