"""What a newcomer does first: the examples, in the sandbox, with nothing set up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from controller.sandbox.http.server import start_sandbox
from tests.sandbox.support import DEADLINE, poll, speaking_to
from tests.support.commands import Ran, environment, run, started

ROOT = Path(__file__).parents[2]
BARE = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_REGION": ""}
SANDBOX = ("--sandbox", "--speed", "36000")


def reconciled(folder: Path, *options: str) -> Ran:
    """Run a pass in the sandbox, without credentials or region."""
    return run(folder, "reconcile", *SANDBOX, *options, env=environment(folder, **BARE))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project's own examples, run through once."""
    folder = tmp_path_factory.mktemp("demo")
    without = shutil.ignore_patterns("*.status.json")
    shutil.copytree(ROOT / "jobs", folder / "jobs", ignore=without)
    shutil.copy(ROOT / "bedrock-jobs.yaml", folder)
    ran = reconciled(folder, "--wait")
    assert ran.code == 0, ran.err
    assert "sandbox: nothing here is real" in ran.out
    assert "sandbox: nothing here is real" in ran.err
    return folder


def test_every_example_completes(demo: Path) -> None:
    """Each of the examples runs to its end, and has a sidecar that says so."""
    ran = run(demo, "status", "--query", "jobs[].phase", env=environment(demo, **BARE))
    assert set(ran.out.splitlines()) == {"Completed"}
    assert len(ran.out.splitlines()) >= len(list(demo.rglob("*.status.json"))) > 5


def test_daemon_follows_the_clock_of_the_sandbox(tmp_path: Path) -> None:
    """A watched example has ended in its sidecar as soon as the sandbox's clock runs."""
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    shutil.copy(ROOT / "jobs" / "support-bot.yaml", jobs)
    told = jobs / "support-bot.status.json"
    given = ("watch", "--listen", "", *SANDBOX)
    with started(tmp_path, *given, env=environment(tmp_path, **BARE)) as daemon:
        poll(lambda: told.exists() and '"phase": "Completed"' in told.read_text())
        daemon.terminate()
        assert daemon.wait(DEADLINE) == 0


def test_sandbox_remembers(demo: Path) -> None:
    """Without its sidecars a later command still finds every job, and submits none."""
    before = {path: path.read_bytes() for path in demo.rglob("*.status.json")}
    with start_sandbox(demo / ".bedrock-jobs", speed=0) as url, speaking_to(url, demo) as sandbox:
        sandbox.control("DELETE", "calls")
    for path in before:
        path.unlink()
    assert reconciled(demo).code == 0
    with start_sandbox(demo / ".bedrock-jobs", speed=0) as url, speaking_to(url, demo) as sandbox:
        operations = {entry["operation"] for entry in sandbox.list_calls()}
    assert not any(operation.startswith("Create") for operation in operations)
    assert {path: path.read_bytes() for path in before} == before


def test_everything_of_it_lies_in_two_places(demo: Path) -> None:
    """The sandbox keeps to its folder, and sidecars to their manifests."""
    made = {path.relative_to(demo).parts[0] for path in demo.rglob("*") if path.is_file()}
    assert made == {".bedrock-jobs", "bedrock-jobs.yaml", "jobs"}
