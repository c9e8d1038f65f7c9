"""The ledger: sidecars beside the manifests, written whole or not at all (DESIGN 7)."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.core.kind import Kind
from controller.core.model import API_VERSION, JobKey, Recorded, Source
from controller.core.recorded import parse
from controller.ports import LedgerError

SUFFIX = ".status.json"
_TEMPORARY = ".tmp"
_LARGEST = 16 * 1024 * 1024
_DEEPEST = 64
_ABANDONED_SECONDS = 3600


def sidecar_of(manifest: str) -> str:
    """Return the path of the sidecar beside a manifest."""
    return os.path.splitext(manifest)[0] + SUFFIX  # noqa: PTH122 - once for each of many thousands


class Sidecars:
    """The ledger of the sidecars under some folders.

    A job is found by its kind and name in any of them, so that a moved manifest keeps its job;
    the sidecar beside the manifest comes first. ``unreadable`` names the files that could not be
    understood: they count as not there, and the next write replaces them.
    """

    def __init__(self, roots: Iterable[Path], kinds: Mapping[str, Kind]) -> None:
        self._roots = tuple(dict.fromkeys(_folder(root) for root in roots))
        self._kinds = kinds
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._as_read: dict[tuple[str, str], tuple[_Stamp, Any]] = {}
        self._left_behind: list[str] = []
        self.unreadable: list[str] = []

    def read(self, sources: Mapping[JobKey, Source]) -> Mapping[JobKey, Recorded]:
        """Return what is recorded of every job, that of its own sidecar before any other."""
        self.unreadable = []
        self._left_behind = []
        self._as_read.clear()
        paths = dict.fromkeys(sidecar_of(source.path) for source in sources.values())
        paths |= dict.fromkeys(self._found())
        recorded: dict[JobKey, Recorded] = {}
        for path in paths:
            for key, entry in self._entries(path):
                if key not in recorded or (
                    key in sources and sidecar_of(sources[key].path) == path
                ):
                    recorded[key] = entry
        return recorded

    def write(self, source: Source, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Put an entry into its sidecar; the bytes are on disk when this returns.

        Other jobs' entries in the same file stay. Returns False, and touches nothing, when the
        bytes would be the same.
        """
        path = sidecar_of(source.path)
        try:
            with self._lock(path):
                return self._write(path, key, entry)
        except OSError as error:
            raise LedgerError(_explained(path, error)) from error

    def _write(self, path: str, key: JobKey, entry: Mapping[str, Any]) -> bool:
        if self._stands_as_read(path, key, entry):
            return False
        before = _bytes(path)
        jobs = _jobs(before)
        jobs[key.name] = entry
        after = _rendered(jobs)
        if after == before:
            return False
        _replace(Path(path), after)
        return True

    def _stands_as_read(self, path: str, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Spare the reading and rendering of a file that has not changed since it was read."""
        stamp, raw = self._as_read.get((path, key.name), (None, None))
        return stamp is not None and raw == entry and stamp == _stamp(path)

    def clean(self) -> None:
        """Remove the temporary files that the last read saw and that were abandoned an hour ago."""
        for path in self._left_behind:
            _remove_abandoned(path)

    def _entries(self, path: str) -> Iterator[tuple[JobKey, Recorded]]:
        stamp = _stamp(path)
        content = self._content(path)
        if not content or stamp is None:
            return
        written_at = datetime.fromtimestamp(stamp.changed / 1e9, tz=UTC)
        jobs = _jobs(content)
        if not jobs:
            self.unreadable.append(path)
        for name, raw in jobs.items():
            kind = self._kinds.get(str(raw.get("kind")))
            if kind is not None:
                self._as_read[path, name] = (stamp, raw)
                yield JobKey(kind.name, name), parse(kind, raw, written_at)

    def _content(self, path: str) -> bytes:
        try:
            return _bytes(path)
        except OSError:
            self.unreadable.append(path)
            return b""

    def _found(self) -> Iterator[str]:
        for folder in self._folders():
            for name in sorted(_names(folder)):
                if name.endswith(SUFFIX):
                    yield os.path.join(folder, name)  # noqa: PTH118 - as above
                elif name.endswith(_TEMPORARY) and f"{SUFFIX}." in name and name[0] == ".":
                    self._left_behind.append(f"{folder}/{name}")

    def _folders(self) -> Iterator[str]:
        for root in self._roots:
            for folder, names, _ in os.walk(root):
                names[:] = sorted(name for name in names if not name.startswith("."))
                yield folder

    def _lock(self, path: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(path, threading.Lock())


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What tells one state of a file from the next: when it changed, its size and its inode."""

    changed: int
    size: int
    inode: int


def _stamp(path: str) -> _Stamp | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return _Stamp(found.st_mtime_ns, found.st_size, found.st_ino)


def _folder(root: Path) -> Path:
    return root if root.is_dir() else root.parent


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - as above
    except OSError:
        return []


def _bytes(path: str) -> bytes:
    """Return a plain file's bytes, nothing where there is none; never wait on a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    except OSError as error:
        if error.errno == errno.ELOOP:
            return b""
        raise
    with os.fdopen(descriptor, "rb") as file:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return file.read(_LARGEST) if stat.S_ISREG(kind) else b""


def _jobs(content: bytes) -> dict[str, Any]:
    """Return the entries of a sidecar; what is not one has none."""
    try:
        document = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    jobs = document.get("jobs") if isinstance(document, dict) else None
    if not isinstance(jobs, dict):
        return {}
    # Only a file with many brackets can be deep, and few have them.
    may_be_deep = content.count(b"{") + content.count(b"[") > _DEEPEST
    return {
        name: raw
        for name, raw in jobs.items()
        if isinstance(raw, dict) and not (may_be_deep and _is_deep(raw))
    }


def _is_deep(value: Any) -> bool:
    """Whether a value nests deeper than an entry ever does, and than can safely be walked."""
    layer = [value]
    for _ in range(_DEEPEST):
        nested = [one for one in layer if isinstance(one, dict | list)]
        layer = [
            part for one in nested for part in (one.values() if isinstance(one, dict) else one)
        ]
        if not layer:
            return False
    return True


def _rendered(jobs: Mapping[str, Any]) -> bytes:
    document = {"apiVersion": API_VERSION, "kind": "Status", "jobs": jobs}
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    # Half of a surrogate pair is no UTF-8, but what stands for it here is its JSON escape.
    return text.encode(errors="backslashreplace")


def _replace(path: Path, content: bytes) -> None:
    """Write beside the file, flush to disk, then take its place in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}{_TEMPORARY}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last; some file systems cannot, and then there is nothing to do."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_abandoned(path: str) -> None:
    with contextlib.suppress(OSError):
        age = datetime.now(tz=UTC).timestamp() - Path(path).lstat().st_mtime
        if age > _ABANDONED_SECONDS:
            Path(path).unlink()


def _explained(path: str, error: OSError) -> str:
    remedy = {
        errno.EACCES: "make the folder writable for this user",
        errno.EROFS: "the file system is read-only: work on a copy that can be written",
        errno.ENOSPC: "free some space",
        errno.EDQUOT: "free some space",
        errno.EISDIR: "a folder has the sidecar's name: move it away",
        errno.ENOTEMPTY: "a folder has the sidecar's name: move it away",
    }.get(error.errno or 0, "mend the cause and run again")
    return f"{path}: the sidecar cannot be written ({error.strerror}); {remedy}"
