"""The sweep's command itself: what it leaves behind, and what it makes of other commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.forge import ROOT
from tests.chaos.others import Other, figures_of, outcome
from tests.chaos.sweep import dealt
from tests.chaos.table import Row, lines
from tests.sandbox.support import poll

PROCESSES = Path("/proc")
STARTED = [
    ("overtaken", ("controller sandbox", "tests.chaos.forge"), signal.SIGINT, 130),
    ("overtaken", ("controller sandbox", "tests.chaos.forge"), signal.SIGTERM, 143),
    ("overtaken", ("controller sandbox", "tests.chaos.forge"), signal.SIGKILL, -9),
    ("walks", ("tests.machine",), signal.SIGTERM, 143),
]
on_linux = pytest.mark.skipif(not PROCESSES.exists(), reason="looks processes up in /proc")


def living(mark: str) -> list[str]:
    """Return the command lines of all processes whose environment holds a text."""
    found: list[str] = []
    for folder in PROCESSES.glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:  # It ended meanwhile, or is another user's.
            continue
    return found


@contextmanager
def sweeping(folder: Path, way: str) -> Iterator[subprocess.Popen[str]]:
    """While the context lasts the command runs, all its processes marked by a folder's name."""
    command = [sys.executable, "-m", "tests.chaos", "--ways", way]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@on_linux
@pytest.mark.parametrize(("way", "parts", "number", "code"), STARTED)
def test_signalled_sweep_leaves_nothing(
    tmp_path: Path, way: str, parts: tuple[str, ...], number: int, code: int
) -> None:
    """Sandboxes, forges, workers and other commands end with the sweep, its files too if it can."""
    mark = str(tmp_path)
    with sweeping(tmp_path, way) as process:
        poll(lambda: all(any(part in line for line in living(mark)) for part in parts))
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in said
    poll(lambda: not living(mark))
    assert way == "walks" or number == signal.SIGKILL or list(tmp_path.iterdir()) == []


WALKS = Other("any.module", "lives", "steps", "walks", lambda of: of["violations"])
LAST_LINES = [
    ("4 walks, 90 steps, 7 s, 0 violations\n", 0, Row("walks", "lives", 90, 4, 7.0, 0)),
    ("told\n4 walks, 90 steps, 7 s, 2 violations", 1, Row("walks", "lives", 90, 4, 7.0, 2)),
    ("4 walks, 90 steps, 7 s, 0 violations", 1, Row("walks", "lives", 90, 4, 7.0, 1)),
    ("4 walks, 90 steps", 0, Row("walks", "lives", 0, 0, 7.0, 1)),
    ("", 0, Row("walks", "lives", 0, 0, 7.0, 1)),
]


@pytest.mark.parametrize(("said", "code", "row"), LAST_LINES)
def test_figures_are_read(said: str, code: int, row: Row) -> None:
    """A command's last line becomes its row; one that fails or cannot be read is a violation."""
    assert outcome("walks", WALKS, said, code, 7.0) == row


def test_figures_of_the_last_line() -> None:
    """Only the last line counts."""
    assert figures_of("1 mutants\n23 mutants, 22 caught, 9 s\n") == {
        "mutants": 23,
        "caught": 22,
        "s": 9,
    }


def test_table_adds_up() -> None:
    """The last row holds the sums of all others."""
    shown = lines([Row("killed", "a", 10, 5, 1.5, 0), Row("race", "b", 1, 1, 2.0, 1)])
    assert shown[-1] == "| all |  | 11 | 6 | 4 | 1 |"


@pytest.mark.parametrize("points", [99, 102, 120, 201])
def test_hands_have_all_points(points: int) -> None:
    """Dealt to enough hands, every point is somebody's."""
    hands = [dealt(range(points), hand, 2) for hand in range(points)]
    assert {point for hand in hands for point in hand} == set(range(points))
