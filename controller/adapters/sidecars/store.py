"""The ledger: sidecars beside the manifests, written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from controller.adapters.host.file_stamp import FileStamp, convert_time, is_settled, make_stamp
from controller.adapters.host.folder_writes import TEMPORARY_SUFFIX
from controller.adapters.host.tree_files import EntryType as Listing
from controller.adapters.host.tree_files import FileUnreadableError, FolderEntry, OutsideTreeError
from controller.adapters.host.tree_writes import (
    lock_file,
    remove,
    remove_abandoned,
    replace,
)
from controller.adapters.sidecars.document import (
    MAX_SIDECAR_BYTES,
    get_name,
    parse_sidecar,
    render_sidecar,
)
from controller.adapters.sidecars.flushes import Flusher
from controller.adapters.sidecars.interned_json import InterningDecoder
from controller.adapters.sidecars.parsed_sidecar import ParsedSidecar
from controller.adapters.sidecars.paths import SUFFIX, get_folder, get_sidecar_path
from controller.adapters.sidecars.trees import TreeCache, make_read_failure
from controller.adapters.sidecars.unreadable import FailedReads, ReadFailure, add_doubts
from controller.adapters.sidecars.writes import (
    BatchedWriter,
    EntryWrite,
    explain_error,
    explain_refusal,
)
from controller.core.documents.file_names import SPELLINGS
from controller.core.kinds.kind import Kind
from controller.core.model import JobKey, JobRecord, Source
from controller.core.planning.orphaned_entries import StrayEntry
from controller.core.status.merge import merge_concurrent
from controller.core.status.parse import is_valid_entry, parse_entry
from controller.ports import LedgerError, StatusEntry

_ABANDONED_SECONDS = 3600
_LARGE_TOTAL = 4 << 20  # bytes from which on it pays to hold only once what sidecars have in common


class SidecarLedger:
    """The ledger of the sidecars under some folders.

    A job is found by its kind and name in any of them, so that a moved manifest keeps its job;
    the sidecar beside the manifest comes first. ``unreadable`` names the files that could not be
    read or understood. A sidecar that has not changed since an earlier read is not opened again;
    ``opened`` counts those that the last read did open, and ``clock`` gives nanoseconds since 1970
    to tell files that may still change unseen.
    """

    def __init__(
        self,
        roots: Iterable[Path],
        kinds: Mapping[str, Kind],
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._roots = tuple(dict.fromkeys(str(get_folder(root)) for root in roots))
        self._trees = TreeCache(self._roots)
        self._kinds = kinds
        self._clock = clock
        self._known: dict[str, ParsedSidecar] = {}
        self._as_read: dict[str, ParsedSidecar] = {}
        self._troubles: dict[str, ReadFailure] = {}
        self._twins: dict[str, str] = {}
        self._left_behind: list[str] = []
        self._met: list[tuple[str, str, JobKey, JobRecord]] = []
        self._owned: Mapping[JobKey, str] = {}
        self._written: dict[tuple[str, str], Mapping[str, Any]] | None = None
        self._flushes = Flusher(self._trees)
        self._writes = BatchedWriter(
            self._trees, self._resolve_conflict, self._can_replace, self._as_read
        )
        self._rebuilds = False
        self._alike = InterningDecoder()
        self._bytes = 0
        self.opened = 0

    @property
    def unreadable(self) -> list[str]:
        """The files that the last read could not read or understand, in the order of that read."""
        return list(self._troubles)

    def read(self, sources: Mapping[JobKey, Source]) -> Mapping[JobKey, JobRecord]:
        """Return what is recorded of every job, that of its own sidecar before any other.

        A job whose record may be in a file that could not be read has a ``doubt``.
        """
        self._troubles = {}
        self._left_behind = []
        self._as_read.clear()
        self._met = []
        self._written = {}
        self._rebuilds = False
        self._writes.forget()
        self._trees.reset()
        self._flushes.reset()
        self.opened = self._bytes = 0
        # The time comes before every state, and each state before its bytes.
        now = self._clock()
        beside = self._owned = {key: get_sidecar_path(one.path) for key, one in sources.items()}
        paths = dict.fromkeys(beside.values()) | dict.fromkeys(self._find_sidecars())
        recorded: dict[JobKey, JobRecord] = {}
        known, self._known = self._known, {}
        for path in paths:
            for key, entry in self._read_entries(path, known.get(path), now):
                own = beside.get(key, "")
                if key not in recorded or own == path:
                    recorded[key] = entry
                if own != path:
                    self._met.append((path, own, key, entry))
        self._twins = self._find_case_renames(set(beside.values()))
        misshapen = {path: one.misshapen for path, one in self._as_read.items() if one.misshapen}
        return add_doubts(recorded, beside, FailedReads(self._troubles, misshapen))

    def list_stray_entries(self) -> Sequence[StrayEntry]:
        """Return the entries that the last read met anywhere but beside the job's manifest."""
        found: dict[tuple[str, JobKey], StrayEntry] = {}
        for path, own, key, entry in self._met:
            real = os.path.realpath(path)
            # Another way of writing a path may lead beside the manifest after all.
            if not own or os.path.realpath(own) != real:
                found.setdefault((real, key), StrayEntry(path, real, key, entry))
        return tuple(found.values())

    def allow_rebuild(self) -> None:
        """Let writes replace the files that the last read could not read or understand.

        To be called only when no job has to be held because of them.
        """
        self._rebuilds = True

    def write(self, source: Source, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Put an entry into its sidecar; file and folders are on disk when this returns.

        Other jobs' entries in the same file stay. So does what another controller wrote of this one
        since the last read, if that is the later state. Returns False, and changes
        nothing, when the bytes would be the same.
        """
        path = get_sidecar_path(source.path)
        (result,) = self.write_all([(source, key, entry)])
        if isinstance(result, LedgerError):
            raise result
        try:
            # Equal bytes may be those of a process that died before it flushed them.
            (self._flushes.flush_folders if result else self._flushes.flush_file)(path)
        except OSError as error:
            raise LedgerError(explain_error(path, error)) from error
        return result

    def write_all(self, entries: Sequence[StatusEntry]) -> Sequence[bool | LedgerError]:
        """Put many entries into their sidecars, each file in one write; return what became of each.

        As ``write`` does, but what is there already is not flushed; a file that cannot be written
        is an error of its own entries alone.
        """
        requests: list[EntryWrite] = []
        by_path: dict[str, list[EntryWrite]] = {}
        for source, key, entry in entries:
            path, request = get_sidecar_path(source.path), EntryWrite(str(key), entry)
            requests.append(request)
            if not self._is_unchanged(path, key, entry):
                by_path.setdefault(path, []).append(request)
        for path, ours in by_path.items():
            self._write(path, ours)
        return [one.error or one.changed for one in requests]

    def _write(self, path: str, requests: Sequence[EntryWrite]) -> None:
        trouble = self._troubles.get(path)
        if trouble is not None and not self._rebuilds:
            for one in requests:
                one.error = LedgerError(explain_refusal(path, trouble.cause))
            return
        twin = self._twins.pop(path, None)
        taken = self._list_remaining(twin, requests) if twin is not None else ()
        self._writes.write(path, (*requests, *taken))
        if twin is not None and not any(one.error for one in requests):
            self._drop_twin(twin)
        if self._written is not None:
            self._written |= {(path, one.key): one.entry for one in requests if not one.error}

    def _find_case_renames(self, owned: set[str]) -> dict[str, str]:
        """Return for sidecars yet to come the old ones whose names differ in case alone.

        Two such files are one on macOS and Windows. A manifest beside the old one keeps it.
        """
        missing = {path.casefold(): path for path in owned - self._as_read.keys()}
        if not missing:
            return {}
        return {
            missing[path.casefold()]: path
            for path in self._as_read.keys() - owned - self._troubles.keys()
            if path.casefold() in missing and not self._has_manifest(path)
        }

    def _has_manifest(self, path: str) -> bool:
        stem, tree = path.removesuffix(SUFFIX), self._trees.get_root(path)
        return any(tree.exists(stem + suffix) for suffix in SPELLINGS)

    def _list_remaining(self, twin: str, requests: Sequence[EntryWrite]) -> list[EntryWrite]:
        """Return the entries of a renamed sidecar that none of the requests replaces."""
        ours = {one.key for one in requests}
        return [
            EntryWrite(key, raw) for key, raw in self._as_read[twin].raw.items() if key not in ours
        ]

    def _drop_twin(self, twin: str) -> None:
        """Remove a sidecar whose entries another one holds by now, unless it has changed."""
        tree = self._trees.get_root(twin)
        with contextlib.suppress(OSError), lock_file(tree, twin):
            if self._as_read[twin].stamp == self._read_stamp(twin):
                remove(tree, twin)

    def _can_replace(self, path: str) -> bool:
        """Whether a file that cannot be understood may go: it must be the one that was judged."""
        return self._rebuilds and path in self._troubles

    def remove(self, stray: StrayEntry, entry: Mapping[str, Any]) -> bool:
        """Take an entry out if it still says this; a sidecar without entries goes with its last."""
        path, key, own = stray.sidecar, str(stray.key), self._owned.get(stray.key)
        try:
            if own is not None:
                # What takes this entry's place must last, or both are lost.
                self._flushes.flush_file(own)
            tree = self._trees.get_root(path)
            with lock_file(tree, path):
                jobs = dict(parse_sidecar(tree.read(path, MAX_SIDECAR_BYTES) or b"").jobs)
                kept = jobs.pop(key, None)
                kind = self._kinds[stray.key.kind]
                if not isinstance(kept, dict):
                    return False
                if parse_entry(kind, kept, None).entry != parse_entry(kind, entry, None).entry:
                    return False
                if jobs:
                    replace(tree, path, render_sidecar(jobs))
                else:
                    remove(tree, path)
                return True
        except OSError as error:
            raise LedgerError(explain_error(path, error)) from error

    def _resolve_conflict(self, path: str, key: str, entry: Mapping[str, Any], there: Any) -> Any:
        """Return what to put in the place of an entry, which another may have written since."""
        if self._written is None or not is_valid_entry(there):
            return entry
        read = self._as_read.get(path)
        known = self._written.get((path, key), read.raw.get(key) if read else None)
        return entry if there == known else merge_concurrent(self._kinds, entry, there)

    def _is_unchanged(self, path: str, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Spare the reading and rendering of a file that has not changed since it was read."""
        found = self._as_read.get(path)
        if found is None or found.raw.get(str(key)) != entry:
            return False
        try:
            return found.stamp == self._read_stamp(path)
        except OSError:
            return False

    def _read_stamp(self, path: str) -> FileStamp | None:
        """Return the state of a sidecar; raises OSError where it is not known."""
        found = self._trees.get_root(path).stat(path)
        return None if found is None else make_stamp(found)

    def clean(self) -> None:
        """Remove the temporary files that the last read saw and that were abandoned an hour ago."""
        for path in self._left_behind:
            with contextlib.suppress(OSError):
                remove_abandoned(self._trees.get_root(path), path, _ABANDONED_SECONDS)

    def _read_entries(
        self, path: str, known: ParsedSidecar | None, now: int
    ) -> Iterable[tuple[JobKey, JobRecord]]:
        try:
            stamp = self._read_stamp(path)
            if stamp is None:
                return ()
            found = known if known and known.stamp == stamp else self._parse_file(path, stamp)
        except (FileUnreadableError, OutsideTreeError) as error:
            self._troubles[path] = make_read_failure(error)
            return ()
        if is_settled(stamp, now):
            self._known[path] = found
        if found.trouble is not None:
            self._troubles[path] = found.trouble
        self._as_read[path] = found
        return found.entries

    def _parse_file(self, path: str, stamp: FileStamp) -> ParsedSidecar:
        """Return what a sidecar's bytes say; raises OSError where they cannot be read."""
        content = self._trees.get_root(path).read(path, MAX_SIDECAR_BYTES) or b""
        self.opened += 1
        self._bytes += len(content)
        written_at = convert_time(stamp.written)
        document = parse_sidecar(
            content, json.loads if self._bytes < _LARGE_TOTAL else self._alike.decode
        )
        entries, ours, misshapen = [], {}, []
        for name, raw in document.jobs.items():
            kind = self._kinds.get(name.rpartition("/")[0])
            if kind is None or not is_valid_entry(raw) or raw["kind"] != kind.name:
                misshapen.append(name if kind else get_name(name))
                continue
            ours[name] = raw
            entries.append((JobKey(kind.name, get_name(name)), parse_entry(kind, raw, written_at)))
        trouble = None
        if document.broken:
            trouble = ReadFailure(document.broken, broken=True, counts=not document.foreign)
        return ParsedSidecar(stamp, tuple(entries), ours, frozenset(misshapen), trouble)

    def _find_sidecars(self) -> Iterator[str]:
        for root in self._roots:
            for folder, entries in self._walk_root(root):
                for one in entries:
                    if one.name.endswith(SUFFIX) and one.kind != Listing.FOLDER:
                        yield f"{folder}/{one.name}"
                    elif (
                        one.name[0] == "."
                        and one.name.endswith(TEMPORARY_SUFFIX)
                        and f"{SUFFIX}." in one.name
                    ):
                        self._left_behind.append(f"{folder}/{one.name}")

    def _walk_root(self, root: str) -> Iterator[tuple[str, list[FolderEntry]]]:
        def record_failure(error: FileUnreadableError) -> None:
            self._troubles[error.path] = make_read_failure(error)

        try:
            yield from self._trees.get_root(f"{root}/").walk(root, record_failure)
        except OutsideTreeError as error:
            self._troubles[root] = make_read_failure(error)
