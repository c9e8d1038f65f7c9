"""Modelines under some paths: told where they are missing or wrong, and mended if asked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import click

from controller.adapters.authoring.modelines import Astray, Looked, look, mend
from controller.adapters.host.tree_bounds import anywhere
from controller.adapters.host.tree_files import FileUnreadableError, OutsideTreeError
from controller.adapters.manifests.discovery import PathMissingError
from controller.cli.output.console import put, say
from controller.cli.output.exit_codes import Exit
from controller.core.authoring.modelines import modeline
from controller.core.printable import escaped
from controller.views.text import counted

_DEFAULT = Path("jobs")


def check(paths: Sequence[Path], folder: Path, *, fix: bool) -> Exit:
    """Tell which documents do not lead to their schema in the folder; with ``fix`` mend them."""
    try:
        looked = look(paths or [_DEFAULT], folder)
    except PathMissingError as error:
        raise click.BadParameter(f"{error}.", param_hint="PATH") from error
    except (FileUnreadableError, OutsideTreeError) as error:
        say(f"bedrock-jobs: {error.path}: the folder cannot be listed: {error.text}")
        return Exit.FAILED
    missing = sorted(name for name in looked.schemas if not anywhere().is_file(str(folder / name)))
    if looked.astray and missing:
        say(
            f"{folder / missing[0]}: no such file; `bedrock-jobs schema` writes it, and"
            " --output-dir names another folder"
        )
        return Exit.FAILED
    return _mended(looked) if fix else _told(looked)


def _told(looked: Looked) -> Exit:
    for one in looked.astray:
        put(escaped(f"{one.path}:{one.line}: {_wrong(one)}") + "\n")
    led = looked.documents - len(looked.astray)
    say(f"editors find the schema of {led} of {counted(looked.documents, 'document')}")
    if any(one.mendable for one in looked.astray):
        say("--fix writes the lines that are missing or wrong")
    return Exit.FAILED if looked.astray else Exit.FINE


def _wrong(one: Astray) -> str:
    if not one.mendable:
        return "no line above the document leads to its schema; begin the document below its ---"
    wrong = f"editors are led to {one.found}" if one.found else "editors are led to no schema"
    return f"{wrong}; write {modeline(one.wanted)}"


def _mended(looked: Looked) -> Exit:
    left = [one for one in looked.astray if not one.mendable]
    for one in left:
        put(escaped(f"{one.path}:{one.line}: {_wrong(one)}") + "\n")
    mendable = [one for one in looked.astray if one.mendable]
    for path, group in groupby(mendable, key=lambda one: one.path):
        try:
            mend(path, list(group))
        except OSError as error:
            say(f"{path}: cannot be written: {error.strerror}")
            return Exit.FAILED
        say(f"mended {path}")
    say(f"{counted(len(mendable), 'line')} written")
    return Exit.FAILED if left else Exit.FINE
