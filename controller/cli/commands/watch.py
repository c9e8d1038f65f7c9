"""The verb ``watch``: keeps a tree's jobs as it asks, until a signal ends it."""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from controller.adapters.watch.debounce import DEBOUNCE_SECONDS
from controller.cli.options import shared, write_back
from controller.cli.output.exit_codes import ExitCode
from controller.cli.watch import clone_options
from controller.core.scheduling import PollIntervals
from controller.core.sharding import Shard, parse_shard
from controller.engine.rate_limit import CALLS_PER_SECOND

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>[smhd]?)")
_LISTEN = "127.0.0.1:9464"
_SHORTEST = 1.0


def _parse_shard(_context: click.Context, _parameter: click.Parameter, value: str) -> Shard:
    """A StatefulSet's pods are told apart by the number that their host names end in."""
    try:
        return parse_shard(value, socket.gethostname())
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from error


def _parse_duration(_context: click.Context, _parameter: click.Parameter, value: str) -> float:
    match = _DURATION.fullmatch(value)
    seconds = float(match["number"]) * _UNITS[match["unit"]] if match else 0.0
    if not seconds:
        raise click.BadParameter(f"{value!r} is no time: give seconds, or 90s, 5m, 10h, 1d.")
    return seconds


def _make_duration_option(
    name: str, default: str, text: str
) -> Callable[[shared.Command], shared.Command]:
    return click.option(
        name,
        default=default,
        show_default=True,
        callback=_parse_duration,
        metavar="TIME",
        help=text,
    )


def _resolve_intervals(given: Mapping[str, Any]) -> PollIntervals:
    """Return when to look at jobs, by the clock that they run by: the sandbox speeds it up."""
    interval, resync = (
        shared.convert_to_real_time(given, given[name], _SHORTEST)
        for name in ("interval", "resync")
    )
    return PollIntervals(interval, resync)


@click.command(name="watch")
@shared.paths
@shared.selection_options
@_make_duration_option("--interval", "60s", "How long between looks at jobs that run or wait.")
@_make_duration_option("--resync", "10h", "How long between looks at jobs that ended, and at tags.")
@_make_duration_option("--poll", "10s", "How long between looks at the files, beside their events.")
@_make_duration_option(
    "--settle",
    f"{DEBOUNCE_SECONDS:g}s",
    "Read the files once none has changed for so long; longer for trees that a copy fills.",
)
@click.option("--no-file-events", is_flag=True, help="Notice changed files by --poll alone.")
@click.option(
    "--events-queue",
    metavar="URL",
    help="Look at a job at once when this SQS queue tells of it (deploy/cloudformation).",
)
@click.option(
    "--shard",
    default="0/1",
    show_default=True,
    callback=_parse_shard,
    metavar="INDEX/COUNT",
    help="Manage only this share of the targets; auto/COUNT takes a StatefulSet's ordinal.",
)
@click.option(
    "--status-dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write sidecars here, by the same paths, and nothing into the tree.",
)
@click.option(
    "--listen",
    default=_LISTEN,
    show_default=True,
    metavar="ADDRESS",
    help="Serve /healthz, /readyz and /metrics here; '' serves none.",
)
@click.option(
    "--calls-per-second",
    type=click.FloatRange(min=0),
    default=CALLS_PER_SECOND,
    show_default=True,
    metavar="N",
    help="Call each account and region no faster, and slower while it answers with errors; 0 sets"
    " no limit.",
)
@clone_options.options
@_make_duration_option("--pull-interval", "60s", "How long between looks at the remote repository.")
@write_back.options
@shared.max_submits
@shared.prune_options
@shared.connection_options
@shared.daemon_log_options
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Keep the jobs of the manifests under each PATH, by default jobs/, until a signal ends it.

    Does what `reconcile` does whenever a file changes, a job is heard of or its time comes, and
    for no more jobs than that concerns. A plan that a guard refuses waits for another commit.
    With --repo it clones, pulls and writes statuses back by itself. SIGTERM finishes and records
    what is under way, and ends with 0; SIGHUP reads everything anew.
    """
    wanted = clone_options.parse_watch_arguments(ctx, paths, given)
    # Imported here: --help needs none of it.
    from controller.cli.watch.run import run_daemon
    from controller.cli.workspace.coverage import check_file_names

    check_file_names(wanted.paths)

    code = run_daemon(wanted.paths, given, _resolve_intervals(given))
    if code is ExitCode.FAILED:
        # What hangs in a call would keep the process from ending; its intents are recorded.
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code)
    ctx.exit(code)
