"""The daemon, wired: files, events, signals and timers in, passes out."""

from __future__ import annotations

import gc
import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from controller.adapters.answering import AddressError, place_of
from controller.adapters.aws import Bedrock
from controller.adapters.aws_clients import Connection
from controller.adapters.clock import SystemClock, steady
from controller.adapters.events import listening
from controller.adapters.http import serving
from controller.adapters.locking import lock_path, only_one
from controller.adapters.measuring import Measured, MeasuredLedger
from controller.adapters.metrics import Metrics
from controller.adapters.service_manager import Manager
from controller.adapters.sidecars import Sidecars
from controller.adapters.sidecars_elsewhere import SidecarsElsewhere
from controller.adapters.watching import watching
from controller.cli.covering import cleaning_of
from controller.cli.exits import Exit
from controller.cli.intake import Reading
from controller.cli.passing import reach_of
from controller.cli.wiring import connected
from controller.core.kinds import KINDS
from controller.core.sharding import Shard
from controller.core.timetable import Rhythm
from controller.daemon import LONGEST_WAIT, Daemon, World
from controller.pacing import paced
from controller.ports import Cloud, CloudError, Ledger
from controller.reconcile import Outside
from controller.roster import Intake, Roster

_log = logging.getLogger(__name__)

MOST_GROUPS = 32
"""So many places are looked at side by side."""
_TRIES, _PATIENCE = 10, 0.5


def keep(paths: Sequence[Path], given: Mapping[str, Any], rhythm: Rhythm) -> Exit:
    """Keep the jobs under some paths until a signal ends it, and return what that ends with.

    FAILED means that calls got no answer in time, and that threads still wait for one.
    """
    # What is set for verbs that live for seconds would let garbage heap up for months.
    gc.set_threshold(2_000, 20, 20)
    _check_address(given["listen"])
    shard: Shard = given["shard"]
    metrics = Metrics(KINDS, time.time, (shard.index, shard.count))
    manager = Manager.from_environment(os.environ)
    with ExitStack() as stack:
        connection = stack.enter_context(connected(reach_of(dict(given))))
        connection = replace(connection, told=metrics.requested)
        kept = _Kept(paths, given, connection, metrics)
        daemon = kept.daemon(rhythm, manager)
        ended = stack.enter_context(_signals(daemon))
        metrics.ready_when(daemon.ready)
        serves = _serve(stack, given["listen"], daemon, metrics, 1)
        lock = lock_path(given["status_dir"] or paths[0], shard)
        manager.status("waiting for the lock")
        if not stack.enter_context(only_one(lock, daemon.leaves, _beating(daemon))):
            return _code(ended)
        if not serves and not _serve(stack, given["listen"], daemon, metrics, _TRIES):
            raise click.UsageError(f"--listen {given['listen']}: another process has this address")
        _notice(stack, kept, connection, daemon)
        manager.ready()
        manager.status("watching")
        told = {"paths": [str(path) for path in paths], "shard": str(shard)}
        _log.info("watching", extra={**told, "sandbox": given["sandbox"]})
        drained = daemon.run()
        manager.stopping()
        _log.info("ended", extra={"signal": signal.Signals(ended[0]).name if ended else ""})
    return _code(ended) if drained else Exit.FAILED


class _Kept:
    """What the daemon works on and through; made anew when it is told to."""

    def __init__(
        self,
        paths: Sequence[Path],
        given: Mapping[str, Any],
        connection: Connection,
        metrics: Metrics,
    ) -> None:
        self.given = given
        self.reading = Reading(paths, dict(given), given["shard"])
        self._connection = connection
        self._metrics = metrics
        self._pause: Callable[[float], object] = time.sleep
        self._ledger = MeasuredLedger(_Turns(_ledger(paths, given["status_dir"])), metrics)
        self._outside = self._made()

    def daemon(self, rhythm: Rhythm, manager: Manager) -> Daemon:
        """Return the daemon that works on it."""
        # A place is looked at by one thread at a time, which spends its time waiting for answers.
        executor = ThreadPoolExecutor(MOST_GROUPS, thread_name_prefix="pass")
        seconds = manager.watchdog_seconds
        world = World(
            read=self.reading.read,
            outside=lambda: self._outside,
            renew=self._renew,
            forget=lambda target: self._bedrock.forget(target),
            now=steady,
            executor=executor,
            meter=self._metrics,
            cleaning=cleaning_of(dict(self.given)),
            beat=manager.alive,
            longest_wait=min(LONGEST_WAIT, seconds / 3) if seconds else LONGEST_WAIT,
        )
        made = Daemon(world, Roster(KINDS, rhythm, random.SystemRandom().random))
        self._pause = made.pause
        return made

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


class _Turns:
    """A ledger that several passes share: one reads it at a time."""

    def __init__(self, ledger: Ledger) -> None:
        self._lock = threading.Lock()
        self._read = ledger.read
        self.write, self.remove, self.clean = ledger.write, ledger.remove, ledger.clean
        self.astray = ledger.astray

    def read(self, sources: Any) -> Any:
        """Return what is recorded of these jobs, and of any other in the same folders."""
        with self._lock:
            return self._read(sources)


def _ledger(paths: Sequence[Path], status_dir: Path | None) -> Ledger:
    if status_dir is None:
        return Sidecars(paths, KINDS)
    try:
        return SidecarsElsewhere(paths, status_dir, KINDS)
    except OSError as error:
        text = f"--status-dir {status_dir}: the folder cannot be made ({error.strerror})"
        raise click.UsageError(text) from error


def _serve(stack: ExitStack, address: str, daemon: Daemon, metrics: Metrics, tries: int) -> bool:
    """Serve the pages, and return whether they are; who holds the address may be about to end."""
    while address and tries:
        try:
            url = stack.enter_context(
                serving(address, alive=daemon.alive, ready=daemon.ready, registry=metrics)
            )
        except AddressError as error:
            tries -= 1
            if not tries:
                _log.warning("not serving", extra={"why": str(error)})
            else:
                daemon.pause(_PATIENCE)
        else:
            _log.info("serving", extra={"url": url})
            return True
    return not address


def _check_address(address: str) -> None:
    try:
        place_of(address or "0")
    except AddressError as error:
        raise click.UsageError(f"--listen: {error}") from error


def _notice(stack: ExitStack, kept: _Kept, connection: Connection, daemon: Daemon) -> None:
    """Begin to notice files and events; each only ever says that something may have changed."""
    given = kept.given
    threading.Thread(
        target=kept.warm, args=(kept.reading.read(),), name="warm", daemon=True
    ).start()
    files = not given["no_file_events"]
    watched = kept.reading.watched()
    stack.enter_context(watching(watched, daemon.changed, poll=given["poll"], files=files))
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


@contextmanager
def _signals(daemon: Daemon) -> Iterator[list[int]]:
    """While the context lasts signals only tell the daemon; yields those that asked to end."""
    ended: list[int] = []

    def end(number: int, _frame: object) -> None:
        ended.append(number)
        daemon.leave()

    def renew(_number: int, _frame: object) -> None:
        daemon.renew()

    handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: renew}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _code(ended: Sequence[int]) -> Exit:
    """A service manager's end is fine; a person's interrupt is told as everywhere."""
    return Exit.INTERRUPTED if signal.SIGINT in ended else Exit.FINE
