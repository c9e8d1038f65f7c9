"""GitLab's code quality report has what its reader requires, for every finding."""

from __future__ import annotations

import re
from dataclasses import replace

from controller.core.model import JobKey, Source
from controller.views.codequality import build_codequality
from controller.views.findings import Level, ReportFinding, build_report, collect_plan_findings
from tests.views.drawn import drawn, seeded

SEVERITIES = {"info", "minor", "major", "critical", "blocker"}
TREES = 60
FOUND = ReportFinding(Level.ERROR, "BJ204", "missing", Source("jobs/a.yaml", 4, 9), "write it")


def test_every_entry_is_one_that_gitlab_takes() -> None:
    """No entry is invalid: GitLab would drop the rest of the report."""
    dice = seeded(11)
    for _ in range(TREES):
        one = drawn(dice)
        told = build_report(
            "plan", "", (), collect_plan_findings(one.plan, one.problems, one.refused)
        )
        entries = build_codequality(told)
        placed = [f for f in told.filter_by_level(Level.ERROR, Level.WARNING) if f.source.path]
        assert len(entries) == len(placed)
        for entry in entries:
            assert entry["description"]
            assert entry["severity"] in SEVERITIES
            assert re.fullmatch("[0-9a-f]{64}", entry["fingerprint"])
            assert entry["location"]["path"].startswith("jobs/")
            assert entry["location"]["lines"]["begin"] >= 1
        assert len({entry["fingerprint"] for entry in entries}) == len(entries)


def test_an_entry_says_what_and_where() -> None:
    """Message and hint, rule, severity and place are those of the finding."""
    (entry,) = build_codequality(build_report("validate", "", (), [FOUND]))
    del entry["fingerprint"]
    assert entry == {
        "description": "missing; hint: write it",
        "check_name": "BJ204",
        "severity": "major",
        "location": {"path": "jobs/a.yaml", "lines": {"begin": 4}},
    }


def test_a_finding_that_moves_stays_the_same() -> None:
    """The fingerprint does not depend on the line, but on the manifest."""
    moved = replace(FOUND, source=Source("jobs/a.yaml", 40, 9))
    other = replace(FOUND, subject=JobKey("Kind", "other"))
    marks = [
        build_codequality(build_report("validate", "", (), [one]))[0]["fingerprint"]
        for one in (FOUND, moved, other)
    ]
    assert marks[0] == marks[1] != marks[2]


def test_the_same_finding_twice_is_two() -> None:
    """Two findings that differ only in their lines have two fingerprints."""
    again = replace(FOUND, source=Source("jobs/a.yaml", 40, 9))
    marks = [
        entry["fingerprint"]
        for entry in build_codequality(build_report("plan", "", (), [FOUND, again]))
    ]
    assert len(set(marks)) == 2
