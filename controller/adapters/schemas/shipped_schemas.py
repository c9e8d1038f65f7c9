"""The shipped schemas: read from their files and compiled; botocore is not needed for them."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from controller.core.kinds.registry import KINDS
from controller.core.validation.schema_checker import SchemaChecker

FLEET: Final = "bedrock-jobs"
"""The stem of the fleet's schema, as its file ``bedrock-jobs.yaml`` has it."""


def make_partial_stem(kind: str) -> str:
    """Return the stem of the schema of a kind's partial manifests, which leave anything out."""
    return f"{kind}.partial"


STEMS: Final = (*(stem for kind in KINDS for stem in (kind, make_partial_stem(kind))), FLEET)
"""The stems of all schemas that editors go by."""

_PACKAGE: Final = Path(__file__).resolve().parents[2]


class SchemaNotShippedError(Exception):
    """A schema's file is missing beside the code, which only a broken installation explains."""


def make_file_name(stem: str) -> str:
    """Return the file name of a kind's schema, or of the fleet's."""
    return f"{stem}.schema.json"


def find_schema_folder() -> Path:
    """Return where the shipped schemas are: in the package, or beside it in a checkout."""
    # The wheel moves the folder inside, so that an installation has it at all.
    inside = _PACKAGE / "schemas"
    return inside if inside.is_dir() else _PACKAGE.parent / "schemas"


@functools.cache
def load_schema(stem: str) -> Mapping[str, Any]:
    """Return a shipped schema; it is read once, and botocore is not needed for it.

    Raises SchemaNotShippedError when the file is missing or is not JSON.
    """
    path = find_schema_folder() / make_file_name(stem)
    try:
        schema: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SchemaNotShippedError(
            f"{path}: the schema cannot be read ({error}); install bedrock-jobs again, or run"
            " `bedrock-jobs schema` in a checkout"
        ) from error
    return schema


@functools.cache
def get_checker(stem: str) -> SchemaChecker:
    """Return the compiled schema of a kind, or of the fleet's file; compiled once."""
    return SchemaChecker(load_schema(stem))
