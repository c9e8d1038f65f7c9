"""Mistakes in a text as problems of its file."""

from __future__ import annotations

from controller.adapters.discovery import LARGEST
from controller.adapters.tree_files import root_of
from controller.core.model import Problem, Source
from controller.core.reading import Placed


def problem_of(flaw: Placed, path: str) -> Problem:
    """Return a mistake as a problem of the file that it was read from."""
    source = Source(path, flaw.line, flaw.column)
    return Problem(flaw.code.code, flaw.message, source, flaw.hint)


def source_lines(path: str) -> tuple[str, ...]:
    """Return the lines of a regular file of its tree, as people count them.

    None of a file that cannot be read, or that a link outside the tree stands for.
    """
    try:
        content = root_of(path).read(path, LARGEST)
    except OSError:
        return ()
    return tuple((content or b"").decode("utf-8-sig", errors="replace").split("\n"))
