"""Where the sidecar of a manifest is."""

from __future__ import annotations

import os
from pathlib import Path

from controller.core.documents.file_names import is_manifest

SUFFIX = ".status.json"


def get_sidecar_path(manifest: str) -> str:
    """Return the path of the sidecar beside a manifest; a sidecar is its own."""
    if manifest.endswith(SUFFIX):
        return manifest
    return os.path.splitext(manifest)[0] + SUFFIX  # noqa: PTH122 - once for each of many thousands


def get_folder(root: Path) -> Path:
    """Return the folder of a path of manifests; one that is not there yet is taken for a folder."""
    is_file = root.is_file() or (not root.exists() and is_manifest(root.name))
    return root.parent if is_file else root
