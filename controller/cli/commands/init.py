"""The command ``init``: sets up a repository whose jobs bedrock-jobs manages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from controller.adapters.authoring.scaffold import (
    HOSTS,
    RepositoryInfo,
    ScaffoldOptions,
    build_pieces,
    infer_host,
    inspect_repository,
    is_protected,
    write_pieces,
)
from controller.adapters.host.tree_files import OutsideTreeError, find_tree_root
from controller.adapters.manifests.fleet_file import load_fleet
from controller.adapters.schemas import shipped_schemas
from controller.cli.options import shared
from controller.cli.output.console import say, show
from controller.cli.output.exit_codes import ExitCode
from controller.core.authoring.scaffold_merge import (
    FileOutcome,
    MergedFile,
    derive_owner,
    select_files,
)
from controller.core.documents.file_names import FLEET_FILE
from controller.core.fleet import Fleet
from controller.views.text import Line, format_columns

_NONE = "none"
_COLOURS = {FileOutcome.KEPT: "yellow", FileOutcome.FAILED: "red"}
_NEXT = (
    "Next: `bedrock-jobs validate`, `bedrock-jobs plan --sandbox` and `bedrock-jobs reconcile "
    "--sandbox` work here at once. docs/how-to/ci.md says how CI gets its roles."
)


@click.command(name="init", short_help="Set up a repository: jobs, schemas, rules, CI.")
@click.argument(
    "folder",
    default=".",
    metavar="[FOLDER]",
    type=click.Path(path_type=Path, file_okay=False),
)
@click.option(
    "--ci",
    type=click.Choice([*HOSTS, _NONE]),
    help="The CI system to create pipelines for. [default: detected, else github]",
)
@click.option(
    "--owner",
    metavar="NAME",
    help="Names the fleet; it cannot change later. [default: from the remote or the folder]",
)
@click.option("--region", metavar="REGION", help="Where jobs go. [default: us-east-1]")
@click.option(
    "--branch", metavar="NAME", help="The branch that is reconciled. [default: the remote's]"
)
@click.option(
    "--codeowner",
    "codeowners",
    multiple=True,
    metavar="@TEAM",
    help="A required reviewer of bedrock-jobs.yaml. Repeatable.",
)
@click.option(
    "--requirement",
    metavar="SPEC",
    help="What pipelines install, as pip takes it. [default: this release]",
)
@click.option(
    "--only", multiple=True, metavar="PATH", help="Create only this file or folder. Repeatable."
)
@click.option("--force", is_flag=True, help="Replace files that differ from what init writes.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and write nothing.")
@shared.output_options
@click.pass_context
def command(ctx: click.Context, /, folder: Path, **given: Any) -> None:
    """Set up FOLDER, by default the current one, as a repository of jobs.

    It creates a first manifest, the schemas, bedrock-jobs.yaml, settings for git and editors, and
    the pipelines that plan, reconcile and stop. A second run changes nothing. A file that differs
    is not overwritten without --force: lines are added to files that other tools write too, and
    what a file of yours lacks is reported.
    """
    try:
        wanted = _resolve_options(folder, inspect_repository(folder), given)
        chosen = select_files(build_pieces(folder, wanted), given["only"])
    except OSError as error:
        raise click.FileError(error.filename or str(folder), error.strerror) from error
    if not chosen:
        raise click.BadParameter("init writes nothing there.", param_hint="--only")
    done = write_pieces(folder, chosen, force=given["force"], dry_run=given["dry_run"])
    show(given, lambda: _serialize_result(done, wanted, given), lambda: _render_files(done))
    for one in done:
        _print_missing_lines(one)
    for line in _summarize(folder, done, wanted, given):
        say(line)
    failed = any(one.fate is FileOutcome.FAILED for one in done)
    ctx.exit(ExitCode.FAILED if failed else ExitCode.FINE)


def _resolve_options(
    folder: Path, around: RepositoryInfo, given: dict[str, Any]
) -> ScaffoldOptions:
    """Return the options, with defaults derived from the repository."""
    more = {key: given[key] for key in ("region", "branch", "requirement") if given[key]}
    if around.branch:
        more.setdefault("branch", around.branch)
    wanted = ScaffoldOptions(
        owner=_resolve_owner(folder, around, given),
        host=_resolve_host(folder, around, given["ci"]),
        codeowners=" ".join(given["codeowners"]),
        **more,
    )
    _check_options(wanted)
    return wanted


def _resolve_owner(folder: Path, around: RepositoryInfo, given: dict[str, Any]) -> str:
    """Return the owner; it is part of every token, so a guess never replaces an existing one."""
    if given["owner"]:
        return str(given["owner"])
    there = _has_fleet_file(folder)
    fleet, problems = load_fleet(folder / FLEET_FILE, folder) if there else (Fleet(), ())
    # Replacing the file would lose an owner that cannot be read from it.
    if problems and given["force"]:
        summary = (
            f"{FLEET_FILE} has problems, and its owner may be in use: set --owner to replace it."
        )
        raise click.BadParameter(summary, param_hint="--owner")
    return fleet.owner or derive_owner(around.remote, folder.resolve().name)


def _has_fleet_file(folder: Path) -> bool:
    """Whether there is a fleet file to read; a link that leads out of the tree does not count."""
    try:
        return find_tree_root(folder).is_file(str(folder / FLEET_FILE))
    except OutsideTreeError as error:
        message = (
            f"{FLEET_FILE} is not read: {error.text}. Put the file itself there, or set --owner"
        )
        raise click.BadParameter(f"{message}.", param_hint="--owner") from error


def _resolve_host(folder: Path, around: RepositoryInfo, asked: str | None) -> str:
    """Return which CI system to create pipelines for; they work only at the top of a repository."""
    below = around.top is not None and around.top != folder.resolve()
    if below and asked in HOSTS:
        raise click.BadParameter(
            f"{folder} is not the top of its repository, where pipelines must be: run init in "
            f"{around.top}, or with --ci none here.",
            param_hint="--ci",
        )
    if below or asked == _NONE:
        return ""
    return asked or infer_host(folder, around.remote) or HOSTS[0]


def _check_options(wanted: ScaffoldOptions) -> None:
    """Raise a usage error for values that the created files cannot contain."""
    # The schema of the fleet file decides, so that validate accepts what init writes.
    fleet = {"owner": wanted.owner, "target": {"region": wanted.region}}
    for finding in shipped_schemas.get_checker(shipped_schemas.FLEET).find_mistakes(fleet):
        hint = "--owner" if "owner" in finding.path else "--region"
        raise click.BadParameter(f"{finding.message}.", param_hint=hint)
    # Pipelines quote the branch: quotes, and what git forbids in names, would break them.
    if not re.fullmatch(r"(?!-)[^\s~^:?*\[\\'\"]+", wanted.branch):
        raise click.BadParameter(
            f"{wanted.branch!r} is not a valid branch name.", param_hint="--branch"
        )
    # In CODEOWNERS every owner has an @, and # starts a comment.
    if not all(re.fullmatch(r"[^@#]*@[^#]+", one) for one in wanted.codeowners.split()):
        raise click.BadParameter("name users or teams: @acme/ml.", param_hint="--codeowner")
    # Pipelines and hooks have it on one line of YAML or shell.
    if not re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", wanted.requirement):
        raise click.BadParameter("one line, as pip takes it.", param_hint="--requirement")


def _serialize_result(
    done: Sequence[MergedFile], wanted: ScaffoldOptions, given: dict[str, Any]
) -> dict[str, Any]:
    files = [
        {"path": one.piece.path, "fate": one.fate.value, "note": one.note, "lines": one.lines}
        for one in done
    ]
    ci = wanted.host or _NONE
    return {"files": files, "owner": wanted.owner, "ci": ci, "dryRun": given["dry_run"]}


def _render_files(done: Sequence[MergedFile]) -> Iterator[Line]:
    rows = format_columns([(one.fate.value, one.piece.path) for one in done])
    for one, row in zip(done, rows, strict=True):
        note = f"  {one.note}" if one.note else ""
        yield Line((row if note else row.rstrip()) + note, _COLOURS.get(one.fate))


def _print_missing_lines(one: MergedFile) -> None:
    if one.lines:
        say(f"{one.piece.path} lacks some of these lines:")
        for line in one.lines:
            say(f"    {line}" if line else "")


def _summarize(
    folder: Path, done: Sequence[MergedFile], wanted: ScaffoldOptions, given: dict[str, Any]
) -> Iterator[str]:
    counts = Counter(one.fate for one in done)
    summary = ", ".join(f"{counts[fate]} {fate.value}" for fate in FileOutcome if counts[fate])
    yield f"{summary} (dry run: nothing was written)" if given["dry_run"] else summary
    if not wanted.host and given["ci"] != _NONE:
        yield "Pipelines belong to the repository's top: run init there for them."
    if given["dry_run"]:
        return
    # The fleet file limits costs, so changes of it should need a review.
    if not is_protected(folder, wanted.host):
        yield f"{FLEET_FILE} has no code owner yet: name reviewers with --codeowner @TEAM."
    if counts[FileOutcome.CREATED]:
        yield _NEXT
