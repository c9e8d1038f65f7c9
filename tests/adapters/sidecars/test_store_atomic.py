"""A sidecar is whole at every moment, also while another process writes it or is killed."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.adapters.sidecars.store import SidecarLedger
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Source

(KIND,) = KINDS.values()
KEY = JobKey(KIND.name, "support-bot")
SIDECAR = "support-bot.status.json"
DEADLINE = 60.0
WRITER = """
import itertools, sys
from pathlib import Path
from controller.adapters.sidecars.store import SidecarLedger
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Source

folder, kind = Path(sys.argv[1]), next(iter(KINDS))
ledger = SidecarLedger([folder], KINDS)
for number in itertools.count():
    entry = {"kind": kind, "phase": f"Turn{number}", "padding": f"{number}-" * 5000}
    ledger.write(Source(str(folder / "support-bot.yaml")), JobKey(kind, "support-bot"), entry)
"""

WRITER_OF_MANY = """
import sys
from pathlib import Path
from controller.adapters.sidecars.store import SidecarLedger
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Source

folder, name, kind = Path(sys.argv[1]), sys.argv[2], next(iter(KINDS))
ledger = SidecarLedger([folder], KINDS)
for number in range(60):
    key = JobKey(kind, f"{name}-{number}")
    ledger.write(Source(str(folder / "support-bot.yaml")), key, {"kind": kind})
"""


@contextmanager
def writing(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """While the context lasts another process rewrites the sidecar as fast as it can."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(folder)]) as writer:
        try:
            yield writer
        finally:
            writer.kill()


def phases(folder: Path, turns: int) -> set[str]:
    """Read the sidecar until so many of its states were seen, each of them whole."""
    seen: set[str] = set()
    deadline = time.monotonic() + DEADLINE
    while len(seen) < turns:
        assert time.monotonic() < deadline, f"only {len(seen)} turns were seen"
        try:
            content = (folder / SIDECAR).read_bytes()
        except FileNotFoundError:
            continue
        entry = json.loads(content)["jobs"][KEY.name]
        number = entry["phase"].removeprefix("Turn")
        assert entry["padding"] == f"{number}-" * 5000
        seen.add(number)
    return seen


def test_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """Whatever the moment, the file parses and belongs to one write."""
    with writing(tmp_path):
        assert len(phases(tmp_path, 60)) >= 60


def test_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    """A writer killed at any moment leaves the file of one write or the next, never a mix."""
    for _ in range(3):
        with writing(tmp_path) as writer:
            phases(tmp_path, 5)
            writer.kill()
            writer.wait(DEADLINE)

        entry = json.loads((tmp_path / SIDECAR).read_bytes())["jobs"][KEY.name]
        assert entry["padding"].startswith(entry["phase"].removeprefix("Turn"))
        assert SidecarLedger([tmp_path], KINDS).read({})[KEY].phase == entry["phase"]


def test_writers_of_one_file_lose_nothing_of_each_other(tmp_path: Path) -> None:
    """Processes that write different jobs of one file at once all find their jobs in it."""
    names = ("left", "middle", "right")
    command = [sys.executable, "-c", WRITER_OF_MANY, str(tmp_path)]
    writers = [subprocess.Popen([*command, name]) for name in names]

    assert [writer.wait(DEADLINE) for writer in writers] == [0, 0, 0]

    jobs = json.loads((tmp_path / SIDECAR).read_bytes())["jobs"]
    assert set(jobs) == {f"{name}-{number}" for name in names for number in range(60)}


@pytest.mark.parametrize("exists", [False, True])
def test_interrupted_writer_loses_nothing_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    """A signal may end a thread that writes for others: they write their entries themselves."""
    ledger, flush = SidecarLedger([tmp_path], KINDS), os.fsync
    source, entry = Source(str(tmp_path / "support-bot.yaml")), {"kind": KIND.name}
    began, goes_on, flushes = threading.Event(), threading.Event(), itertools.count()

    def interrupted(descriptor: int) -> None:
        match next(flushes):
            case 0:
                began.set()
                assert goes_on.wait(DEADLINE)
            case _ if stat.S_ISREG(os.fstat(descriptor).st_mode) and not ended:
                ended.append(descriptor)
                raise KeyboardInterrupt
        flush(descriptor)

    def write(name: str) -> bool | BaseException:
        try:
            return ledger.write(source, JobKey(KIND.name, name), entry)
        except BaseException as error:
            return error

    ended = list[int]()
    if exists:
        assert write("before") is True
    monkeypatch.setattr(os, "fsync", interrupted)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(write, "first")
        assert began.wait(DEADLINE)
        (queue,) = ledger._writes._queues.values()
        both = [pool.submit(write, name) for name in ("left", "right")]
        deadline = time.monotonic() + DEADLINE
        while len([one for one in queue.waiting if not one.key.endswith("first")]) < 2:
            assert time.monotonic() < deadline, "the entries do not wait for their turn"
        goes_on.set()

    assert first.result() is True
    assert sorted(type(one.result()).__name__ for one in both) == ["KeyboardInterrupt", "bool"]
    (kept,) = (
        name
        for name, one in zip(("left", "right"), both, strict=True)
        if isinstance(one.result(), bool)
    )
    jobs = json.loads((tmp_path / SIDECAR).read_bytes())["jobs"]
    assert kept in jobs


def test_new_sidecar_yields_to_one_that_came_first(tmp_path: Path) -> None:
    """A new file is on disk before its folder is locked, and keeps what came there meanwhile."""
    first, other = {"kind": KIND.name, "phase": "First"}, JobKey(KIND.name, "other")
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with ThreadPoolExecutor(1) as pool:
        source = Source(str(tmp_path / "support-bot.yaml"))
        written = pool.submit(
            SidecarLedger([tmp_path], KINDS).write, source, KEY, {"kind": KIND.name}
        )
        deadline = time.monotonic() + DEADLINE
        while not [path for path in tmp_path.iterdir() if path.stat().st_size]:
            assert time.monotonic() < deadline, "nothing is written while the folder is locked"
        (tmp_path / SIDECAR).write_text(json.dumps({"jobs": {other.name: first}}))
        os.close(folder)

    assert written.result()
    assert json.loads((tmp_path / SIDECAR).read_bytes())["jobs"].keys() == {KEY.name, other.name}
    assert [path.name for path in tmp_path.iterdir()] == [SIDECAR]
