"""A write-back that dies before or after each of its commands, and the next one after it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.git.desks import Desk, copied
from tests.git.entries import entry
from tests.git.support import GIT, git

ROOT = Path(__file__).parents[2]
WHEN = ("before", "after")
# Counts the commands that it is called for, and kills who called it around the chosen one.
_SHIM = """#!/bin/sh
echo >> {log}
[ "$(wc -l < {log})" -eq {number} ] || exec {git} "$@"
[ {when} = after ] && {git} "$@" > /dev/null 2>&1
kill -9 $PPID
"""


def prepared(pattern: Desk, folder: Path) -> Desk:
    """Return a desk with a status to change and one to add, and something of its user's staged."""
    desk = copied(pattern, folder)
    desk.record("a", minute=1)
    desk.writer().write_back()
    desk.record("a", "Completed", 9)
    desk.record("b", minute=2)
    (desk.jobs / "b.yaml").write_text("staged\n")
    desk.git("add", "jobs/b.yaml")
    return desk


def killed(desk: Desk, number: int, when: str) -> bool:
    """Write back in a process that dies around its n-th command; return whether it got there."""
    shim = desk.folder.with_name("bin") / "git"
    shim.parent.mkdir()
    log = shim.with_name("log")
    real = shutil.which("git")
    shim.write_text(_SHIM.format(log=log, number=number, git=real, when=when))
    shim.chmod(0o755)
    env = {**os.environ, **GIT, "PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "tests.git.once", str(desk.folder)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode != 0


def violations(desk: Desk) -> Iterator[str]:
    """Write back once more, and yield what is then not as if nothing had happened."""
    desk.writer().write_back()
    if (desk.hub.entry("a"), desk.hub.entry("b")) != (
        entry("a", "Completed", 9),
        entry("b", minute=2),
    ):
        yield "a status is not on the branch"
    if len(desk.hub.commits()) != 3:
        yield f"there are {len(desk.hub.commits())} commits"
    if desk.git("rev-parse", "HEAD") != desk.hub.head():
        yield "the user's branch has not followed"
    if desk.git("status", "--porcelain") != "M  jobs/b.yaml":
        yield f"git status tells of {desk.git('status', '--porcelain')!r}"
    if desk.git("worktree", "list").count("\n"):
        yield "a work tree was left behind"
    if left := git(desk.folder, "for-each-ref", "refs/bedrock-jobs"):
        yield f"names were left behind: {left}"


def deaths(
    pattern: Desk, folder: Path, step: int = 1, first: int = 1
) -> Iterator[tuple[str, list[str]]]:
    """Yield for every death, or every so-manieth, what it was and what did not hold after it."""
    for when in WHEN:
        number = first
        while True:
            place = folder / f"{when}-{number}"
            desk = prepared(pattern, place)
            if not killed(desk, number, when):
                break
            yield f"{when} command {number}", list(violations(desk))
            shutil.rmtree(place)
            number += step
