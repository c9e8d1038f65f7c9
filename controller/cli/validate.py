"""The verb ``validate``: checks manifests offline, without credentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import click

from controller.adapters.manifests import Scan, scan
from controller.adapters.problems import source_lines
from controller.cli import options
from controller.cli.asked import asked, relative, usable
from controller.cli.exits import Exit
from controller.cli.printing import in_colour, say, show
from controller.core.kinds import KINDS
from controller.core.model import Problem
from controller.core.selection import Selector
from controller.views.lines import Line, counted
from controller.views.plan import in_sandbox
from controller.views.problems import problem_lines, validation


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
    wanted = asked(paths, given)
    found = usable(lambda: scan(wanted.paths, wanted.fleet, specs=False))
    told = replace(found, problems=(*wanted.problems, *found.problems))
    problems, manifests, valid = _selected(told, wanted.selector)
    _print(problems, manifests, valid, given)
    ctx.exit(Exit.INVALID if problems else Exit.FINE)


def _selected(found: Scan, chosen: Selector) -> tuple[list[Problem], int, int]:
    """Return the problems to tell, and how many of the chosen manifests there are and are valid.

    A problem that belongs to no manifest in particular is always told.
    """
    entries = [entry for entry in found.entries if chosen.selects(entry.labels or {})]
    left_out = {entry.key for entry in found.entries} - {entry.key for entry in entries}
    problems = [problem for problem in found.problems if problem.key not in left_out]
    return problems, len(entries), sum(not entry.problems for entry in entries)


def _print(problems: Sequence[Problem], manifests: int, valid: int, given: dict[str, Any]) -> None:
    told = [replace(problem, source=relative(problem.source)) for problem in problems]
    sensitive = frozenset().union(*(kind.sensitive for kind in KINDS.values()))
    show(
        given,
        lambda: validation(manifests, valid, told),
        lambda: map(
            Line, problem_lines(told, cache(source_lines), sensitive, color=in_colour(given))
        ),
    )
    say(_summary(len(problems), manifests, valid) + in_sandbox(given["sandbox"]))


def _summary(problems: int, manifests: int, valid: int) -> str:
    told = f"{counted(problems, 'problem')}, " if problems else ""
    return f"{told}{valid} of {counted(manifests, 'manifest')} valid"
