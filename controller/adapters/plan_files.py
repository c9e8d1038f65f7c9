"""Plan files: written whole or not at all, and read with all that can be wrong with them told."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from controller.adapters.host.tree_files import TooLargeError, TreeRoot, find_tree_root, is_stream
from controller.adapters.host.tree_writes import replace, write_stream
from controller.adapters.schemas import shipped_schemas
from controller.core.model import API_VERSION
from controller.core.saved_plan.format import (
    KIND,
    PlanFile,
    dump_plan_file,
    is_intact,
    parse_plan_file,
)

SCHEMA: Final = f"output/{KIND}"
_MODE: Final = 0o644
_MAX_BYTES: Final = 256 << 20
_HEAD_BYTES: Final = 4096
_MAX_WORD: Final = 40


class PlanPathError(Exception):
    """A plan file cannot be there; the text names the place and the cause."""


class InvalidPlanError(Exception):
    """What a file holds is no plan that this release can carry out; the text says why."""


def check_path(path: Path) -> None:
    """Raise PlanPathError where no plan file should be written: over what is none, for example."""
    try:
        _check_path(path)
    except OSError as error:
        raise PlanPathError(f"{path}: {error.strerror}: name another file, or remove it") from error


def _check_path(path: Path) -> None:
    root = find_tree_root(path.absolute().parent)
    if root.is_folder(str(path)):
        raise PlanPathError(f"{path} is a folder: name a file in it")
    if not root.is_folder(str(path.absolute().parent)):
        raise PlanPathError(f"{path}: there is no folder {path.parent}: make it, or name another")
    if not is_stream(str(path)) and not _can_replace(root, path):
        raise PlanPathError(f"{path} exists and is no plan file: name another, or remove it")


def _can_replace(root: TreeRoot, path: Path) -> bool:
    beginning = (root.read(str(path), _MAX_BYTES) or b"")[:_HEAD_BYTES]
    return not beginning.strip() or f'"{KIND}"'.encode() in beginning


def write_plan(path: Path, file: PlanFile) -> None:
    """Write a plan file, one line an action; a pipe or a device is written to.

    A link inside the tree stays one, and none is followed out of it. Raises OSError.
    """
    content = _render(dump_plan_file(file)).encode()
    if is_stream(str(path)):
        write_stream(str(path), content)
        return
    root = find_tree_root(path.absolute().parent)
    replace(root, root.resolve(str(path)) or str(path), content, _MODE)


def _render(document: Mapping[str, Any]) -> str:
    parts = []
    for name, value in document.items():
        text = json.dumps(value)
        if name == "actions" and value:
            lines = ",\n".join(f"    {json.dumps(action)}" for action in value)
            text = f"[\n{lines}\n  ]"
        parts.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def read_plan(path: Path, version: str) -> PlanFile:
    """Return the plan that a file holds, as the release of this version wrote it.

    Raises PlanPathError where nothing can be read, and InvalidPlanError for what was read.
    """
    document = _parse_document(path, _read_content(path))
    kind, form, maker = (
        _clean_word(document.get(name)) for name in ("kind", "apiVersion", "version")
    )
    if kind != KIND:
        found = f"it is a {kind}" if kind else "it names no kind"
        raise InvalidPlanError(f"{path} is no plan file: {found}. `plan --out FILE` writes one")
    if form != API_VERSION or maker != version:
        raise InvalidPlanError(
            f"{path} was made by bedrock-jobs {maker or '?'} in the format {form or '?'}, and "
            f"this is {version} with {API_VERSION}: only the release that made a plan carries it "
            "out"
        )
    if not is_intact(document):
        raise InvalidPlanError(f"{path} was changed after it was made: its checksum does not fit")
    if not shipped_schemas.get_checker(SCHEMA).is_valid(document):
        raise InvalidPlanError(f"{path} is damaged: it does not keep the schema of plan files")
    return parse_plan_file(document)


def _clean_word(value: Any) -> str:
    """Return what a file says of itself as long as it can be printed, else nothing."""
    is_plain = isinstance(value, str) and len(value) <= _MAX_WORD and value.isprintable()
    return value if is_plain else ""


def _read_content(path: Path) -> bytes:
    try:
        if is_stream(str(path)):
            with path.open("rb") as stream:
                return stream.read(_MAX_BYTES)
        content = find_tree_root(path.absolute().parent).read(str(path), _MAX_BYTES)
    except TooLargeError as error:
        raise InvalidPlanError(f"{path} is no plan file: it is larger than any") from error
    except OSError as error:
        raise PlanPathError(f"{path} cannot be read: {error.strerror}") from error
    if content is None:
        raise PlanPathError(f"{path} cannot be read: {os.strerror(errno.ENOENT)}")
    return content


def _parse_document(path: Path, content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidPlanError(
            f"{path} is no plan file, or not the whole of one: it is no JSON"
        ) from error
    if not isinstance(document, dict):
        raise InvalidPlanError(f"{path} is no plan file: it holds no JSON object")
    return document
