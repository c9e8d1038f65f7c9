"""A checkout by the real git that waits in the middle, between two files, for as long as asked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.git.support import GIT, git

_SMUDGE = 'sh -c \'echo > "{began}"; cat "{gate}" > /dev/null; cat\''


def repository(folder: Path) -> Path:
    """Make an empty repository in a folder, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    return folder


def commit(folder: Path, branch: str) -> None:
    """Commit all files on a new branch, unless it is the present one."""
    git(folder, "add", "--all")
    git(folder, "checkout", "-q", "-B", branch)
    git(folder, "commit", "-q", "-m", branch)


@contextmanager
def halfway(folder: Path, branch: str, at: str) -> Iterator[None]:
    """While the context lasts, ``git checkout`` of a branch is about to write the file ``at``.

    All that comes before it in git's order is written. The checkout ends with the context.
    """
    began, gate = folder / ".git" / "began", folder / ".git" / "gate"
    os.mkfifo(began)
    os.mkfifo(gate)
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "attributes").write_text(f"/{at} filter=gate\n")
    git(folder, "config", "filter.gate.smudge", _SMUDGE.format(began=began, gate=gate))
    with subprocess.Popen(
        ["git", "checkout", "-q", branch], cwd=folder, env={**os.environ, **GIT}
    ) as process:
        began.read_text()
        try:
            yield
        finally:
            gate.write_text("go on")
            code = process.wait()
        assert code == 0
    began.unlink()
    gate.unlink()
    git(folder, "config", "--remove-section", "filter.gate")
