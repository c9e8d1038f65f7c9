"""Folders that several threads write into: open once, and locked and flushed for many at a time.

Each system call hands the interpreter to another thread. With a folder opened, locked and flushed
for each file, the sidecars of a pass would wait for each other longer than for the service.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from controller.adapters.host.folder_writes import OpenFolder
from controller.adapters.host.tree_files import TreeRoot
from controller.adapters.host.tree_writes import enter_folder


@dataclass(slots=True)
class _NewFile:
    """A prepared file; ``became`` says what became of it once it is ``done``."""

    temporary: str
    name: str
    done: bool = False
    outcome: bool | OSError = False


class SharedFolder:
    """An open folder that threads share while they write into it."""

    def __init__(self, folder: OpenFolder) -> None:
        self.folder = folder
        self.users = 0
        self._guard = threading.Lock()
        self._placing = threading.Lock()
        self._flushing = threading.Lock()
        self._waiting: list[_NewFile] = []
        self._renames = self._flushed = 0
        self._failures = 0
        self._failure = OSError()

    def create(self, name: str, content: bytes) -> bool:
        """Create a file that lasts; raises OSError.

        Returns False where something exists, or may exist because a thread was interrupted.
        """
        mine = _NewFile(self.folder.prepare(name, content), name)
        failures = self._failures
        with self._guard:
            self._waiting.append(mine)
        with self._placing:
            # Another thread may have placed ours with its own.
            if not mine.done:
                self._put_waiting()
        if mine.outcome is not True:
            # It is still there if the folder could not be locked.
            with contextlib.suppress(OSError):
                self.folder.delete_file(mine.temporary)
        if isinstance(mine.outcome, OSError):
            raise mine.outcome
        if mine.outcome:
            self._flush(failures)
        return mine.outcome

    def replace(self, name: str, content: bytes) -> None:
        """Replace a file by one that lasts; raises OSError."""
        failures = self._failures
        self.folder.replace(name, content)
        self._flush(failures)

    def _put_waiting(self) -> None:
        with self._guard:
            files, self._waiting = self._waiting, []
        became: Sequence[bool | OSError] = [False] * len(files)
        try:
            became = self.folder.put_new([(one.temporary, one.name) for one in files])
        except OSError as error:
            became = [error] * len(files)
        finally:
            for one, how in zip(files, became, strict=True):
                one.outcome, one.done = how, True

    def _flush(self, failures: int) -> None:
        """Return once the caller's rename is on disk; ``failures`` was read before the rename."""
        with self._guard:
            self._renames += 1
            mine = self._renames
        with self._flushing:
            # The kernel reports a failure once: the next flush may succeed without the name.
            if self._failures != failures:
                raise self._failure
            if self._flushed < mine:
                self._flush_up_to(self._renames)

    def _flush_up_to(self, last: int) -> None:
        try:
            self.folder.flush()
        except BaseException as error:
            # An interrupted flush may have failed as well.
            unknown = OSError(errno.EINTR, os.strerror(errno.EINTR))
            self._failure = error if isinstance(error, OSError) else unknown
            self._failures += 1
            raise
        self._flushed = last


class SharedFolders:
    """The folders that threads of this process write into at the moment, each opened once."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._open: dict[str, SharedFolder] = {}

    @contextlib.contextmanager
    def open(self, tree: TreeRoot, path: str) -> Iterator[SharedFolder]:
        """Yield a folder, which is inside the tree; raises OSError."""
        shared = self._enter(tree, path)
        try:
            yield shared
        finally:
            self._leave(path, shared)

    def _enter(self, tree: TreeRoot, path: str) -> SharedFolder:
        with self._guard:
            shared = self._open.get(path)
            # A folder may be replaced, also by a link, while others write into the old one.
            if shared is None or not shared.folder.is_at(path):
                shared = self._open[path] = SharedFolder(enter_folder(tree, path))
            shared.users += 1
            return shared

    def _leave(self, path: str, shared: SharedFolder) -> None:
        with self._guard:
            shared.users -= 1
            if shared.users:
                return
            if self._open.get(path) is shared:
                del self._open[path]
        shared.folder.close()
