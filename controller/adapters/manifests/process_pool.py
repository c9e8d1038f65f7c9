"""Work on many files shared out over the processors, where that pays and is safe."""

from __future__ import annotations

import marshal
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_MIN_FILES_PER_PROCESS = 400
"""Files that each further process must have to be worth its start."""
_MIN_PIECE = 50
"""Files in a piece of work: as long as one process is busy with the last one, others wait."""
_MAX_PIECES = 255
_FAILED = 1
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ResultCodec:
    """How results cross from one process to another: as plain values that marshal takes."""

    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any]


def map_in_processes(
    items: Sequence[Any],
    work: Callable[[Sequence[Any]], list[Any]],
    parcel: ResultCodec,
    meanwhile: Callable[[], object] = lambda: None,
) -> list[Any]:
    """Return the results of the work on all items, in their order.

    Each process takes one piece after another, so that none waits long for the slowest. What a
    process had taken that dies is done by this one, so the answer never depends on how many there
    were. This one comes to the pieces late if it is given something to do ``meanwhile``, which is
    left out where there is nobody else.
    """
    count = _count_processes(len(items))
    if count == 1:
        return work(items)
    size = max(_MIN_PIECE, -(-len(items) // _MAX_PIECES))
    pieces = [items[start : start + size] for start in range(0, len(items), size)]
    queue = _create_queue(len(pieces))
    try:
        readers = [_start_worker(queue, pieces, work, parcel) for _ in range(count - 1)]
        meanwhile()
        done = {number: work(pieces[number]) for number in _take_numbers(queue)}
    finally:
        # Where this one fails, what nobody waits for any more is not begun.
        deque(_take_numbers(queue), 0)
        os.close(queue)
    for reader in readers:
        for number, answer in _read_results(*reader) if reader else ():
            done[number] = list(map(parcel.unpack, answer))
    # What is missing was taken by a process that did not live to answer.
    return [
        result
        for number, piece in enumerate(pieces)
        for result in (done[number] if number in done else work(piece))
    ]


def _count_processes(items: int) -> int:
    """Return how many processes to use: one, unless forking is cheap and safe.

    A fork copies locks that other threads may hold, so a threaded process does not fork.
    """
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return 1
    try:
        processors = len(os.sched_getaffinity(0))
    except AttributeError:
        processors = os.cpu_count() or 1
    return max(1, min(processors, items // _MIN_FILES_PER_PROCESS))


def _create_queue(count: int) -> int:
    """Return a pipe to take the numbers of the pieces from: one byte each, so none is torn."""
    reading, writing = os.pipe()
    os.write(writing, bytes(range(count)))
    os.close(writing)
    return reading


def _take_numbers(queue: int) -> Iterator[int]:
    """Yield the numbers that no other process has taken, until none are left."""
    while number := os.read(queue, 1):
        yield number[0]


def _start_worker(
    queue: int,
    pieces: Sequence[Sequence[Any]],
    work: Callable[[Sequence[Any]], list[Any]],
    parcel: ResultCodec,
) -> tuple[int, int] | None:
    """Start a process that takes pieces; return it with the pipe that its answer comes through."""
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

    def run_pieces() -> list[tuple[int, list[Any]]]:
        return [
            (number, list(map(parcel.pack, work(pieces[number]))))
            for number in _take_numbers(queue)
        ]

    _run_worker(run_pieces, writing)
    return None


def _run_worker(worked: Callable[[], Any], writing: int) -> None:
    """Do the work and end the process, leaving its parent's handles alone."""
    code = _FAILED
    try:
        with open(writing, "wb", buffering=0) as pipe:
            answer = memoryview(marshal.dumps(worked()))
            while answer:
                answer = answer[pipe.write(answer[:_BLOCK_BYTES]) or 0 :]
        code = 0
    finally:
        os._exit(code)


def _read_results(process: int, reading: int) -> list[tuple[int, list[Any]]]:
    """Return what a process answered, which is nothing when it did not live to do so."""
    with open(reading, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(process, 0)
    if status:
        return []
    answer: list[Any] = marshal.loads(data)  # noqa: S302 - from our own process, by our own pipe
    return answer
