"""Which jobs may have a record in a file that could not be read or understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from controller.core.model import JobKey, JobRecord, UnreadableRecord

_EMPTY_RECORD = JobRecord({})


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """Why a file or folder could not be read, or was read and makes no sense (``broken``).

    Only one that ``counts`` may record jobs of other manifests than the one beside it.
    """

    cause: str
    broken: bool
    counts: bool = True


@dataclass(frozen=True, slots=True)
class FailedReads:
    """What a read could not take in: ``troubles`` by path, and by path the keys of entries."""

    troubles: Mapping[str, ReadFailure]
    misshapen: Mapping[str, frozenset[str]]

    def find_doubt(self, key: JobKey, own: str, *, is_recorded: bool) -> UnreadableRecord | None:
        """Return why a job's record is not known; ``own`` is the sidecar beside its manifest.

        A record that another file may hold too is not asked for where there is one already: the
        sidecar beside the manifest comes first, and the others hold what was before.
        """
        names = (str(key), key.name)
        if own in self.troubles:
            return _make_doubt(own, self.troubles[own], own=True)
        if not self.misshapen.get(own, frozenset()).isdisjoint(names):
            return _make_misshapen_doubt(own, key, own=True)
        if is_recorded:
            return None
        for path, keys in self.misshapen.items():
            if not keys.isdisjoint(names):
                return _make_misshapen_doubt(path, key, own=False)
        counting = (path for path, one in self.troubles.items() if one.counts)
        return next((_make_doubt(path, self.troubles[path], own=False) for path in counting), None)


def add_doubts(
    recorded: Mapping[JobKey, JobRecord], beside: Mapping[JobKey, str], unread: FailedReads
) -> Mapping[JobKey, JobRecord]:
    """Return what is recorded, with a doubt for each job whose record may not have been read.

    ``beside`` has the sidecar beside each job's manifest.
    """
    if not unread.troubles and not unread.misshapen:
        return recorded
    made = dict(recorded)
    for key, own in beside.items():
        found = unread.find_doubt(key, own, is_recorded=key in recorded)
        if found is not None:
            made[key] = replace(recorded.get(key, _EMPTY_RECORD), doubt=found)
    return made


def _make_doubt(path: str, trouble: ReadFailure, *, own: bool) -> UnreadableRecord:
    return UnreadableRecord(path, trouble.cause, broken=trouble.broken, own=own)


def _make_misshapen_doubt(path: str, key: JobKey, *, own: bool) -> UnreadableRecord:
    return UnreadableRecord(path, f"its entry of {key.name} has another form", broken=True, own=own)
