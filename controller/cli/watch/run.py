"""The daemon's composition root: files, events, signals and timers lead to passes."""

from __future__ import annotations

import gc
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from controller.adapters.aws.bedrock import Bedrock
from controller.adapters.aws.connection import Connection
from controller.adapters.aws.sqs import listen_to_queue
from controller.adapters.git.sync_thread import SyncThread
from controller.adapters.git.work_trees import WorkTrees
from controller.adapters.host.clock import SystemClock, get_monotonic_time
from controller.adapters.host.daemon_lock import get_lock_path, hold_lock
from controller.adapters.host.systemd import ServiceManager
from controller.adapters.metrics.metered_ports import MeteredCloud, MeteredLedger
from controller.adapters.metrics.prometheus import Metrics
from controller.adapters.watch.debounce import DEBOUNCE_SECONDS
from controller.adapters.watch.tree_watcher import watch_tree
from controller.cli.output.exit_codes import ExitCode
from controller.cli.passes.passes import parse_connection_options
from controller.cli.watch import endpoints
from controller.cli.watch.git_sync import WatchedTree
from controller.cli.watch.ledger import SerializedLedger, open_ledger
from controller.cli.watch.signals import handle_signals
from controller.cli.watch.stable_reader import StableReader
from controller.cli.watch.tree_reader import ManifestReader
from controller.cli.workspace.coverage import parse_cleanup_options
from controller.cli.workspace.loading import open_connection
from controller.core.kinds.registry import KINDS
from controller.core.planning.claims import TreeManifests, TreeScope
from controller.core.scheduling import PollIntervals
from controller.core.sharding import Shard
from controller.daemon.loop import MAX_WAIT, Daemon, DaemonContext
from controller.daemon.work_queue import DesiredState, WorkQueue
from controller.engine.apply import PassContext
from controller.engine.rate_limit import MAX_PLACES, limit_rate
from controller.ports import Cloud, CloudError
from controller.telemetry import Wake

_log = logging.getLogger(__name__)

_BEAT_SECONDS = 1.0


def run_daemon(paths: Sequence[Path], given: Mapping[str, Any], rhythm: PollIntervals) -> ExitCode:
    """Reconcile some paths continuously until a signal ends it, and return the exit code.

    With ``--repo`` the paths are those of a clone. FAILED means that calls were still in flight at
    the end, or that statuses could not be written back.
    """
    # The threshold for short-lived commands would let garbage pile up for months.
    gc.set_threshold(2_000, 20, 20)
    endpoints.check_addresses(given)
    shard: Shard = given["shard"]
    metrics = Metrics(KINDS, time.time, (shard.index, shard.count))
    manager = ServiceManager.from_environment(os.environ)
    with ExitStack() as stack:
        repo = WatchedTree(paths, given)
        connection = stack.enter_context(open_connection(parse_connection_options(dict(given))))
        connection = replace(connection, told=metrics.count_request)
        kept = _Runtime(repo, given, connection, metrics, rhythm.interval)
        daemon = kept.make_daemon(rhythm, manager)
        ended = stack.enter_context(handle_signals(daemon, kept.pull_now))
        metrics.set_ready_probe(daemon.is_ready)
        # A standby on the same host may get the address only once the other daemon ends.
        serves = endpoints.start_serving(stack, given["listen"], daemon, metrics)
        lock = get_lock_path(repo.folder or given["status_dir"] or repo.paths[0], shard)
        manager.send_status("waiting for the lock")
        if not stack.enter_context(
            hold_lock(lock, daemon.is_stopping, _make_beating_pause(daemon))
        ):
            return ended.code
        if not serves:
            endpoints.start_serving_with_retries(stack, given["listen"], daemon, metrics)
        _start_watching(stack, kept, connection, daemon)
        manager.send_ready()
        manager.send_status("watching")
        details = {"paths": [str(path) for path in repo.paths], "shard": str(shard)}
        _log.info("watching", extra={**details, "sandbox": given["sandbox"]})
        drained = daemon.run()
        manager.send_stopping()
        synced = kept.close(ended.get_seconds_left())
        _log.info("ended", extra={"signal": ended.name})
    return ended.code if drained and synced else ExitCode.FAILED


class _Runtime:
    """What the daemon reads and calls; a reload replaces its client and what was read."""

    def __init__(
        self,
        repo: WatchedTree,
        given: Mapping[str, Any],
        connection: Connection,
        metrics: Metrics,
        interval: float,
    ) -> None:
        self.given = given
        self.repo = repo
        # In a clone every read is of a whole commit: a file that is missing was deleted.
        lasts = 0.0 if repo.clone else interval
        self.reading = ManifestReader(repo.paths, dict(given), given["shard"], lasts)
        self._trees = WorkTrees(() if repo.clone else repo.paths)
        # The watch itself waits for the debounce.
        settle = given["settle"] if given["settle"] > DEBOUNCE_SECONDS else 0.0
        self._steady = StableReader(self.reading, self._trees, repo.paths, settle)
        self._connection = connection
        self._metrics = metrics
        self._pause: Callable[[float], object] = time.sleep
        self._syncing: SyncThread | None = None
        self._recorded = 0
        ledger = open_ledger(repo.paths, given["status_dir"])
        self._turns = SerializedLedger(ledger, repo.lock, self._trees.get_states)
        self._ledger = MeteredLedger(self._turns, metrics)
        self._outside = self._build_ports()

    def make_daemon(self, rhythm: PollIntervals, manager: ServiceManager) -> Daemon:
        """Return the daemon."""
        # One thread at a time observes a place, and mostly waits for answers.
        executor = ThreadPoolExecutor(MAX_PLACES, thread_name_prefix="pass")
        seconds = manager.watchdog_seconds
        world = DaemonContext(
            read_tree=self.read,
            build_pass_context=self._get_ports,
            reload=self._renew,
            # Looked up on each call, because a reload replaces the client.
            forget_place=lambda target: self._bedrock.forget(target),
            now=get_monotonic_time,
            executor=executor,
            meter=self._metrics,
            cleaning=parse_cleanup_options(dict(self.given)),
            on_pass_end=self._request_write_back,
            heartbeat=manager.send_alive,
            is_at_rest=self._trees.is_idle,
            max_wait=min(MAX_WAIT, seconds / 3) if seconds else MAX_WAIT,
        )
        made = Daemon(world, WorkQueue(KINDS, rhythm, random.SystemRandom().random))
        self._pause = made.pause
        return made

    def read(self) -> DesiredState:
        """Return the desired state."""
        return self.repo.read(self._steady.read)

    def start_sync(self, stack: ExitStack, daemon: Daemon) -> None:
        """Start pulling and writing back, and return after the first pull."""

        def handle_pull() -> None:
            daemon.notify_change(Wake.PULL)

        self._syncing = self.repo.create_sync_thread(handle_pull, self._metrics.count_sync)
        if self._syncing is not None:
            # However this ends, no git process is left behind.
            stack.callback(self._syncing.close, 0.0)
            self._syncing.start()
            while not self._syncing.wait_first_pull(_BEAT_SECONDS) and not daemon.is_stopping():
                daemon.send_heartbeat()

    def handle_webhook(self) -> None:
        """Pull because of a webhook: the branch may have moved."""
        self._metrics.count_event(Wake.WEBHOOK)
        self.pull_now()

    def pull_now(self) -> None:
        """Pull at once, if there is a clone."""
        if self._syncing is not None:
            self._syncing.request_pull()

    def close(self, seconds: float) -> bool:
        """Write back what is pending within a time limit; return whether nothing is left."""
        if self._syncing is None or self._syncing.close(seconds):
            return True
        _log.error("statuses are not written back: they are in the files, for the next daemon")
        return False

    def _request_write_back(self) -> None:
        """Request a write-back after a pass that recorded something."""
        if self._syncing is not None and self._turns.writes != self._recorded:
            self._recorded = self._turns.writes
            self._syncing.request_write_back()

    def prepare_clients(self, intake: DesiredState) -> None:
        """Create the clients in advance, so that a saved file does not wait for them."""
        asked = (replace(job.target, account_id=None) for job in intake.desired.values())
        for target in dict.fromkeys((intake.fleet.target, *asked)):
            try:
                self._bedrock.prepare(target)
            except CloudError as error:
                _log.debug("not warm", extra={"code": error.failure.code})

    def _renew(self) -> None:
        self.reading.renew()
        self._outside = self._build_ports()

    def _build_ports(self) -> PassContext:
        self._bedrock = Bedrock(self._connection)
        rate = self.given["calls_per_second"]
        measured: Cloud = MeteredCloud(self._bedrock, self._metrics)
        # The daemon's pause, set later, ends early on a signal.
        cloud = limit_rate(measured, get_monotonic_time, lambda seconds: self._pause(seconds), rate)
        return PassContext(KINDS, cloud, self._ledger, SystemClock())

    def _get_ports(self) -> PassContext:
        """Return the ports of passes, which may be about a part of the tree."""
        return replace(self._outside, tree=TreeScope(self._read_others, self.reading.is_narrow))

    def _read_others(self) -> TreeManifests:
        with self.repo.lock:
            return self.reading.read_others()


def _start_watching(
    stack: ExitStack, kept: _Runtime, connection: Connection, daemon: Daemon
) -> None:
    """Start watching files and events; each only says that something may have changed."""
    given = kept.given
    kept.start_sync(stack, daemon)
    # Resolving credentials may take seconds, during which files are already watched.
    threading.Thread(
        target=kept.prepare_clients, args=(kept.read(),), name="warm", daemon=True
    ).start()
    if kept.repo.clone is None:
        files = not given["no_file_events"]
        watched = kept.reading.list_watched_paths()
        stack.enter_context(
            watch_tree(watched, daemon.notify_change, poll=given["poll"], files=files)
        )
    else:
        endpoints.serve_webhooks(stack, given, kept.repo.get_branch, kept.handle_webhook)
    if given["events_queue"]:
        try:
            stack.enter_context(
                listen_to_queue(given["events_queue"], connection, daemon.notify_job_event)
            )
        except ValueError as error:
            raise click.UsageError(f"--events-queue: {error}") from error


def _make_beating_pause(daemon: Daemon) -> Callable[[float], object]:
    """Return a pause that keeps the process healthy: it may wait for the lock for months."""

    def pause(seconds: float) -> None:
        daemon.send_heartbeat()
        time.sleep(seconds)

    return pause
