"""`make demo`, which is the first thing that a newcomer runs, where it is run: in a clone."""

from __future__ import annotations

import subprocess

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
