"""Findings as GitLab's code quality report, which merge requests show beside their lines."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from controller.core.printable import escape_line
from controller.views.findings import NOWHERE, FindingsReport, Level, ReportFinding
from controller.views.plan import format_sandbox_note

_SEVERITIES = {Level.ERROR: "major", Level.WARNING: "minor"}


def build_codequality(review: FindingsReport) -> list[dict[str, Any]]:
    """Return an entry for each error and warning that has a place.

    The fingerprint does not depend on the line, so a finding that moves stays the same.
    """
    # GitLab requires a path in each entry.
    found = [one for one in review.filter_by_level(*_SEVERITIES) if one.source != NOWHERE]
    seen: Counter[str] = Counter()
    return [_build_issue(one, seen, format_sandbox_note(review.sandbox)) for one in found]


def _build_issue(finding: ReportFinding, seen: Counter[str], more: str) -> dict[str, Any]:
    what = "\0".join([finding.rule, escape_line(finding.source.path), finding.text, finding.title])
    # GitLab merges findings with equal fingerprints, so repetitions are numbered.
    seen[what] += 1
    mark = hashlib.sha256(f"{what}\0{seen[what]}".encode()).hexdigest()
    return {
        "description": finding.text.replace("\n", "; ") + more,
        "check_name": finding.rule,
        "fingerprint": mark,
        "severity": _SEVERITIES[finding.level],
        "location": {
            "path": escape_line(finding.source.path),
            # Line 0 is the file as a whole, which GitLab cannot express.
            "lines": {"begin": max(finding.source.line, 1)},
        },
    }
