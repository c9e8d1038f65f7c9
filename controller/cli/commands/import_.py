"""The command ``import``: creates manifests from AWS CLI requests or from live jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from controller.cli.commands.import_jobs import (
    ImportResult,
    import_live_jobs,
    import_requests,
    write_manifests,
)
from controller.cli.options import shared
from controller.cli.output.console import say, show
from controller.cli.output.exit_codes import ExitCode, select_exit_code
from controller.cli.passes.passes import make_problems_relative, print_problems
from controller.core.kinds.registry import KINDS
from controller.views.plan import format_sandbox_note
from controller.views.problems import serialize_problem
from controller.views.text import Line, format_count


@click.command(name="import", short_help="Create manifests from CLI requests or live jobs.")
@click.argument("items", nargs=-1, metavar="[FILE|NAME]...")
@click.option(
    "--from-cli-json",
    "files",
    is_flag=True,
    help="Each FILE is a request as the AWS CLI takes it with --cli-input-json or "
    "--cli-input-yaml; - is stdin.",
)
@click.option("--live", is_flag=True, help="Each NAME is a job's, or its ARN.")
@click.option("--all", "every", is_flag=True, help="With --live: every job that has no manifest.")
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    help="The kind of job. [default: detected]",
)
@click.option(
    "-o",
    "--output-dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write each manifest into DIR/NAME.yaml instead of to stdout.",
)
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The fleet's bedrock-jobs.yaml. [default: the outermost one between the manifests and the "
    "root of their repository]",
)
@shared.connection_options
@shared.output_options
@click.pass_context
def command(ctx: click.Context, /, items: tuple[str, ...], **given: Any) -> None:
    """Create manifests from requests of the AWS CLI (--from-cli-json) or from jobs (--live).

    A manifest from a request sends exactly that request, except its token. A manifest from a job
    names the job in policy.adopt, so that the next pass adopts it and submits nothing. Jobs that
    already have a manifest in jobs/ or DIR are skipped and, with --all, those of other fleets.
    """
    _check_options(items, given)
    imported = import_requests(items, given) if given["files"] else import_live_jobs(items, given)
    print_problems(imported.problems)
    for note in imported.notes:
        say(note)
    if given["folder"] is not None:
        write_manifests(imported, force=given["force"])
    show(
        given,
        lambda: _serialize_result(imported, given),
        lambda: map(Line, _render_manifests(imported, given)),
    )
    say(_summarize(imported, given))
    # A manifest with gaps is written, to be completed by hand, and still counts as invalid.
    codes = {ExitCode.INVALID} if imported.problems else set()
    ctx.exit(select_exit_code(codes | ({ExitCode.FAILED} if imported.failed else set())))


def _check_options(items: tuple[str, ...], given: dict[str, Any]) -> None:
    """Raise a usage error for options that contradict each other."""
    # --all implies --live.
    live = given["live"] or given["every"]
    if given["files"] and live:
        raise click.UsageError("--from-cli-json reads files and --live asks AWS: choose one.")
    if not given["files"] and not live:
        raise click.UsageError(
            "say what to import: --from-cli-json FILE... for requests, or --live NAME... (or "
            "--live --all) for jobs."
        )
    if given["every"] and items:
        raise click.UsageError("--all takes every job: leave out the names, or leave out --all.")
    if not items and not given["every"]:
        example = "the files, or - for stdin" if given["files"] else "the jobs, or add --all"
        raise click.UsageError(f"nothing to import: name {example}.")
    if given["force"] and given["folder"] is None:
        raise click.UsageError("--force overwrites files: it needs -o DIR.")


def _render_manifests(imported: ImportResult, given: dict[str, Any]) -> list[str]:
    """Return the manifests as one multi-document text, or nothing if they were written to files."""
    if given["folder"] is not None:
        return []
    text = "---\n".join(one.text for one in imported.made)
    return text.splitlines()


def _serialize_result(imported: ImportResult, given: dict[str, Any]) -> dict[str, Any]:
    manifests = [
        {
            "kind": one.draft.kind.name,
            "name": one.draft.name,
            "from": one.origin,
            "file": None if one.path is None else str(one.path),
            "manifest": one.draft.document,
        }
        for one in imported.made
    ]
    return {
        "manifests": manifests,
        "skipped": imported.skipped,
        "problems": [
            serialize_problem(problem) for problem in make_problems_relative(imported.problems)
        ],
        "notes": list(imported.notes),
        "sandbox": given["sandbox"],
    }


def _summarize(imported: ImportResult, given: dict[str, Any]) -> str:
    where = f" in {given['folder']}" if given["folder"] is not None else ""
    skipped = f", {format_count(imported.skipped, 'job')} skipped" if imported.skipped else ""
    made = format_count(len(imported.made), "manifest")
    return f"{made}{where}{skipped}{format_sandbox_note(given['sandbox'])}"
