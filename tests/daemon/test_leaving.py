from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.contract.fake import Fake
from tests.daemon.world import Kept


@pytest.fixture
def hung(tmp_path: Path) -> Iterator[tuple[Kept, threading.Event]]:
    """A daemon with a Create that hangs until the event is set."""
    reached, released = threading.Event(), threading.Event()

    def watcher(operation: str, argument: str) -> None:
        if operation == "Create":
            reached.set()
            assert released.wait(60.0)

    with ThreadPoolExecutor(4) as executor:
        kept = Kept(tmp_path, Fake(watcher=watcher), executor=executor)
        for number in range(10):
            kept.put(f"job-{number}")
        kept.daemon.run_once()
        assert reached.wait(60.0)
        yield kept, released
        released.set()


def test_stopping_finishes_calls_in_flight(hung: tuple[Kept, threading.Event]) -> None:
    """The Create in flight is finished and recorded; no other starts."""
    kept, released = hung
    ended: list[bool] = []
    running = threading.Thread(target=lambda: ended.append(kept.daemon.run()))
    kept.daemon.stop()
    running.start()
    released.set()
    running.join(60.0)

    assert ended == [True]
    assert [live.name for live in kept.live()] == ["job-0"]
    record = kept.folder / "job-0.status.json"
    assert '"phase": "InProgress"' in record.read_text()
    assert not (kept.folder / "job-1.status.json").exists()


def test_a_hanging_call_does_not_delay_the_stop(tmp_path: Path) -> None:
    """A call that hangs does not keep the daemon from stopping, and is logged."""
    reached, released = threading.Event(), threading.Event()

    def watcher(operation: str, argument: str) -> None:
        reached.set()
        assert released.wait(60.0)

    with ThreadPoolExecutor(4) as executor:
        kept = Kept(tmp_path, Fake(watcher=watcher), executor=executor, grace=0.05)
        kept.put("support-bot")
        kept.daemon.run_once()
        kept.daemon.stop()
        assert not kept.daemon.run()
        released.set()
