"""Many documents in one file, submitted: as fast as in files of their own, and linear in time."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from controller.sandbox.http.server import start_sandbox
from tests.bench.passes import Field, Say
from tests.bench.results import Result, duration
from tests.bench.service import Service
from tests.bench.timing import run
from tests.bench.trees import grow

COUNT = 1_000
MOST_TIMES = 1.3
"""What a file of a thousand documents may take, in times of a thousand files."""


def rows(folder: Path, repeats: int, say: Say) -> list[Result]:
    """Return the row of one file with a thousand documents against a thousand files."""
    say(f"{COUNT:,} submits from one file, {repeats} times")
    taken = [
        [seconds(folder / f"{number}-{one}", one_file=one) for one in (True, False)]
        for number in range(repeats)
    ]
    together, apart = (median(column) for column in zip(*taken, strict=True))
    return [
        Result(
            f"whole `reconcile`, {COUNT:,} submits from one file",
            duration(together),
            f"{COUNT:,} files: {duration(apart)}",
            f"{together / apart:.2f} x",
            f"≤ {MOST_TIMES:g} x",
            together <= MOST_TIMES * apart,
        )
    ]


def seconds(folder: Path, *, one_file: bool) -> float:
    """Return what a pass takes that submits every job of a tree."""
    jobs = grow(folder, COUNT)
    if one_file:
        files = sorted(jobs.iterdir())
        text = "---\n".join(path.read_text(encoding="utf-8") for path in files)
        for path in files:
            path.unlink()
        (jobs / "all.yaml").write_text(text, encoding="utf-8")
    with start_sandbox(folder / ".bedrock-jobs") as url:
        return run(Field(folder, Service(url)).reconcile())
