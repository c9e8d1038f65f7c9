"""Selection of jobs by name, path or label; without any of these nothing is selected."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from controller.cli.passes.passes import print_problems
from controller.cli.workspace.arguments import DEFAULT_PATH, convert_errors
from controller.cli.workspace.loading import Workspace, load_workspace
from controller.core.documents.file_names import ENDINGS
from controller.core.kinds.registry import KINDS
from controller.core.label_selector import parse_selector
from controller.core.model import DesiredJob
from controller.core.validation.suggestions import DID_YOU_MEAN, find_nearest


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected manifests, and ``others``: those that were read with them."""

    work: Workspace
    others: tuple[DesiredJob, ...]


@dataclass(frozen=True, slots=True)
class _JobArguments:
    """The arguments of a command line, divided into paths and names."""

    paths: tuple[Path, ...]
    names: tuple[str, ...]

    def is_selected(self, job: DesiredJob) -> bool:
        """Whether a job or a path above its manifest was named."""
        if not self.paths and not self.names:
            return True
        if any(_is_called(job, name) for name in self.names):
            return True
        place = Path(job.source.path).resolve()
        return any(place.is_relative_to(path.resolve()) for path in self.paths)


def select_jobs(words: Sequence[str], given: dict[str, Any]) -> Selection:
    """Return the manifests that arguments and labels select, and print their problems.

    An argument that is a path selects the manifests below it; any other is a job's name, looked up
    under ``--in``. Raises usage errors if nothing is selected or a name does not exist.
    """
    meant = _parse_words(words, given)
    work = load_workspace(_list_paths(meant, given), given)
    if not work.desired and work.problems:
        # A named job may be among those that cannot be read.
        print_problems(work.problems)
        return Selection(work, ())
    _check_names(meant, work)
    jobs = tuple(job for job in work.desired if meant.is_selected(job))
    keys = {job.key for job in jobs}
    # Problems of the rest of the tree do not concern a named job.
    relevant = tuple(
        one for one in work.problems if one.key in keys or not (one.key or meant.names)
    )
    print_problems(relevant)
    others = tuple(job for job in work.desired if job.key not in keys)
    narrow = work.is_narrow or bool(others)
    return Selection(replace(work, desired=jobs, problems=relevant, is_narrow=narrow), others)


def _parse_words(words: Sequence[str], given: dict[str, Any]) -> _JobArguments:
    paths = tuple(Path(word) for word in words if _is_path(word))
    names = tuple(word for word in words if not _is_path(word))
    # A selector of commas alone, as from an empty variable in a script, would select everything.
    if not words and not convert_errors(lambda: parse_selector(given["selector"])).requirements:
        raise click.UsageError(
            "select the jobs: by name, by the path of their manifests, or by label with -l; "
            "this command has no default"
        )
    if names and given["selector"]:
        raise click.UsageError(f"name jobs ({', '.join(names)}) or select them with -l, not both")
    return _JobArguments(paths, names)


def _is_path(word: str) -> bool:
    # A file name that does not exist is a mistyped path rather than a job's name.
    if os.path.lexists(word) or word.lower().endswith(ENDINGS):
        return True
    folder, slash, _ = word.partition("/")
    # Reports name jobs as KIND/NAME, which users paste.
    return bool(slash) and folder not in KINDS


def _list_paths(meant: _JobArguments, given: dict[str, Any]) -> tuple[Path, ...]:
    within = tuple(given["within"])
    if meant.paths and meant.names and not within:
        # Paths select only themselves, so names need another place to be looked up in.
        within = (DEFAULT_PATH,)
    return (*meant.paths, *within)


def _is_called(job: DesiredJob, name: str) -> bool:
    return name in {job.key.name, str(job.key)}


def _check_names(meant: _JobArguments, work: Workspace) -> None:
    """Raise a usage error for the first name that no manifest has."""
    known = {word for job in work.desired for word in (job.key.name, str(job.key))}
    unknown = next((name for name in meant.names if name not in known), None)
    if unknown is None:
        return
    # A manifest that cannot be read has no name to find it by.
    print_problems([problem for problem in work.problems if problem.key is None])
    near = find_nearest(unknown, [job.key.name for job in work.desired])
    hint = f"; {DID_YOU_MEAN} {near}?" if near else ""
    places = ", ".join(map(str, work.paths))
    raise click.UsageError(f"no manifest under {places} is named {unknown}{hint}")
