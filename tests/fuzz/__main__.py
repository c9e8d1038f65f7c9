"""``python -m tests.fuzz [SECONDS]``: any bytes in every file of ours, each target so long.

Hostile files come first, measured; then bytes guided by coverage, where atheris is installed, or
by Hypothesis. Ends with 1 when a file was read into an error, too slowly or with too much memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.guided import available
from tests.fuzz.hostile import hostile
from tests.fuzz.measured import ROOT, measurer
from tests.fuzz.targets import MOST_BYTES, MOST_SECONDS, TARGETS

SECONDS = 60.0
_GRACE = 60.0
_LARGEST_SEED = 1 << 14


def seeds(name: str) -> Iterator[bytes]:
    """Yield what a target's bytes begin from: sound files, the examples, the tests' data."""
    yield TARGETS[name].sound
    suffix = Path(TARGETS[name].file).suffix
    for folder in ("jobs", "tests/data"):
        for path in sorted((ROOT / folder).rglob(f"*{suffix}")):
            if path.stat().st_size < _LARGEST_SEED:
                yield path.read_bytes()
    yield from (content for _, content in hostile(name) if len(content) < _LARGEST_SEED)


def bounds(name: str) -> tuple[int, list[str]]:
    """Return how many hostile files were measured, and which broke a bound."""
    found, files = [], 0
    with measurer() as measured:
        for what, content in hostile(name):
            with tempfile.TemporaryDirectory() as place:
                TARGETS[name].fill(Path(place), content)
                one = measured.measure(name, Path(place))
            files += 1
            if one.error or one.seconds > MOST_SECONDS or one.peak > MOST_BYTES:
                found.append(f"{what}: {one.seconds:.1f} s, {one.peak >> 20} MiB {one.error}")
    return files, found


def guided(name: str, seconds: float) -> tuple[int, list[str]]:
    """Return how many files a target read in a process of its own, and what broke a promise."""
    with tempfile.TemporaryDirectory() as corpus:
        for number, content in enumerate(seeds(name)):
            (Path(corpus) / f"seed-{number:03}").write_bytes(content)
        command = [sys.executable, "-m", "tests.fuzz.guided", name, str(seconds), corpus]
        limit = seconds + _GRACE
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=limit, check=False
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"files"')]
    if not lines:
        return 0, [f"the process ended with {done.returncode}: {done.stderr[-2_000:]}"]
    answer = json.loads(lines[-1])
    return answer["files"], answer["found"]


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(seconds: float) -> int:
    """Fuzz every target, print what was found, and return the exit code."""
    began, total, violations = time.monotonic(), 0, 0
    say(f"bytes are chosen by {'coverage (atheris)' if available() else 'Hypothesis'}")
    for name in TARGETS:
        for way, (files, found) in (("hostile", bounds(name)), ("any", guided(name, seconds))):
            say(f"{name:9} {way:8} {files:8} files, {len(found)} violations")
            for one in found:
                say(f"  {one}")
            total, violations = total + files, violations + len(found)
    say(f"{total} files, {time.monotonic() - began:.0f} s, {violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
