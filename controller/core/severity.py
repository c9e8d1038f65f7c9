"""What a problem's severity changes: an error makes its manifest Invalid, a warning does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from controller.core.model import Manifest, Problem, Severity, Tree


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems that are errors; only these decide what is done and how a verb ends."""
    return tuple(one for one in problems if one.is_error)


def as_errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the same problems, each as an error, which is what --strict makes of them."""
    return tuple(replace(one, severity=Severity.ERROR) for one in problems)


def strict(tree: Tree) -> Tree:
    """Return a tree in which every warning is an error, and its manifest therefore Invalid."""
    if len(errors(tree.problems)) == len(tree.problems):
        return tree
    manifests = tuple(map(_strict_manifest, tree.manifests))
    return replace(tree, manifests=manifests, problems=as_errors(tree.problems))


def _strict_manifest(manifest: Manifest) -> Manifest:
    if not manifest.problems:
        return manifest
    return replace(manifest, problems=as_errors(manifest.problems), spec=None)
