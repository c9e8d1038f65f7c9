"""Checks of modelines under some paths, which ``--fix`` corrects."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import click

from controller.adapters.authoring.modelines import (
    ModelineMismatch,
    ModelineReport,
    find_modeline_mismatches,
    fix_modelines,
)
from controller.adapters.host.tree_bounds import get_filesystem_root
from controller.adapters.host.tree_files import FileUnreadableError, OutsideTreeError
from controller.adapters.manifests.discovery import PathMissingError
from controller.cli.output.console import say, write_stdout
from controller.cli.output.exit_codes import ExitCode
from controller.core.authoring.modelines import make_modeline
from controller.core.printable import escape_line
from controller.views.text import format_count

_DEFAULT = Path("jobs")


def check_modelines(paths: Sequence[Path], folder: Path, *, fix: bool) -> ExitCode:
    """Report the documents that do not name their schema in the folder; ``fix`` corrects them."""
    try:
        looked = find_modeline_mismatches(paths or [_DEFAULT], folder)
    except PathMissingError as error:
        raise click.BadParameter(f"{error}.", param_hint="PATH") from error
    except (FileUnreadableError, OutsideTreeError) as error:
        say(f"bedrock-jobs: {error.path}: the folder cannot be listed: {error.text}")
        return ExitCode.FAILED
    missing = sorted(
        name for name in looked.schemas if not get_filesystem_root().is_file(str(folder / name))
    )
    # A modeline that names a missing file would help no editor.
    if looked.mismatches and missing:
        say(
            f"{folder / missing[0]}: no such file; `bedrock-jobs schema` writes it, and"
            " --output-dir names another folder"
        )
        return ExitCode.FAILED
    return _fix_modelines(looked) if fix else _print_missing(looked)


def _print_missing(looked: ModelineReport) -> ExitCode:
    for one in looked.mismatches:
        write_stdout(escape_line(f"{one.path}:{one.line}: {_describe_modeline(one)}") + "\n")
    led = looked.documents - len(looked.mismatches)
    say(f"editors find the schema of {led} of {format_count(looked.documents, 'document')}")
    if any(one.is_fixable for one in looked.mismatches):
        say("--fix writes the lines that are missing or wrong")
    return ExitCode.FAILED if looked.mismatches else ExitCode.FINE


def _describe_modeline(one: ModelineMismatch) -> str:
    if not one.is_fixable:
        return "no line above the document names its schema; start the document below its ---"
    wrong = f"editors find {one.found}" if one.found else "editors find no schema"
    return f"{wrong}; write {make_modeline(one.wanted)}"


def _fix_modelines(looked: ModelineReport) -> ExitCode:
    # Without a free line above the document, only its author can decide where to put one.
    left = [one for one in looked.mismatches if not one.is_fixable]
    for one in left:
        write_stdout(escape_line(f"{one.path}:{one.line}: {_describe_modeline(one)}") + "\n")
    mendable = [one for one in looked.mismatches if one.is_fixable]
    # Mismatches are in the order of files, so each file is written once.
    for path, group in groupby(mendable, key=lambda one: one.path):
        try:
            fix_modelines(path, list(group))
        except OSError as error:
            say(f"{path}: cannot be written: {error.strerror}")
            return ExitCode.FAILED
        say(f"fixed {path}")
    say(f"{format_count(len(mendable), 'line')} written")
    return ExitCode.FAILED if left else ExitCode.FINE
