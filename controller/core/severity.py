"""The effect of a problem's severity: an error makes its manifest invalid, a warning does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from controller.core.model import Manifest, Problem, Severity, Tree


def filter_errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems that are errors; only these affect what is done and the exit code."""
    return tuple(one for one in problems if one.is_error)


def convert_to_errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the same problems as errors, for --strict."""
    return tuple(replace(one, severity=Severity.ERROR) for one in problems)


def apply_strict(tree: Tree) -> Tree:
    """Return a tree in which every warning is an error that makes its manifest invalid."""
    # Without warnings there is nothing to convert; most trees have none.
    if len(filter_errors(tree.problems)) == len(tree.problems):
        return tree
    manifests = tuple(map(_apply_strict_to_manifest, tree.manifests))
    return replace(tree, manifests=manifests, problems=convert_to_errors(tree.problems))


def _apply_strict_to_manifest(manifest: Manifest) -> Manifest:
    if not manifest.problems:
        return manifest
    return replace(manifest, problems=convert_to_errors(manifest.problems), spec=None)
