"""Findings as GitLab's code quality report, which merge requests show beside their lines."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from controller.core.printable import escaped
from controller.views.findings import NOWHERE, Finding, Level, Review
from controller.views.plan import in_sandbox

_SEVERITIES = {Level.ERROR: "major", Level.WARNING: "minor"}


def codequality(review: Review) -> list[dict[str, Any]]:
    """Return an entry for each error and warning that has a place.

    The fingerprint does not depend on the line, so that a finding that moves stays the same one.
    """
    found = [one for one in review.of(*_SEVERITIES) if one.source != NOWHERE]
    seen: Counter[str] = Counter()
    return [_entry(one, seen, in_sandbox(review.sandbox)) for one in found]


def _entry(finding: Finding, seen: Counter[str], more: str) -> dict[str, Any]:
    what = "\0".join([finding.rule, escaped(finding.source.path), finding.text, finding.title])
    seen[what] += 1
    mark = hashlib.sha256(f"{what}\0{seen[what]}".encode()).hexdigest()
    return {
        "description": finding.text.replace("\n", "; ") + more,
        "check_name": finding.rule,
        "fingerprint": mark,
        "severity": _SEVERITIES[finding.level],
        "location": {
            "path": escaped(finding.source.path),
            "lines": {"begin": max(finding.source.line, 1)},
        },
    }
