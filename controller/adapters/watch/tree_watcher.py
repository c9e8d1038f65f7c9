"""Noticing that a tree has changed: file events for speed, and a look around now and then."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from controller.adapters.host.tree_files import ABSENT
from controller.adapters.watch.debounce import DEBOUNCE_SECONDS, Burst, Debouncer
from controller.adapters.watch.file_events import (
    FileEvent,
    FileEvents,
    find_watch_paths,
    handle_observer_failures,
)
from controller.adapters.watch.snapshots import (
    Snapshot,
    find_differences,
    take_snapshot,
    update_snapshot,
)

_CLOSE_SECONDS = 10.0
_MAX_FAILURES = 8
_MAX_POLL_SHARE = 0.01

_log = logging.getLogger(__name__)


@contextmanager
def watch_tree(
    paths: Sequence[Path],
    changed: Callable[[], None],
    *,
    poll: float = 10.0,
    debounce: float = DEBOUNCE_SECONDS,
    files: bool = True,
) -> Iterator[TreeWatcher]:
    """While the context lasts, ``changed`` is called after each burst of changes under the paths.

    It is called from a thread of its own, once what changed has been quiet for ``debounce``
    seconds. What counts are manifests, defaults and fleet files, and folders that hold them;
    the paths need not exist yet. Every ``poll`` seconds the tree is looked at, whatever events
    told; with ``files`` False nothing else is done.
    """
    watch = TreeWatcher(paths, changed, poll, debounce, files=files)
    with handle_observer_failures(watch.listen_again):
        watch.open()
        try:
            yield watch
        finally:
            watch.close()


class TreeWatcher:
    """A watch under way; ``by_events`` tells whether file events are listened to.

    ``looks`` counts the looks around, ``unheard`` those that found what no event had told.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        changed: Callable[[], None],
        poll: float,
        debounce: float,
        *,
        files: bool,
    ) -> None:
        self._paths = tuple(paths)
        self._changed = changed
        self._poll = poll
        self._news = threading.Condition()
        self._calm = Debouncer(debounce)
        self._wakes_at = 0.0
        self._closing = self._moved = self._polled = False
        self._failures = 0
        self._ear: FileEvents | None = None
        self.by_events = files
        self.polls = self.unheard = 0
        self._seen: Snapshot = {}
        self._next_look = 0.0
        self._thread = threading.Thread(target=self._run, name="watching", daemon=True)

    def open(self) -> None:
        """Begin: every change from here on is told of."""
        # Listening begins before the first look, so that nothing lies between the two.
        self._open_events()
        self._seen = take_snapshot(self._paths)
        self._next_look = time.monotonic() + self._poll
        self._thread.start()

    def listen_again(self) -> None:
        """Replace an ear that has gone deaf, and count the tree as changed meanwhile."""
        self._handle_event(FileEvent(os.fspath(self._paths[0]), whole=False, is_move=True))

    def request_poll(self) -> None:
        """Ask for a look around now instead of at the next turn."""
        with self._news:
            self._next_look = time.monotonic()
            self._news.notify()

    def close(self) -> None:
        """End the watch; every thread of it has ended when this returns."""
        with self._news:
            self._closing = True
            self._news.notify()
        self._thread.join(_CLOSE_SECONDS)
        self._close_events(self._ear)

    def _run(self) -> None:
        while self._wait():
            with self._news:
                burst = self._calm.take() if self._calm.get_due() is not None else None
                moved, self._moved = self._moved, False
            try:
                if burst is None:
                    self._poll_tree()
                else:
                    self._finish_burst(burst, moved=moved)
            except Exception:
                # One look or one answer that fails must not end all noticing.
                _log.exception("noticing changes failed; the next look is in its turn")

    def _wait(self) -> bool:
        """Wait until a burst is over or a look is due; False when the watch ends."""
        with self._news:
            while not self._closing:
                due = self._calm.get_due()
                self._wakes_at = self._next_look if due is None else due
                wait = self._wakes_at - time.monotonic()
                if wait <= 0:
                    return True
                self._news.wait(wait)
            return False

    def _handle_event(self, event: FileEvent) -> None:
        """Take in an event; called from the observer's thread."""
        with self._news:
            self._moved = self._moved or event.is_move
            self._calm.note(event.path, time.monotonic(), whole=event.whole)
            due = self._calm.get_due()
            if due is not None and due < self._wakes_at:
                self._news.notify()

    def _finish_burst(self, burst: Burst, *, moved: bool) -> None:
        """Tell of a burst that is over; of one that goes on, later."""
        # First to listen where folders are now, then to look, then to tell: so nothing is missed.
        old = self._open_events() if moved or self._is_misplaced() else None
        try:
            if not self._is_ongoing(burst, moved=moved):
                self._changed()
        finally:
            self._close_events(old)

    def _is_ongoing(self, burst: Burst, *, moved: bool) -> bool:
        """Whether what a look had found is still being written; brings what was seen up to date."""
        before, polled = self._seen, self._polled
        turning = self._ear is None or not self._ear.where.hinges.isdisjoint(burst.paths)
        if moved or polled or turning or not update_snapshot(before, burst.paths):
            self._seen = take_snapshot(self._paths)
        if polled and next(find_differences(before, self._seen), None) is not None:
            with self._news:
                return self._calm.put_back(burst, time.monotonic())
        self._polled = False
        return False

    def _poll_tree(self) -> None:
        """Compare the tree with what was seen of it, and go on listening where it is now."""
        began = time.thread_time()
        before, self._seen = self._seen, take_snapshot(self._paths)
        found = list(find_differences(before, self._seen))
        took = time.thread_time() - began
        self._next_look = time.monotonic() + max(self._poll, took / _MAX_POLL_SHARE)
        if found:
            self._polled = True
            self.unheard += 1
            with self._news:
                # Whoever did not hear of a change is deaf, whatever the reason.
                self._moved = True
                for path in found:
                    self._calm.note(path, time.monotonic(), whole=False)
        elif self._is_misplaced():
            self._close_events(self._open_events())
        self.polls += 1

    def _is_misplaced(self) -> bool:
        """Whether the ear listens elsewhere than where the folders are, or has heard too much."""
        ear = self._ear
        if not self.by_events:
            return False
        return ear is None or ear.is_worn or ear.where != find_watch_paths(self._paths)

    def _open_events(self) -> FileEvents | None:
        """Listen where the folders are now; return the ear that did before, to be closed."""
        if not self.by_events:
            return None
        try:
            heard = FileEvents(find_watch_paths(self._paths), self._handle_event)
        except OSError as error:
            return self._handle_refusal(error)
        self._failures = 0
        old, self._ear = self._ear, heard
        return old

    def _handle_refusal(self, error: OSError) -> FileEvents | None:
        """Go on after the system refused: with the next look, or for good without events."""
        self._failures += 1
        if self._failures < _MAX_FAILURES:
            if error.errno in ABSENT:
                return None
            if self._ear is not None:
                # Two ears at once may be more than the limits allow.
                self._close_events(self._ear)
                self._ear = None
                return self._open_events()
        self.by_events = False
        old, self._ear = self._ear, None
        _log.warning(
            "file events are not available; changes are noticed by looking",
            extra={"every_seconds": self._poll, "cause": error.strerror or str(error)},
        )
        return old

    @staticmethod
    def _close_events(ear: FileEvents | None) -> None:
        if ear is not None:
            ear.close()
