"""The verb ``schema``: writes the JSON Schemas, or says whether they are current."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from controller.adapters import schema_files, schemas
from controller.cli import options
from controller.cli.exits import Exit
from controller.core.kinds import KINDS

_TO_STDOUT = "-"


@click.command(name="schema", short_help="Write or check the JSON Schemas.")
@click.argument("names", nargs=-1, metavar="[KIND]...", type=click.Choice([*KINDS, schemas.FLEET]))
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file is not current.")
@click.option(
    "--docs",
    is_flag=True,
    help="Add the installed botocore's documentation, for your own editor only.",
)
@click.option(
    "--output-dir",
    default="schemas",
    show_default=True,
    metavar="DIR",
    help="Where the files are; - prints them instead.",
)
@options.logs
@click.pass_context
def command(
    ctx: click.Context, names: tuple[str, ...], check: bool, docs: bool, output_dir: str
) -> None:
    """Write the JSON Schema of each KIND's manifests, by default of all and of bedrock-jobs.yaml.

    They are generated from the botocore that is installed. Editors read them through the first
    line of a manifest, and `validate` uses those that are shipped.
    """
    if check and output_dir == _TO_STDOUT:
        raise click.UsageError("--check compares files: give --output-dir a folder, not -.")
    # The fleet's file is no kind, yet its schema is asked for in the same way.
    files = schema_files.generated(
        [KINDS[name] for name in names or KINDS if name in KINDS],
        fleet=not names or schemas.FLEET in names,
        documented=docs,
    )
    if output_dir == _TO_STDOUT:
        click.echo("".join(files.values()), nl=False)
    elif check:
        ctx.exit(_compare(Path(output_dir), files))
    else:
        ctx.exit(_write(Path(output_dir), files))


def _write(folder: Path, files: Mapping[str, str]) -> Exit:
    try:
        written = schema_files.write(folder, files)
    except OSError as error:
        click.echo(f"{folder}: cannot be written: {error.strerror}; choose --output-dir", err=True)
        return Exit.FAILED
    for path in written:
        click.echo(f"wrote {path}", err=True)
    click.echo(f"{len(files) - len(written)} current, {len(written)} written", err=True)
    return Exit.FINE


def _compare(folder: Path, files: Mapping[str, str]) -> Exit:
    differing = schema_files.differences(folder, files)
    for path, difference in differing.items():
        # The difference is what was asked for, hence stdout.
        click.echo(f"{path} is not current:\n{difference}")
    if differing:
        click.echo("run `bedrock-jobs schema` to write them anew", err=True)
        return Exit.FAILED
    click.echo(f"{len(files)} current", err=True)
    return Exit.FINE
