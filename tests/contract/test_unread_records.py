"""Unreadable records in whole passes: unknown, and so never treated as absent."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from controller.core.planning.actions import Reason, Verb
from controller.core.planning.orphaned_entries import ManifestIndex
from controller.engine.garbage import Coverage
from controller.engine.reconcile import Mode, PassScope, Report
from tests.contract.passes import Tree

CUT = b'{"apiVersion": "bedrock-jobs/v1", "jobs": {"support-bot": {"kind"'
BROKEN = {
    "empty": b"",
    "cut": CUT,
    "conflict marks": b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> main\n",
    "nested too deep": b"[" * 100_000,
}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree with one running, recorded job whose name was edited since."""
    made = Tree(tmp_path)
    made.put("support-bot", jobName="first-name")
    made.one()
    made.put("support-bot", jobName="second-name")
    return made


def decided(report: Report) -> dict[str, Reason]:
    """Return each job's reason after a pass, by name."""
    return {
        one.outcome.planned.desired.key.name: one.outcome.actual.reason for one in report.results
    }


def unread(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Make opening any sidecar fail from now on."""
    real = os.open

    def failing(path: Any, *given: Any, **more: Any) -> int:
        if str(path).endswith(".status.json"):
            raise OSError(number, os.strerror(number), path)
        return real(path, *given, **more)

    monkeypatch.setattr(os, "open", failing)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE, errno.EACCES])
def test_unreadable_record_submits_no_second_job(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, number: int, whole: bool
) -> None:
    """A single read error holds the job, and the file stays unchanged."""
    before = tree.files()
    with monkeypatch.context() as patched:
        unread(patched, number)
        report = tree.whole() if whole else tree.reconcile()

    assert decided(report) == {"support-bot": Reason.RECORD_UNREADABLE}
    assert [live.name for live in tree.live()] == ["first-name"]
    assert tree.files() == before
    assert tree.one().outcome.actual.reason is Reason.SPEC_CHANGED


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("whole", [True, False])
def test_broken_record_submits_no_second_job(tree: Tree, content: bytes, whole: bool) -> None:
    """A truncated sidecar may record the job under a name that nothing else leads to."""
    path = tree.folder / "support-bot.status.json"
    path.write_bytes(content)

    for _ in range(2):
        report = tree.whole() if whole else tree.reconcile()
        assert decided(report) == {"support-bot": Reason.RECORD_UNREADABLE}
        assert path.read_bytes() == content
    assert [live.name for live in tree.live()] == ["first-name"]


def test_manifest_that_moved_away_from_a_broken_record_is_held(tree: Tree) -> None:
    """Any sidecar of the pass may hold a moved job's record."""
    path = tree.folder / "support-bot.status.json"
    path.rename(tree.folder / "old.status.json")
    (tree.folder / "old.status.json").write_bytes(CUT)

    assert tree.one().outcome.actual.reason is Reason.RECORD_UNREADABLE
    assert not path.exists()
    assert [live.name for live in tree.live()] == ["first-name"]


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_record_is_rebuilt_from_what_the_service_shows(tree: Tree, content: bytes) -> None:
    """If the job is found under a current name, its sidecar is rebuilt byte for byte."""
    tree.put("support-bot", jobName="first-name")
    tree.one()
    path = tree.folder / "support-bot.status.json"
    before = path.read_bytes()
    path.write_bytes(content)

    assert tree.whole().results[0].outcome.actual.reason is Reason.IN_PROGRESS
    assert path.read_bytes() == before


def test_broken_record_stays_while_one_of_its_jobs_is_not_shown(tree: Tree) -> None:
    """A broken file is not replaced while one of its jobs is not found."""
    tree.put("other")
    tree.whole()
    path = tree.folder / "other.status.json"
    path.write_bytes(CUT)
    tree.put("new")

    report = tree.whole()

    assert decided(report)["new"] is Reason.RECORD_UNREADABLE
    assert path.read_bytes() == CUT
    assert not (tree.folder / "new.status.json").exists()
    (shown,) = [one for one in report.results if one.outcome.actual.desired.key.name == "other"]
    assert "cannot be read" in (shown.write_error or "")


@pytest.mark.parametrize("problems", [None, 1], ids=["a part", "a broken manifest"])
def test_broken_record_stays_in_a_pass_over_a_part(tree: Tree, problems: int | None) -> None:
    """A partial pass does not replace a broken file, which may hold other records."""
    tree.put("other")
    tree.whole()
    path = tree.folder / "other.status.json"
    path.write_bytes(CUT)
    del tree.jobs["support-bot"]
    keys = frozenset(job.key for job in tree.jobs.values())
    census = ManifestIndex((str(tree.folder),), keys, problems=problems or 0)
    coverage = None if problems is None else Coverage(census, lambda: census)

    report = tree.reconcile(scope=PassScope(coverage=coverage))

    assert decided(report)["other"] is Reason.IN_PROGRESS
    assert path.read_bytes() == CUT


def test_record_can_be_given_up(tree: Tree) -> None:
    """A record that was given up by name counts as never written: its job is submitted once."""
    path = tree.folder / "support-bot.status.json"
    path.write_bytes(CUT)

    assert decided(tree.whole("another")) == {"support-bot": Reason.RECORD_UNREADABLE}
    assert decided(tree.whole("support-bot")) == {"support-bot": Reason.IN_PROGRESS}
    assert decided(tree.whole()) == {"support-bot": Reason.IN_PROGRESS}
    assert [live.name for live in tree.live()] == ["first-name", "second-name"]


def test_unreadable_record_does_not_prevent_a_stop(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is shown to be ours is stopped; the file is not written."""
    tree.put("support-bot", {"state": "Stopped"}, jobName="first-name")
    before = tree.files()
    with monkeypatch.context() as patched:
        unread(patched, errno.EIO)
        result = tree.one()

    assert result.outcome.planned.verb is Verb.STOP
    assert [live.status for live in tree.live()] == ["Stopping"]
    assert tree.files() == before


def test_record_mode_replaces_no_unreadable_record(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass in record mode does not replace an unreadable record."""
    before = tree.files()
    with monkeypatch.context() as patched:
        unread(patched, errno.ESTALE)
        result = tree.one(Mode.RECORD)

    assert result.outcome.actual.reason is Reason.RECORD_UNREADABLE
    assert result.outcome.actual.live is None
    assert tree.files() == before


def test_record_beside_an_unread_one_is_not_collected(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old entry stays if the sidecar of the moved manifest cannot be read."""
    old, new = tree.folder / "old.status.json", tree.folder / "support-bot.status.json"
    old.write_bytes(new.read_bytes())
    real, met = os.open, list[str]()

    def failing_once(path: Any, *given: Any, **more: Any) -> int:
        if str(path) == str(new) and not met:
            met.append(str(path))
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return real(path, *given, **more)

    monkeypatch.setattr(os, "open", failing_once)

    report = tree.whole(collect=True)

    assert decided(report) == {"support-bot": Reason.RECORD_UNREADABLE}
    assert (report.collected, old.exists()) == (0, True)
    assert tree.whole(collect=True).collected == 1
