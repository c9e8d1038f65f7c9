"""The command ``watch``: reconciles a tree continuously, until a signal ends it."""

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
# The usual port of OpenTelemetry's Prometheus exporter, for local clients only.
_LISTEN = "127.0.0.1:9464"
# However fast the sandbox's clock runs, polling it more often only costs CPU.
_SHORTEST = 1.0


def _parse_shard(_context: click.Context, _parameter: click.Parameter, value: str) -> Shard:
    """Parse a shard; the number at the end of a StatefulSet pod's host name is its index."""
    try:
        return parse_shard(value, socket.gethostname())
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from error


def _parse_duration(_context: click.Context, _parameter: click.Parameter, value: str) -> float:
    match = _DURATION.fullmatch(value)
    seconds = float(match["number"]) * _UNITS[match["unit"]] if match else 0.0
    # Zero would poll without a pause.
    if not seconds:
        raise click.BadParameter(f"{value!r} is not a duration: use seconds, or 90s, 5m, 10h, 1d.")
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
    """Return the polling intervals, divided by the sandbox's speed if it simulates the jobs."""
    interval, resync = (
        shared.convert_to_real_time(given, given[name], _SHORTEST)
        for name in ("interval", "resync")
    )
    return PollIntervals(interval, resync)


@click.command(name="watch")
@shared.paths
@shared.selection_options
@_make_duration_option("--interval", "60s", "Polling interval of jobs that run or wait.")
@_make_duration_option("--resync", "10h", "Polling interval of ended jobs and of tags.")
@_make_duration_option("--poll", "10s", "Polling interval of files, in addition to file events.")
@_make_duration_option(
    "--settle",
    f"{DEBOUNCE_SECONDS:g}s",
    "Read files once none has changed for this long; set more for trees that are copied.",
)
@click.option(
    "--no-file-events", is_flag=True, help="Detect changed files only by polling (--poll)."
)
@click.option(
    "--events-queue",
    metavar="URL",
    help="Observe a job at once when this SQS queue has an event of it (deploy/cloudformation).",
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
    help="Write sidecars here, under the same paths, instead of into the tree.",
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
    help="Maximum calls to each account and region, fewer while it returns errors; 0 means no"
    " limit.",
)
@clone_options.options
@_make_duration_option("--pull-interval", "60s", "Polling interval of the remote repository.")
@write_back.options
@shared.max_submits
@shared.prune_options
@shared.connection_options
@shared.daemon_log_options
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Reconcile the manifests under each PATH, by default jobs/, continuously, as a daemon.

    It does what `reconcile` does, for the jobs concerned, whenever a file changes, an event
    arrives or an interval has passed. A plan that exceeds a limit waits for another commit. With
    --repo it clones, pulls, and commits statuses by itself. SIGTERM finishes and records what is in
    flight, and exits with 0; SIGHUP reloads everything.
    """
    wanted = clone_options.parse_watch_arguments(ctx, paths, given)
    # Imported here because --help needs none of it.
    from controller.cli.watch.run import run_daemon
    from controller.cli.workspace.coverage import check_file_names

    check_file_names(wanted.paths)

    code = run_daemon(wanted.paths, given, _resolve_intervals(given))
    if code is ExitCode.FAILED:
        # A call that hangs would keep the process alive; its intent is recorded.
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code)
    ctx.exit(code)
