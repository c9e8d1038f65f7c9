"""Work on many files shared out over the processors, where that pays and is safe."""

from __future__ import annotations

import marshal
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

_WORTHWHILE = 400
"""Files that each further process must have to be worth its start."""
_FAILED = 1
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Parcel:
    """How results cross from one process to another: as plain values that marshal takes."""

    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any]


def shared_out(
    items: Sequence[Any], work: Callable[[Sequence[Any]], list[Any]], parcel: Parcel
) -> list[list[Any]]:
    """Return the results of the work on each share of the items; the first share starts at 0.

    Share number i holds every n-th item from the i-th on. A process that dies leaves its share to
    this one, so the answer never depends on how many there were.
    """
    count = _processes(len(items))
    shares = [items[index::count] for index in range(count)]
    readers = [_started(share, work, parcel) for share in shares[1:]]
    results = [work(shares[0])]
    for share, reader in zip(shares[1:], readers, strict=True):
        answer = None if reader is None else _answer(*reader)
        results.append(work(share) if answer is None else list(map(parcel.unpack, answer)))
    return results


def _processes(items: int) -> int:
    """Return how many processes to use: one, unless forking is cheap and safe.

    A fork copies locks that other threads may hold, so a threaded process does not fork.
    """
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return 1
    try:
        processors = len(os.sched_getaffinity(0))
    except AttributeError:
        processors = os.cpu_count() or 1
    return max(1, min(processors, items // _WORTHWHILE))


def _started(
    share: Sequence[Any], work: Callable[[Sequence[Any]], list[Any]], parcel: Parcel
) -> tuple[int, int] | None:
    """Start a process on a share; return it with the pipe that its answer comes through."""
    reading, writing = os.pipe()
    try:
        process = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return None
    if process:
        os.close(writing)
        return process, reading
    os.close(reading)
    _work_and_leave(share, work, parcel, writing)
    return None


def _work_and_leave(
    share: Sequence[Any],
    work: Callable[[Sequence[Any]], list[Any]],
    parcel: Parcel,
    writing: int,
) -> None:
    """Do a share of the work and end the process, leaving its parent's handles alone."""
    code = _FAILED
    try:
        with open(writing, "wb", buffering=0) as pipe:
            answer = memoryview(marshal.dumps(list(map(parcel.pack, work(share)))))
            while answer:
                answer = answer[pipe.write(answer[:_PIECE]) or 0 :]
        code = 0
    finally:
        os._exit(code)


def _answer(process: int, reading: int) -> list[Any] | None:
    """Return what a process answered, or None when it did not live to do so."""
    with open(reading, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(process, 0)
    if status:
        return None
    answer: list[Any] = marshal.loads(data)  # noqa: S302 - from our own process, by our own pipe
    return answer
