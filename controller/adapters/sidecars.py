"""The ledger: sidecars beside the manifests, written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.adapters.alike import Alike
from controller.adapters.files import TEMPORARY, create, locked, plain_bytes, replace
from controller.adapters.signatures import Signature, is_settled, signature_of
from controller.core.kind import Kind
from controller.core.leftovers import Stray
from controller.core.merging import beside_another
from controller.core.model import API_VERSION, JobKey, Recorded, Source
from controller.core.recorded import parse
from controller.ports import LedgerError

SUFFIX = ".status.json"
_DEEPEST = 64
# A hundred times what is usual; beyond that reading takes seconds, and hundreds of megabytes.
_LARGEST = 8 << 20
_MOST_PARTS = 300_000
_MUCH = 4 << 20
"""Bytes of sidecars from which on it pays to hold only once what they have in common."""
_ABANDONED_SECONDS = 3600


def sidecar_of(manifest: str) -> str:
    """Return the path of the sidecar beside a manifest; a sidecar is its own."""
    if manifest.endswith(SUFFIX):
        return manifest
    return os.path.splitext(manifest)[0] + SUFFIX  # noqa: PTH122 - once for each of many thousands


class Sidecars:
    """The ledger of the sidecars under some folders.

    A job is found by its kind and name in any of them, so that a moved manifest keeps its job;
    the sidecar beside the manifest comes first. ``unreadable`` names the files that could not be
    understood: they count as not there, and the next write replaces them. A sidecar that has not
    changed since an earlier read is not opened again; ``opened`` counts those that the last read
    did open, and ``clock`` gives nanoseconds since 1970 to tell files that may still change
    unseen.
    """

    def __init__(
        self,
        roots: Iterable[Path],
        kinds: Mapping[str, Kind],
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._roots = tuple(dict.fromkeys(folder_of(root) for root in roots))
        self._kinds = kinds
        self._clock = clock
        self._known: dict[str, _Parsed] = {}
        self._as_read: dict[str, _Parsed] = {}
        self._left_behind: list[str] = []
        self._met: list[tuple[str, str, JobKey, Recorded]] = []
        self._written: dict[tuple[str, str], Mapping[str, Any]] | None = None
        self._alike = Alike()
        self._bytes = 0
        self.unreadable: list[str] = []
        self.opened = 0

    def read(self, sources: Mapping[JobKey, Source]) -> Mapping[JobKey, Recorded]:
        """Return what is recorded of every job, that of its own sidecar before any other."""
        self.unreadable = []
        self._left_behind = []
        self._as_read.clear()
        self._met = []
        self._written = {}
        self.opened = self._bytes = 0
        # The time comes before every state, and each state before its bytes.
        now = self._clock()
        beside = {key: sidecar_of(source.path) for key, source in sources.items()}
        paths = dict.fromkeys(beside.values()) | dict.fromkeys(self._found())
        recorded: dict[JobKey, Recorded] = {}
        known, self._known = self._known, {}
        for path in paths:
            for key, entry in self._entries(path, known.get(path), now):
                own = beside.get(key, "")
                if key not in recorded or own == path:
                    recorded[key] = entry
                if own != path:
                    self._met.append((path, own, key, entry))
        return recorded

    def astray(self) -> Sequence[Stray]:
        """Return the entries that the last read met anywhere but beside the job's manifest."""
        found: dict[tuple[str, JobKey], Stray] = {}
        for path, own, key, entry in self._met:
            real = os.path.realpath(path)
            # Another way of writing a path may lead beside the manifest after all.
            if not own or os.path.realpath(own) != real:
                found.setdefault((real, key), Stray(path, real, key, entry))
        return tuple(found.values())

    def write(self, source: Source, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Put an entry into its sidecar; the bytes are on disk when this returns.

        Other jobs' entries in the same file stay. So does what another controller wrote of this one
        since the last read, where that tells of the later state. Returns False, and touches
        nothing, when the bytes would be the same.
        """
        path = sidecar_of(source.path)
        if self._stands_as_read(path, key, entry):
            return False
        try:
            if not os.path.lexists(path) and create(Path(path), rendered({key.name: entry})):
                self._note(path, key, entry)
                return True
            with locked(path):
                return self._put(path, key, entry)
        except OSError as error:
            raise LedgerError(_explained(path, error)) from error

    def remove(self, stray: Stray, entry: Mapping[str, Any]) -> bool:
        """Take an entry out if it still says this; a sidecar without entries goes with its last."""
        path, key = stray.sidecar, stray.key
        try:
            with locked(path):
                jobs = entries_of(plain_bytes(path))
                kept = jobs.pop(key.name, None)
                kind = self._kinds[key.kind]
                if kept is None or parse(kind, kept, None).entry != parse(kind, entry, None).entry:
                    return False
                if jobs:
                    replace(Path(path), rendered(jobs))
                else:
                    Path(path).unlink()
                return True
        except OSError as error:
            raise LedgerError(_explained(path, error)) from error

    def _put(self, path: str, key: JobKey, entry: Mapping[str, Any]) -> bool:
        before = plain_bytes(path)
        jobs = entries_of(before)
        entry = self._beside(path, key, entry, jobs.get(key.name))
        jobs[key.name] = entry
        after = rendered(jobs)
        if len(after) > _LARGEST:
            # What cannot be read again is no record: the others' are rebuilt from the service.
            after = rendered({key.name: entry})
        if after != before:
            replace(Path(path), after)
        self._note(path, key, entry)
        return after != before

    def _beside(
        self, path: str, key: JobKey, entry: Mapping[str, Any], there: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        """Return what to put in the place of an entry, which somebody may have written since."""
        if there is None or self._written is None or not _is_sendable(there.get("jobArn")):
            return entry
        read = self._as_read.get(path)
        known = self._written.get((path, key.name), read.raw.get(key.name) if read else None)
        return entry if there == known else beside_another(self._kinds, entry, there)

    def _note(self, path: str, key: JobKey, entry: Mapping[str, Any]) -> None:
        """Remember what was written since the last read: it is nobody else's."""
        if self._written is not None:
            self._written[path, key.name] = entry

    def _stands_as_read(self, path: str, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Spare the reading and rendering of a file that has not changed since it was read."""
        found = self._as_read.get(path)
        return (
            found is not None and found.raw.get(key.name) == entry and found.stamp == _stamp(path)
        )

    def clean(self) -> None:
        """Remove the temporary files that the last read saw and that were abandoned an hour ago."""
        for path in self._left_behind:
            _remove_abandoned(path)

    def _entries(
        self, path: str, known: _Parsed | None, now: int
    ) -> Iterable[tuple[JobKey, Recorded]]:
        stamp = _stamp(path)
        found = known if known and known.stamp == stamp else self._parsed(path, stamp)
        if found is None or stamp is None:
            return ()
        if is_settled(stamp, now):
            self._known[path] = found
        if not found.understood:
            self.unreadable.append(path)
        self._as_read[path] = found
        return found.entries

    def _parsed(self, path: str, stamp: Signature | None) -> _Parsed | None:
        """Return what a sidecar's bytes say; None where there are none, or none can be read."""
        content = self._content(path)
        if not content or stamp is None:
            return None
        self.opened += 1
        self._bytes += len(content)
        written_at = _moment(stamp.written)
        jobs = entries_of(content, json.loads if self._bytes < _MUCH else self._alike.loads)
        entries, ours = [], {}
        for name, raw in jobs.items():
            kind = self._kinds.get(str(raw.get("kind")))
            if kind is not None and _is_sendable(raw.get("jobArn")):
                ours[name] = raw
                entries.append((JobKey(kind.name, name), parse(kind, raw, written_at)))
        return _Parsed(stamp, tuple(entries), ours, bool(jobs))

    def _content(self, path: str) -> bytes:
        try:
            return plain_bytes(path)
        except OSError:
            self.unreadable.append(path)
            return b""

    def _found(self) -> Iterator[str]:
        for folder in self._folders():
            for name in sorted(_names(folder)):
                if name.endswith(SUFFIX):
                    yield os.path.join(folder, name)  # noqa: PTH118 - as above
                elif name.endswith(TEMPORARY) and f"{SUFFIX}." in name and name[0] == ".":
                    self._left_behind.append(f"{folder}/{name}")

    def _folders(self) -> Iterator[str]:
        for root in self._roots:
            for folder, names, _ in os.walk(root):
                names[:] = sorted(name for name in names if not name.startswith("."))
                yield folder


@dataclass(frozen=True, slots=True)
class _Parsed:
    """What one state of a sidecar says: its entries as understood, and ``raw`` as they stand."""

    stamp: Signature
    entries: tuple[tuple[JobKey, Recorded], ...]
    raw: Mapping[str, Any]
    understood: bool


def _moment(nanoseconds: int) -> datetime | None:
    """Return a file's time; some file systems keep years that no calendar here has."""
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _stamp(path: str) -> Signature | None:
    try:
        return signature_of(os.lstat(path))
    except OSError:
        return None


def folder_of(root: Path) -> Path:
    """Return the folder of a path of manifests; one that is not there yet is taken for a folder."""
    is_file = root.is_file() or (not root.exists() and root.suffix in {".yaml", ".yml"})
    return root.parent if is_file else root


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - as above
    except OSError:
        return []


def entries_of(content: bytes, loads: Callable[[bytes], Any] = json.loads) -> dict[str, Any]:
    """Return the entries of a sidecar; what is not one has none."""
    if _is_large(content):
        return {}
    try:
        document = loads(content or b"{}")
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


def _is_sendable(arn: Any) -> bool:
    """Whether an ARN can be asked for: half of a surrogate pair would fail in every call."""
    try:
        str(arn).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_large(content: bytes) -> bool:
    """Whether a sidecar is larger, or has more parts, than any that we write."""
    if len(content) <= _MOST_PARTS:
        return False  # each part takes a byte at least
    return len(content) > _LARGEST or sum(map(content.count, (b",", b"{", b"["))) > _MOST_PARTS


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


def rendered(jobs: Mapping[str, Any]) -> bytes:
    """Return the bytes of a sidecar with these entries: the same entries, the same bytes."""
    document = {"apiVersion": API_VERSION, "kind": "Status", "jobs": jobs}
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    # Half of a surrogate pair is no UTF-8, but what stands for it here is its JSON escape.
    return text.encode(errors="backslashreplace")


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
