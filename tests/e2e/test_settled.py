"""A pass with nothing to do does nothing, and sidecars are only a cache."""

from __future__ import annotations

import sys

import pytest

from tests.support.commands import environment, run
from tests.support.manifests import failing, manifest, spec, write
from tests.support.project import SETTLED, Project

MANY = 12
"""More than are looked up one by one."""
NOWHERE = {
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "AWS_REGION": "",
    "AWS_PROFILE": "there-is-none",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
}


def fill(tree: Project) -> None:
    """Write jobs that end in every way, alone and several to a file."""
    tree.add("completes")
    tree.add("fails", failing())
    tree.add("is-stopped")
    write(tree.jobs / "nested" / "pair.yaml", manifest("left"), manifest("right", failing()))


def stop(tree: Project, name: str) -> None:
    """Stop a job as anybody else would."""
    tree.sandbox.bedrock().stop_model_customization_job(jobIdentifier=name)


@pytest.fixture
def settled(tree: Project) -> Project:
    """A tree whose jobs have completed, failed and been stopped, all of it recorded."""
    fill(tree)
    tree.call("reconcile")
    stop(tree, "is-stopped")
    tree.sandbox.advance(SETTLED)
    tree.call("reconcile")
    return tree


def test_jobs_end_in_every_way(settled: Project) -> None:
    """Each sidecar says how its job ended, in the service's own word."""
    phases = {name: settled.entry(name)["phase"] for name in ("completes", "fails", "is-stopped")}
    assert phases == {"completes": "Completed", "fails": "Failed", "is-stopped": "Stopped"}
    assert settled.entry("left", "nested/pair")["phase"] == "Completed"
    assert settled.entry("right", "nested/pair")["phase"] == "Failed"


def test_settled_pass_calls_and_writes_nothing(settled: Project) -> None:
    """A pass over ended jobs makes no call, not even to STS, and touches no file."""
    before = settled.files()
    settled.hush()
    ran = settled.run("reconcile")
    assert ran.code == 0
    assert settled.sandbox.list_calls() == []
    assert settled.files() == before


@pytest.mark.parametrize("verb", ["plan", "reconcile", "status"])
def test_settled_pass_needs_no_aws(settled: Project, verb: str) -> None:
    """Without credentials, region or service it succeeds all the same, and imports no client."""
    code = (
        f"import sys; from controller.cli.main import main; sys.argv = ['bedrock-jobs', {verb!r}]\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        "print(code, sorted({'boto3', 'botocore', 'urllib3'} & set(sys.modules)))"
    )
    env = environment(settled.folder, **NOWHERE)

    done = run(settled.folder, env=env, command=(sys.executable, "-c", code))

    assert done.err.count("Traceback") == 0
    assert done.out.splitlines()[-1] == "0 []"


def test_active_pass_changes_and_writes_nothing(tree: Project) -> None:
    """A pass over running jobs only reads, and writes no byte while nothing changes."""
    fill(tree)
    tree.call("reconcile")
    before = tree.files()
    tree.hush()
    assert tree.call("reconcile").code == 0
    assert tree.changes() == []
    assert tree.files() == before


def test_many_active_jobs_cost_one_listing(tree: Project) -> None:
    """Running jobs that did not change are settled by a single filtered List."""
    for number in range(MANY):
        tree.add(f"job-{number:02}")
    tree.call("reconcile")
    tree.hush()
    assert tree.call("reconcile").code == 0
    (entry,) = tree.calls()
    assert entry["operation"].startswith("List")
    assert entry["members"]["statusEquals"] == "InProgress"


@pytest.mark.parametrize("advanced", [0.0, SETTLED], ids=["running", "ended"])
def test_deleted_sidecars_come_back(tree: Project, advanced: float) -> None:
    """Sidecars are rebuilt from AWS to the byte, and nothing is submitted again."""
    fill(tree)
    tree.call("reconcile")
    stop(tree, "is-stopped")
    tree.sandbox.advance(advanced)
    tree.call("reconcile")
    before = tree.sidecars()
    tree.forget()
    tree.hush()
    assert tree.call("reconcile").code == 0
    assert tree.changes() == []
    assert tree.sidecars() == before


def test_many_deleted_sidecars_come_back(tree: Project) -> None:
    """The same holds where looking up goes through a listing."""
    for number in range(MANY):
        tree.add(f"job-{number:02}", failing() if number % 3 else spec())
    tree.settle()
    before = tree.sidecars()
    assert len(before) == MANY
    tree.forget()
    tree.hush()
    tree.call("reconcile")
    assert tree.changes() == []
    assert tree.sidecars() == before


@pytest.mark.parametrize(("name", "gets"), [("completes", 1), ("fails", 2)])
def test_one_deleted_sidecar_does_not_disturb_the_others(
    settled: Project, name: str, gets: int
) -> None:
    """Only its own job is looked up, and after a failure the attempt that may have followed."""
    before = settled.sidecars()
    (settled.jobs / f"{name}.status.json").unlink()
    settled.hush()
    settled.call("reconcile")
    assert [entry["operation"][:3] for entry in settled.calls()] == ["Get"] * gets
    assert settled.sidecars() == before


def test_moved_manifest_keeps_its_job(settled: Project) -> None:
    """A manifest under another path is the same job, settled without a call."""
    before = settled.entry("completes")
    (settled.jobs / "archive").mkdir()
    (settled.jobs / "completes.yaml").rename(settled.jobs / "archive" / "moved.yaml")
    settled.hush()
    assert settled.call("reconcile").code == 0
    assert settled.calls() == []
    assert settled.entry("completes", "archive/moved") == before


def test_moved_manifest_without_sidecars_keeps_its_job(settled: Project) -> None:
    """Nor does it take the sidecar to know a moved manifest's job."""
    before = settled.entry("fails")
    settled.forget()
    (settled.jobs / "fails.yaml").rename(settled.jobs / "nested" / "elsewhere.yaml")
    settled.hush()
    assert settled.call("reconcile").code == 0
    assert settled.changes() == []
    assert settled.entry("fails", "nested/elsewhere") == before


def test_documents_that_change_order_keep_their_jobs(settled: Project) -> None:
    """Where a document stands in its file is no part of what it is."""
    write(settled.jobs / "nested" / "pair.yaml", manifest("right", failing()), manifest("left"))
    before = settled.files()
    settled.hush()
    assert settled.call("reconcile").code == 0
    assert settled.calls() == []
    assert settled.files() == before


def test_failed_job_is_not_run_again(settled: Project) -> None:
    """Pass after pass a Failed job stays as it is: only a commit runs it again."""
    settled.forget()
    settled.call("reconcile")
    settled.call("reconcile")
    names = [entry["members"]["jobName"] for entry in settled.calls("Create")]
    assert names.count("fails") == 1
