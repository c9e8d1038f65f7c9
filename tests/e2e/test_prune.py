"""Manifests that go: what becomes of their jobs, and what a prune may and may not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.manifests import manifest, spec, write
from tests.support.project import SETTLED, Project

STOP = {"onDelete": "Stop"}
STOPPED = "StopModelCustomizationJob"


@pytest.fixture
def fleet(tree: Project) -> Project:
    """A project whose fleet has an owner."""
    tree.fleet(owner="acme-ml", limits={"maxSubmits": 200})
    return tree


def fill(tree: Project, count: int, policy: dict[str, str] | None = None) -> list[Path]:
    """Submit so many jobs, each of a file of its own."""
    paths = [tree.add(f"job-{number:03}", policy=policy) for number in range(count)]
    assert tree.call("reconcile").code == 0
    return paths


def actions(tree: Project, *arguments: str) -> dict[str, tuple[str, str]]:
    """Return each job's verb and reason as the plan has them."""
    planned = tree.call("plan", "--output", "json", *arguments).data["actions"]
    return {action["name"]: (action["verb"], action["reason"]) for action in planned}


def removed(verb: str, *names: str) -> dict[str, tuple[str, str]]:
    """Return what a plan holds of removed jobs."""
    return dict.fromkeys(names, (verb, "ManifestRemoved"))


def test_moving_and_renaming_is_no_delete(fleet: Project) -> None:
    """A hundred files in other folders and under other names: no verb but NOOP or WAIT, no call."""
    paths = fill(fleet, 100, STOP)
    fleet.sandbox.advance(SETTLED)
    fleet.call("reconcile")
    for number, path in enumerate(paths):
        folder = fleet.jobs / f"team-{number % 7}"
        folder.mkdir(exist_ok=True)
        path.rename(folder / f"renamed-{number}.yml")
    fleet.hush()
    assert {verb for verb, _ in actions(fleet, "--prune").values()} == {"NOOP"}
    assert fleet.call("reconcile", "--prune").code == 0
    assert fleet.calls() == []
    assert fleet.call("reconcile", "--prune", "--gc").code == 0
    assert len(fleet.sidecars()) == 100
    assert all("team-" in path for path in fleet.sidecars())


def test_three_of_a_hundred_are_stopped(fleet: Project) -> None:
    """Three manifests with onDelete Stop go: three Stops, as planned, and then nothing."""
    gone = fill(fleet, 100, STOP)[10:13]
    for path in gone:
        path.unlink()
    fleet.hush()
    names = [path.stem for path in gone]
    planned = actions(fleet, "--prune")
    assert {name: planned[name] for name in names} == removed("STOP", *names)
    assert sum(verb == "STOP" for verb, _ in planned.values()) == 3
    assert fleet.call("reconcile", "--prune").code == 0
    assert fleet.changes() == [STOPPED] * 3
    fleet.sandbox.advance(SETTLED)
    assert fleet.call("reconcile", "--prune").code == 0
    assert fleet.entry(names[0])["phase"] == "Stopped"
    assert fleet.changes() == [STOPPED] * 3


def test_plan_says_what_a_prune_would_stop(fleet: Project) -> None:
    """Without --prune the job runs on and the plan says what would happen; then it is stopped."""
    fleet.add("stays")
    path = fleet.add("goes", policy=STOP)
    fleet.call("reconcile")
    path.unlink()
    fleet.hush()
    (told,) = [
        one["message"]
        for one in fleet.call("plan", "--output", "json").data["actions"]
        if one["name"] == "goes"
    ]
    assert "--prune stops it" in told
    assert "1 of them without a manifest" in fleet.call("plan").out
    assert fleet.call("reconcile").code == 0
    assert fleet.changes() == []
    text = fleet.call("plan", "--prune").out
    assert "STOP" in text
    assert "yields no model" in text
    assert fleet.call("reconcile", "--prune", "--dry-run").code == 0
    assert fleet.changes() == []
    assert fleet.call("reconcile", "--prune").code == 0
    assert fleet.changes() == [STOPPED]
    assert fleet.entry("goes")["conditions"][0]["reason"] == "ManifestRemoved"


def test_retained_job_runs_to_its_end(fleet: Project) -> None:
    """A job whose manifest did not say Stop is never stopped, and its entry tells how it ended."""
    fleet.add("stays")
    path = fleet.add("goes")
    fleet.call("reconcile")
    path.unlink()
    assert actions(fleet, "--prune")["goes"] == ("NOOP", "ManifestRemoved")
    fleet.call("reconcile", "--prune")
    fleet.sandbox.advance(SETTLED)
    fleet.call("reconcile")
    assert fleet.entry("goes")["phase"] == "Completed"
    assert STOPPED not in fleet.changes()


def test_settled_removed_jobs_cost_no_call_and_no_byte(fleet: Project) -> None:
    """What ended without a manifest is taken from its sidecar, as every ended job is."""
    for path in fill(fleet, 20, STOP)[5:]:
        path.unlink()
    fleet.sandbox.advance(SETTLED)
    fleet.call("reconcile")
    before = fleet.files()
    fleet.hush()
    assert fleet.call("reconcile", "--prune").code == 0
    assert fleet.sandbox.list_calls() == []
    assert fleet.files() == before


def test_running_removed_jobs_cost_one_listing(fleet: Project) -> None:
    """Many jobs without a manifest that run on unchanged are settled by one filtered List."""
    for path in fill(fleet, 20)[5:]:
        path.unlink()
    fleet.call("reconcile")
    before = fleet.files()
    fleet.hush()
    assert fleet.call("reconcile").code == 0
    assert [call["operation"][:4] for call in fleet.calls()] == ["List"]
    assert fleet.files() == before


def test_restored_manifest_takes_its_entry_up_again(fleet: Project) -> None:
    """A manifest that comes back finds its job as if nothing had been: no call, the same bytes."""
    fleet.add("stays")
    path = fleet.add("goes", policy=STOP)
    text = path.read_bytes()
    fleet.settle()
    before = fleet.sidecars()
    path.unlink()
    assert fleet.call("reconcile").code == 0
    path.write_bytes(text)
    fleet.hush()
    assert fleet.call("reconcile").code == 0
    assert fleet.calls() == []
    assert fleet.sidecars() == before


def refused(tree: Project, *arguments: str) -> str:
    """Make a prune that the guard refuses, and return why; nothing was done or written."""
    before = tree.files()
    tree.hush()
    assert tree.call("plan", *arguments).code == 5
    ran = tree.call("reconcile", *arguments)
    assert ran.code == 5
    assert tree.changes() == []
    assert tree.files() == before
    return ran.err


def test_prune_of_everything_is_refused(fleet: Project) -> None:
    """Deleting a hundred of a hundred looks like a mistake, and --force does not change that."""
    for path in fill(fleet, 100, STOP):
        path.unlink()
    assert "no manifest is left" in refused(fleet, "--prune")
    assert "no manifest is left" in refused(fleet, "--prune", "--force")


def test_prune_of_many_is_refused_unless_forced(fleet: Project) -> None:
    """More than three in ten are stopped only with --force."""
    for path in fill(fleet, 10, STOP)[:4]:
        path.unlink()
    assert "more than 30%" in refused(fleet, "--prune")
    assert fleet.call("reconcile", "--prune", "--force").code == 0
    assert fleet.changes() == [STOPPED] * 4


def test_prune_beside_a_broken_manifest_is_refused(fleet: Project) -> None:
    """A manifest that nobody can read may be the one that moved."""
    paths = fill(fleet, 4, STOP)
    paths[0].unlink()
    paths[1].rename(fleet.jobs / "moved.yaml")
    (fleet.jobs / "moved.yaml").write_text("kind: [")
    assert "the tree has 1 problem" in refused(fleet, "--prune", "--force")
    assert fleet.call("reconcile").code == 4


def test_broken_manifest_keeps_its_job(fleet: Project) -> None:
    """A manifest that cannot be read is not gone: the job beside it is none to prune."""
    paths = fill(fleet, 4, STOP)
    paths[1].write_text("kind: [")
    fleet.hush()
    assert set(actions(fleet, "--prune")) == {"job-000", "job-002", "job-003"}
    assert fleet.call("reconcile", "--prune").code == 4
    assert fleet.changes() == []


def test_prune_without_an_owner_is_refused(tree: Project) -> None:
    """Without an owner nobody knows whose jobs they are."""
    fill(tree, 2, STOP)[0].unlink()
    assert "a prune needs an owner" in refused(tree, "--prune")


def test_jobs_that_moved_to_another_teams_folder_are_not_gone(fleet: Project) -> None:
    """A prune of one team's folder looks for its manifests in the others' too."""
    path = write(fleet.jobs / "a" / "bot.yaml", manifest("bot", policy=STOP))
    write(fleet.jobs / "a" / "stays.yaml", manifest("stays"))
    fleet.call("reconcile")
    (fleet.jobs / "b").mkdir()
    path.rename(fleet.jobs / "b" / "other.yaml")
    fleet.hush()
    assert set(actions(fleet, "jobs/a", "--prune")) == {"stays"}
    assert fleet.call("reconcile", "jobs/a", "--prune", "--gc").code == 0
    assert fleet.changes() == []
    assert fleet.entry("bot", "a/bot")["phase"] == "InProgress"


def test_jobs_that_moved_beside_the_folder_are_not_gone(fleet: Project) -> None:
    """A manifest that another folder of the fleet took over is none that went; its copy would be.

    What else lies in the fleet's folder is no manifest, and hinders nothing.
    """
    fleet.add("stays", policy=STOP)
    path = fleet.add("moves", policy=STOP)
    fleet.call("reconcile")
    there = fleet.jobs.parent / "research"
    there.mkdir()
    (fleet.jobs.parent / "values.yaml").write_text("kind: [")
    path.rename(there / "taken-over.yaml")
    fleet.hush()
    assert list(actions(fleet, "--prune")) == ["stays"]
    assert fleet.call("reconcile", "--prune").code == 0
    assert fleet.changes() == []
    (there / "taken-over.yaml").unlink()
    assert actions(fleet, "--prune")["moves"] == ("STOP", "ManifestRemoved")


def test_prune_of_a_folder_leaves_the_others_alone(fleet: Project) -> None:
    """What is gone from another folder is not this pass's concern."""
    for team in "ab":
        for name in ("gone", "kept"):
            write(fleet.jobs / team / f"{name}.yaml", manifest(f"{name}-{team}", policy=STOP))
    fleet.call("reconcile")
    for team in "ab":
        (fleet.jobs / team / "gone.yaml").unlink()
    fleet.hush()
    assert fleet.call("reconcile", "jobs/a", "--prune").code == 0
    statuses = {name: fleet.sandbox.get(name)["status"] for name in ("gone-a", "gone-b")}
    assert statuses == {"gone-a": "Stopping", "gone-b": "InProgress"}


@pytest.mark.parametrize("option", ["--prune", "--gc"])
@pytest.mark.parametrize("part", [("-l", "team=a"), ("jobs/one.yaml",)], ids=["label", "file"])
def test_part_of_a_tree_does_not_show_what_is_gone(
    fleet: Project, option: str, part: tuple[str, ...]
) -> None:
    """With a selector or a single file both options are a mistake in the command line."""
    fleet.add("one")
    ran = fleet.call("reconcile", option, *part)
    assert ran.code == 64
    assert option in ran.err
    assert fleet.calls() == []


def test_renamed_manifest_keeps_its_job(fleet: Project) -> None:
    """A manifest with another metadata.name and the very same request stands for the same job."""
    same = spec(jobName="trains", customModelName="trains")
    fleet.add("stays")
    path = fleet.add("old-name", same, policy=STOP)
    fleet.call("reconcile")
    path.unlink()
    fleet.add("new-name", same, policy=STOP)
    fleet.hush()
    assert actions(fleet, "--prune")["old-name"] == ("NOOP", "ManifestRemoved")
    assert fleet.call("reconcile", "--prune").code == 0
    assert fleet.changes() == []
    assert fleet.entry("new-name")["phase"] == "InProgress"
