"""A manifest copied with its sidecar: whatever a pass covers, the original's job runs on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.daemon.process import watch
from tests.sandbox.support import poll
from tests.support.manifests import manifest, spec, write
from tests.support.project import Project

STOPPED = {"state": "Stopped"}
LABELS = {"team": "copy"}


def copied(tree: Project, stem: str, name: str) -> Path:
    """Copy the original's sidecar and write a Stopped manifest beside it, under another name."""
    path = tree.folder / f"{stem}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    entry = {**tree.entry("original"), "phase": "InProgress"}
    document = {"apiVersion": "bedrock-jobs/v1", "kind": "Status", "jobs": {name: entry}}
    path.with_suffix(".status.json").write_text(json.dumps(document))
    return write(path, manifest(name, policy=STOPPED, labels=LABELS))


@pytest.fixture
def original(tree: Project) -> Project:
    """A project with an owner and one job that runs."""
    tree.fleet(owner="acme-ml")
    tree.add("original")
    assert tree.call("reconcile").code == 0
    tree.hush()
    return tree


WAYS = {
    "the whole tree": ("reconcile",),
    "the whole tree, asked in full": ("reconcile", "--full"),
    "its file": ("reconcile", "{path}"),
    "its folder": ("reconcile", "{folder}"),
    "its label": ("reconcile", "-l", "team=copy"),
    "stop and its name": ("stop", "copy", "--yes", "--in", "{folder}"),
    "stop and its file": ("stop", "{path}", "--yes"),
    "stop and its label": ("stop", "-l", "team=copy", "--yes"),
}
PLACES = {"beside it": "jobs/copy", "below": "jobs/team/copy", "in another folder": "other/copy"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", PLACES)
def test_copy_does_not_stop_the_original(original: Project, place: str, way: str) -> None:
    """A copy under another name whose sidecar names the original's job stops nothing."""
    path = copied(original, PLACES[place], "copy")
    words = [word.format(path=path, folder=path.parent) for word in WAYS[way]]

    original.call(*words)

    assert original.changes() == []


@pytest.mark.parametrize("way", WAYS)
def test_copy_of_one_name_does_not_stop_the_original(original: Project, way: str) -> None:
    """A copy that kept its name has the original's very token, and stops nothing all the same."""
    path = copied(original, "jobs/team/original", "original")
    path.write_text(path.read_text().replace("copy", "original"))
    words = [word.format(path=path, folder=path.parent) for word in WAYS[way]]
    given = ["original" if word == "copy" else word for word in words]

    original.call(*given)

    assert original.changes() == []


def test_copy_says_whose_job_it_is(original: Project) -> None:
    """The finding names the job, the manifest that stands for it, and its file."""
    path = copied(original, "jobs/team/copy", "copy")

    (action,) = original.call("plan", str(path), "--output", "json").data["actions"]

    assert (action["verb"], action["reason"]) == ("HOLD", "NotOwned")
    for text in (original.entry("original")["jobArn"], "original", "jobs/original.yaml"):
        assert text in action["message"]


def test_watch_does_not_stop_the_original(original: Project) -> None:
    """A daemon acts on the copy alone, which is news, and spares the job all the same."""
    with watch(original, "--interval", "60s") as daemon:
        daemon.ready()
        poll(lambda: bool(daemon.said("pass")))
        path = copied(original, "jobs/copy", "copy")
        sidecar = path.with_suffix(".status.json")
        poll(lambda: "NotOwned" in sidecar.read_text())
        assert daemon.end() == 0

    assert original.changes() == []


def test_renamed_manifest_stops_its_job_from_any_part(original: Project) -> None:
    """Once the original is gone, the sidecar is proof enough."""
    path = copied(original, "jobs/copy", "copy")
    for name in ("original.yaml", "original.status.json"):
        (original.jobs / name).unlink()

    original.call("reconcile", str(path))

    assert original.changes() == ["StopModelCustomizationJob"]


def test_manifest_that_cannot_be_read_may_be_the_original(original: Project) -> None:
    """Where only a sidecar is proof, a broken file in the tree may hold the job's own manifest."""
    path = copied(original, "jobs/team/copy", "copy")
    (original.jobs / "original.yaml").write_text("kind: [")
    (original.jobs / "original.status.json").unlink()

    original.call("reconcile", str(path))

    assert original.changes() == []
    assert "original.yaml" in path.with_suffix(".status.json").read_text()


def test_edited_original_stops_its_job_beside_a_copy(original: Project) -> None:
    """A name of its own is better proof than a sidecar: the original can stop what it submitted."""
    copied(original, "jobs/copy", "copy")
    data = {"s3Uri": "s3://acme-training/support/other.jsonl"}
    path = original.add("original", spec(trainingDataConfig=data), policy=STOPPED)

    original.call("reconcile", str(path))

    assert original.changes() == ["StopModelCustomizationJob"]
