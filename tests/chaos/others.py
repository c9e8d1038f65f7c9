"""What is tried besides the sweep, each by a command of its own: walks, bytes and mutants."""

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

    ``points`` and ``runs`` name figures; ``broken`` says how many of them should not be.
    """

    module: str
    scenario: str
    points: str
    runs: str
    broken: Callable[[Mapping[str, int]], int]


OTHERS: Mapping[str, Other] = {
    "walks": Other(
        "tests.machine", "random lives of a fleet", "steps", "walks", lambda of: of["violations"]
    ),
    "bytes": Other(
        "tests.fuzz", "any bytes in a file", "files", "files", lambda of: of["violations"]
    ),
    "mutants": Other(
        "tests.mutation",
        "broken lines",
        "mutants",
        "mutants",
        lambda of: of["mutants"] - of["caught"],
    ),
}


def other(name: str) -> Row:
    """Run one of the commands to its end, and return its row.

    A command that fails, or says nothing that can be read, has a violation at least.
    """
    one = OTHERS[name]
    began = time.monotonic()
    sys.stderr.write(f"{name}: python -m {one.module}\n")
    with _running(one.module) as process:
        said, _ = process.communicate()
    seconds = time.monotonic() - began
    figures = figures_of(said)
    try:
        row = Row(
            name,
            one.scenario,
            figures[one.points],
            figures[one.runs],
            seconds,
            one.broken(figures),
        )
    except KeyError:
        row = Row(name, one.scenario, 0, 0, seconds, 1)
    if process.returncode == 0 and row.violations == 0:
        return row
    sys.stderr.write(said)
    return Row(name, one.scenario, row.points, row.runs, seconds, max(row.violations, 1))


def figures_of(said: str) -> dict[str, int]:
    """Return the figures of a text's last line by what they count."""
    last = said.strip().rpartition("\n")[2]
    return {what: int(number) for number, what in _FIGURE.findall(last)}


@contextlib.contextmanager
def _running(module: str) -> Iterator[subprocess.Popen[str]]:
    """While the context lasts a module runs; it leads a session, and all of that ends with it."""
    with subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
