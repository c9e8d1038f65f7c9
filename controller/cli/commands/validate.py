"""The verb ``validate``: checks manifests offline, without credentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.adapters.aws.model_drift import drift_problems
from controller.adapters.manifests.loader import Scan, scan
from controller.adapters.manifests.source_lines import source_lines
from controller.cli.options import shared
from controller.cli.output.console import say
from controller.cli.output.exit_codes import Exit
from controller.cli.output.reports import Placing, Result, docs_url, present
from controller.cli.workspace.arguments import asked, relative, usable
from controller.core.documents.entries import Entry
from controller.core.kinds.registry import KINDS
from controller.core.label_selector import Selector
from controller.core.model import Problem
from controller.core.severity import as_errors, errors
from controller.views.doc_links import links_to
from controller.views.plan import in_sandbox
from controller.views.problems import problem_lines, validation
from controller.views.text import counted

if TYPE_CHECKING:
    from controller.views.findings import Review


@click.command(name="validate", short_help="Check manifests offline, without credentials.")
@shared.paths
@shared.selecting
@shared.strict
@shared.offline
@shared.reporting
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Check the manifests under each PATH, by default jobs/, and tell every problem at once.

    Nothing is sent anywhere: the schemas are shipped, and no credentials are needed. The exit
    code is 4 when any problem is an error.
    """
    wanted = asked(paths, given)
    found = usable(lambda: scan(wanted.paths, wanted.fleet, specs=False))
    kinds = (entry.kind for entry in found.entries)
    behind = drift_problems(kinds, str(wanted.paths[0]))
    told = replace(found, problems=(*wanted.problems, *found.problems, *behind))
    told = _strict(told) if given["strict"] else told
    problems, entries = _selected(told, wanted.selector)
    _print(problems, entries, given)
    ctx.exit(Exit.INVALID if errors(problems) else Exit.FINE)


def _strict(found: Scan) -> Scan:
    """Return the same with each warning as an error."""
    entries = tuple(one._replace(problems=as_errors(one.problems)) for one in found.entries)
    return replace(found, entries=entries, problems=as_errors(found.problems))


def _selected(found: Scan, chosen: Selector) -> tuple[Sequence[Problem], Sequence[Entry]]:
    """Return the problems to tell, and the chosen manifests.

    A problem that belongs to no manifest in particular is always told.
    """
    if not chosen.requirements:
        return found.problems, found.entries
    entries = [entry for entry in found.entries if chosen.selects(entry.labels or {})]
    left_out = {entry.key for entry in found.entries} - {entry.key for entry in entries}
    return [problem for problem in found.problems if problem.key not in left_out], entries


def _print(problems: Sequence[Problem], entries: Sequence[Entry], given: dict[str, Any]) -> None:
    told = [replace(problem, source=relative(problem.source)) for problem in problems]
    sensitive = frozenset().union(*(kind.sensitive for kind in KINDS.values()))
    manifests, valid = len(entries), sum(not errors(entry.problems) for entry in entries)
    counts = _summary(problems, manifests, valid) + in_sandbox(given["sandbox"])
    result = Result(
        lambda: validation(manifests, valid, told),
        lambda: problem_lines(told, cache(source_lines), sensitive),
        lambda: _review(counts, entries, told, sandbox=given["sandbox"]),
        _markdown,
    )
    present(given, result)
    if problems and given["output"] == "text" and not given["query"]:
        say(f"Explanations: {links_to((one.code for one in problems), docs_url())}")
    say(counts)


# Imported when a report is asked for: most validations print text, and are over in no time.
def _review(
    counts: str, entries: Sequence[Entry], told: Sequence[Problem], *, sandbox: bool
) -> Review:
    from controller.views.findings import of_problems, review

    manifests = ((entry.key, entry.source) for entry in entries)
    return review("validate", counts, manifests, of_problems(told), sandbox=sandbox)


def _markdown(told: Review, _place: Placing, limit: int) -> str:
    from controller.views.markdown_reports import validation_markdown

    return validation_markdown(told, limit)


def _summary(problems: Sequence[Problem], manifests: int, valid: int) -> str:
    wrong = len(errors(problems))
    numbers = ((wrong, "problem"), (len(problems) - wrong, "warning"))
    told = "".join(f"{counted(number, noun)}, " for number, noun in numbers if number)
    return f"{told}{valid} of {counted(manifests, 'manifest')} valid"
