"""Findings as GitHub Actions' workflow commands, which annotate the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from controller.core.printable import escape_line
from controller.views.doc_links import build_link
from controller.views.findings import FindingsReport, Level, ReportFinding
from controller.views.text import format_count

MAX_ANNOTATIONS = 10
"""The most annotations of a level that GitHub shows of one step."""

# Longer messages only fill the log.
_MAX_MESSAGE = 4000


def render_commands(review: FindingsReport) -> Iterator[str]:
    """Yield a workflow command for each finding, the worst first, as many as GitHub shows.

    Of each level at most ten; a last line counts the rest.
    """
    rest: list[str] = []
    # GitHub limits each level separately.
    for level in Level:
        found = review.filter_by_level(level)
        yield from (_render_command(one, review.docs) for one in found[:MAX_ANNOTATIONS])
        if len(found) > MAX_ANNOTATIONS:
            rest.append(format_count(len(found) - MAX_ANNOTATIONS, f"more {level}"))
    if rest:
        yield f"{', '.join(rest)} without an annotation: GitHub shows {MAX_ANNOTATIONS} of a kind"


def _render_command(finding: ReportFinding, docs: str) -> str:
    source = finding.source
    # A path in our repository would look like one in the user's.
    link = build_link(finding.rule, docs) if docs else ""
    text = finding.text[:_MAX_MESSAGE] + (f"\nSee {link}" if link else "")
    given = {
        "file": escape_line(source.path),
        "line": str(source.line or ""),
        "col": str(source.column or ""),
        "title": escape_line(finding.title),
    }
    properties = ",".join(
        f"{name}={_escape_property(text)}" for name, text in given.items() if text
    )
    return f"::{finding.level} {properties}::{_escape_data(text)}"


def _escape_data(text: str) -> str:
    """Return a text as data of a command; other control characters are already escaped."""
    return text.replace("%", "%25").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
