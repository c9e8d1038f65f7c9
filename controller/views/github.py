"""Findings as GitHub Actions' workflow commands, which annotate the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from controller.core.printable import escaped
from controller.views.doc_links import link_to
from controller.views.findings import Finding, Level, Review
from controller.views.text import counted

MOST = 10
"""How many annotations of a kind GitHub shows of one step."""

_LONGEST = 4000


def commands(review: Review) -> Iterator[str]:
    """Yield a workflow command for each finding, the worst first, as many as GitHub shows.

    Of each level at most ten; a last line counts the rest.
    """
    rest: list[str] = []
    for level in Level:
        found = review.of(level)
        yield from (_command(one, review.docs) for one in found[:MOST])
        if len(found) > MOST:
            rest.append(counted(len(found) - MOST, f"more {level}"))
    if rest:
        yield f"{', '.join(rest)} without an annotation: GitHub shows {MOST} of a kind"


def _command(finding: Finding, docs: str) -> str:
    source = finding.source
    # A path in our repository would look like one in the reader's.
    link = link_to(finding.rule, docs) if docs else ""
    text = finding.text[:_LONGEST] + (f"\nSee {link}" if link else "")
    given = {
        "file": escaped(source.path),
        "line": str(source.line or ""),
        "col": str(source.column or ""),
        "title": escaped(finding.title),
    }
    properties = ",".join(f"{name}={_property(text)}" for name, text in given.items() if text)
    return f"::{finding.level} {properties}::{_data(text)}"


def _data(text: str) -> str:
    """Return a text as data of a command; any other control character is an escape already."""
    return text.replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
