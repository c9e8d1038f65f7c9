"""The options of ``watch --repo``, and how they combine with others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from controller.cli.options import write_back
from controller.cli.options.shared import group_options
from controller.cli.options.without_effect import find_given_option, reject_unused_options
from controller.cli.workspace.arguments import Arguments, convert_errors, parse_arguments
from controller.cli.workspace.coverage import check_whole_folders
from controller.core.fleet import Fleet
from controller.core.label_selector import parse_selector

_CLONE_OPTIONS = ("branch", "clone_paths", "work_dir", "webhook")
_TREE_OPTIONS = ("poll", "no_file_events", "settle")


def _parse_clone_paths(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[Path, ...]:
    paths = tuple(Path(os.path.normpath(value)) for value in values)
    for path in paths:
        # Paths are joined to the clone's folder, and these would lead out of it.
        if path.is_absolute() or path.parts[:1] == ("..",):
            raise click.BadParameter(f"{str(path)!r} is not in the repository.")
    return paths


options = group_options(
    click.option(
        "--repo",
        metavar="URL",
        help="Work on a clone of this repository instead of PATHs; statuses are committed to"
        " the branch unless --write-back says otherwise.",
    ),
    click.option(
        "--branch", metavar="NAME", help="The branch of --repo. [default: the remote's own]"
    ),
    click.option(
        "--path",
        "clone_paths",
        multiple=True,
        default=("jobs",),
        show_default=True,
        callback=_parse_clone_paths,
        metavar="PATH",
        help="Where in --repo the manifests are. Repeatable.",
    ),
    click.option(
        "--work-dir",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="FOLDER",
        help="Where to store the clone of --repo. [default: the user's state folder]",
    ),
    click.option(
        "--webhook",
        metavar="ADDRESS",
        help="Receive webhooks for pushes to --repo at this address, path /hooks.",
    ),
    click.option(
        "--webhook-secret-file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="The webhook secrets, one per line. [default: $BEDROCK_JOBS_WEBHOOK_SECRET]",
    ),
)
"""The options of a clone of its own."""


def parse_watch_arguments(
    ctx: click.Context, paths: tuple[Path, ...], given: dict[str, Any]
) -> Arguments:
    """Return the arguments; before a repository is cloned, only how its manifests are selected."""
    is_default = ctx.get_parameter_source("write_back") is ParameterSource.DEFAULT
    if given["repo"] is None:
        reject_unused_options(ctx, _CLONE_OPTIONS, "--repo")
        wanted = parse_arguments(paths, given)
    else:
        if paths:
            raise click.UsageError("--repo cannot be combined with PATHs: name them with --path")
        if flag := find_given_option(ctx, _TREE_OPTIONS):
            raise click.UsageError(
                f"{flag} is for the files of PATHs: --repo is polled every --pull-interval"
            )
        # Statuses that stay in the daemon's own clone would reach no reader.
        if is_default and given["status_dir"] is None:
            given["write_back"] = write_back.COMMIT
        # The fleet file and the manifests are read once the repository is cloned.
        wanted = Arguments(
            (), convert_errors(lambda: parse_selector(given["selector"])), Fleet(), (), Path()
        )
    write_back.check_options(ctx, given)
    if given["repo"] is None and given["write_back"] == write_back.FILES:
        reject_unused_options(ctx, ("pull_interval",), "--repo or --write-back commit")
    if given["status_dir"] is not None and given["write_back"] != write_back.FILES:
        raise click.UsageError(
            "--status-dir cannot be combined with --write-back: it writes nothing into the tree"
        )
    check_whole_folders(wanted, given)
    return wanted
