"""What the installed botocore knows of the service and the shipped schemas do not: a warning."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from controller.adapters.host.tree_bounds import get_filesystem_root
from controller.adapters.host.tree_files import TreeRoot
from controller.adapters.schemas import shipped_schemas
from controller.core.kinds.registry import KINDS
from controller.core.model import Problem, Severity, Source
from controller.core.problems import Code
from controller.core.schema.drift import SchemaDifference, compare_schemas
from controller.core.schema.manifest_schema import build_manifest_schema

_MAX_LISTED = 5
_MODELS_FOLDER, _MODEL_FILE = "data/bedrock", "service-2.json.gz"
_USER_MODELS = "~/.aws/models"
_MODEL_ERRORS = (
    LookupError,
    TypeError,
    ValueError,
    RuntimeError,
    OSError,
    EOFError,
    re.error,
    zlib.error,
)


def find_drift_problems(kinds: Iterable[str], path: str) -> tuple[Problem, ...]:
    """Return the warning that the schemas of some kinds are behind the installed botocore, if so.

    ``path`` is where the manifests are. A model that no schema can be made of gives no warning:
    `schema --check` reports it.
    """
    try:
        news = {kind: _find_new_members(kind) for kind in sorted({*kinds})}
    except _MODEL_ERRORS:
        return ()
    behind = [f"{kind} lacks {_format_drifts(found)}" for kind, found in news.items() if found]
    if not behind:
        return ()
    from controller.adapters.schemas.schema_files import get_installed_version

    message = f"{get_installed_version()} is newer than the shipped schemas: {'; '.join(behind)}"
    hint = "install a newer bedrock-jobs; until then no manifest can use these"
    code = Code.SCHEMA_BEHIND.code
    return (Problem(code, message, Source(path), hint, severity=Severity.WARNING),)


def _find_new_members(kind: str) -> Sequence[SchemaDifference]:
    """Return what only the installed model has of a kind."""
    made = build_manifest_schema(KINDS[kind], load_installed_model())
    return [one for one in compare_schemas(shipped_schemas.load_schema(kind), made) if one.is_new]


def _format_drifts(found: Sequence[SchemaDifference]) -> str:
    more = [f"and {len(found) - _MAX_LISTED} more"] if len(found) > _MAX_LISTED else []
    return ", ".join([*map(str, found[:_MAX_LISTED]), *more])


def load_installed_model() -> Mapping[str, Any]:
    """Return the installed model of the service.

    Importing botocore to load it would take as long as all else that `validate` does, and is needed
    only where a user has models of their own.
    """
    path = os.environ.get("AWS_DATA_PATH")
    if path or get_filesystem_root().is_folder(str(Path(_USER_MODELS).expanduser())):
        from controller.adapters.aws.service_models import get_model_loader

        loaded: Mapping[str, Any] = get_model_loader(path).load_service_model(
            "bedrock", "service-2"
        )
        return loaded
    spec = importlib.util.find_spec("botocore")
    folder = Path(spec.origin).parent / _MODELS_FOLDER if spec and spec.origin else Path()
    root = TreeRoot.locate(folder)
    newest = max(one.name for one in root.list_folder(root.path) or ())
    packed: Mapping[str, Any] = json.loads(
        gzip.decompress(root.read(f"{root.path}/{newest}/{_MODEL_FILE}") or b"")
    )
    return packed
