"""The schemas as files: generated from the installed service model, written and compared."""

from __future__ import annotations

import difflib
import functools
import importlib.metadata
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from controller.adapters.host.tree_files import find_tree_root
from controller.adapters.host.tree_writes import make_folder, rewrite
from controller.adapters.schemas.shipped_schemas import (
    FLEET,
    STEMS,
    make_file_name,
    make_partial_stem,
)
from controller.core.kinds.registry import KINDS
from controller.core.schema.drift import SchemaDifference, compare_schemas
from controller.core.schema.envelope import build_fleet_schema
from controller.core.schema.manifest_schema import build_manifest_schema, build_partial_schema

_SERVICE: Final = "bedrock"
_DIFF_LINES: Final = 20


class InvalidModelError(Exception):
    """The installed botocore's model has a form that no schema can be generated from."""


@functools.cache
def load_service_model() -> Mapping[str, Any]:
    """Return the installed botocore's model of the service, as its JSON holds it."""
    # Loading botocore takes longer than checking a thousand manifests, which never need it.
    from botocore.loaders import create_loader

    loader = create_loader(os.environ.get("AWS_DATA_PATH"))
    model: Mapping[str, Any] = loader.load_service_model(_SERVICE, "service-2")
    return model


def render_schema(schema: Mapping[str, Any]) -> str:
    """Return a schema as its file holds it: the generator's order, two spaces, one last LF."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def generate_schemas(stems: Iterable[str], *, documented: bool = False) -> dict[str, str]:
    """Return the text of each schema by its file name, from the installed service model.

    Raises InvalidModelError.
    """
    try:
        return _generate(frozenset(stems), documented=documented)
    except (LookupError, TypeError, ValueError, re.error) as error:
        text = f"{type(error).__name__} {error}"
        raise InvalidModelError(
            f"the installed botocore's model cannot be read ({text})"
        ) from error


def _generate(wanted: frozenset[str], *, documented: bool) -> dict[str, str]:
    made = {FLEET: build_fleet_schema()} if FLEET in wanted else {}
    for kind in KINDS.values():
        part = make_partial_stem(kind.name)
        if wanted & {kind.name, part}:
            whole = build_manifest_schema(kind, load_service_model(), documented=documented)
            made |= {kind.name: whole, part: build_partial_schema(kind, whole)}
    return {make_file_name(stem): render_schema(made[stem]) for stem in STEMS if stem in wanted}


def write_schemas(folder: Path, files: Mapping[str, str]) -> tuple[Path, ...]:
    """Write what differs and return those paths; a file that is current is not touched."""
    root = find_tree_root(folder)
    make_folder(root, str(folder))
    # Untouched files keep their time, which editors and make watch.
    stale = [folder / name for name in files if _read_text(folder / name) != files[name]]
    for path in stale:
        rewrite(root, str(path), files[path.name].encode())
    return tuple(stale)


def diff_schemas(folder: Path, files: Mapping[str, str]) -> dict[Path, str]:
    """Return, for each file that is not current, the beginning of a unified diff."""
    return {
        folder / name: _diff_file(folder / name, wanted)
        for name, wanted in files.items()
        if _read_text(folder / name) != wanted
    }


def find_drift(folder: Path, files: Mapping[str, str]) -> dict[Path, tuple[SchemaDifference, ...]]:
    """Return, for each schema that is there, what only it or only the model knows."""
    there = {folder / name: _parse_schema(_read_text(folder / name)) for name in files}
    return {
        path: compare_schemas(schema, json.loads(files[path.name]))
        for path, schema in there.items()
        if schema
    }


def get_installed_version() -> str:
    """Return the installed botocore's version, for people."""
    return f"botocore {importlib.metadata.version('botocore')}"


def _parse_schema(text: str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "null")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _read_text(path: Path) -> str | None:
    """Return a file's text, or None where there is no such file or it is not text."""
    content = find_tree_root(path.parent).read(str(path))
    try:
        return None if content is None else content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _diff_file(path: Path, wanted: str) -> str:
    found = _read_text(path)
    if found is None:
        return "the file is missing, or is not UTF-8"
    lines = list(
        difflib.unified_diff(
            found.splitlines(), wanted.splitlines(), str(path), "generated", n=1, lineterm=""
        )
    )
    if not lines:
        return "only line ends differ"
    rest = len(lines) - _DIFF_LINES
    return "\n".join(lines[:_DIFF_LINES] + ([f"… and {rest} more lines"] if rest > 0 else []))
