"""Problems for people, with the line that each is about, and for programs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from controller.core.model import API_VERSION, Problem, Source

_BOLD, _RED, _CYAN, _RESET = "\x1b[1m", "\x1b[31m", "\x1b[36m", "\x1b[0m"
_WIDEST = 160
_MARGIN = 20
_WORD = re.compile(r"\w+")
# A list's dash may stand as far left as the key that the list belongs to.
_OPEN = re.compile(r" *[^-\s].*[:{\[]\s*$")


def problem_lines(
    problems: Sequence[Problem],
    lines_of: Callable[[str], Sequence[str]],
    sensitive: frozenset[str] = frozenset(),
    *,
    color: bool,
) -> Iterator[str]:
    """Yield the lines that tell each problem: place and message, the source line, the hint.

    ``lines_of`` returns a file's lines. A line of a ``sensitive`` member is not shown, and a
    control character never reaches the terminal.
    """
    for problem in problems:
        place = _painted(shown(str(problem.source)), _BOLD, color)
        yield f"{place}: {_painted(problem.code, _RED, color)} {shown(problem.message)}"
        if problem.source.line:
            lines = lines_of(problem.source.path)
            yield from _excerpt(problem.source, lines, sensitive, color=color)
        if problem.hint:
            yield f"  {_painted('hint:', _CYAN, color)} {shown(problem.hint)}"


def validation(manifests: int, valid: int, problems: Sequence[Problem]) -> dict[str, Any]:
    """Return the result of a validation as plain data."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Validation",
        "manifests": manifests,
        "valid": valid,
        "problems": [problem_data(problem) for problem in problems],
    }


def problem_data(problem: Problem) -> dict[str, Any]:
    """Return a problem as plain data; line and column are absent for a file as a whole."""
    source = problem.source
    place = {"line": source.line, "column": source.column} if source.line else {}
    job = {"job": str(problem.key)} if problem.key else {}
    hint = {"hint": problem.hint} if problem.hint else {}
    message = {"code": problem.code, "message": problem.message}
    return {"path": shown(source.path), **place, **message, **hint, **job}


def shown(text: str) -> str:
    """Return a text with everything that a terminal would act on, or refuse, written as escapes."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def _painted(text: str, style: str, color: bool) -> str:
    return f"{style}{text}{_RESET}" if color else text


def _excerpt(
    source: Source, lines: Sequence[str], sensitive: frozenset[str], *, color: bool
) -> Iterator[str]:
    """Yield the line that a problem is about, with a caret under its column."""
    if source.line > len(lines) or _is_sensitive(lines[: source.line], sensitive):
        return
    begin = max(0, source.column - _WIDEST + _MARGIN)
    line = lines[source.line - 1][begin:]
    text = shown(line[:_WIDEST].rstrip())
    if text:
        number = str(source.line)
        indent = " " * len(shown(line[: source.column - 1 - begin]))
        yield f"  {number} | {text}"
        yield f"  {' ' * len(number)} | {indent}{_painted('^', _RED, color)}"


def _is_sensitive(lines: Sequence[str], sensitive: frozenset[str]) -> bool:
    """Whether the last line belongs to a sensitive member, as far as indentation tells."""
    indent = None
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
