from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from controller.adapters.git.work_trees import WorkTrees
from controller.adapters.sidecars.store import SidecarLedger
from controller.cli.watch import ledger
from controller.cli.watch.ledger import SerializedLedger
from controller.core.kinds.registry import KINDS
from controller.core.model import SUBMITTING, JobKey, JobRecord, Source
from controller.engine.apply import PassAbortedError
from controller.ports import LedgerError
from tests.git.support import git
from tests.support.checkouts import commit, halfway, repository
from tests.support.manifests import KIND, manifest, write

KEY = JobKey(KIND, "a")


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Return a repository with one manifest, and a branch with another record of it."""
    top = repository(tmp_path)
    write(top / "jobs" / "a.yaml", manifest("a"))
    _turns(top).write(_source(top), KEY, {"kind": KIND, "phase": "Failed"})
    commit(top, "one")
    _turns(top).write(_source(top), KEY, {"kind": KIND, "phase": "Completed"})
    commit(top, "two")
    return top


def test_a_record_is_read_of_one_commit(top: Path) -> None:
    """While git replaces a sidecar, it does not count as missing."""
    turns = _turns(top)
    read: list[object] = []

    def look() -> None:
        read.append(turns.read({KEY: _source(top)})[KEY].phase)

    with halfway(top, "one", "jobs/a.status.json"):
        assert not (top / "jobs" / "a.status.json").exists()
        thread = threading.Thread(target=look)
        thread.start()
    thread.join()

    assert read == ["Failed"]


def test_a_checkout_while_records_are_read_is_noticed(top: Path) -> None:
    """If git wrote its index during the read, the records are read again."""

    class Late(SidecarLedger):
        def read(self, sources: Mapping[JobKey, Source]) -> Mapping[JobKey, JobRecord]:
            found = super().read(sources)
            if found[KEY].phase == "Completed":
                git(top, "checkout", "-q", "one")
            return found

    jobs = top / "jobs"
    turns = SerializedLedger(Late([jobs], KINDS), threading.RLock(), WorkTrees([jobs]).get_states)

    assert turns.read({KEY: _source(top)})[KEY].phase == "Failed"


def test_nothing_begins_beside_a_checkout(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long checkout aborts the pass, and no intent is written that it could remove."""
    monkeypatch.setattr(ledger, "GIT_WAIT_SECONDS", 0.0)
    turns = _turns(top)
    with halfway(top, "one", "jobs/a.status.json"):
        with pytest.raises(PassAbortedError):
            turns.read({KEY: _source(top)})
        with pytest.raises(LedgerError, match="git is changing"):
            turns.write(_source(top), KEY, {"phase": SUBMITTING})


def test_outcomes_are_written_during_a_checkout_and_intents_are_not(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes are recorded during a checkout; intents, which must last, are not."""
    monkeypatch.setattr(ledger, "GIT_WAIT_SECONDS", 0.0)
    turns, other = _turns(top), JobKey(KEY.kind, "other")
    outcome = {"kind": KEY.kind, "phase": "Failed"}
    with halfway(top, "one", "jobs/a.status.json"):
        intent, written = turns.write_all(
            [
                (_source(top), KEY, {"kind": KEY.kind, "phase": SUBMITTING}),
                (Source(str(top / "jobs" / "other.yaml")), other, outcome),
            ]
        )

        assert isinstance(intent, LedgerError)
        assert written is True
        assert (top / "jobs" / "other.status.json").exists()


def _turns(top: Path) -> SerializedLedger:
    jobs = top / "jobs"
    return SerializedLedger(
        SidecarLedger([jobs], KINDS), threading.RLock(), WorkTrees([jobs]).get_states
    )


def _source(top: Path) -> Source:
    return Source(str(top / "jobs" / "a.yaml"))
