"""Problems for people, with the line that each is about, and for programs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from controller.core.model import API_VERSION, Problem, Severity, Source
from controller.core.printable import escape_line
from controller.views.text import Line

# Of a longer line only the part around the column is shown.
_WIDEST = 160
_MARGIN = 20
_WORD = re.compile(r"\w+")
# The dash of a list may be as far left as the key of the list.
_OPEN = re.compile(r" *[^-\s].*[:{\[]\s*$")


def render_problems(
    problems: Sequence[Problem],
    lines_of: Callable[[str], Sequence[str]],
    sensitive: frozenset[str] = frozenset(),
) -> Iterator[Line]:
    """Yield the lines that report each problem: place and message, the source line, the hint.

    ``lines_of`` returns a file's lines. A line of a ``sensitive`` member is not shown.
    """
    for problem in problems:
        yield _render_headline(problem)
        if problem.source.line:
            lines = lines_of(problem.source.path)
            yield from _render_excerpt(problem.source, lines, sensitive)
        if problem.hint:
            yield Line("  ", rest=(Line("hint:", "cyan"), Line(f" {problem.hint}")))


def serialize_validation(manifests: int, valid: int, problems: Sequence[Problem]) -> dict[str, Any]:
    """Return the result of a validation as plain data."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Validation",
        "manifests": manifests,
        "valid": valid,
        "problems": [serialize_problem(problem) for problem in problems],
    }


def serialize_problem(problem: Problem) -> dict[str, Any]:
    """Return a problem as plain data; line and column are absent for a file as a whole."""
    source = problem.source
    place = {"line": source.line, "column": source.column} if source.line else {}
    job = {"job": str(problem.key)} if problem.key else {}
    hint = {"hint": problem.hint} if problem.hint else {}
    severity = str(problem.severity)
    message = {"code": problem.code, "severity": severity, "message": problem.message}
    return {"path": escape_line(source.path), **place, **message, **hint, **job}


def _render_headline(problem: Problem) -> Line:
    """Return the place and text of a problem; only a warning shows its severity."""
    is_warning = problem.severity is Severity.WARNING
    mark = (Line(" warning:", "yellow"),) if is_warning else ()
    code = Line(problem.code, "yellow" if is_warning else "red")
    return Line(
        str(problem.source),
        bold=True,
        rest=(Line(": "), code, *mark, Line(f" {problem.message}")),
    )


def _render_excerpt(
    source: Source, lines: Sequence[str], sensitive: frozenset[str]
) -> Iterator[Line]:
    """Yield the line that a problem is about, with a caret under its column."""
    if source.line > len(lines) or _is_sensitive(lines[: source.line], sensitive):
        return
    begin = max(0, source.column - _WIDEST + _MARGIN)
    line = lines[source.line - 1][begin:]
    text = line[:_WIDEST].rstrip()
    if text:
        number = str(source.line)
        # Escapes are longer than their characters, and the caret must stay under its column.
        indent = " " * len(escape_line(line[: source.column - 1 - begin]))
        yield Line(f"  {number} | {text}")
        yield Line(f"  {' ' * len(number)} | {indent}", rest=(Line("^", "red"),))


def _is_sensitive(lines: Sequence[str], sensitive: frozenset[str]) -> bool:
    """Whether the last line belongs to a sensitive member, as far as indentation tells."""
    indent = None
    # Upwards through the keys that contain the line, each indented less than the one before.
    for line in reversed(lines):
        own = len(line) - len(line.lstrip(" "))
        if not line.strip() or (indent is not None and own >= indent and not _OPEN.match(line)):
            continue
        indent = own if indent is None else min(indent, own)
        if not sensitive.isdisjoint(_WORD.findall(line)):
            return True
        if indent == 0:
            return False
    return False
