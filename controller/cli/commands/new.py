"""The command ``new``: writes a commented manifest to start from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from controller.adapters.host.tree_bounds import find_bounds
from controller.adapters.host.tree_files import find_tree_root, is_stream
from controller.adapters.host.tree_writes import create, make_folder, rewrite, write_stream
from controller.adapters.schemas import shipped_schemas
from controller.cli.options import shared
from controller.cli.output.console import say, write_stdout
from controller.core.authoring.skeleton import build_skeleton
from controller.core.identity.tokens import fill_names
from controller.core.kinds.kind import Kind, Variant
from controller.core.kinds.registry import KINDS
from controller.core.model import API_VERSION
from controller.core.validation.suggestions import format_names

_DEFAULT_FOLDER = Path("jobs")


@click.command(name="new", short_help="Write a commented manifest to start from.")
@click.argument("kind", type=click.Choice(list(KINDS)), metavar="KIND")
@click.argument("name", metavar="NAME")
@click.option(
    "--type",
    "way",
    metavar="TYPE",
    help="The variant to start from; a wrong one lists those of the kind.",
)
@click.option(
    "-o",
    "--output-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write here instead of to stdout, such as jobs/NAME.yaml.",
)
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
@shared.log_options
def command(kind: str, name: str, way: str | None, output_file: Path | None, force: bool) -> None:
    """Write a commented manifest of KIND called NAME.

    Values that you must fill in are in <angle brackets>; optional members are commented out.
    `validate` reports what is still missing.
    """
    row = KINDS[kind]
    variant = _select_variant(row, way)
    _check_name(row, name, variant)
    where = find_schema_path(row, output_file.parent if output_file else _DEFAULT_FOLDER)
    text = build_skeleton(row, shipped_schemas.load_schema(row.name), name, variant, where)
    if output_file is None:
        write_stdout(text)
    else:
        _write_manifest(output_file, text, force=force)


def _select_variant(row: Kind, way: str | None) -> Variant:
    """Return the requested variant, or the kind's first."""
    chosen = next(iter(row.variants)) if way is None else way
    if chosen not in row.variants:
        raise click.BadParameter(
            f"{chosen!r} is not one of {format_names(row.variants)}.", param_hint="--type"
        )
    return row.variants[chosen]


def _check_name(row: Kind, name: str, variant: Variant) -> None:
    """Raise a usage error for a name that neither the manifest nor its request can have."""
    # Only names are checked: the rest still contains placeholders.
    manifest: Mapping[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": row.name,
        "metadata": {"name": name},
        "spec": fill_names(row, variant.spec, name),
    }
    named = {("metadata", "name"), *(("spec", member) for member in row.suffixed_members)}
    for finding in shipped_schemas.get_checker(row.name).find_mistakes(manifest):
        if finding.path in named:
            raise click.BadParameter(f"{finding.message}.", param_hint="NAME")


def find_schema_path(row: Kind, folder: Path) -> str:
    """Return the path from a manifest's folder to its schema's file, for editors."""
    path = Path("schemas") / shipped_schemas.make_file_name(row.name)
    # In a subfolder of the tree the schemas are at its top.
    above = Path(find_bounds(folder).top) / path
    there = above if above.is_file() and not path.is_file() else path
    return Path(os.path.relpath(there, folder)).as_posix()


def _write_file(path: Path, content: bytes, *, force: bool) -> bool:
    """Write a file and return whether it was written; an existing one needs ``force``."""
    # A pipe or a terminal is written to; replacing it by a file would disconnect its reader.
    if force and is_stream(str(path)):
        write_stream(str(path), content)
        return True
    root = find_tree_root(path.parent)
    make_folder(root, str(path.parent))
    # Creating fails if the file exists by now, without a race against another writer.
    if not force:
        return create(root, str(path), content)
    rewrite(root, str(path), content)
    return True


def _write_manifest(path: Path, text: str, *, force: bool) -> None:
    try:
        is_written = _write_file(path, text.encode(), force=force)
    except OSError as error:
        raise click.FileError(str(path), error.strerror or str(error)) from error
    if not is_written:
        raise click.BadParameter(
            f"{path} exists already; choose another, or overwrite it with --force.",
            param_hint="-o",
        )
    say(f"wrote {path}")
