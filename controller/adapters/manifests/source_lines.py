"""Mistakes in a text as problems of its file."""

from __future__ import annotations

from controller.adapters.host.tree_files import root_of
from controller.adapters.manifests.discovery import LARGEST
from controller.core.documents.decoder import Placed
from controller.core.documents.nodes import Node
from controller.core.documents.scalars import core_value
from controller.core.model import Problem, Source
from controller.core.problems import Code


def problem_of(flaw: Placed, path: str) -> Problem:
    """Return a mistake as a problem of the file that it was read from."""
    source = Source(path, flaw.line, flaw.column)
    return Problem(flaw.code.code, flaw.message, source, flaw.hint)


def says_nothing(path: str) -> Problem:
    """Return the problem of a file without a value: one that was cut off looks the same."""
    message = "the file is empty, or holds comments alone"
    hint = "write {} if it is to say nothing, or delete the file"
    return Problem(Code.SAYS_NOTHING.code, message, Source(path), hint)


def is_nothing(root: Node) -> bool:
    """Whether a document holds no value, or null."""
    return root.value is not None and root.implicit[0] and core_value(root.value) is None


def source_lines(path: str) -> tuple[str, ...]:
    """Return the lines of a regular file of its tree, as people count them.

    None of a file that cannot be read, or that a link outside the tree stands for.
    """
    try:
        content = root_of(path).read(path, LARGEST)
    except OSError:
        return ()
    return tuple((content or b"").decode("utf-8-sig", errors="replace").split("\n"))
