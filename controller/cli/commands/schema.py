"""The verb ``schema``: writes the JSON Schemas, and says whether they are current and found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from controller.adapters.host.tree_bounds import anywhere
from controller.adapters.schemas import schema_files, shipped_schemas
from controller.cli.commands import schema_modelines
from controller.cli.options import shared
from controller.cli.output.console import put, say
from controller.cli.output.exit_codes import Exit
from controller.core.printable import Form
from controller.core.schema.drift import Drift

_TO_STDOUT = "-"
_SCHEMA = click.Choice(shipped_schemas.STEMS)


def _completed(
    context: click.Context, parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Return what a shell offers: kinds, or with --modelines whatever files there are."""
    if context.params.get("lines"):
        return [CompletionItem(begun, type="file")]
    return _SCHEMA.shell_complete(context, parameter, begun)


@click.command(name="schema", short_help="Write or check the JSON Schemas, and lines to them.")
@click.argument("names", nargs=-1, metavar="[KIND | PATH]...", shell_complete=_completed)
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
@click.option(
    "--modelines",
    "lines",
    is_flag=True,
    help="Write no schema: tell which manifests under each PATH lead editors to none; exit 1.",
)
@click.option("--fix", is_flag=True, help="With --modelines: write the lines that are not right.")
@shared.logs
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    check: bool,
    docs: bool,
    output_dir: str,
    lines: bool,
    fix: bool,
) -> None:
    """Write the JSON Schema of each KIND's manifests, by default of all and of bedrock-jobs.yaml.

    KIND.partial is that of parts of manifests, such as a folder's _defaults.yaml holds.

    They are generated from the botocore that is installed. Editors read them through the first
    line of a manifest, and `validate` uses those that are shipped. With --modelines those lines
    are checked, of the manifests under each PATH, by default jobs/, and of bedrock-jobs.yaml.
    """
    _refuse_nonsense(check=check, docs=docs, output_dir=output_dir, lines=lines, fix=fix)
    if lines:
        ctx.exit(schema_modelines.check([*map(Path, names)], Path(output_dir), fix=fix))
    for name in names:
        if name not in shipped_schemas.STEMS and anywhere().exists(name):
            raise click.UsageError(f"{name} is a path, which goes with --modelines.")
        _SCHEMA.convert(name, None, ctx)
    try:
        files = schema_files.generated(names or shipped_schemas.STEMS, documented=docs)
    except schema_files.ModelUnfitError as error:
        raise click.ClickException(f"{error}; install a newer bedrock-jobs") from error
    if output_dir == _TO_STDOUT:
        put("".join(files.values()), Form.JSON)
    elif check:
        ctx.exit(_compare(Path(output_dir), files))
    else:
        ctx.exit(_write(Path(output_dir), files))


def _refuse_nonsense(*, check: bool, docs: bool, output_dir: str, lines: bool, fix: bool) -> None:
    """Refuse options that make no sense together."""
    if fix and not lines:
        raise click.UsageError("--fix goes with --modelines; `schema` alone writes the schemas.")
    if lines and (check or docs):
        raise click.UsageError("--modelines goes without --check and --docs.")
    if (check or lines) and output_dir == _TO_STDOUT:
        option = "--modelines leads to" if lines else "--check compares"
        raise click.UsageError(f"{option} files: give --output-dir a folder, not -.")


def _drift_lines(path: Path, found: Sequence[Drift]) -> Iterator[str]:
    """Yield which side knows what, and so which is newer."""
    model = schema_files.installed()
    for knows, lacks, is_new in ((model, str(path), True), (str(path), model, False)):
        mine = [str(one) for one in found if one.is_new is is_new]
        if mine:
            yield f"{knows} is newer than {lacks}, which lacks {', '.join(mine)}"


def _write(folder: Path, files: Mapping[str, str]) -> Exit:
    try:
        written = schema_files.write(folder, files)
    except OSError as error:
        say(f"{folder}: cannot be written: {error.strerror}; choose --output-dir")
        return Exit.FAILED
    for path in written:
        say(f"wrote {path}")
    say(f"{len(files) - len(written)} current, {len(written)} written")
    return Exit.FINE


def _compare(folder: Path, files: Mapping[str, str]) -> Exit:
    for path, found in schema_files.drift(folder, files).items():
        for line in _drift_lines(path, found):
            put(f"{line}\n")
    differing = schema_files.differences(folder, files)
    for path, difference in differing.items():
        # The difference is what was asked for, hence stdout.
        put(f"{path} is not current:\n{difference}\n")
    if differing:
        say("run `bedrock-jobs schema` to write them anew")
        return Exit.FAILED
    say(f"{len(files)} current")
    return Exit.FINE
