"""Which jobs may have a record in a file that could not be read or understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from controller.core.model import Doubt, JobKey, Recorded

_NOTHING = Recorded({})


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a file or folder could not be read, or was read and makes no sense (``broken``).

    Only one that ``counts`` may record jobs of other manifests than the one beside it.
    """

    cause: str
    broken: bool
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Unread:
    """What a read could not take in: ``troubles`` by path, and by path the keys of entries."""

    troubles: Mapping[str, Trouble]
    misshapen: Mapping[str, frozenset[str]]

    def about(self, key: JobKey, own: str, *, is_recorded: bool) -> Doubt | None:
        """Return why a job's record is not known; ``own`` is the sidecar beside its manifest.

        A record that another file may hold too is not asked for where there is one already: the
        sidecar beside the manifest comes first, and the others hold what was before.
        """
        names = (str(key), key.name)
        if own in self.troubles:
            return _doubt(own, self.troubles[own], own=True)
        if not self.misshapen.get(own, frozenset()).isdisjoint(names):
            return _misshapen(own, key, own=True)
        if is_recorded:
            return None
        for path, keys in self.misshapen.items():
            if not keys.isdisjoint(names):
                return _misshapen(path, key, own=False)
        counting = (path for path, one in self.troubles.items() if one.counts)
        return next((_doubt(path, self.troubles[path], own=False) for path in counting), None)


def with_doubts(
    recorded: Mapping[JobKey, Recorded], beside: Mapping[JobKey, str], unread: Unread
) -> Mapping[JobKey, Recorded]:
    """Return what is recorded, with a doubt for each job whose record may not have been read.

    ``beside`` has the sidecar beside each job's manifest.
    """
    if not unread.troubles and not unread.misshapen:
        return recorded
    made = dict(recorded)
    for key, own in beside.items():
        found = unread.about(key, own, is_recorded=key in recorded)
        if found is not None:
            made[key] = replace(recorded.get(key, _NOTHING), doubt=found)
    return made


def _doubt(path: str, trouble: Trouble, *, own: bool) -> Doubt:
    return Doubt(path, trouble.cause, broken=trouble.broken, own=own)


def _misshapen(path: str, key: JobKey, *, own: bool) -> Doubt:
    return Doubt(path, f"its entry of {key.name} has another form", broken=True, own=own)
