"""The verb ``validate``: checks manifests offline, without credentials."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import click

from controller.adapters.fleet_file import fleet_paths, load_fleet
from controller.adapters.manifests import PathMissingError, Scan, scan
from controller.adapters.problems import source_lines
from controller.cli import options
from controller.cli.exits import Exit
from controller.cli.printing import in_colour, say, show
from controller.core.kinds import KINDS
from controller.core.model import Problem
from controller.core.selection import Selector, SelectorError, selector
from controller.views.lines import Line, counted
from controller.views.plan import in_sandbox
from controller.views.problems import problem_lines, validation

_DEFAULT = Path("jobs")
_Result = TypeVar("_Result")


@click.command(name="validate", short_help="Check manifests offline, without credentials.")
@options.paths
@options.selecting
@options.offline
@options.printing
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Check the manifests under each PATH, by default jobs/, and tell every problem at once.

    Nothing is sent anywhere: the schemas are shipped, and no credentials are needed. The exit
    code is 4 when there is any problem.
    """
    chosen = _usable(lambda: selector(given["selector"]))
    found = _usable(lambda: _scanned(paths, given["config"]))
    problems, manifests, valid = _selected(found, chosen)
    _print(problems, manifests, valid, given)
    ctx.exit(Exit.INVALID if problems else Exit.FINE)


def _usable(ask: Callable[[], _Result]) -> _Result:
    """Return an answer; a mistake in the command line is told as one."""
    try:
        return ask()
    except (PathMissingError, SelectorError) as error:
        raise click.UsageError(str(error)) from error


def _scanned(paths: Sequence[Path], config: Path | None) -> Scan:
    """Read the tree and the fleet's file; the problems of both are the tree's."""
    if not paths:
        if not _DEFAULT.exists():
            raise PathMissingError(f"there is no folder {_DEFAULT} here; name the manifests' path")
        paths = (_DEFAULT,)
    if config is None and len(fleet_paths(paths)) > 1:
        raise PathMissingError(
            "the paths lie under different bedrock-jobs.yaml files; give one with --config"
        )
    fleet, problems = load_fleet(config, paths[0])
    found = scan(paths, fleet, specs=False)
    return replace(found, problems=(*problems, *found.problems))


def _selected(found: Scan, chosen: Selector) -> tuple[list[Problem], int, int]:
    """Return the problems to tell, and how many of the chosen manifests there are and are valid.

    A problem that belongs to no manifest in particular is always told.
    """
    entries = [entry for entry in found.entries if chosen.selects(entry.labels or {})]
    left_out = {entry.key for entry in found.entries} - {entry.key for entry in entries}
    problems = [problem for problem in found.problems if problem.key not in left_out]
    return problems, len(entries), sum(not entry.problems for entry in entries)


def _print(problems: Sequence[Problem], manifests: int, valid: int, given: dict[str, Any]) -> None:
    told = [_relative(problem) for problem in problems]
    sensitive = frozenset().union(*(kind.sensitive for kind in KINDS.values()))
    show(
        given,
        lambda: validation(manifests, valid, told),
        lambda: map(
            Line, problem_lines(told, cache(source_lines), sensitive, color=in_colour(given))
        ),
    )
    say(_summary(len(problems), manifests, valid) + in_sandbox(given["sandbox"]))


def _relative(problem: Problem) -> Problem:
    """Return a problem with its path from the current folder, if it lies below."""
    path = problem.source.path
    shorter = os.path.relpath(path) if Path(path).is_absolute() else os.path.normpath(path)
    if shorter.startswith(".."):
        shorter = path
    return replace(problem, source=replace(problem.source, path=shorter))


def _summary(problems: int, manifests: int, valid: int) -> str:
    told = f"{counted(problems, 'problem')}, " if problems else ""
    return f"{told}{valid} of {counted(manifests, 'manifest')} valid"
