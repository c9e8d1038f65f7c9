"""A manifest written as JSON lives like one in YAML: checked, run, edited, committed and kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.manifests import KIND, failing, manifest, spec
from tests.support.project import Project

FORMATS = ("text", "json", "yaml", "github", "markdown", "sarif", "junit", "codequality")


def put(tree: Project, name: str, document: dict[str, Any], stem: str = "") -> Path:
    """Write a manifest as programs do: indented by tabs, which YAML forbids elsewhere."""
    path = tree.jobs / f"{stem or name}.json"
    path.write_text(json.dumps(document, indent="\t"))
    return path


def read(path: Path) -> dict[str, Any]:
    """Return what a file says as JSON, which is stricter than YAML."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_failed_job_is_retried(tree: Project) -> None:
    """Retry edits the file, which stays JSON and changes in its policy alone; the job runs once."""
    document = manifest("bot", failing())
    path = put(tree, "bot", document)
    tree.settle()
    tree.hush()

    assert tree.call("retry", "bot", "--yes").code == 0
    assert read(path) == {**document, "policy": {"attempt": 1}}
    tree.call("reconcile")

    assert [one["members"]["jobName"] for one in tree.calls("Create")] == ["bot-r1"]
    assert tree.entry("bot")["attempt"] == 1


def test_job_is_adopted_and_stopped(tree: Project) -> None:
    """Adopt and a policy of Stopped work as in YAML, and nothing is submitted."""
    arn = tree.bystand({"jobName": "bot", "customModelName": "bot", **spec()})
    path = put(tree, "bot", manifest("bot", policy={"priority": 1}))
    tree.hush()

    assert tree.call("adopt", str(path), "--yes").code == 0
    assert read(path)["policy"] == {"priority": 1, "adopt": arn}
    tree.call("reconcile")
    put(tree, "bot", manifest("bot", policy={"adopt": arn, "state": "Stopped"}))
    tree.call("reconcile")

    assert tree.changes() == ["StopModelCustomizationJob"]
    assert tree.entry("bot")["jobArn"] == arn


def test_becoming_yaml_keeps_the_job(tree: Project) -> None:
    """A manifest that is rewritten in the other format has the same sidecar and the same job."""
    path = put(tree, "bot", manifest("bot"))
    tree.call("reconcile")
    before = tree.sidecars()
    path.unlink()
    tree.add("bot")
    tree.hush()

    assert tree.call("reconcile").code == 0

    assert (tree.changes(), tree.sidecars()) == ([], before)


def test_two_files_of_one_stem_share_a_sidecar(tree: Project) -> None:
    """Manifests in a.json and a.yaml keep an entry each, and a name of both is a problem."""
    put(tree, "one", manifest("one"), "a")
    tree.add("a")
    tree.call("reconcile")
    tree.hush()

    assert tree.call("reconcile").code == 0
    assert tree.calls("Create") == []
    assert set(read(tree.jobs / "a.status.json")["jobs"]) == {"a", "one"}

    put(tree, "a", manifest("a"))
    assert "BJ301" in tree.call("validate").out


@pytest.mark.parametrize("output", FORMATS)
def test_every_format_shows_the_place(tree: Project, output: str) -> None:
    """A mistake is reported at its line, whatever the format; a tab in JSON is none."""
    document = manifest("bot", spec(roleArn="nobody"))
    path = put(tree, "bot", document)
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "nobody" in text)

    ran = tree.call("validate", "--output", output)

    assert ran.code == 4
    assert "BJ105" not in ran.out
    assert str(line) in ran.out
    assert "bot.json" in ran.out


def test_mistake_in_a_line_that_a_tab_indents(tree: Project) -> None:
    """What is wrong is named, not the tab, which JSON allows."""
    path = put(tree, "bot", manifest("bot"))
    path.write_text(path.read_text().replace('"role', '"\\ud83d\\ude00').replace('"arn', '"\\qarn'))

    said = tree.call("validate").out

    assert "BJ104 this escape" in said
    assert "tab" not in said


def test_kind_comes_from_the_folders_defaults(tree: Project) -> None:
    """A JSON manifest without a kind of its own has that of its folder."""
    (tree.jobs / "_defaults.yaml").write_text(f"kind: {KIND}\n")
    document = manifest("bot", failing())
    del document["kind"]
    path = put(tree, "bot", document)
    tree.settle()

    assert tree.call("retry", "bot", "--yes").code == 0

    assert read(path) == {**document, "policy": {"attempt": 1}}


def test_name_that_was_meant_is_named(tree: Project) -> None:
    """A path without its ending leads to the JSON file in the hint."""
    put(tree, "bot", manifest("bot"))

    assert "did you mean jobs/bot.json?" in tree.call("plan", "bot").err


def test_plan_in_a_file_is_carried_out(tree: Project) -> None:
    """A plan of JSON manifests holds in a file, and the plan's own file is no manifest."""
    put(tree, "bot", manifest("bot"))
    kept = tree.jobs / "plan.json"

    assert tree.call("plan", "--out", str(kept)).code == 0
    assert tree.call("reconcile", "--plan", str(kept)).code == 0

    assert len(tree.calls("Create")) == 1
    assert tree.call("validate").code == 0
