"""Reads files in processes of their own, and tells how long each took and how much memory.

The process that imports ``controller`` forks for each file, so that the peak of the fork is that
of a command which reads this file, without what the test beside it holds.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CEILING = 2 << 30
"""Bytes of address space: a file that runs away ends there, and not the machine's memory."""
DEADLINE = 30


@dataclass(frozen=True, slots=True)
class Measured:
    """What reading one file came to: seconds, the process's peak in bytes, and its traceback."""

    seconds: float
    peak: int
    error: str


@dataclass(frozen=True, slots=True)
class Measurer:
    """The client's side of the process that forks."""

    process: subprocess.Popen[str]

    def measure(self, target: str, folder: Path) -> Measured:
        """Return what a target comes to in a folder that holds its file already."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps([target, str(folder)]) + "\n")
        stdin.flush()
        return Measured(**json.loads(stdout.readline()))


@contextlib.contextmanager
def measurer() -> Iterator[Measurer]:
    """While the context lasts there is a process to measure in."""
    command = [sys.executable, "-W", "error", "-m", "tests.fuzz.measured"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Measurer(process)
        finally:
            process.kill()


def main() -> None:
    """Measure what stdin asks for, line by line."""
    import controller.adapters.aws.bedrock
    import controller.cli.commands.reconcile
    import controller.cli.main  # noqa: F401 - what every command imports
    from controller.adapters.schemas.kind_readers import get_kind_reader, get_partial_reader
    from controller.core.kinds.registry import KINDS
    from tests.fuzz.targets import TARGETS

    # Compiled by every command, whatever it reads.
    for kind in KINDS:
        get_kind_reader(kind)
        get_partial_reader(kind)
    gc.freeze()
    for line in sys.stdin:
        name, folder = json.loads(line)
        told, answer = os.pipe()
        process = os.fork()
        if not process:
            _read(functools.partial(TARGETS[name].read, Path(folder)), answer)
        os.close(answer)
        _, _, used = os.wait4(process, 0)
        with os.fdopen(told) as stream:
            said = json.loads(stream.read() or '{"error": "the process died"}')
        found = {"seconds": DEADLINE, "error": "", **said, "peak": used.ru_maxrss * 1024}
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def _read(work: Callable[[], float], answer: int) -> None:
    """Be the fork: do the work once, tell of it, and end."""
    resource.setrlimit(resource.RLIMIT_AS, (CEILING, CEILING))
    resource.setrlimit(resource.RLIMIT_CPU, (DEADLINE, DEADLINE))
    try:
        said: dict[str, float | str] = {"seconds": work()}
    except BaseException:
        said = {"seconds": time.process_time(), "error": traceback.format_exc()[-2_000:]}
    os.write(answer, json.dumps(said).encode())
    os._exit(0)


if __name__ == "__main__":
    main()
