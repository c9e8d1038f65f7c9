"""The recipe's files for Argo CD and Flux are valid, and its daemon manages the folder's jobs."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml

from tests.daemon.process import phase, watch
from tests.deploy.kustomize import Document, built, containers
from tests.house.source import ROOT
from tests.recipes.run import FOLDER
from tests.sandbox.support import poll
from tests.support.project import Project, project

PAGE = FOLDER / "argo-and-flux.md"
_FILE = re.compile(r"<!-- file: (\S+) -->\n```yaml\n(.*?)```", re.DOTALL)
# The fields that the recipe uses, as the two projects' own definitions have them.
SPECS = {
    "GitRepository": {"interval", "url", "ref", "ignore"},
    "Kustomization": {"interval", "path", "prune", "wait", "timeout", "sourceRef"},
    "Application": {"project", "source", "destination", "syncPolicy"},
}


def files() -> dict[str, str]:
    """Return the recipe's files by path."""
    return dict(_FILE.findall(PAGE.read_text(encoding="utf-8")))


def the(kind: str) -> Document:
    """Return the only document of a kind among the recipe's files."""
    told = [one for text in files().values() for one in yaml.safe_load_all(text)]
    (found,) = [one for one in told if one["kind"] == kind and "metadata" in one]
    return dict(found)


@pytest.fixture(name="documents")
def _documents(tmp_path: Path) -> list[Document]:
    """The documents that Argo CD and Flux apply: the recipe's overlay over our base."""
    for name, text in files().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    folder = tmp_path / the("Application")["spec"]["source"]["path"]
    shutil.copytree(ROOT / "deploy" / "kubernetes" / "base", folder / "base")
    return built(folder)


def test_the_overlay_is_valid(documents: list[Document]) -> None:
    """Each document is valid by its strict schema, with the recipe's repository and role."""
    for document in documents:
        kubernetes_validate.validate(json.loads(json.dumps(document)), "1.32", strict=True)
    (pod,) = [one for one in documents if one["kind"] == "StatefulSet"]
    (account,) = [one for one in documents if one["kind"] == "ServiceAccount"]
    synced = next(one["args"] for one in containers(pod) if one["name"] == "git-sync")
    assert f"--repo={the('Application')['spec']['source']['repoURL']}" in synced
    assert len(account["metadata"]["annotations"]) == 1


def test_both_apply_only_the_platform() -> None:
    """Flux and Argo CD read one folder of the repository, which has no job."""
    source, overlay, application = the("GitRepository"), the("Kustomization"), the("Application")
    assert source["spec"]["url"] == application["spec"]["source"]["repoURL"]
    assert overlay["spec"]["path"] == f"./{application['spec']['source']['path']}"
    assert overlay["spec"]["sourceRef"] == {"kind": "GitRepository", "name": "fleet"}
    top = application["spec"]["source"]["path"].split("/")[0]
    assert source["spec"]["ignore"].split() == ["/*", f"!/{top}"]
    for document in (source, overlay, application):
        assert set(document["spec"]) == SPECS[document["kind"]]
        assert set(document) == {"apiVersion", "kind", "metadata", "spec"}


def test_the_daemon_manages_the_folders_jobs(documents: list[Document], tmp_path: Path) -> None:
    """The pod's command submits the recipe's job, and writes into the status folder only."""
    with project(tmp_path / "tree") as tree:
        (tree.jobs / "support-bot.yaml").write_text(files()["jobs/support-bot.yaml"])
        before = tree.files()
        with watch(tree, *arguments(documents, tree, tmp_path / "status")) as daemon:
            status = tmp_path / "status" / "support-bot.status.json"
            poll(lambda: status.exists() and "InProgress" in status.read_text())
            assert daemon.end() == 0
        assert tree.files() == before
        assert phase(tree, "support-bot") == ""
        assert [*tree.sandbox.list_names()] == ["support-bot"]


def arguments(documents: list[Document], tree: Project, status: Path) -> list[Any]:
    """Return the daemon's arguments in the pod, with the pod's folders mapped to ours."""
    (pod,) = [one for one in documents if one["kind"] == "StatefulSet"]
    given = next(one["args"] for one in containers(pod) if one["name"] == "bedrock-jobs")
    ours = {"/tree/current/jobs": "jobs", "--status-dir=/status": f"--status-dir={status}"}
    return [ours.get(one, one) for one in given[1:] if not one.startswith("--listen")]
