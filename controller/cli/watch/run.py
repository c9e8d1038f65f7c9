"""The daemon, wired: files, events, signals and timers in, passes out."""

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
from controller.adapters.aws.sqs import listening
from controller.adapters.git.sync_thread import Syncing
from controller.adapters.git.work_trees import WorkTrees
from controller.adapters.host.clock import SystemClock, steady
from controller.adapters.host.daemon_lock import lock_path, only_one
from controller.adapters.host.systemd import Manager
from controller.adapters.metrics.metered_ports import Measured, MeasuredLedger
from controller.adapters.metrics.prometheus import Metrics
from controller.adapters.watch.debounce import DEBOUNCE
from controller.adapters.watch.tree_watcher import watching
from controller.cli.output.exit_codes import Exit
from controller.cli.passes.passes import reach_of
from controller.cli.watch import endpoints
from controller.cli.watch.git_sync import Repo
from controller.cli.watch.ledger import Turns, ledger_of
from controller.cli.watch.signals import signals
from controller.cli.watch.stable_reader import SteadyReading
from controller.cli.watch.tree_reader import Reading
from controller.cli.workspace.coverage import cleaning_of
from controller.cli.workspace.loading import connected
from controller.core.kinds.registry import KINDS
from controller.core.planning.claims import Around, Others
from controller.core.scheduling import Rhythm
from controller.core.sharding import Shard
from controller.daemon.loop import LONGEST_WAIT, Daemon, World
from controller.daemon.work_queue import Intake, Roster
from controller.engine.apply import Outside
from controller.engine.rate_limit import MOST_PLACES, paced
from controller.ports import Cloud, CloudError
from controller.telemetry import Wake

_log = logging.getLogger(__name__)

_BEAT = 1.0


def keep(paths: Sequence[Path], given: Mapping[str, Any], rhythm: Rhythm) -> Exit:
    """Keep the jobs under some paths until a signal ends it, and return what that ends with.

    With ``--repo`` the paths are those of a clone. FAILED means that calls got no answer in time,
    and that threads still wait for one, or that statuses could not be written back.
    """
    # What is set for verbs that live for seconds would let garbage heap up for months.
    gc.set_threshold(2_000, 20, 20)
    endpoints.check(given)
    shard: Shard = given["shard"]
    metrics = Metrics(KINDS, time.time, (shard.index, shard.count))
    manager = Manager.from_environment(os.environ)
    with ExitStack() as stack:
        repo = Repo(paths, given)
        connection = stack.enter_context(connected(reach_of(dict(given))))
        connection = replace(connection, told=metrics.requested)
        kept = _Kept(repo, given, connection, metrics, rhythm.interval)
        daemon = kept.daemon(rhythm, manager)
        ended = stack.enter_context(signals(daemon, kept.hurry))
        metrics.ready_when(daemon.ready)
        serves = endpoints.serve(stack, given["listen"], daemon, metrics)
        lock = lock_path(repo.folder or given["status_dir"] or repo.paths[0], shard)
        manager.status("waiting for the lock")
        if not stack.enter_context(only_one(lock, daemon.leaves, _beating(daemon))):
            return ended.code
        if not serves:
            endpoints.serve_at_last(stack, given["listen"], daemon, metrics)
        _notice(stack, kept, connection, daemon)
        manager.ready()
        manager.status("watching")
        told = {"paths": [str(path) for path in repo.paths], "shard": str(shard)}
        _log.info("watching", extra={**told, "sandbox": given["sandbox"]})
        drained = daemon.run()
        manager.stopping()
        synced = kept.close(ended.seconds_left())
        _log.info("ended", extra={"signal": ended.name})
    return ended.code if drained and synced else Exit.FAILED


class _Kept:
    """What the daemon works on and through; made anew when it is told to."""

    def __init__(
        self,
        repo: Repo,
        given: Mapping[str, Any],
        connection: Connection,
        metrics: Metrics,
        interval: float,
    ) -> None:
        self.given = given
        self.repo = repo
        # In a clone every reading is of a whole commit: what is gone there is gone.
        lasts = 0.0 if repo.clone else interval
        self.reading = Reading(repo.paths, dict(given), given["shard"], lasts)
        self._trees = WorkTrees(() if repo.clone else repo.paths)
        # The watch itself waits for the debounce.
        settle = given["settle"] if given["settle"] > DEBOUNCE else 0.0
        self._steady = SteadyReading(self.reading, self._trees, repo.paths, settle)
        self._connection = connection
        self._metrics = metrics
        self._pause: Callable[[float], object] = time.sleep
        self._syncing: Syncing | None = None
        self._recorded = 0
        ledger = ledger_of(repo.paths, given["status_dir"])
        self._turns = Turns(ledger, repo.still, self._trees.standings)
        self._ledger = MeasuredLedger(self._turns, metrics)
        self._outside = self._made()

    def daemon(self, rhythm: Rhythm, manager: Manager) -> Daemon:
        """Return the daemon that works on it."""
        # A place is looked at by one thread at a time, which spends its time waiting for answers.
        executor = ThreadPoolExecutor(MOST_PLACES, thread_name_prefix="pass")
        seconds = manager.watchdog_seconds
        world = World(
            read=self.read,
            outside=self._around_it,
            renew=self._renew,
            forget=lambda target: self._bedrock.forget(target),
            now=steady,
            executor=executor,
            meter=self._metrics,
            cleaning=cleaning_of(dict(self.given)),
            ended=self._written_back,
            beat=manager.alive,
            is_at_rest=self._trees.is_at_rest,
            longest_wait=min(LONGEST_WAIT, seconds / 3) if seconds else LONGEST_WAIT,
        )
        made = Daemon(world, Roster(KINDS, rhythm, random.SystemRandom().random))
        self._pause = made.pause
        return made

    def read(self) -> Intake:
        """Return what the tree asks for now."""
        return self.repo.read(self._steady.read)

    def sync(self, stack: ExitStack, daemon: Daemon) -> None:
        """Begin to pull and to write back, and return once the first pull has ended."""

        def pulled() -> None:
            daemon.changed(Wake.PULL)

        self._syncing = self.repo.syncing(pulled, self._metrics.synced)
        if self._syncing is not None:
            # Whatever ends this, no git is left behind.
            stack.callback(self._syncing.close, 0.0)
            self._syncing.start()
            while not self._syncing.begun(_BEAT) and not daemon.leaves():
                daemon.beat()

    def heard(self) -> None:
        """Take in a webhook: the branch may have moved."""
        self._metrics.event(Wake.WEBHOOK)
        self.hurry()

    def hurry(self) -> None:
        """Pull at once, if anything is pulled."""
        if self._syncing is not None:
            self._syncing.hurry()

    def close(self, seconds: float) -> bool:
        """Write back what is left, within so many seconds; return whether nothing is."""
        if self._syncing is None or self._syncing.close(seconds):
            return True
        _log.error("statuses are not written back: they are in the files, for the next daemon")
        return False

    def _written_back(self) -> None:
        """Have written back what a pass that ended has recorded, if it recorded anything."""
        if self._syncing is not None and self._turns.writes != self._recorded:
            self._recorded = self._turns.writes
            self._syncing.recorded()

    def warm(self, intake: Intake) -> None:
        """Have ready what the first call would wait for, so that a saved file need not."""
        asked = (replace(job.target, account_id=None) for job in intake.desired.values())
        for target in dict.fromkeys((intake.fleet.target, *asked)):
            try:
                self._bedrock.warm(target)
            except CloudError as error:
                _log.debug("not warm", extra={"code": error.failure.code})

    def _renew(self) -> None:
        self.reading.renew()
        self._outside = self._made()

    def _made(self) -> Outside:
        self._bedrock = Bedrock(self._connection)
        rate = self.given["calls_per_second"]
        measured: Cloud = Measured(self._bedrock, self._metrics)
        cloud = paced(measured, steady, lambda seconds: self._pause(seconds), rate)
        return Outside(KINDS, cloud, self._ledger, SystemClock())

    def _around_it(self) -> Outside:
        """Return what passes work through; what they are about may be a part of the tree."""
        return replace(self._outside, around=Around(self._others, self.reading.is_narrow))

    def _others(self) -> Others:
        with self.repo.still:
            return self.reading.others()


def _notice(stack: ExitStack, kept: _Kept, connection: Connection, daemon: Daemon) -> None:
    """Begin to notice files and events; each only ever says that something may have changed."""
    given = kept.given
    kept.sync(stack, daemon)
    threading.Thread(target=kept.warm, args=(kept.read(),), name="warm", daemon=True).start()
    if kept.repo.clone is None:
        files = not given["no_file_events"]
        watched = kept.reading.watched()
        stack.enter_context(watching(watched, daemon.changed, poll=given["poll"], files=files))
    else:
        endpoints.take_hooks(stack, given, kept.repo.branch, kept.heard)
    if given["events_queue"]:
        try:
            stack.enter_context(listening(given["events_queue"], connection, daemon.heard))
        except ValueError as error:
            raise click.UsageError(f"--events-queue: {error}") from error


def _beating(daemon: Daemon) -> Callable[[float], object]:
    """Return a pause that shows that the process lives: it may wait for the lock for months."""

    def pause(seconds: float) -> None:
        daemon.beat()
        time.sleep(seconds)

    return pause
