from __future__ import annotations

import math
import os
import time
from pathlib import Path

import pytest

from controller.adapters.git.work_trees import STALE_LOCK_SECONDS, WorkTrees
from controller.cli.watch.stable_reader import StableReader
from controller.cli.watch.tree_reader import ManifestReader
from controller.core.model import JobKey
from controller.core.sharding import Shard
from controller.daemon.work_queue import DesiredState
from tests.git.support import git
from tests.support.checkouts import commit, halfway, repository
from tests.support.manifests import KIND, manifest, write

GIVEN = {"selector": None, "config": None, "max_submits": None}
KMS = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
DEFAULTS = f"spec: {{customModelKmsKeyId: '{KMS}'}}\n"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        """Return the time that was set."""
        return self.time


def steady(jobs: Path, settle: float = 0.0, clock: Clock | None = None) -> StableReader:
    """Return a reader of a folder, built as the daemon builds it."""
    now = clock or Clock()
    reading = ManifestReader([jobs], GIVEN, Shard(), 60.0, now)
    return StableReader(reading, WorkTrees([jobs]), [jobs], settle, now)


def keys(intake: DesiredState) -> set[str]:
    """Return the names of the desired jobs."""
    assert not intake.broken
    return {key.name for key in intake.desired}


def kms(intake: DesiredState, name: str) -> object:
    """Return the key that a job is encrypted with."""
    submission = intake.desired[JobKey(KIND, name)].submission
    assert submission is not None
    return submission.request.get("customModelKmsKeyId")


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Return a repository with an empty branch, and one with a manifest and its defaults."""
    top = repository(tmp_path / "top")
    write(top / "jobs" / "zz.yaml", manifest("zz"))
    commit(top, "main")
    write(top / "jobs" / "00.yaml", manifest("00"))
    (top / "jobs" / "_defaults.yaml").write_text(DEFAULTS)
    commit(top, "two")
    git(top, "checkout", "-q", "main")
    return top


def test_half_a_checkout_is_not_read(top: Path) -> None:
    """A manifest that is written before its defaults counts once the checkout has finished."""
    reading = steady(top / "jobs")
    assert keys(reading.read()) == {"zz"}

    with halfway(top, "two", "jobs/_defaults.yaml"):
        assert (top / "jobs" / "00.yaml").exists()
        found = reading.read()
        assert "index.lock exists" in found.unsettled
        assert 0 < found.reread_after <= 1

    found = reading.read()
    assert keys(found) == {"00", "zz"}
    assert kms(found, "00")
    assert found.reread_after == math.inf


def test_half_a_checkout_of_a_worktree_or_submodule_is_not_read(top: Path) -> None:
    """A pointer to git's folder is followed, also below the given paths."""
    outer = repository(top.parent / "outer")
    write(outer / "fleet" / "own.yaml", manifest("own"))
    git(top, "worktree", "add", "-q", str(outer / "fleet" / "sub"), "-b", "sub")
    reading = steady(outer / "fleet")
    assert reading.read().unsettled
    assert keys(reading.read()) == {"own", "zz"}
    lock = git(outer / "fleet" / "sub", "rev-parse", "--git-path", "index.lock")

    Path(lock).touch()

    assert lock in reading.read().unsettled


def test_a_checkout_that_passed_during_the_reading_is_noticed(top: Path) -> None:
    """If git wrote its index during the read, the tree is read again."""
    jobs, clock = top / "jobs", Clock()

    class Late(ManifestReader):
        def read(self, stale: object = ()) -> DesiredState:
            found = super().read()
            git(top, "checkout", "-q", "two")
            return found

    late = Late([jobs], GIVEN, Shard(), 60.0, clock)
    assert StableReader(late, WorkTrees([jobs]), [jobs], 0.0, clock).read().unsettled


@pytest.mark.parametrize("command", ["rebase", "merge", "cherry-pick"])
def test_what_git_has_not_finished_is_not_read(top: Path, command: str) -> None:
    """Between its steps a rebase or a merge has no lock, and its tree is no commit."""
    write(top / "jobs" / "00.yaml", manifest("other"))
    commit(top, "mine")
    reading = steady(top / "jobs")
    reading.read()

    with pytest.raises(AssertionError, match=f"git {command}"):
        git(top, command, "two")

    assert f"a {command} in" in reading.read().unsettled
    git(top, command, "--abort")
    assert keys(reading.read()) == {"other", "zz"}


def test_beside_a_stale_lock_what_equals_head_counts(top: Path) -> None:
    """A lock untouched for ten minutes holds only files that differ from HEAD."""
    git(top, "checkout", "-q", "two")
    jobs = top / "jobs"
    reading = steady(jobs)
    reading.read()
    lock = top / ".git" / "index.lock"
    lock.touch()
    os.utime(lock, (time.time() - STALE_LOCK_SECONDS - 1,) * 2)
    write(jobs / "zz.yaml", manifest("zz", policy={"state": "Stopped"}))
    write(jobs / "new.yaml", manifest("new"))

    found = reading.read()

    assert found.stale_locks == (str(lock),)
    assert keys(found) == {"00", "zz"}
    assert found.desired[JobKey(KIND, "zz")].policy.state == "Submitted"
    assert found.coverage() is None
    assert keys(steady(jobs).read()) == {"00"}
    (jobs / "_defaults.yaml").unlink()
    assert keys(steady(jobs).read()) == set()
    (jobs / "_defaults.yaml").write_text(DEFAULTS)
    lock.unlink()
    assert keys(reading.read()) == {"00", "zz", "new"}


def test_a_lock_that_cannot_be_seen_is_waited_for(top: Path) -> None:
    """If it is unknown whether git is running, the reader waits."""
    reading = steady(top / "jobs")
    (top / ".git").rename(top / "git")
    (top / ".git").symlink_to(".git")

    assert "cannot be read" in reading.read().unsettled


def test_defaults_that_are_away_for_a_moment_count_as_there(top: Path) -> None:
    """Manifests keep their meaning until their defaults are missing for an interval."""
    git(top, "checkout", "-q", "two")
    jobs, clock = top / "jobs", Clock()
    write(jobs / "sub" / "x.yaml", manifest("x"))
    reading = steady(jobs, clock=clock)
    before = reading.read()
    (jobs / "_defaults.yaml").rename(top / "away")

    held = reading.read()
    assert held.desired == before.desired
    assert held.coverage() is None
    assert 0 < held.reread_after <= 60

    (top / "away").rename(jobs / "_defaults.yaml")
    assert reading.read().desired == before.desired
    (jobs / "_defaults.yaml").unlink()
    git(top, "commit", "-qam", "without defaults")
    reading.read()
    clock.time += 60.0
    after = reading.read()
    assert not kms(after, "00")
    assert after.reread_after == math.inf


@pytest.mark.parametrize("is_new", [False, True])
def test_defaults_that_git_still_holds_never_count_as_gone(top: Path, is_new: bool) -> None:
    """However long a committed file is missing, no spec is built without it."""
    git(top, "checkout", "-q", "two")
    jobs, clock = top / "jobs", Clock()
    reading = steady(jobs, clock=clock)
    reading.read()
    (jobs / "_defaults.yaml").unlink()
    reading = steady(jobs, clock=clock) if is_new else reading
    reading.read()
    clock.time += 60.0

    after = reading.read()

    assert [job.submission for job in after.desired.values()] == [None, None]
    assert {one.code for one in after.problems} == {"BJ118"}


def test_rules_that_git_still_holds_never_count_as_gone(top: Path) -> None:
    """Without the committed fleet file nothing is submitted, and nothing is stopped."""
    (top / "bedrock-jobs.yaml").write_text("owner: acme-ml\n")
    commit(top, "main")
    clock = Clock()
    reading = steady(top / "jobs", clock=clock)
    reading.read()
    (top / "bedrock-jobs.yaml").unlink()
    reading.read()
    clock.time += 60.0

    after = reading.read()

    assert [job.submission for job in after.desired.values()] == [None]
    assert {one.code for one in after.problems} == {"BJ118"}


def test_a_fleet_file_that_is_away_for_a_moment_counts_as_there(top: Path) -> None:
    """Owner, rules and limits stay, and so does the whole tree."""
    (top / "bedrock-jobs.yaml").write_text("owner: acme-ml\n")
    clock = Clock()
    reading = steady(top / "jobs", clock=clock)
    before = reading.read()
    (top / "bedrock-jobs.yaml").unlink()
    write(top / "jobs" / "00.yaml", manifest("00"))

    held = reading.read()
    assert held.fleet.owner == "acme-ml"
    assert held.desired == before.desired
    assert held.coverage() is None

    clock.time += 60.0
    after = reading.read()
    assert after.fleet.owner != "acme-ml"
    assert keys(after) == {"00", "zz"}


def test_a_tree_that_is_filled_slowly_is_read_when_it_is_quiet(tmp_path: Path) -> None:
    """With --settle no file may have changed for that long, also at the start."""
    jobs, clock = tmp_path / "jobs", Clock()
    write(jobs / "a.yaml", manifest("a"))
    reading = steady(jobs, 5.0, clock)
    assert reading.read().reread_after == 5.0
    clock.time += 4.0
    write(jobs / "b.yaml", manifest("b"))
    assert reading.read().unsettled
    clock.time += 4.0
    assert reading.read().reread_after == 1.0
    clock.time += 1.0

    assert keys(reading.read()) == {"a", "b"}


@pytest.mark.parametrize("what", ["a pipe", "an endless device"])
def test_pointer_that_is_no_file_is_not_waited_for(tmp_path: Path, what: str) -> None:
    """A ``.git`` that is no regular file counts as locked at once, with the reason."""
    nested = tmp_path / "jobs" / "nested"
    nested.mkdir(parents=True)
    if what == "a pipe":
        os.mkfifo(nested / ".git")
    else:
        (nested / ".git").symlink_to("/dev/zero")
    trees = WorkTrees([nested])

    assert "cannot be read" in trees.get_states()[str(nested)].locked
