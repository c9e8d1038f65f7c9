"""Many writers and a person at once, as many as a test run has time for: `python -m tests.git`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tests.git.contending import contend
from tests.git.support import GIT, Shared
from tests.support.commands import DEADLINE, environment, started

SEED = 6


def test_every_status_lands_and_people_win(tmp_path: Path) -> None:
    """Each round of each writer is on the branch, nothing is forced, and no manifest is touched."""
    tally = contend(tmp_path, writers=3, rounds=2, seed=SEED)

    assert tally.violations == [], f"seed {SEED}"
    assert len(tally.tries) == 6


def test_whole_passes_at_once_submit_once_and_lose_nothing(team: Shared) -> None:
    """Two runners begin together: every job is submitted once, and the branch has its status."""
    names = [f"job-{number}" for number in range(4)]
    for name in names:
        team.project.add(name)
    team.push()
    runners = [team.another(f"runner-{number}").folder for number in range(2)]

    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                started(
                    folder,
                    *("reconcile", "--write-back", "commit"),
                    env=environment(folder, AWS_ENDPOINT_URL=team.project.sandbox.url, **GIT),
                )
            )
            for folder in runners
        ]
        said = [process.communicate(timeout=DEADLINE)[1] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], said
    assert sorted(team.project.sandbox.list_names()) == names
    phases = {name: team.hub.entry(name)["phase"] for name in names}
    assert phases == dict.fromkeys(names, "InProgress")
    touched = {path for commit in team.hub.commits()[:-2] for path in team.hub.touched(commit)}
    assert touched == {f"jobs/{name}.status.json" for name in names}
