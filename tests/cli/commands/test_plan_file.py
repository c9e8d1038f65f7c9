"""A plan of `plan --out` is applied by `reconcile --plan` exactly, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.plans import FILE, carry, foretold, made, plan, refused
from tests.support.manifests import spec
from tests.support.project import SETTLED, Project, project

RETRIED = spec(trainingDataConfig={"s3Uri": "s3://acme-training/sandbox-fail-internal.jsonl"})
PREFIX = "bedrock-jobs: difference: "
TEAM = [{"key": "team", "value": "support"}]
STOP = {"state": "Stopped"}
FRESH = ("removed", "edited", "retagged", "suspended", "broken", "unreadable", "by-role")
"""Manifests to submit, each named after what becomes of it before its plan is carried out."""


def vary(tree: Project) -> Project:
    """Leave a job to submit, retry, revise, adopt, tag, stop and prune."""
    tree.fleet(owner="acme-ml")
    tree.add("retried", RETRIED)
    tree.settle()
    for name in ("stopped", "tagged", "revised", "running"):
        tree.add(name)
    tree.add("gone", policy={"onDelete": "Stop"})
    tree.call("reconcile")
    arn = tree.bystand({"jobName": "adopted", "customModelName": "adopted", **spec()})
    tree.add("adopted", policy={"adopt": arn})
    tree.add("retried", RETRIED, policy={"onFailure": {"retries": 1}})
    tree.add("stopped", policy=STOP)
    tree.add("tagged", spec(jobTags=TEAM))
    tree.add("revised", spec(roleArn=None) | {"roleArn": spec()["roleArn"] + "Two"})
    tree.edit("revised", "spec:", "policy: {onSpecChange: NewRevision}\nspec:")
    tree.add("new", spec(jobTags=TEAM))
    (tree.jobs / "gone.yaml").unlink()
    tree.hush()
    return tree


@pytest.fixture
def varied(tree: Project) -> Project:
    """Return a tree whose plan has an action of every kind."""
    return vary(tree)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Return such a tree with its plan, for tests that change nothing."""
    with project(tmp_path_factory.mktemp("world") / "project") as made:
        vary(made)
        for name in FRESH:
            made.add(name, spec(jobTags=TEAM))
        plan(made, "--prune")
        yield made


@pytest.fixture
def shared(world: Project, tmp_path: Path) -> Iterator[Project]:
    """Return that tree, whose files are restored afterwards."""
    shutil.copytree(world.folder, tmp_path / "kept")
    world.hush()
    yield world
    shutil.rmtree(world.folder)
    shutil.copytree(tmp_path / "kept", world.folder)


def test_the_plan_is_carried_out_once(varied: Project) -> None:
    """Exactly the calls that the file announces are made, and never a second time."""
    planned = plan(varied, "--prune")
    verbs = {one["name"]: one["verb"] for one in planned["actions"]}
    assert verbs == {
        "adopted": "ADOPT",
        "gone": "STOP",
        "new": "SUBMIT",
        "retried": "SUBMIT",
        "revised": "SUBMIT",
        "running": "WAIT",
        "stopped": "STOP",
        "tagged": "TAG",
    }
    before = varied.files()
    ran = carry(varied, "--dry-run")
    assert (ran.code, varied.changes(), varied.files()) == (0, [], before)
    assert f"{FILE} still holds: 7 changes." in ran.err

    ran = carry(varied)
    assert ran.code == 0
    assert f"{FILE} still holds: 7 changes." in ran.err
    assert made(varied) == foretold(planned)
    assert varied.entry("adopted")["phase"] == "InProgress"

    for _ in range(2):
        varied.hush()
        varied.sandbox.advance(60)
        ran = carry(varied)
        assert (ran.code, varied.changes()) == (0, [])
        assert f"{FILE} has nothing left to do: its 7 changes were carried out before." in ran.err


def move(tree: Project) -> None:
    """Change everything that a manifest can change, each in its own way."""
    tree.add("added")
    (tree.jobs / "removed.yaml").unlink()
    tree.edit("edited", "epochCount: 2", "epochCount: 3")
    tree.edit("retagged", "value: support", "value: sales")
    tree.edit("suspended", "spec:", "policy: {state: Suspended}\nspec:")
    tree.edit("broken", "customizationType: FINE_TUNING", "customizationType: FINE")
    (tree.jobs / "unreadable.yaml").write_text("kind: [")
    role = "arn:aws:iam::123456789012:role/Other"
    tree.edit("by-role", "spec:", f"target: {{assumeRoleArn: '{role}'}}\nspec:")
    tree.edit("new", "spec:", "target: {region: us-west-2}\nspec:")
    tree.edit("tagged", "value: support", "value: sales")
    tree.add("stopped")
    tree.add("gone", policy={"onDelete": "Stop"})


MOVED = (
    "the plan is for account 123456789012, region us-east-1, and this is account 123456789012, re",
    "added: not in the plan, now SUBMIT NotSubmitted: its manifest jobs/added.yaml was added",
    "broken: planned SUBMIT NotSubmitted, now HOLD Invalid: its manifest jobs/broken.yaml was edi",
    "by-role: planned SUBMIT NotSubmitted, now SUBMIT NotSubmitted: its manifest jobs/by-role.yam",
    "edited: planned SUBMIT NotSubmitted, now SUBMIT NotSubmitted: its manifest jobs/edited.yaml ",
    "gone: planned STOP ManifestRemoved, now WAIT InProgress: its manifest jobs/gone.yaml came ba",
    "removed: planned SUBMIT NotSubmitted, now nothing: its manifest jobs/removed.yaml was remove",
    "retagged: planned SUBMIT NotSubmitted, now SUBMIT NotSubmitted: its manifest jobs/retagged.y",
    "stopped: planned STOP StopRequested, now WAIT InProgress: its manifest jobs/stopped.yaml was",
    "suspended: planned SUBMIT NotSubmitted, now NOOP Suspended: its manifest jobs/suspended.yaml",
    "tagged: planned TAG TagsChanged, now TAG TagsChanged: its manifest jobs/tagged.yaml was edit",
    "unreadable: planned SUBMIT NotSubmitted, now nothing: its manifest jobs/unreadable.yaml was ",
)


def test_every_change_of_the_tree_is_reported(shared: Project) -> None:
    """Every manifest that changes the plan has a line, and nothing is done."""
    move(shared)

    said = refused(shared, "12 differences, the first: the plan is for account", "its digest was")

    told = [line.removeprefix(PREFIX) for line in said if line.startswith(PREFIX)]
    assert [line[: len(text)] for line, text in zip(told, MOVED, strict=True)] == list(MOVED)
    assert [one for one in told if one.endswith("its tags differ")] == [told[7], told[10]]
    assert "target.assumeRoleArn was not set and is arn:aws:iam::123456789012:role/O" in told[3]
    assert told[0].endswith("region us-west-2 (for 1 of its jobs)")
    assert told[11].endswith("was removed or cannot be read")


def edited(tree: Project) -> None:
    """Change one spec."""
    tree.edit("new", "epochCount: 2", "epochCount: 3")


def added(tree: Project) -> None:
    """Commit another manifest."""
    tree.add("another")


def of_another_owner(tree: Project) -> None:
    """Give the fleet another owner."""
    tree.fleet(owner="another")


def narrowed(tree: Project) -> None:
    """Lower the number of jobs that may run at once."""
    tree.fleet(owner="acme-ml", limits={"maxActive": 1})


ALONE: dict[Callable[[Project], None], str] = {
    added: "1 difference: another: not in the plan, now SUBMIT NotSubmitted",
    edited: "1 difference: new: planned SUBMIT NotSubmitted, now SUBMIT NotSubmitted",
    of_another_owner: "1 difference: the owner was acme-ml and is another",
    narrowed: "differences, the first: limits.maxActive was not set and is 1",
}


@pytest.mark.parametrize("change", ALONE, ids=lambda change: change.__name__)
def test_one_thing_is_enough(shared: Project, change: Callable[[Project], None]) -> None:
    """A plan with a single difference is refused as a whole."""
    change(shared)
    refused(shared, ALONE[change])


def test_a_dry_run_reports_the_differences(shared: Project) -> None:
    """With --dry-run the same differences are printed, with the same exit code."""
    added(shared)
    ran = carry(shared, "--dry-run")
    assert ran.code == 5
    assert "difference: another: not in the plan" in ran.err


def test_changes_of_the_account_are_reported(varied: Project) -> None:
    """Jobs that others created, or that have ended, are reported by ARN and status."""
    plan(varied, "--prune")
    varied.bystand({"jobName": "new", "customModelName": "new", **spec()})
    varied.sandbox.advance(SETTLED)
    refused(
        varied,
        "difference: new: planned SUBMIT NotSubmitted, now HOLD NotOwned: arn:aws:bedrock",
        "appeared (Completed)",
        "difference: stopped: planned STOP StopRequested, now NOOP Completed: arn:aws:bedrock",
        "was InProgress and is Completed",
    )


def commented(tree: Project) -> None:
    """Write a comment, and reorder the members."""
    path = tree.jobs / "new.yaml"
    head, _, tail = path.read_text().partition("spec:\n")
    role, *others = tail.splitlines(keepends=True)
    path.write_text(f"# for the help desk\n{head}spec:\n{''.join(others)}{role}")


def labelled(tree: Project) -> None:
    """Set a label and a priority, which are never sent."""
    tree.edit("new", "metadata:", "policy: {priority: 7}\nmetadata:\n  labels: {tier: gold}")


def moved(tree: Project) -> None:
    """Move a manifest's file to another name and folder."""
    (tree.jobs / "team").mkdir()
    (tree.jobs / "new.yaml").rename(tree.jobs / "team" / "newer.yaml")


def held(tree: Project) -> None:
    """Edit the spec of a running job: it is held, and nothing is done for it."""
    tree.edit("running", "epochCount: 2", "epochCount: 9")


def gone_without_a_change(tree: Project) -> None:
    """Remove a manifest whose job the plan does not change."""
    (tree.jobs / "running.yaml").unlink()


def test_a_plan_is_carried_out_beside_what_does_not_matter(varied: Project) -> None:
    """Changes that do not affect the plan, and progress of jobs, do not invalidate it."""
    planned = plan(varied, "--prune")
    for change in (commented, labelled, moved, held, gone_without_a_change):
        change(varied)
    varied.sandbox.advance(60)
    varied.hush()

    assert carry(varied).code == 0
    assert made(varied) == foretold(planned)
