"""The command ``schema``: writes and checks JSON Schemas, and the modelines that name them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from controller.adapters.host.tree_bounds import get_filesystem_root
from controller.adapters.schemas import schema_files, shipped_schemas
from controller.cli.commands import schema_modelines
from controller.cli.options import shared
from controller.cli.output.console import say, write_stdout
from controller.cli.output.exit_codes import ExitCode
from controller.core.printable import OutputSyntax
from controller.core.schema.drift import SchemaDifference

_TO_STDOUT = "-"
_SCHEMA = click.Choice(shipped_schemas.STEMS)


def _complete_names(
    context: click.Context, parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Return completions: kinds, or files with --modelines."""
    if context.params.get("lines"):
        return [CompletionItem(begun, type="file")]
    return _SCHEMA.shell_complete(context, parameter, begun)


@click.command(name="schema", short_help="Write or check JSON Schemas and modelines.")
@click.argument("names", nargs=-1, metavar="[KIND | PATH]...", shell_complete=_complete_names)
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
    help="Write no schema: report which manifests under each PATH name none; exit 1.",
)
@click.option("--fix", is_flag=True, help="With --modelines: correct the lines.")
@shared.log_options
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

    KIND.partial is the schema of parts of manifests, such as a folder's _defaults.yaml.

    The schemas are generated from the installed botocore. Editors find them by the first line of a
    manifest, and `validate` uses the shipped ones. --modelines checks those first lines, in the
    manifests under each PATH, by default jobs/, and in bedrock-jobs.yaml.
    """
    _check_options(check=check, docs=docs, output_dir=output_dir, lines=lines, fix=fix)
    if lines:
        ctx.exit(schema_modelines.check_modelines([*map(Path, names)], Path(output_dir), fix=fix))
    for name in names:
        # The most likely mistake: paths without --modelines.
        if name not in shipped_schemas.STEMS and get_filesystem_root().exists(name):
            raise click.UsageError(f"{name} is a path: add --modelines to check manifests.")
        # Checked here rather than by the argument's type, which must accept paths too.
        _SCHEMA.convert(name, None, ctx)
    try:
        files = schema_files.generate_schemas(names or shipped_schemas.STEMS, documented=docs)
    except schema_files.InvalidModelError as error:
        raise click.ClickException(f"{error}; install a newer bedrock-jobs") from error
    if output_dir == _TO_STDOUT:
        write_stdout("".join(files.values()), OutputSyntax.JSON)
    elif check:
        ctx.exit(_compare_schemas(Path(output_dir), files))
    else:
        ctx.exit(_write_schemas(Path(output_dir), files))


def _check_options(*, check: bool, docs: bool, output_dir: str, lines: bool, fix: bool) -> None:
    """Raise a usage error for options that contradict each other."""
    if fix and not lines:
        raise click.UsageError("--fix needs --modelines; `schema` alone writes the schemas.")
    if lines and (check or docs):
        raise click.UsageError("--modelines cannot be combined with --check or --docs.")
    if (check or lines) and output_dir == _TO_STDOUT:
        option = "--modelines refers to" if lines else "--check compares"
        raise click.UsageError(f"{option} files: set --output-dir to a folder, not -.")


def _describe_drift(path: Path, found: Sequence[SchemaDifference]) -> Iterator[str]:
    """Yield what only one of the two models has, and so which is newer."""
    model = schema_files.get_installed_version()
    # Each side may have members that the other lacks, for example after a rename.
    for knows, lacks, is_new in ((model, str(path), True), (str(path), model, False)):
        mine = [str(one) for one in found if one.is_new is is_new]
        if mine:
            yield f"{knows} is newer than {lacks}, which lacks {', '.join(mine)}"


def _write_schemas(folder: Path, files: Mapping[str, str]) -> ExitCode:
    try:
        written = schema_files.write_schemas(folder, files)
    except OSError as error:
        say(f"{folder}: cannot be written: {error.strerror}; choose --output-dir")
        return ExitCode.FAILED
    for path in written:
        say(f"wrote {path}")
    say(f"{len(files) - len(written)} current, {len(written)} written")
    return ExitCode.FINE


def _compare_schemas(folder: Path, files: Mapping[str, str]) -> ExitCode:
    for path, found in schema_files.find_drift(folder, files).items():
        for line in _describe_drift(path, found):
            write_stdout(f"{line}\n")
    differing = schema_files.diff_schemas(folder, files)
    for path, difference in differing.items():
        # The diff is the requested output, hence stdout.
        write_stdout(f"{path} is not current:\n{difference}\n")
    if differing:
        say("run `bedrock-jobs schema` to write them again")
        return ExitCode.FAILED
    say(f"{len(files)} current")
    return ExitCode.FINE
