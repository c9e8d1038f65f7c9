"""Full-size demonstrations of a daemon over a repository; the tests run a small part."""

from __future__ import annotations

import random
import signal
import time

from tests.daemon.process import names
from tests.daemon.repos import Box, until
from tests.git.support import git
from tests.support.project import SETTLED

OFTEN = ("--pull-interval", "0.1s", "--interval", "0.2s")


def killed(box: Box, kills: int, seed: int = 7) -> str:
    """Kill daemons during pulls, passes and write-backs, while a person pushes; then let one run.

    Each manifest makes one job, every status lands, and the person's files are unchanged.
    """
    chance = random.Random(seed)  # noqa: S311 - when to kill is no secret
    wanted: list[str] = []
    git(box.hub.bare, "config", "receive.autogc", "false")
    for life in range(kills):
        with box.watch(*OFTEN) as daemon:
            wanted += _change(box, life, chance)
            until(lambda: bool(daemon.lines), every=0.005)
            time.sleep(chance.uniform(0.0, 1.5))
            daemon.end(signal.SIGKILL)
    with box.watch(*OFTEN) as daemon:
        began = time.monotonic()
        until(lambda: _are_over(box, wanted), every=0.5)
        seconds = time.monotonic() - began
        assert daemon.end() == 0
    return f"{kills} kills: {_checked(box, wanted)}, caught up within {seconds:.1f} s"


def _are_over(box: Box, wanted: list[str]) -> bool:
    box.shared.project.sandbox.advance(SETTLED)
    return box.phases(*wanted) == {"Completed"}


def _change(box: Box, life: int, chance: random.Random) -> list[str]:
    """Let the person add some manifests, and remove the status of one."""
    fresh = [f"job-{life:03}-{number}" for number in range(chance.randint(1, 3))]
    box.shared.git("pull", "-q", "--rebase")
    statuses = sorted(box.shared.project.jobs.glob("*.status.json"))
    if statuses and chance.random() < 1 / 3:
        chance.choice(statuses).unlink()
        box.shared.git("commit", "-q", "-a", "-m", "Remove a status")
    for name in fresh:
        box.shared.project.add(name)
    box.push(f"Add {len(fresh)} jobs")
    return fresh


def _checked(box: Box, wanted: list[str]) -> str:
    box.check_manifests()
    assert names(box.shared.project) == sorted(wanted)
    box.shared.git("pull", "-q", "--rebase")
    manifests = {path for path in box.hub.names() if path.endswith(".yaml")}
    assert manifests == {"bedrock-jobs.yaml", *(f"jobs/{name}.yaml" for name in wanted)}
    git(box.hub.bare, "fsck", "--no-dangling")
    git(box.clone, "fsck", "--no-dangling")
    assert git(box.clone, "status", "--porcelain") == ""
    return f"{len(wanted)} jobs, none twice, {len(box.own_commits())} commits of statuses"
