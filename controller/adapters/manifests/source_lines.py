"""Mistakes in a text as problems of its file."""

from __future__ import annotations

from controller.adapters.host.tree_files import find_tree_root
from controller.adapters.manifests.discovery import MAX_MANIFEST_BYTES
from controller.core.documents.decoder import LocatedMistake
from controller.core.documents.nodes import Node
from controller.core.documents.scalars import parse_core_scalar
from controller.core.model import Problem, Source
from controller.core.problems import Code


def make_problem(flaw: LocatedMistake, path: str) -> Problem:
    """Return a mistake as a problem of the file that it was read from."""
    source = Source(path, flaw.line, flaw.column)
    return Problem(flaw.code.code, flaw.message, source, flaw.hint)


def make_empty_problem(path: str) -> Problem:
    """Return the problem of a file without a value: one that was cut off looks the same."""
    message = "the file is empty, or holds comments alone"
    hint = "write {} if it is to say nothing, or delete the file"
    return Problem(Code.SAYS_NOTHING.code, message, Source(path), hint)


def is_empty(root: Node) -> bool:
    """Whether a document holds no value, or null."""
    return root.value is not None and root.implicit[0] and parse_core_scalar(root.value) is None


def read_source_lines(path: str) -> tuple[str, ...]:
    """Return the lines of a regular file of its tree, as people count them.

    None of a file that cannot be read, or that a link outside the tree stands for.
    """
    try:
        content = find_tree_root(path).read(path, MAX_MANIFEST_BYTES)
    except OSError:
        return ()
    return tuple((content or b"").decode("utf-8-sig", errors="replace").split("\n"))
