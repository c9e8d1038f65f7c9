"""The Kubernetes manifests, as built by kustomize."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml

from controller.version import __version__
from tests.deploy.kustomize import KNOWN, Document, built, containers
from tests.house.source import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
FOLDERS = [KUBERNETES / "base", *sorted((KUBERNETES / "overlays").iterdir())]
VERSIONS = ("1.29", "1.32", "1.37")
"""From the first Kubernetes whose sidecars are on by default to the last whose schemas we have."""
CUSTOM = "monitoring.coreos.com/v1"
NAME = {"app.kubernetes.io/name": "bedrock-jobs"}

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def the(kind: str, folder: Path) -> Document:
    """Return the only document of a kind that a folder builds."""
    (found,) = [document for document in built(folder) if document["kind"] == kind]
    return found


def pod(folder: Path) -> dict[str, Any]:
    """Return the pod that a folder builds."""
    found: dict[str, Any] = the("StatefulSet", folder)["spec"]["template"]["spec"]
    return found


def container(folder: Path, name: str = "bedrock-jobs") -> dict[str, Any]:
    """Return a container of the pod that a folder builds."""
    (found,) = [one for one in containers(the("StatefulSet", folder)) if one["name"] == name]
    return found


@each_folder
@pytest.mark.parametrize("version", VERSIONS)
def test_every_document_is_valid(folder: Path, version: str) -> None:
    """Each document is valid by the strict schema of its kind, in old and new Kubernetes."""
    documents = [one for one in built(folder) if one["apiVersion"] != CUSTOM]

    assert len(documents) == 6
    for document in documents:
        kubernetes_validate.validate(json.loads(json.dumps(document)), version, strict=True)


@each_folder
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_builds_the_same(folder: Path) -> None:
    """The tested documents are those that kubectl would apply."""
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=True
    )
    theirs = [document for document in yaml.safe_load_all(done.stdout) if document]

    def order(document: Document) -> str:
        return str(document["kind"])

    assert sorted(built(folder), key=order) == sorted(theirs, key=order)


def test_the_service_monitor_is_valid() -> None:
    """The operator's resource, which has no schema here, refers to the metrics port."""
    monitor = the("ServiceMonitor", KUBERNETES / "overlays" / "single")
    service = the("Service", KUBERNETES / "overlays" / "single")
    (endpoint,) = monitor["spec"]["endpoints"]

    assert monitor["apiVersion"] == CUSTOM
    assert set(monitor["spec"]) == {"selector", "endpoints"}
    assert set(endpoint) == {"port", "path", "interval", "scrapeTimeout"}
    assert monitor["spec"]["selector"]["matchLabels"] == service["metadata"]["labels"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]


@each_folder
def test_selectors_select_the_pods(folder: Path) -> None:
    """Service, budget, network policy and replicas select the same pods, by one label."""
    assert the("StatefulSet", folder)["spec"]["template"]["metadata"]["labels"] == NAME
    assert the("StatefulSet", folder)["spec"]["selector"] == {"matchLabels": NAME}
    assert the("Service", folder)["spec"]["selector"] == NAME
    assert the("PodDisruptionBudget", folder)["spec"]["selector"] == {"matchLabels": NAME}
    assert the("NetworkPolicy", folder)["spec"]["podSelector"] == {"matchLabels": NAME}
    assert (
        the("StatefulSet", folder)["spec"]["serviceName"]
        == the("Service", folder)["metadata"]["name"]
    )


@each_folder
def test_pods_are_restricted(folder: Path) -> None:
    """Nothing runs as root, gains privileges, writes its root file system or calls Kubernetes."""
    settings = pod(folder)["securityContext"]
    assert settings["runAsNonRoot"]
    assert settings["runAsUser"] > 0
    assert settings["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(folder)["automountServiceAccountToken"] is False
    for one in containers(the("StatefulSet", folder)):
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"requests", "limits"} == set(one["resources"])


@each_folder
def test_every_mount_has_its_volume(folder: Path) -> None:
    """Each mounted volume is declared, and the daemon may write only its statuses."""
    claims = the("StatefulSet", folder)["spec"]["volumeClaimTemplates"]
    declared = {one["name"] for one in pod(folder)["volumes"]}
    declared |= {claim["metadata"]["name"] for claim in claims}
    mounted = {
        mount["name"]
        for one in containers(the("StatefulSet", folder))
        for mount in one["volumeMounts"]
    }
    writable = {
        mount["mountPath"]
        for mount in container(folder)["volumeMounts"]
        if not mount.get("readOnly")
    }

    assert mounted == declared
    assert writable == {"/status", "/tmp"}  # noqa: S108 - a volume of the pod's own


@each_folder
def test_paths_and_ports_agree(folder: Path) -> None:
    """The daemon reads git-sync's link, writes to the claim, and listens where it is probed."""
    arguments = container(folder)["args"]
    synced = dict(one[2:].split("=", 1) for one in container(folder, "git-sync")["args"])
    (port,) = container(folder)["ports"]

    assert arguments[-1].startswith(f"{synced['root']}/{synced['link']}/")
    assert "--status-dir=/status" in arguments
    assert f"--listen=0.0.0.0:{port['containerPort']}" in arguments
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container(folder)[probe]["httpGet"]["port"] == port["name"]
    assert the("NetworkPolicy", folder)["spec"]["ingress"][0]["ports"] == [
        {"protocol": "TCP", "port": port["containerPort"]}
    ]


@each_folder
def test_images_are_exact(folder: Path) -> None:
    """Every image has an exact version, and ours is this release."""
    images = {one["name"]: one["image"] for one in containers(the("StatefulSet", folder))}

    assert images["bedrock-jobs"].endswith(f":{__version__}")
    assert {image.rpartition(":")[2] for image in images.values()} & {"", "latest"} == set()


def test_shards_cover_the_tree() -> None:
    """There are as many replicas as shards, each with its own queue."""
    folder = KUBERNETES / "overlays" / "sharded"
    replicas = the("StatefulSet", folder)["spec"]["replicas"]
    arguments = container(folder)["args"]
    names = {one["name"] for one in container(folder)["env"]}

    assert replicas > 1
    assert f"--shard=auto/{replicas}" in arguments
    assert any("$(POD_NAME)" in one for one in arguments if "--events-queue" in one)
    assert "POD_NAME" in names


@each_folder
def test_one_replica_has_no_shard(folder: Path) -> None:
    """Several replicas without shards would do the same work, so only shards have replicas."""
    sharded = any("--shard" in one for one in container(folder)["args"])

    assert sharded == (the("StatefulSet", folder)["spec"]["replicas"] > 1)


def test_the_pages_overlay_is_valid() -> None:
    """The page's overlay replaces the image that ours names, in fields that exist."""
    page = (ROOT / "docs" / "how-to" / "deploy.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.+?)^```", page, re.MULTILINE | re.DOTALL)
    shown = yaml.safe_load(block)
    (base,) = shown["resources"]
    (image,) = shown["images"]

    assert set(shown) <= KNOWN
    assert (ROOT / base.removeprefix("path/to/")).is_dir()
    assert container(KUBERNETES / "base")["image"].rpartition(":")[0] == image["name"]
