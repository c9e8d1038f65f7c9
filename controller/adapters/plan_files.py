"""Plan files: written whole or not at all, and read with all that can be wrong with them told."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from controller.adapters.host.tree_files import TooLargeError, TreeRoot, is_stream, root_of
from controller.adapters.host.tree_writes import replace, write_stream
from controller.adapters.schemas import shipped_schemas
from controller.core.model import API_VERSION
from controller.core.saved_plan.format import KIND, PlanFile, document_of, is_whole, plan_file_of

SCHEMA: Final = f"output/{KIND}"
_MODE: Final = 0o644
_LARGEST: Final = 256 << 20
_BEGINNING: Final = 4096
_LONGEST_WORD: Final = 40


class PlaceError(Exception):
    """A plan file cannot be there; the text names the place and the cause."""


class UnfitPlanError(Exception):
    """What a file holds is no plan that this release can carry out; the text says why."""


def check_place(path: Path) -> None:
    """Raise PlaceError where no plan file should be written: over what is none, for example."""
    try:
        _check_place(path)
    except OSError as error:
        raise PlaceError(f"{path}: {error.strerror}: name another file, or remove it") from error


def _check_place(path: Path) -> None:
    root = root_of(path.absolute().parent)
    if root.is_folder(str(path)):
        raise PlaceError(f"{path} is a folder: name a file in it")
    if not root.is_folder(str(path.absolute().parent)):
        raise PlaceError(f"{path}: there is no folder {path.parent}: make it, or name another")
    if not is_stream(str(path)) and not _may_be_replaced(root, path):
        raise PlaceError(f"{path} exists and is no plan file: name another, or remove it")


def _may_be_replaced(root: TreeRoot, path: Path) -> bool:
    beginning = (root.read(str(path), _LARGEST) or b"")[:_BEGINNING]
    return not beginning.strip() or f'"{KIND}"'.encode() in beginning


def write(path: Path, file: PlanFile) -> None:
    """Write a plan file, one line an action; a pipe or a device is written to.

    A link inside the tree stays one, and none is followed out of it. Raises OSError.
    """
    content = _rendered(document_of(file)).encode()
    if is_stream(str(path)):
        write_stream(str(path), content)
        return
    root = root_of(path.absolute().parent)
    replace(root, root.resolve(str(path)) or str(path), content, _MODE)


def _rendered(document: Mapping[str, Any]) -> str:
    parts = []
    for name, value in document.items():
        text = json.dumps(value)
        if name == "actions" and value:
            lines = ",\n".join(f"    {json.dumps(action)}" for action in value)
            text = f"[\n{lines}\n  ]"
        parts.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def read(path: Path, version: str) -> PlanFile:
    """Return the plan that a file holds, as the release of this version wrote it.

    Raises PlaceError where nothing can be read, and UnfitPlanError for what was read.
    """
    document = _document(path, _content(path))
    kind, form, maker = (_word(document.get(name)) for name in ("kind", "apiVersion", "version"))
    if kind != KIND:
        found = f"it is a {kind}" if kind else "it names no kind"
        raise UnfitPlanError(f"{path} is no plan file: {found}. `plan --out FILE` writes one")
    if form != API_VERSION or maker != version:
        raise UnfitPlanError(
            f"{path} was made by bedrock-jobs {maker or '?'} in the format {form or '?'}, and "
            f"this is {version} with {API_VERSION}: only the release that made a plan carries it "
            "out"
        )
    if not is_whole(document):
        raise UnfitPlanError(f"{path} was changed after it was made: its checksum does not fit")
    if not shipped_schemas.checker(SCHEMA).is_valid(document):
        raise UnfitPlanError(f"{path} is damaged: it does not keep the schema of plan files")
    return plan_file_of(document)


def _word(value: Any) -> str:
    """Return what a file says of itself as long as it can be printed, else nothing."""
    is_plain = isinstance(value, str) and len(value) <= _LONGEST_WORD and value.isprintable()
    return value if is_plain else ""


def _content(path: Path) -> bytes:
    try:
        if is_stream(str(path)):
            with path.open("rb") as stream:
                return stream.read(_LARGEST)
        content = root_of(path.absolute().parent).read(str(path), _LARGEST)
    except TooLargeError as error:
        raise UnfitPlanError(f"{path} is no plan file: it is larger than any") from error
    except OSError as error:
        raise PlaceError(f"{path} cannot be read: {error.strerror}") from error
    if content is None:
        raise PlaceError(f"{path} cannot be read: {os.strerror(errno.ENOENT)}")
    return content


def _document(path: Path, content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnfitPlanError(
            f"{path} is no plan file, or not the whole of one: it is no JSON"
        ) from error
    if not isinstance(document, dict):
        raise UnfitPlanError(f"{path} is no plan file: it holds no JSON object")
    return document
