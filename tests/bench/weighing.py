"""What a process and those that it starts take: time, the processors' time, and memory."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.timing import LIMIT_SECONDS, Contender, environment

_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds from spawn to exit, seconds of processors, and the most bytes held at one time."""

    seconds: float
    processor: float
    memory: int


def weighed(contender: Contender) -> Taken:
    """Run a contender once; what it holds is looked at fifty times a second.

    The memory is that of all its processes together, so that what two of them share counts twice.
    Raises RuntimeError with the end of what it said when its exit code is not accepted.
    """
    before, began = _processor(), time.perf_counter()
    with subprocess.Popen(
        contender.command,
        cwd=contender.folder,
        env=environment(contender.folder, contender.settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        watch = _Watch(process.pid)
        watch.start()
        said, _ = process.communicate(timeout=LIMIT_SECONDS)
        seconds = time.perf_counter() - began
        watch.end()
    if process.returncode not in contender.accepted:
        told = said.decode(errors="replace")[-2000:]
        raise RuntimeError(f"{contender.name} ended with {process.returncode}:\n{told}")
    return Taken(seconds, _processor() - before, watch.most)


class _Watch(threading.Thread):
    """Looks at a process and its children for as long as they live."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._ended = threading.Event()
        self.most = 0

    def run(self) -> None:
        """Keep the most that was seen."""
        while not self._ended.wait(_EVERY):
            self.most = max(self.most, _held(self._process))

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()


def _held(process: int) -> int:
    """Return the bytes resident in a process and its descendants; nothing for one that is gone."""
    about = Path(f"/proc/{process}")
    try:
        pages = int((about / "statm").read_text().split()[1])
        children = (about / f"task/{process}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(map(_held, map(int, children)))


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
