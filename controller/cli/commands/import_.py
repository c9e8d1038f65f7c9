"""The verb ``import``: makes manifests from the AWS CLI's requests, or from live jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from controller.cli.commands.import_jobs import Imported, from_files, from_jobs, write
from controller.cli.options import shared
from controller.cli.output.console import say, show
from controller.cli.output.exit_codes import Exit, gravest
from controller.cli.passes.passes import placed, tell_problems
from controller.core.kinds.registry import KINDS
from controller.views.plan import in_sandbox
from controller.views.problems import problem_data
from controller.views.text import Line, counted


@click.command(name="import", short_help="Make manifests from CLI requests or live jobs.")
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
    help="The kind of job. [default: the one that fits]",
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
@shared.connecting
@shared.printing
@click.pass_context
def command(ctx: click.Context, /, items: tuple[str, ...], **given: Any) -> None:
    """Make manifests from requests of the AWS CLI (--from-cli-json) or from jobs (--live).

    A manifest from a request sends that very request, less its token. One from a job names it in
    policy.adopt, so that the next pass takes the job over and submits nothing. Left out are jobs
    that a manifest in jobs/ or DIR stands for and, with --all, those of another fleet.
    """
    _check(items, given)
    imported = from_files(items, given) if given["files"] else from_jobs(items, given)
    tell_problems(imported.problems)
    for note in imported.notes:
        say(note)
    if given["folder"] is not None:
        write(imported, force=given["force"])
    show(given, lambda: _data(imported, given), lambda: map(Line, _lines(imported, given)))
    say(_summary(imported, given))
    codes = {Exit.INVALID} if imported.problems else set()
    ctx.exit(gravest(codes | ({Exit.FAILED} if imported.failed else set())))


def _check(items: tuple[str, ...], given: dict[str, Any]) -> None:
    """Refuse what cannot be meant."""
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
        example = "the files, or - for stdin" if given["files"] else "the jobs, or give --all"
        raise click.UsageError(f"nothing is named to import: name {example}.")
    if given["force"] and given["folder"] is None:
        raise click.UsageError("--force overwrites files: it goes with -o DIR.")


def _lines(imported: Imported, given: dict[str, Any]) -> list[str]:
    """Return the manifests as documents of one text; nothing where they went into files."""
    if given["folder"] is not None:
        return []
    text = "---\n".join(one.text for one in imported.made)
    return text.splitlines()


def _data(imported: Imported, given: dict[str, Any]) -> dict[str, Any]:
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
        "problems": [problem_data(problem) for problem in placed(imported.problems)],
        "notes": list(imported.notes),
        "sandbox": given["sandbox"],
    }


def _summary(imported: Imported, given: dict[str, Any]) -> str:
    where = f" in {given['folder']}" if given["folder"] is not None else ""
    skipped = f", {counted(imported.skipped, 'job')} left out" if imported.skipped else ""
    made = counted(len(imported.made), "manifest")
    return f"{made}{where}{skipped}{in_sandbox(given['sandbox'])}"
