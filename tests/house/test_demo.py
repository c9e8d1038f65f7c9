"""`make demo`, the first command that new users run, in a clone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

READY = ROOT / ".venv" / ".ready"
JOBS = 14


@pytest.mark.skipif(not READY.exists(), reason="no .venv that make has set up")
def test_demo_runs_every_example() -> None:
    """Every example completes, and a second pass finds nothing to do."""
    ran = subprocess.run(["make", "demo"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{JOBS} jobs: {JOBS} Completed." in ran.stdout
    assert f"{JOBS} jobs: {JOBS} with nothing to do" in ran.stderr
    assert all(f"    {command}\n" in ran.stdout for command in _next_steps())


def _next_steps() -> list[str]:
    """Return the commands that `make demo` prints at its end, as a shell gets them."""
    printed = re.findall(r'^\t@echo "    (.+)"$', (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert printed
    return [command.replace("$(BIN)", ".venv/bin") for command in printed]


def test_next_steps_work_in_a_fresh_shell(tmp_path: Path) -> None:
    """Each printed command works as typed, without the caller's environment."""
    shutil.copytree(ROOT / "jobs", tmp_path / "jobs")
    shutil.copy(ROOT / "bedrock-jobs.yaml", tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    binaries = Path(sys.executable).parent
    (tmp_path / ".venv" / "bin" / "activate").write_text(f'PATH="{binaries}:$PATH"\n')

    ran = subprocess.run(
        ["bash", "--norc", "-euc", "\n".join(_next_steps())],
        cwd=tmp_path,
        env={"PATH": os.defpath, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert "1 to submit" in ran.stdout
    assert (tmp_path / "jobs" / "my-model.yaml").exists()
