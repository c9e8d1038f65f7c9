"""Entries on their way into sidecars: those that come together for one file go in one write."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.adapters.host.tree_files import TreeRoot, read_open
from controller.adapters.host.tree_writes import flush
from controller.adapters.sidecars.document import (
    MAX_SIDECAR_BYTES,
    SidecarContent,
    SidecarText,
    is_large,
    parse_sidecar,
)
from controller.adapters.sidecars.shared_folders import SharedFolders
from controller.adapters.sidecars.trees import TreeCache
from controller.ports import LedgerError

_SAFE_BYTES = 8 << 20  # bytes; in text that is indented every part takes several
_MAX_CACHED = 64
"""Files whose text is kept, so that a further write of the same file renders only what is new."""
EntryMerge = Callable[[str, str, Mapping[str, Any], Any], Mapping[str, Any]]
"""Returns what to write: takes the path, the key, our entry, and the one that the file has."""


@dataclass(slots=True)
class EntryWrite:
    """One entry to write; ``changed`` or ``error`` is set once ``done``."""

    key: str
    entry: Mapping[str, Any]
    done: bool = False
    changed: bool = False
    error: LedgerError | None = None

    def get_result(self) -> bool:
        """Return whether any byte changed; raises LedgerError where it could not be written."""
        if self.error is not None:
            raise self.error
        return self.changed


@dataclass(slots=True)
class _FileQueue:
    """The requests that wait for one file; who holds ``turn`` writes all of them."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    waiting: list[EntryWrite] = field(default_factory=list)


class BatchedWriter:
    """Writes entries into files; what several threads have for one file takes one rewrite.

    Each caller returns only once its entry is on disk. ``merge`` decides between an entry of ours
    and another one that the file has by now, and ``may_replace`` says which files may be replaced
    although they cannot be understood. Files that are not ``known`` are created, if they do not
    exist after all.
    """

    def __init__(
        self,
        trees: TreeCache,
        merge: EntryMerge,
        may_replace: Callable[[str], bool],
        known: Container[str],
    ) -> None:
        self._trees = trees
        self._merge = merge
        self._may_replace = may_replace
        self._known = known
        self._folders = SharedFolders()
        self._created: set[str] = set()
        self._lock = threading.Lock()
        self._queues: dict[str, _FileQueue] = {}
        self._texts: dict[str, tuple[bytes, SidecarText]] = {}

    def forget(self) -> None:
        """Drop what is kept of the files that were written."""
        self._texts, self._created = {}, set()

    def write(self, path: str, requests: Iterable[EntryWrite]) -> None:
        """Write entries of one file, with those that others want to write there meanwhile."""
        mine = tuple(requests)
        with self._lock:
            queue = self._queues.setdefault(path, _FileQueue())
            queue.waiting += mine
        with queue.turn:
            # Another thread may have written ours with its own.
            if not all(one.done for one in mine):
                self._write_waiting(path, queue)
        with self._lock:
            if not queue.waiting and self._queues.get(path) is queue:
                del self._queues[path]

    def _write_waiting(self, path: str, queue: _FileQueue) -> None:
        with self._lock:
            batch = [one for one in queue.waiting if not one.done]
        failed: LedgerError | None = None
        try:
            self._write_batch(path, batch)
        except OSError as error:
            failed = LedgerError(explain_error(path, error))
        except LedgerError as error:
            failed = error
        except Exception:
            self._finish(queue, batch, LedgerError(f"{path}: the write did not end"))
            raise
        # A signal that ends this thread leaves them in the queue, for the thread that is next.
        self._finish(queue, batch, failed)

    def _finish(
        self, queue: _FileQueue, batch: Iterable[EntryWrite], failed: LedgerError | None
    ) -> None:
        for one in batch:
            one.error, one.done = failed, True
        with self._lock:
            queue.waiting = [one for one in queue.waiting if not one.done]

    def _write_batch(self, path: str, batch: list[EntryWrite]) -> None:
        above, name = os.path.split(path)
        tree = self._trees.get_root(path)
        with self._folders.open(tree, above) as shared:
            if path not in self._known and path not in self._created:
                text = SidecarText({one.key: one.entry for one in batch})
                content = _render_checked(path, text)
                if shared.create(name, content):
                    self._record_write(path, batch, content, text)
                    return
            with shared.folder.lock(name) as descriptor:
                before = self._read_content(tree, path, descriptor)
                after, text = self._merge_batch(path, before, batch)
                if after == before:
                    flush(tree, path)  # who wrote the same meanwhile may not have done so
                else:
                    shared.replace(name, after)
                    self._record_write(path, batch, after, text)

    def _merge_batch(
        self, path: str, before: bytes | None, batch: list[EntryWrite]
    ) -> tuple[bytes, SidecarText]:
        """Return what a file is to hold, each entry merged with the one that it has."""
        text = self._read_text(path, before)
        for one in batch:
            one.entry = self._merge(path, one.key, one.entry, text.entries.get(one.key))
        return _render_checked(path, text.update({one.key: one.entry for one in batch})), text

    def _read_content(self, tree: TreeRoot, path: str, descriptor: int | None) -> bytes | None:
        """Return a file's bytes, none where there is nothing or what may be replaced."""
        try:
            if descriptor is None:
                return tree.read(path, MAX_SIDECAR_BYTES)  # what a link leads to, or nothing
            return read_open(descriptor, path, MAX_SIDECAR_BYTES)
        except OSError as error:
            if self._may_replace(path):
                return None
            raise LedgerError(explain_refusal(path, error.strerror or str(error))) from error

    def _read_text(self, path: str, before: bytes | None) -> SidecarText:
        """Return what a file says now; raises LedgerError where nobody can tell."""
        # Taken out first: a write that fails leaves no text behind that the file does not have.
        kept, text = self._texts.pop(path, (b"", SidecarText({})))
        if before and kept == before:
            return text
        found = SidecarContent({}) if before is None else parse_sidecar(before)
        if found.broken and not self._may_replace(path):
            raise LedgerError(explain_refusal(path, found.broken))
        return SidecarText(found.jobs)

    def _record_write(
        self, path: str, batch: Iterable[EntryWrite], content: bytes, text: SidecarText
    ) -> None:
        for one in batch:
            one.changed = True
        with self._lock:
            self._created.add(path)
            if len(text.entries) > 1:
                self._texts[path] = content, text
            if len(self._texts) > _MAX_CACHED:
                del self._texts[next(iter(self._texts))]


def explain_refusal(path: str, cause: str) -> str:
    """Return why a file that may record jobs is not replaced, and what to do."""
    return (
        f"{path}: the sidecar is not written, because what it records cannot be read ({cause}). "
        "Restore the file; or, if its records are not needed, delete it"
    )


def explain_error(path: str, error: OSError) -> str:
    """Return why a sidecar could not be written, and what to do."""
    remedy = {
        errno.EACCES: "make the folder writable for this user",
        errno.EROFS: "the file system is read-only: work on a copy that can be written",
        errno.ENOSPC: "free some space",
        errno.EDQUOT: "free some space",
        errno.EISDIR: "a folder has the sidecar's name: move it away",
        errno.ENOTEMPTY: "a folder has the sidecar's name: move it away",
    }.get(error.errno or 0, "fix the cause and run again")
    return f"{path}: the sidecar cannot be written ({error.strerror}); {remedy}"


def _render_checked(path: str, text: SidecarText) -> bytes:
    """Return the bytes to write; raises LedgerError for more than could be read again."""
    content = text.render()
    if len(content) > _SAFE_BYTES and is_large(content):
        raise LedgerError(
            f"{path}: the sidecar would be larger than {MAX_SIDECAR_BYTES >> 20} MiB or have too "
            "many parts, and could not be read again; put the manifests into several files"
        )
    return content
