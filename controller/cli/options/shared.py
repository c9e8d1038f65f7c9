"""Options that several commands share; those of the AWS CLI keep its names and meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from controller.cli.options.without_effect import find_given_option, reject_unused_options
from controller.views.serialize import OUTPUTS, REPORTS, QueryError, check_query

Command = TypeVar("Command", bound=Callable[..., Any])


def group_options(*decorators: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Return a decorator that adds some options, shown in this order."""

    def apply_options(command: Command) -> Command:
        # Decorators apply from the bottom up.
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply_options


def _check_sandbox(context: click.Context, _option: click.Parameter, value: bool) -> bool:
    """Check --sandbox: options from the command line are parsed by now, defaults are not."""
    if not value:
        reject_unused_options(context, ("speed",), "--sandbox")
    return value


def _check_url(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.startswith(("http://", "https://")):
        raise click.BadParameter(f"{value!r} is not a URL: it must begin with http:// or https://")
    return value


def convert_to_real_time(given: Mapping[str, Any], seconds: float, least: float) -> float:
    """Return a duration in real time; the sandbox's clock may run faster."""
    return max(seconds / given["speed"], least) if given["sandbox"] else seconds


_MARKDOWN = "markdown"
_LEVELS = ("debug", "info", "warning", "error")
# A key of click's ``meta``, which all extensions share, hence the prefix.
_LEVEL = "controller.log_level"


def _set_log_level(context: click.Context, _parameter: click.Parameter, level: str | None) -> None:
    """Set the minimum level to log; of two options, the one that logs more counts."""
    if level is None:
        return
    from controller.adapters.host.logs import log_to_stderr

    # --debug and --log-level share this callback, in either order.
    asked = min(level, context.meta.get(_LEVEL, level), key=_LEVELS.index)
    context.meta[_LEVEL] = asked
    log_to_stderr(asked)


def _parse_query(context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Parse --query, so that a malformed one is reported before anything is done."""
    try:
        query = check_query(value) if value else value
    except QueryError as error:
        raise click.BadParameter(str(error)) from error
    _check_query_output(context.params.get("output"), query)
    return query


def _check_output(context: click.Context, _option: click.Parameter, value: str) -> str:
    _check_query_output(value, context.params.get("query"))
    _check_markdown_output(context, value)
    return value


def _check_max_bytes(context: click.Context, _option: click.Parameter, value: int) -> int:
    _check_markdown_output(context, context.params.get("output", _MARKDOWN))
    return value


def _check_markdown_output(context: click.Context, output: str) -> None:
    """Check the size limit, which holds for Markdown alone, also in CI summaries."""
    if output != _MARKDOWN and all(
        find_given_option(context, (one,)) for one in ("output", "max_bytes")
    ):
        raise click.UsageError(f"--max-bytes limits Markdown only: --output {output} is never cut")


def _check_query_output(output: str | None, query: str | None) -> None:
    """Check --query against --output: whichever is parsed last finds the other."""
    if query and output in REPORTS:
        raise click.UsageError(
            f"--query cannot select from --output {output}: use {', '.join(OUTPUTS)}"
        )


def _make_log_options(default: str | None) -> Callable[[Command], Command]:
    return group_options(
        click.option(
            "--log-level",
            type=click.Choice(_LEVELS),
            default=default,
            show_default=True,
            expose_value=False,
            callback=_set_log_level,
            help="Minimum level to log to stderr; JSON unless it is a terminal.",
        ),
        click.option(
            "--debug",
            "_debug",
            flag_value="debug",
            default=None,
            expose_value=False,
            callback=_set_log_level,
            help="Log each step to stderr; never spec values.",
        ),
    )


log_options = _make_log_options(None)
"""For a command that ends: it logs only on request."""

daemon_log_options = _make_log_options("info")
"""For a command that keeps running: it reports what it does in its log alone."""

# Existence is checked later, where the error can suggest a path.
paths = click.argument(
    "paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path, exists=False)
)

names_and_paths = click.argument("words", nargs=-1, metavar="[NAME|PATH]...")

confirm_options = group_options(
    click.option(
        "--in",
        "within",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Where to look up names and labels. [default: jobs/]",
    ),
    click.option(
        "-y",
        "--yes",
        is_flag=True,
        help="Do not ask for confirmation; required without a terminal.",
    ),
    click.option("--dry-run", is_flag=True, help="Show what would be done, and exit."),
)

selection_options = group_options(
    click.option(
        "-l",
        "--selector",
        metavar="LABELS",
        help="Only manifests with these labels, such as team=support,env!=dev.",
    ),
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The fleet's bedrock-jobs.yaml. [default: the outermost one between the manifests and"
        " the root of their repository]",
    ),
)

strict = click.option("--strict", is_flag=True, help="Treat warnings about manifests as errors.")

max_submits = click.option(
    "--max-submits",
    type=click.IntRange(min=0),
    metavar="N",
    help="Refuse a plan with more submits than this. [default: 50, or limits.maxSubmits]",
)

prune_options = group_options(
    click.option(
        "--prune",
        is_flag=True,
        help="Stop running jobs whose manifest is gone, if its policy.onDelete was Stop.",
    ),
    click.option(
        "--force", is_flag=True, help="Prune even if that stops more than 30 % of the jobs."
    ),
)

full = click.option(
    "--full",
    is_flag=True,
    help="Also observe ended jobs and tags that the sidecars already record.",
)

wait_options = group_options(
    click.option(
        "--timeout",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="Stop waiting after this time, with exit code 6. [default: never]",
    ),
    click.option(
        "--every",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Polling interval. [default: 60; in the sandbox a minute of its clock]",
    ),
)


def _make_output_options(outputs: Sequence[str], more: str = "") -> Callable[[Command], Command]:
    return group_options(
        click.option(
            "--output",
            type=click.Choice(outputs),
            default="text",
            show_default=True,
            callback=_check_output,
            help=f"How to print the result{more}.",
        ),
        click.option(
            "--query",
            metavar="JMESPATH",
            callback=_parse_query,
            help="Print only the result of this JMESPath expression.",
        ),
        click.option(
            "--color",
            type=click.Choice(["on", "off", "auto"]),
            default="auto",
            show_default=True,
            help="Colour on a terminal; NO_COLOR turns it off.",
        ),
        log_options,
    )


output_options = _make_output_options(OUTPUTS)

report_options = group_options(
    _make_output_options(
        (*OUTPUTS, *REPORTS), "; without it, in GitHub Actions and GitLab CI, also for their pages"
    ),
    click.option(
        "--max-bytes",
        type=click.IntRange(min=4096),
        # The limit of a job summary on GitHub.
        default=1_048_576,
        show_default=True,
        callback=_check_max_bytes,
        metavar="N",
        help="Limit Markdown to this many bytes, in whole rows; a GitHub comment takes 65536.",
    ),
)
"""For a command that checks manifests: its findings can be shown on a CI system's pages."""

offline_sandbox = click.option(
    "--sandbox",
    is_flag=True,
    help="Accepted for consistency; this command makes no AWS calls.",
)

connection_options = group_options(
    click.option("--region", metavar="REGION", help="The region of manifests that set none."),
    click.option("--profile", metavar="NAME", help="A profile of the AWS config files."),
    click.option(
        "--endpoint-url", metavar="URL", callback=_check_url, help="Send every AWS call here."
    ),
    click.option(
        "--ca-bundle",
        type=click.Path(path_type=Path, exists=True),
        metavar="FILE",
        help="Certificates to trust.",
    ),
    click.option("--no-verify-ssl", is_flag=True, help="Do not verify TLS certificates."),
    click.option("--no-sign-request", is_flag=True, help="Do not load credentials or sign."),
    click.option(
        "--cli-read-timeout",
        type=click.IntRange(min=0),
        metavar="SECONDS",
        help="Read timeout; 0 means none. [default: 60]",
    ),
    click.option(
        "--cli-connect-timeout",
        type=click.IntRange(min=0),
        metavar="SECONDS",
        help="Connect timeout; 0 means none. [default: 60]",
    ),
    click.option(
        "--sandbox",
        is_flag=True,
        callback=_check_sandbox,
        help="Use a simulated Bedrock on this machine instead of AWS.",
    ),
    click.option(
        "--speed",
        type=click.FloatRange(min=0, min_open=True),
        # A job's simulated hour passes in six seconds.
        default=600.0,
        show_default=True,
        metavar="FACTOR",
        help="How fast the sandbox's clock runs; a job takes about a simulated hour.",
    ),
)
