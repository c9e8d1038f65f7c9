from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import pytest

from controller.adapters.git.command import GitError
from controller.adapters.git.sync_thread import SyncActions, SyncResult, SyncTask, SyncThread
from tests.sandbox.support import DEADLINE, poll

LONG = 3600.0


@dataclass
class Far:
    """A remote that counts what is asked of it, fails on order, and may hang until ended."""

    done: Counter[SyncTask] = field(default_factory=Counter)
    told: Counter[tuple[SyncTask, SyncResult]] = field(default_factory=Counter)
    failing: dict[SyncTask, str] = field(default_factory=dict)
    outcome: SyncResult = SyncResult.UNCHANGED
    hangs: SyncTask | None = None
    pulled: int = 0
    began: list[tuple[SyncTask, float]] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self, errand: SyncTask) -> Callable[[], SyncResult]:
        """Return what runs an errand."""

        def one() -> SyncResult:
            self.began.append((errand, time.monotonic()))
            self.done[errand] += 1
            if self.hangs is errand:
                assert self._ended.wait(DEADLINE)
                self._ended.clear()
                raise GitError("it was ended")
            if errand in self.failing:
                raise GitError(self.failing[errand])
            return self.outcome

        return one

    def end(self) -> None:
        """End what hangs."""
        self._ended.set()

    def hear(self) -> None:
        """Count the pulls that brought news."""
        self.pulled += 1


@contextmanager
def syncing(
    far: Far, every: float = LONG, *, pulls: bool = True, pause: float = 0.01
) -> Iterator[SyncThread]:
    """While the context lasts a thread keeps in touch with the remote."""
    remote = SyncActions(
        far.run(SyncTask.PULL) if pulls else None, far.run(SyncTask.WRITE_BACK), far.end
    )

    def told(errand: SyncTask, outcome: SyncResult) -> None:
        far.told[errand, outcome] += 1

    one = SyncThread(remote, every, far.hear, told, pause=pause)
    one.start()
    try:
        yield one
    finally:
        far.hangs = None
        one.close(DEADLINE)


def test_it_begins_with_what_an_earlier_one_left() -> None:
    """Both errands are run at first, and then each only for a reason."""
    far = Far()
    with syncing(far) as one:
        assert one.wait_first_pull(DEADLINE)
        poll(lambda: far.told.total() == 2)
        assert one.close(DEADLINE)

    assert far.done == {SyncTask.PULL: 1, SyncTask.WRITE_BACK: 1}
    assert far.pulled == 0


def test_it_pulls_in_its_turn() -> None:
    """A branch is pulled again and again, and what is new is told of."""
    far = Far(outcome=SyncResult.CHANGED)
    with syncing(far, every=0.001):
        poll(lambda: far.pulled >= 5)
    assert far.done[SyncTask.WRITE_BACK] == 1


def test_many_hooks_are_one_pull() -> None:
    """However many hooks come while a pull is under way, one pull follows."""
    far = Far(hangs=SyncTask.PULL)
    with syncing(far) as one:
        poll(lambda: far.done[SyncTask.PULL] == 1)
        for _ in range(1000):
            one.request_pull()
        far.hangs = None
        far.end()
        poll(lambda: far.done[SyncTask.PULL] == 2)
        poll(lambda: far.told[SyncTask.PULL, SyncResult.UNCHANGED] == 1)
        one.request_pull()
        poll(lambda: far.done[SyncTask.PULL] == 3)
        one.close(DEADLINE)
    assert far.done[SyncTask.PULL] == 3


def test_what_is_recorded_amid_a_write_back_is_written_the_next_time() -> None:
    """A slow push gathers the passes that end meanwhile into one more."""
    far = Far(hangs=SyncTask.WRITE_BACK)
    with syncing(far, pulls=False) as one:
        poll(lambda: far.done[SyncTask.WRITE_BACK] == 1)
        far.hangs = None
        for _ in range(10):
            one.request_write_back()
        far.end()
        poll(lambda: far.told[SyncTask.WRITE_BACK, SyncResult.UNCHANGED] == 1)
        assert one.close(DEADLINE)
    assert far.done[SyncTask.WRITE_BACK] == 2


def test_a_failure_is_told_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """It is counted each time, and that it works again is told too."""
    caplog.set_level(logging.INFO, logger="controller")
    far = Far(failing={SyncTask.PULL: "the remote is away"})
    with syncing(far) as one:
        for tries in range(2, 5):
            one.request_pull()
            poll(partial(lambda least: far.done[SyncTask.PULL] >= least, tries))
        far.failing.clear()
        one.request_pull()
        poll(lambda: far.told[SyncTask.PULL, SyncResult.UNCHANGED] == 1)

    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert lines == [("ERROR", "pull failed"), ("INFO", "pull works again")]
    assert vars(caplog.records[0])["why"] == "the remote is away"


def test_a_failed_write_back_waits_longer_each_time() -> None:
    """News do not hurry a push that fails: a protected branch is not stormed."""
    far = Far(failing={SyncTask.WRITE_BACK: "the branch is protected"})
    with syncing(far, pause=0.02) as one:
        while far.done[SyncTask.WRITE_BACK] < 5:
            one.request_write_back()
            one.request_pull()
            time.sleep(0.001)
        tries = [at for errand, at in list(far.began) if errand is SyncTask.WRITE_BACK]
        assert not one.close(DEADLINE)

    waits = [later - earlier for earlier, later in pairwise(tries[:5])]
    # Up to a fifth is taken off by chance; a busy machine only adds.
    assert all(wait >= 0.016 * 2**turn for turn, wait in enumerate(waits)), waits


def test_what_could_not_be_written_back_yet_is_looked_at_again() -> None:
    """A status without its manifest over there waits for a person, and is nobody's failure."""
    far = Far(outcome=SyncResult.PARTIAL)
    with syncing(far, every=0.001, pulls=False) as one:
        poll(lambda: far.done[SyncTask.WRITE_BACK] >= 5)
        assert one.close(DEADLINE)
    assert far.told.keys() == {(SyncTask.WRITE_BACK, SyncResult.PARTIAL)}


def test_a_defect_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """An error that nobody thought of is told and tried again, as any other."""
    far = Far()

    def broken() -> SyncResult:
        raise ValueError("no")

    one = SyncThread(SyncActions(broken, far.run(SyncTask.WRITE_BACK), far.end), LONG, far.hear)
    one.start()
    poll(lambda: far.done[SyncTask.WRITE_BACK] == 1)
    assert one.close(DEADLINE)
    assert caplog.records[0].getMessage() == "a defect"


def test_the_end_writes_back_once_more() -> None:
    """What was recorded last is written, though a pull hangs: that one is ended."""
    far = Far()
    with syncing(far) as one:
        poll(lambda: far.told.total() == 2)
        far.hangs = SyncTask.PULL
        one.request_pull()
        poll(lambda: far.done[SyncTask.PULL] == 2)
        one.request_write_back()
        began = time.monotonic()
        assert one.close(DEADLINE)
        assert time.monotonic() - began < DEADLINE / 2
    assert far.done[SyncTask.WRITE_BACK] == 2


def test_the_end_waits_no_longer_than_it_may() -> None:
    """A push that hangs is ended, and that something is left is told."""
    far = Far()
    with syncing(far) as one:
        poll(lambda: far.told.total() == 2)
        far.hangs = SyncTask.WRITE_BACK
        one.request_write_back()
        poll(lambda: far.done[SyncTask.WRITE_BACK] == 2)
        began = time.monotonic()
        assert not one.close(0.05)
        assert time.monotonic() - began < DEADLINE / 2
        poll(lambda: far.told[SyncTask.WRITE_BACK, SyncResult.FAILED] == 1)
    assert far.done[SyncTask.WRITE_BACK] == 2


def test_what_never_began_has_ended() -> None:
    """A daemon that fails before may close what it did not start."""
    assert SyncThread(SyncActions(None, None, Far().end), LONG, Far().hear).close(0.0)
