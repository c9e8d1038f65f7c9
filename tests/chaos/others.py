"""What is tried besides the sweep, each by a command: walks, properties, bytes and mutants."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tests.chaos.forge import ROOT
from tests.chaos.table import Row

_FIGURE = re.compile(r"(\d+) (\w+)")


@dataclass(frozen=True, slots=True)
class Other:
    """A command whose last line holds its figures, and how they stand in the table.

    ``points`` and ``runs`` name figures; ``broken`` says how many of them should not be. With the
    ``brief`` arguments it takes a minute at most.
    """

    module: str
    scenario: str
    points: str
    runs: str
    broken: Callable[[Mapping[str, int]], int]
    brief: tuple[str, ...] = ()


OTHERS: Mapping[str, Other] = {
    "walks": Other(
        "tests.machine",
        "random lives of a fleet",
        "steps",
        "walks",
        lambda of: of["violations"],
        brief=("20", "20"),
    ),
    "properties": Other(
        "tests.properties",
        "examples of their own",
        "properties",
        "rounds",
        lambda of: of["violations"],
        brief=("1",),
    ),
    "bytes": Other(
        "tests.fuzz",
        "any bytes in a file",
        "files",
        "files",
        lambda of: of["violations"],
        brief=("3",),
    ),
    "mutants": Other(
        "tests.mutation",
        "broken lines",
        "mutants",
        "mutants",
        lambda of: of["mutants"] - of["caught"],
        brief=("explicit",),
    ),
}


def other(name: str, *, briefly: bool) -> Row:
    """Run one of the commands to its end, and return its row."""
    one = OTHERS[name]
    command = [sys.executable, "-m", one.module, *(one.brief if briefly else ())]
    began = time.monotonic()
    sys.stderr.write(f"{name}: {' '.join(command[1:])}\n")
    with _running(command) as process:
        said, _ = process.communicate()
    row = outcome(name, one, said, process.returncode, time.monotonic() - began)
    if row.violations:
        sys.stderr.write(said)
    return row


def outcome(name: str, one: Other, said: str, code: int, seconds: float) -> Row:
    """Return the row of a command that ended.

    One that fails, or whose figures cannot be read, has a violation at least.
    """
    figures = figures_of(said)
    try:
        points, runs = figures[one.points], figures[one.runs]
        broken = max(one.broken(figures), int(code != 0))
    except KeyError:
        points, runs, broken = 0, 0, 1
    return Row(name, one.scenario, points, runs, seconds, broken)


def figures_of(said: str) -> dict[str, int]:
    """Return the figures of a text's last line by what they count."""
    last = said.strip().rpartition("\n")[2]
    return {what: int(number) for number, what in _FIGURE.findall(last)}


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """While the context lasts a command runs; it leads a session, and all of that ends with it."""
    # A signal between its start and this block would leave it to nobody.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before),
    ) as process:
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
