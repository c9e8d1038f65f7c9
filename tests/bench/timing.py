"""Whole processes, timed in turns, so that a busy machine slows all of them alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(sys.executable).parent
COMMAND = str(BIN / "bedrock-jobs")
AWS = str(BIN / "aws")
LIMIT_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Contender:
    """A command line that is timed, where it runs, and the exit codes that mean it worked."""

    name: str
    command: Sequence[str]
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    accepted: frozenset[int] = frozenset({0})


def environment(home: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment with dummy credentials and nothing of the user's own settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        **(settings or {}),
    }


def run(contender: Contender) -> float:
    """Run a contender once and return its wall-clock seconds, from spawn to exit.

    Raises RuntimeError with the end of what it said when its exit code is not accepted.
    """
    start = time.perf_counter()
    done = subprocess.run(
        contender.command,
        cwd=contender.folder,
        env=environment(contender.folder, contender.settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    seconds = time.perf_counter() - start
    if done.returncode not in contender.accepted:
        said = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
        raise RuntimeError(f"{contender.name} ended with {done.returncode}:\n{said}")
    return seconds


def medians(contenders: Sequence[Contender], repeats: int) -> list[float]:
    """Return each contender's median seconds, after one uncounted run of each.

    Every round runs each contender once, and every other round in the opposite order.
    """
    for contender in contenders:
        run(contender)
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number in range(repeats):
        for contender in contenders[:: -1 if number % 2 else 1]:
            seconds[contender.name].append(run(contender))
    return [statistics.median(seconds[contender.name]) for contender in contenders]
