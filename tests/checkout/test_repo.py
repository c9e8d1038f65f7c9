from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from controller.cli.watch.git_sync import WatchedTree
from controller.core.planning.orphaned_entries import ManifestIndex
from controller.daemon.work_queue import DesiredState
from controller.engine.garbage import Coverage
from tests.checkout.support import cloned, push
from tests.sandbox.support import poll


def test_a_path_that_leads_out_of_the_clone_is_not_read(
    given: dict[str, Any], person: Path, tmp_path: Path
) -> None:
    """Who can push may not have other folders of this machine read, or written to."""
    push(person, {}, "jobs/a.yaml")
    (person / "jobs").rmdir()
    (person / "jobs").symlink_to(tmp_path)
    push(person)

    intake = cloned(given).read(DesiredState)

    assert "leads out of the clone" in intake.broken


def test_looking_around_waits_for_a_pull(given: dict[str, Any]) -> None:
    """What a sweep scans later is never half of a commit either."""
    repo, scanned = cloned(given), ManifestIndex()
    intake = repo.read(
        lambda: DesiredState(coverage=lambda: Coverage(ManifestIndex(), lambda: scanned))
    )
    coverage = intake.coverage()
    assert coverage is not None
    with ThreadPoolExecutor(1) as executor:
        with repo.lock:
            looking = executor.submit(coverage.load_wider_index)
            poll(looking.running)
            assert not looking.done()
        assert looking.result(20) is scanned


def test_what_shows_no_removals_shows_none_in_a_clone(given: dict[str, Any]) -> None:
    """A tree that cannot tell which jobs are gone stays such a tree."""
    assert cloned(given).read(DesiredState).coverage() is None


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"STATE_DIRECTORY": "{}/state:{}/other", "HOME": "{}/home"}, "state"),
        ({"XDG_STATE_HOME": "{}/xdg", "HOME": "{}/home"}, "xdg/bedrock-jobs"),
        ({"HOME": "{}/home"}, "home/.local/state/bedrock-jobs"),
    ],
)
def test_a_clone_has_its_place(
    given: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    folder: str,
) -> None:
    """Without --work-dir it is kept where systemd says, or in the user's state; for them alone."""
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("{}", str(tmp_path)))

    found = WatchedTree((), {**given, "work_dir": None}).folder

    assert found is not None
    assert found.parent == tmp_path / folder
    assert found.stat().st_mode & 0o777 == 0o700
