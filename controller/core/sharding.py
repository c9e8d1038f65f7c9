"""Distributes targets over daemons: a function of the target alone, the same everywhere.

All jobs of an account and region are in one shard, so that its queue, limits and rate apply as a
whole. The function is Lamping and Veach's jump consistent hash ("A Fast, Minimal Memory, Consistent
Hash Algorithm", 2014): from n shards to n + 1, one target in n + 1 moves, and only to the new
shard.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from controller.core.model import Target

MAX_SHARDS = 1_000
_SHARD = re.compile(r"(?P<index>[0-9]{1,4}|auto)/(?P<count>[0-9]{1,4})")
_ORDINAL = re.compile(r"-([0-9]{1,4})\Z")
_WORD = (1 << 64) - 1
# The multiplier of the published algorithm.
_MULTIPLIER = 2_862_933_555_777_941_757


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several shards, counted from 0; a fleet without shards has one."""

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError for an index outside the count."""
        if not 0 <= self.index < self.count <= MAX_SHARDS:
            text = f"{self.index} is not an index of {self.count} shards, which are counted from 0"
            raise ValueError(f"{text}; there are {MAX_SHARDS} at most")

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def has_target(self, target: Target) -> bool:
        """Whether a target's jobs belong to this shard, and so to no other."""
        return self.count == 1 or compute_bucket(hash_target(target), self.count) == self.index


def parse_shard(text: str, host: str) -> Shard:
    """Parse INDEX/COUNT into a shard; raises ValueError with what to write.

    An index of ``auto`` is the number at the end of the host name, as in the pods of a StatefulSet.
    """
    match = _SHARD.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is neither INDEX/COUNT, such as 0/4, nor auto/COUNT")
    index = match["index"]
    if index == "auto":
        ordinal = _ORDINAL.search(host)
        if ordinal is None:
            raise ValueError(f"the host name {host!r} does not end in -NUMBER: pass INDEX/COUNT")
        index = ordinal[1]
    return Shard(int(index), int(match["count"]))


def hash_target(target: Target) -> int:
    """Return 64 bits for a target's account and region, the same on every machine and for ever.

    A role's ARN contains its account, so two ways to write one place give the same bits. Open parts
    of a target are known only with credentials: all such targets count as the same place.
    """
    words = target.known_place
    text = "\n".join(word or "" for word in words)
    return int.from_bytes(hashlib.sha256(text.encode(errors="replace")).digest()[:8], "big")


def compute_bucket(hashed: int, count: int) -> int:
    """Return the bucket, from 0 up to ``count``, of a 64-bit hash."""
    bucket, following = -1, 0
    while following < count:
        bucket = following
        hashed = (hashed * _MULTIPLIER + 1) & _WORD
        following = int((bucket + 1) * ((1 << 31) / ((hashed >> 33) + 1)))
    return bucket
