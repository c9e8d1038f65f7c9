"""The daemon: how long a saved manifest waits for its Create, and what an idle one costs."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.passes import Field, Say, settle, submitted
from tests.bench.results import Result, duration
from tests.bench.timing import environment
from tests.bench.trees import KIND, MANIFEST
from tests.daemon.process import Watch
from tests.support.commands import started

SAVES = 200
AROUND = 1_000
IDLE = 10_000
MEDIAN, WORST = 0.150, 0.500
SHARE = 0.01
IDLE_SECONDS = 60.0
_PATIENCE = 120.0
_LOOKS, _KEPT = 5, ("task", "fd")


def rows(folder: Path, say: Say) -> list[Result]:
    """Return the rows of saves among settled manifests, and of a daemon with nothing to do."""
    say(f"{SAVES} saves among {AROUND:,} settled manifests")
    with submitted(folder / "saves", AROUND) as field:
        settle(field)
        found = saved(field, SAVES, AROUND)
    say(f"idle with {IDLE:,} settled manifests")
    with submitted(folder / "idle", IDLE) as field:
        settle(field)
        return [*found, *idle(field, IDLE, IDLE_SECONDS)]


def saved(field: Field, saves: int, around: int) -> list[Result]:
    """Return how long after a save its Create is carried out: the median, and 99 of 100."""
    began = {}
    with watched(field) as daemon:
        # The first Create opens the connection; it is not counted.
        for number in range(90_000, 90_000 + saves + 1):
            text = MANIFEST.format(kind=KIND, number=number)
            before = len(daemon.said("job"))
            began[f"support-bot-{number}"] = time.time()
            (field.folder / "jobs" / f"saved-{number}.yaml").write_text(text, encoding="utf-8")
            _until(lambda before=before: len(daemon.said("job")) > before)  # type: ignore[misc]
        created = field.service.created()
    waits = sorted([created[name] - moment for name, moment in began.items()][1:])
    what = f"a save until its Create, {saves} times among {around:,} settled manifests"
    return [
        _held(f"{what}: median", statistics.median(waits), MEDIAN),
        _held(f"{what}: 99 in 100", waits[len(waits) * 99 // 100 - 1], WORST),
    ]


def idle(field: Field, count: int, seconds: float) -> list[Result]:
    """Return what part of a core an idle daemon takes, and whether it holds more and more."""
    with watched(field, "--resync", "100d") as daemon:
        process = daemon.process.pid
        # The look that follows the first quiet minute belongs to the start.
        _until(lambda: len(daemon.said("pass")) > 1)
        before, held = _cpu(process), _held_by(process)
        time.sleep(seconds)
        share = (_cpu(process) - before) / seconds
        after = _held_by(process)
    what = f"an idle daemon, {count:,} settled manifests"
    calls = field.service.calls()["bedrock"]
    return [
        Result(what, f"{share:.2%} of a core", "none", f"{share:.4f}", "≤ 1 %", share <= SHARE),
        Result(
            f"{what}: Bedrock calls, threads and open files more",
            f"{calls} calls, {after[0]} threads, {after[1]} files",
            "none",
            f"{calls} / {after[0] - held[0]} / {after[1] - held[1]}",
            "≤ 0 / 0 / 0",
            calls == 0 and after[0] <= held[0] and after[1] <= held[1],
        ),
    ]


@contextmanager
def watched(field: Field, *arguments: str) -> Iterator[Watch]:
    """While the context lasts a daemon watches the field's tree, as a user would have it."""
    command = ("watch", "jobs", "--endpoint-url", field.service.url, "--listen", "", *arguments)
    with started(field.folder, *command, env=environment(field.folder)) as process:
        daemon = Watch(process)
        _until(lambda: bool(daemon.said("pass")))
        field.service.forget_calls()
        yield daemon
        daemon.end()


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("the daemon did not do it in time")
        time.sleep(0.005)


def _cpu(process: int) -> float:
    """Return the seconds of a core that a process has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _held_by(process: int) -> tuple[int, int]:
    """Return how many threads and open files a process keeps: the fewest of a few looks."""
    looks = []
    for _ in range(_LOOKS):
        looks.append([len(list(Path(f"/proc/{process}/{name}").iterdir())) for name in _KEPT])
        time.sleep(0.05)
    tasks, files = map(min, zip(*looks, strict=True))
    return tasks, files


def _held(what: str, seconds: float, bar: float) -> Result:
    shown = duration(seconds)
    return Result(what, shown, "none", shown, f"≤ {duration(bar)}", seconds <= bar)
