"""Modelines of the files in a tree: found, held against the schemas' folder, and mended."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.adapters.host.tree_bounds import find_bounds, format_path
from controller.adapters.host.tree_files import EntryType, FileUnreadableError, TreeRoot
from controller.adapters.host.tree_writes import lock_file, replace
from controller.adapters.manifests.defaults import DefaultsCache, DefaultsLayer
from controller.adapters.manifests.discovery import UnusableFileError, discover_files, read_content
from controller.adapters.schemas.shipped_schemas import FLEET, make_file_name, make_partial_stem
from controller.adapters.yaml.parser import YamlDocument, parse
from controller.core.authoring.modelines import DocumentHeader, find_headers, set_modelines
from controller.core.documents.decoder import make_core_grammar, read
from controller.core.documents.file_names import FLEET_FILE, is_defaults, is_json
from controller.core.documents.nodes import MapNode, find_member, get_member_text
from controller.core.kinds.registry import KINDS

_BOM = b"\xef\xbb\xbf"
_REMOTE = re.compile(r"https?://[^\s?#]+/([^/\s?#]+)")


@dataclass(frozen=True, slots=True)
class ModelineMismatch:
    """A document whose modeline is missing, or leads elsewhere than to its schema.

    ``line`` counts from 1; ``found`` is empty where there is none, ``wanted`` is the path that
    leads from the file to its schema. One that is not ``mendable`` has no line of its own for it.
    """

    path: str
    header: DocumentHeader
    found: str
    wanted: str

    @property
    def line(self) -> int:
        """Where the modeline stands or belongs."""
        return (self.header.line or 0) + 1

    @property
    def is_fixable(self) -> bool:
        """Whether there is a place for the modeline."""
        return self.header.line is not None


@dataclass(frozen=True, slots=True)
class ModelineReport:
    """What a look at a tree found: how many documents have a schema, and those led astray."""

    documents: int
    mismatches: tuple[ModelineMismatch, ...]
    schemas: frozenset[str]
    """The file names of the schemas that those are to be led to."""


def find_modeline_mismatches(paths: Sequence[Path], folder: Path) -> ModelineReport:
    """Every document of a known kind under the paths is held against the schemas' folder.

    The fleet's files beside or above the paths are looked at too. Texts that are not YAML are
    passed over. Raises PathMissingError for a path that does not exist, FileUnreadableError for
    a folder that cannot be listed, and OutsideTreeError.
    """
    found = discover_files(paths)
    fleets = dict.fromkeys(f"{find_bounds(path).top}/{FLEET_FILE}" for path in paths)
    files = [
        # JSON has no comments, and so no room for a modeline.
        *(path for path in found.files if not is_json(path)),
        *_list_defaults_files(paths),
        *(format_path(one) for one in fleets if Path(one).is_file()),
    ]
    documents = [one for path in dict.fromkeys(files) for one in _read_documents(path)]
    astray = tuple(filter(None, (_find_mismatch(*document, folder) for document in documents)))
    return ModelineReport(
        len(documents), astray, frozenset(Path(one.wanted).name for one in astray)
    )


def _list_defaults_files(paths: Sequence[Path]) -> Iterator[str]:
    """Yield the defaults files in the folders that are given, which are no manifests."""
    for path in paths:
        root = find_bounds(path).root
        for folder, entries in root.walk(str(path), _raise_unreadable) if path.is_dir() else ():
            names = (one.name for one in entries if one.kind != EntryType.FOLDER)
            yield from (str(Path(folder, name)) for name in names if is_defaults(name))


def _raise_unreadable(error: FileUnreadableError) -> None:
    raise error


def fix_modelines(path: str, astray: Sequence[ModelineMismatch]) -> None:
    """Put the right modelines into a file; no other byte changes, and no value.

    Raises OSError when the file cannot be written.
    """
    root = find_bounds(path).root
    real = root.resolve(path) or path
    with lock_file(root, real):
        before = read_content(real, root)
        mark = _BOM if before.startswith(_BOM) else b""
        text = before[len(mark) :].decode()
        after = mark + set_modelines(text, {one.header: one.wanted for one in astray}).encode()
        # A comment changes no value; should it ever, the file is worth more than the comment.
        if _read_values(after) == _read_values(before):
            replace(root, real, after, _get_mode(root, real))


def _get_mode(root: TreeRoot, path: str) -> int | None:
    found = root.stat(path)
    return None if found is None else stat.S_IMODE(found.st_mode)


def _read_values(data: bytes) -> list[object]:
    return [read(document.root, make_core_grammar())[0] for document in parse(data).documents]


def _read_documents(path: str) -> Iterator[tuple[str, DocumentHeader, Sequence[str]]]:
    """Yield a file's documents, each with its header and the stems of the schemas that fit it."""
    try:
        data = read_content(path, find_bounds(path).root)
    except (UnusableFileError, FileUnreadableError):
        return
    text = parse(data)
    if text.problems:
        return
    starts = [document.root.start_mark.line for document in text.documents]
    above = find_headers(data.removeprefix(_BOM).decode(), starts)
    for document, header in zip(text.documents, above, strict=True):
        stems = _select_schemas(path, document)
        if stems:
            yield path, header, stems


def _select_schemas(path: str, document: YamlDocument) -> Sequence[str]:
    """Return the stems of the schemas that a document may go by, the best first."""
    if Path(path).name == FLEET_FILE:
        return [FLEET]
    if not isinstance(document.root, MapNode):
        return []
    layers = DefaultsCache().get_layers(str(Path(path).parent), find_bounds(path))
    kind = get_member_text(document.root, "kind") or _get_inherited_kind(layers)
    if is_defaults(Path(path).name):
        return [make_partial_stem(kind if kind in KINDS else next(iter(KINDS)))]
    if kind not in KINDS or not layers:
        return [kind] if kind in KINDS else []
    # What the folder's defaults give, an editor would miss in the manifest itself.
    rests = any(layer.root is not None and find_member(layer.root, "spec") for layer in layers)
    return [make_partial_stem(kind), kind] if rests else [kind, make_partial_stem(kind)]


def _get_inherited_kind(layers: Sequence[DefaultsLayer]) -> str:
    return next((layer.kind for layer in layers if layer.kind), "")


def _find_mismatch(
    path: str, header: DocumentHeader, stems: Sequence[str], folder: Path
) -> ModelineMismatch | None:
    names = [make_file_name(stem) for stem in stems]
    if header.schema is not None and any(
        _is_reference_to(path, header.schema, name) for name in names
    ):
        return None
    wanted = Path(os.path.relpath(folder / names[0], Path(path).parent))
    return ModelineMismatch(path, header, header.schema or "", wanted.as_posix())


def _is_reference_to(path: str, schema: str, name: str) -> bool:
    """Whether a modeline leads to the schema of this name: a file that is there, or a page."""
    remote = _REMOTE.fullmatch(schema)
    if remote:
        return remote[1] == name
    place = Path(path).parent / schema
    return place.name == name and place.is_file()
