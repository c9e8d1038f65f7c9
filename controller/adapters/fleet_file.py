"""The fleet's own file, ``bedrock-jobs.yaml``: found upward from the manifests, and read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from controller.adapters import schemas
from controller.adapters.discovery import FLEET_FILE, PathMissingError, UnfitFileError, content
from controller.adapters.problems import problem_of
from controller.adapters.yaml_events import parse
from controller.core.findings import Finding
from controller.core.fleet import Fleet, fleet_of
from controller.core.model import Problem, Source
from controller.core.narrowing import names_in, narrowed
from controller.core.node import Node, place
from controller.core.problems import Code
from controller.core.reading import compiled, placed, read

_REPOSITORY = ".git"


def fleet_path(start: Path) -> Path | None:
    """Return the fleet's file in a manifest's folder or the nearest one above, or None.

    The search ends at the repository's top: what lies outside it is somebody else's.
    """
    own = Path(os.path.normpath(start.absolute()))
    for folder in (own, *own.parents):
        if os.path.lexists(folder / FLEET_FILE):
            return folder / FLEET_FILE
        if os.path.lexists(folder / _REPOSITORY):
            return None
    return None


def fleet_paths(starts: Iterable[Path]) -> tuple[Path | None, ...]:
    """Return the different fleet files that several paths lie under; None stands for no file."""
    return tuple(dict.fromkeys(fleet_path(start) for start in starts))


def load_fleet(config: Path | None, start: Path) -> tuple[Fleet, tuple[Problem, ...]]:
    """A fleet's file that has problems gives no rules to go by: nothing may be done under it.

    ``config`` names the file; without it, it is looked for from ``start`` upward. No file is a
    fleet without owner and rules. Raises PathMissingError when ``config`` does not exist.
    """
    path = config or fleet_path(start)
    if path is None:
        return Fleet(), ()
    if config is not None and not os.path.lexists(config):
        raise PathMissingError(str(config), "file")
    return _read(_shown(path))


def _shown(path: Path) -> str:
    """Return a path as it is easiest to read: relative, where that is no longer."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def _read(path: str) -> tuple[Fleet, tuple[Problem, ...]]:
    try:
        text = parse(content(path))
    except UnfitFileError as error:
        return Fleet(), (error.problem(path),)
    problems = [problem_of(flaw, path) for flaw in text.problems]
    roots = [document.root for document in text.documents]
    if not roots:
        return Fleet(), tuple(problems)
    if len(roots) > 1:
        message = "the fleet's file is one document"
        flaw = placed(Code.NOT_A_MAPPING, roots[1].start_mark, message, "keep the first one")
        problems.append(problem_of(flaw, path))
    if any(document.broken for document in text.documents):
        return Fleet(), tuple(problems)
    return _checked(path, roots[0], problems)


def _checked(path: str, root: Node, problems: list[Problem]) -> tuple[Fleet, tuple[Problem, ...]]:
    value, misread = read(root, compiled(schemas.shipped(schemas.FLEET)))
    problems += [problem_of(flaw, path) for flaw in misread]
    taken = {problem.source for problem in problems}
    for finding in _findings(value):
        mark, _ = place(root, finding.path, on_key=finding.on_key)
        source = Source(path, mark.line + 1, mark.column + 1)
        if source not in taken:
            problems.append(Problem(finding.code.code, finding.message, source, finding.hint))
    return (Fleet() if problems else fleet_of(value)), tuple(problems)


def _findings(value: Any) -> tuple[Finding, ...]:
    """Return what is wrong with a fleet's rules, in bounded time however many keys they hold."""
    checker = schemas.checker(schemas.FLEET)
    if checker.is_valid(value):
        return ()
    small, _ = narrowed(value, names_in(schemas.shipped(schemas.FLEET)))
    message = "the file holds more values than any fleet's, and one of the last is wrong"
    return checker.findings(small) or (Finding(Code.OUT_OF_BOUNDS, (), message),)
