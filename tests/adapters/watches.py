"""What the tests of noticing share: counting wakes, and changing files as programs do."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.adapters.watch.file_events import FileEvent, FileEvents, find_watch_paths
from controller.adapters.watch.tree_watcher import TreeWatcher, watch_tree
from tests.support.manifests import manifest, write

DEADLINE = 60.0
NEVER = 3600.0
"""A poll that never comes during a test."""


class Wakes:
    """Counts how often a watch has told, and waits for the next time.

    ``reading`` is called at each wake, as the daemon would read the tree.
    """

    def __init__(self, reading: Callable[[], object] = lambda: None) -> None:
        self._news = threading.Condition()
        self._reading = reading
        self.count = 0

    def __call__(self) -> None:
        """Take in one wake."""
        self._reading()
        with self._news:
            self.count += 1
            self._news.notify_all()

    def reach(self, count: int) -> None:
        """Return once there were so many wakes, within the deadline."""
        with self._news:
            assert self._news.wait_for(lambda: self.count >= count, DEADLINE), "nothing was told"


@contextmanager
def woken(
    *paths: Path,
    poll: float = NEVER,
    debounce: float = 0.02,
    files: bool = True,
    reading: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Wakes, TreeWatcher]]:
    """Yield the wakes of a watch over some paths, and the watch."""
    wakes = Wakes(reading)
    with watch_tree(paths, wakes, poll=poll, debounce=debounce, files=files) as watch:
        yield wakes, watch


class Log:
    """What an ear has heard, in order."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self.events: list[FileEvent] = []

    def __call__(self, event: FileEvent) -> None:
        """Take in one event."""
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def until(self, path: Path) -> set[str]:
        """Return the names heard before a path was heard whole, once it was."""
        with self._news:
            assert self._news.wait_for(lambda: self._has(path), DEADLINE), f"{path} was not heard"
            return {os.path.relpath(event.path, path.parent) for event in self.events} - {path.name}

    def _has(self, path: Path) -> bool:
        return any(event.path == str(path) and event.whole for event in self.events)


@contextmanager
def heard(*paths: Path) -> Iterator[Log]:
    """Yield what matters of the events at some paths."""
    log = Log()
    ear = FileEvents(find_watch_paths(paths), log)
    try:
        yield log
    finally:
        ear.close()


def tree(folder: Path, count: int = 3) -> Path:
    """Write some manifests, one in a file, and return their folder."""
    for number in range(count):
        write(folder / "jobs" / f"m{number}.yaml", manifest(f"job-{number}"))
    return folder / "jobs"


def vim(path: Path, text: str) -> None:
    """Save as vim does: probe the folder, put the old file aside, write the new one."""
    swap = path.with_name(f".{path.name}.swp")
    swap.write_bytes(b"b0VIM")
    probe = path.with_name("4913")
    probe.touch()
    probe.unlink()
    aside = path.with_name(f"{path.name}~")
    path.rename(aside)
    path.write_text(text)
    aside.unlink()
    swap.unlink()


def emacs(path: Path, text: str) -> None:
    """Save as Emacs does: a lock that links nowhere, an autosave, a backup."""
    lock = path.with_name(f".#{path.name}")
    lock.symlink_to("someone@host.1")
    autosave = path.with_name(f"#{path.name}#")
    autosave.write_text(text)
    path.with_name(f"{path.name}~").write_bytes(path.read_bytes())
    path.write_text(text)
    autosave.unlink()
    lock.unlink()


def in_place(path: Path, text: str) -> None:
    """Save as VS Code does: truncate and write."""
    path.write_text(text)


def by_rename(path: Path, text: str) -> None:
    """Save as sed -i and many tools do: another file takes the place of the old one."""
    other = path.with_name("sedJ3k2a")
    other.write_text(text)
    other.replace(path)


SAVES: dict[str, Callable[[Path, str], None]] = {
    "vim": vim,
    "emacs": emacs,
    "VS Code": in_place,
    "sed -i": by_rename,
}


def descriptors() -> int:
    """Return how many descriptors this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


def eventually(holds: Callable[[], bool]) -> None:
    """Return once something holds, within the deadline."""
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end, "it never held"
        time.sleep(0.005)
