"""File events: which folders have to be watched, and which of their events matter."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.utils import BaseThread

from controller.adapters.host.tree_bounds import find_bounds, walk_up
from controller.core.documents.file_names import is_binding, is_relevant

_MAX_FLAT = 12
"""Folders above the tree that are watched; each costs two threads, and polling sees the rest."""
_MAX_LINKS = 40
_MAX_EVENTS = 5_000
_DESCRIPTORS = ("_inotify_fd", "_kill_r", "_kill_w")
_EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
]


@dataclass(frozen=True, slots=True)
class WatchPaths:
    """What to watch: real folders with all below them, and folders for their own names only.

    ``hinges`` are the names that, put elsewhere, lead a path elsewhere: its links, its end, and
    the first part of it that is not there. ``identities`` tell a folder from its successor.
    """

    deep: tuple[str, ...]
    flat: tuple[str, ...]
    hinges: frozenset[str]
    identities: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class FileEvent:
    """An event that matters: its path, whether that is whole, and whether folders have moved."""

    path: str
    whole: bool
    is_move: bool


def find_watch_paths(paths: Iterable[Path]) -> WatchPaths:
    """Return what has to be watched for some paths, as the folders lie now."""
    deep: dict[str, None] = {}
    flat: dict[str, None] = {}
    hinges: dict[str, None] = {}
    for path in map(os.path.abspath, paths):
        real = os.path.realpath(path)
        if os.path.isdir(real):
            deep[real] = None
        own = dict.fromkeys(_find_hinges(path))
        hinges |= own
        flat |= dict.fromkeys(os.path.dirname(hinge) for hinge in own)
        flat |= dict.fromkeys(os.path.realpath(folder) for folder in _list_binding_folders(path))
    whole = tuple(
        one for one in deep if not _is_below(one, [other for other in deep if other != one])
    )
    alone = tuple(one for one in flat if os.path.isdir(one) and not _is_below(one, whole))
    kept = alone[:_MAX_FLAT]
    return WatchPaths(whole, kept, frozenset(hinges), tuple(map(_get_identity, (*whole, *kept))))


class FileEvents:
    """Listens at some places from the first moment on, until it is closed.

    Raises OSError when the system refuses, and then leaves no thread or descriptor behind.
    """

    def __init__(self, where: WatchPaths, heard: Callable[[FileEvent], None]) -> None:
        self.where = where
        self._observer = Observer()
        self._handler = handler = _EventHandler(where, heard)
        for folder in where.deep:
            self._observer.schedule(handler, folder, recursive=True, event_filter=_EVENTS)
        for folder in where.flat:
            self._observer.schedule(handler, folder, recursive=False, event_filter=_EVENTS)
        try:
            self._observer.start()
        except OSError as error:
            self._observer.unschedule_all()
            _close_descriptors(error)
            raise

    @property
    def is_worn(self) -> bool:
        """Whether so much was heard that a new ear is due: watchdog remembers every rename."""
        return self._handler.dispatched > _MAX_EVENTS

    def close(self) -> None:
        """Stop listening; every thread has ended when this returns."""
        self._observer.stop()
        self._observer.join()


def _close_descriptors(error: OSError) -> None:
    """Close what watchdog had opened before it failed: only the traceback still leads there."""
    objects = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(error.__traceback__)]
    # Several frames are of one object. Closed twice, a number may be another thread's by then.
    for failed in {id(one): one for one in objects if type(one).__name__ == "Inotify"}.values():
        for name in _DESCRIPTORS:
            if hasattr(failed, name):
                os.close(getattr(failed, name))


@contextmanager
def handle_observer_failures(deafened: Callable[[], None]) -> Iterator[None]:
    """While the context lasts, an ear's thread that dies is told of, and prints no traceback.

    Watchdog's reader loses its books when folders are moved out and others take their names at
    once; a new ear begins with new books.
    """
    before = threading.excepthook

    def handle_failure(failure: threading.ExceptHookArgs) -> None:
        if isinstance(failure.thread, BaseThread):
            deafened()
        else:
            before(failure)

    threading.excepthook = handle_failure
    try:
        yield
    finally:
        threading.excepthook = before


class _EventHandler(FileSystemEventHandler):
    """Passes on what matters, in the observer's thread."""

    def __init__(self, where: WatchPaths, heard: Callable[[FileEvent], None]) -> None:
        self._where = where
        self._roots = tuple(f"{folder.rstrip('/')}/" for folder in where.deep)
        self._heard = heard
        self.dispatched = 0

    def dispatch(self, event: FileSystemEvent) -> None:
        """Tell of an event's paths: what went there may come back, what came is whole or is not."""
        self.dispatched += 1
        source, target = os.fsdecode(event.src_path), os.fsdecode(event.dest_path or b"")
        folder = event.is_directory
        arrived = bool(target) and self._report(target, folder=folder, whole=True)
        # Of a file that got another name that matters, the old one will not come back.
        whole = arrived or isinstance(event, FileClosedEvent | DirCreatedEvent)
        self._report(source, folder=folder, whole=whole)

    def _report(self, path: str, *, folder: bool, whole: bool) -> bool:
        hinge = path in self._where.hinges
        if not hinge and not self._is_relevant(path, folder=folder):
            return False
        self._heard(FileEvent(path, whole, is_move=folder and not hinge))
        return True

    def _is_relevant(self, path: str, *, folder: bool) -> bool:
        """Whether an event is of the tree: hidden names are not, but for those of a volume's."""
        name = os.path.basename(path)
        root = next((root for root in self._roots if path.startswith(root)), None)
        if root is None:
            return not folder and is_binding(name)
        *above, _ = path.removeprefix(root).split("/")
        if any(_is_hidden(one) for one in above) or _is_hidden(name):
            return False
        return folder or name.startswith("..") or is_relevant(name)


def _is_hidden(name: str) -> bool:
    """Whether discovery passes by; two dots begin what a mounted volume swaps behind its links."""
    return name.startswith(".") and not name.startswith("..")


def _find_hinges(path: str) -> Iterator[str]:
    """Yield what a path turns on, each by the real path of its folder."""
    rest, here = path.split("/")[::-1], "/"
    for _ in range(_MAX_LINKS * len(rest)):
        if not rest:
            break
        name = rest.pop()
        if name in {"", "."}:
            continue
        if name == "..":
            here = os.path.dirname(here)
            continue
        step = os.path.join(here, name)
        link = None
        with suppress(OSError):
            link = os.readlink(step)
        if link is not None:
            yield step
            rest += link.split("/")[::-1]
            here = "/" if link.startswith("/") else here
        elif os.path.lexists(step):
            here = step
        else:
            yield step
            return
    yield here


def _list_binding_folders(path: str) -> Iterator[str]:
    """Yield the folders above a path whose defaults and fleet count for it."""
    top = find_bounds(path).top
    for folder in walk_up(os.path.dirname(path)):
        if not folder.startswith(top):
            return
        yield folder


def _is_below(folder: str, others: Iterable[str]) -> bool:
    return any(f"{folder}/".startswith(f"{other.rstrip('/')}/") for other in others)


def _get_identity(folder: str) -> tuple[int, int]:
    try:
        found = os.stat(folder)
    except OSError:
        return (0, 0)
    return (found.st_dev, found.st_ino)
