"""What ``kubectl kustomize`` makes of our folders, for machines that have no kubectl.

It knows the fields that deploy/ uses, and refuses any other. Where there is a kubectl, a test
holds the two against each other.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]

UNNAMESPACED = frozenset({"Namespace"})
KNOWN = frozenset(
    {"apiVersion", "kind", "namespace", "resources", "components", "patches", "images"}
)
# The key that tells the items of a list apart; a list of another name is replaced as a whole.
MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
}


def read(path: Path) -> list[Document]:
    """Return the documents of a YAML file."""
    return [found for found in yaml.safe_load_all(path.read_text(encoding="utf-8")) if found]


def built(folder: Path, onto: list[Document] | None = None) -> list[Document]:
    """Return the documents that a kustomization builds, over others for a component."""
    (settings,) = read(folder / "kustomization.yaml")
    assert set(settings) <= KNOWN, f"{folder} uses {set(settings) - KNOWN}: teach it here"
    documents = list(onto or ())
    for name in settings.get("resources", ()):
        path = folder / name
        documents += built(path) if path.is_dir() else read(path)
    for name in settings.get("components", ()):
        documents = built(folder / name, documents)
    for patch in settings.get("patches", ()):
        assert set(patch) == {"path"}
        for change in read(folder / patch["path"]):
            _patch(documents, change)
    for document in documents:
        _settle(document, settings)
    return documents


def merged(base: Any, change: Any, within: str = "") -> Any:
    """Return a value with a strategic-merge patch applied."""
    if isinstance(base, dict) and isinstance(change, dict):
        whole = {**base, **{key: merged(base.get(key), change[key], key) for key in change}}
        return {key: value for key, value in whole.items() if value is not None}
    key = MERGE_KEYS.get(within)
    if key and isinstance(base, list) and isinstance(change, list):
        changes = {item[key]: item for item in change}
        kept = [merged(item, changes.pop(item[key], {})) for item in base]
        return [*changes.values(), *kept]
    return deepcopy(change)


def _patch(documents: list[Document], change: Document) -> None:
    (index,) = [index for index, document in enumerate(documents) if _same(document, change)]
    documents[index] = merged(documents[index], change)


def _same(document: Document, change: Document) -> bool:
    names = ("apiVersion", "kind")
    return (
        all(document[name] == change[name] for name in names)
        and document["metadata"]["name"] == change["metadata"]["name"]
    )


def _settle(document: Document, settings: Document) -> None:
    if "namespace" in settings and document["kind"] not in UNNAMESPACED:
        document["metadata"]["namespace"] = settings["namespace"]
    images = {image["name"]: image for image in settings.get("images", ())}
    for container in containers(document):
        image = images.get(container["image"])
        if image:
            container["image"] = f"{image['newName']}:{image['newTag']}"


def containers(document: Document) -> list[Document]:
    """Return the containers of a document's pods, including init containers."""
    pod = document.get("spec", {}).get("template", {}).get("spec", {})
    return [*pod.get("initContainers", ()), *pod.get("containers", ())]
