"""The command ``validate``: checks manifests offline, without credentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.adapters.aws.model_drift import find_drift_problems
from controller.adapters.manifests.loader import ScanResult, scan
from controller.adapters.manifests.source_lines import read_source_lines
from controller.cli.options import shared
from controller.cli.output.console import say
from controller.cli.output.exit_codes import ExitCode
from controller.cli.output.reports import Output, SourceMapper, get_docs_url, print_output
from controller.cli.workspace.arguments import convert_errors, make_relative, parse_arguments
from controller.core.documents.entries import ManifestDocument
from controller.core.kinds.registry import KINDS
from controller.core.label_selector import Selector
from controller.core.model import Problem
from controller.core.severity import convert_to_errors, filter_errors
from controller.views.doc_links import format_links
from controller.views.plan import format_sandbox_note
from controller.views.problems import render_problems, serialize_validation
from controller.views.text import format_count

if TYPE_CHECKING:
    from controller.views.findings import FindingsReport


@click.command(name="validate", short_help="Check manifests offline, without credentials.")
@shared.paths
@shared.selection_options
@shared.strict
@shared.offline_sandbox
@shared.report_options
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Check the manifests under each PATH, by default jobs/, and report every problem.

    It makes no AWS calls and needs no credentials: the schemas are shipped. The exit code is 4 if
    any problem is an error.
    """
    wanted = parse_arguments(paths, given)
    found = convert_errors(lambda: scan(wanted.paths, wanted.fleet, specs=False))
    kinds = (entry.kind for entry in found.entries)
    behind = find_drift_problems(kinds, str(wanted.paths[0]))
    checked = replace(found, problems=(*wanted.problems, *found.problems, *behind))
    checked = _apply_strict(checked) if given["strict"] else checked
    problems, entries = _select_manifests(checked, wanted.selector)
    _print_result(problems, entries, given)
    ctx.exit(ExitCode.INVALID if filter_errors(problems) else ExitCode.FINE)


def _apply_strict(found: ScanResult) -> ScanResult:
    """Return the same with each warning as an error."""
    entries = tuple(one._replace(problems=convert_to_errors(one.problems)) for one in found.entries)
    return replace(found, entries=entries, problems=convert_to_errors(found.problems))


def _select_manifests(
    found: ScanResult, chosen: Selector
) -> tuple[Sequence[Problem], Sequence[ManifestDocument]]:
    """Return the problems to report, and the selected manifests.

    A problem that belongs to no particular manifest is always reported.
    """
    if not chosen.requirements:
        return found.problems, found.entries
    entries = [entry for entry in found.entries if chosen.is_match(entry.labels or {})]
    left_out = {entry.key for entry in found.entries} - {entry.key for entry in entries}
    return [problem for problem in found.problems if problem.key not in left_out], entries


def _print_result(
    problems: Sequence[Problem], entries: Sequence[ManifestDocument], given: dict[str, Any]
) -> None:
    checked = [replace(problem, source=make_relative(problem.source)) for problem in problems]
    sensitive = frozenset().union(*(kind.sensitive for kind in KINDS.values()))
    manifests, valid = len(entries), sum(not filter_errors(entry.problems) for entry in entries)
    counts = _summarize(problems, manifests, valid) + format_sandbox_note(given["sandbox"])
    result = Output(
        lambda: serialize_validation(manifests, valid, checked),
        # Cached, because a file with several problems is quoted for each of them.
        lambda: render_problems(checked, cache(read_source_lines), sensitive),
        lambda: _build_report(counts, entries, checked, sandbox=given["sandbox"]),
        _render_markdown,
    )
    print_output(given, result)
    # Other formats have the codes, and must stay parseable.
    if problems and given["output"] == "text" and not given["query"]:
        say(f"Explanations: {format_links((one.code for one in problems), get_docs_url())}")
    say(counts)


# Imported on demand: most validations print text, and take a fraction of a second.
def _build_report(
    counts: str, entries: Sequence[ManifestDocument], checked: Sequence[Problem], *, sandbox: bool
) -> FindingsReport:
    from controller.views.findings import build_report, collect_problem_findings

    manifests = ((entry.key, entry.source) for entry in entries)
    return build_report(
        "validate", counts, manifests, collect_problem_findings(checked), sandbox=sandbox
    )


def _render_markdown(checked: FindingsReport, _place: SourceMapper, limit: int) -> str:
    from controller.views.markdown_reports import render_validation_markdown

    return render_validation_markdown(checked, limit)


def _summarize(problems: Sequence[Problem], manifests: int, valid: int) -> str:
    wrong = len(filter_errors(problems))
    numbers = ((wrong, "problem"), (len(problems) - wrong, "warning"))
    checked = "".join(f"{format_count(number, noun)}, " for number, noun in numbers if number)
    return f"{checked}{valid} of {format_count(manifests, 'manifest')} valid"
