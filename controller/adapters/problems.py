"""Mistakes in a text as problems of its file."""

from __future__ import annotations

from controller.adapters.discovery import UnfitFileError, content
from controller.core.model import Problem, Source
from controller.core.reading import Placed


def problem_of(flaw: Placed, path: str) -> Problem:
    """Return a mistake as a problem of the file that it was read from."""
    source = Source(path, flaw.line, flaw.column)
    return Problem(flaw.code.code, flaw.message, source, flaw.hint)


def source_lines(path: str) -> tuple[str, ...]:
    """Return a file's lines as people count them; none of a file that cannot be read."""
    try:
        return tuple(content(path).decode("utf-8-sig", errors="replace").split("\n"))
    except UnfitFileError:
        return ()
