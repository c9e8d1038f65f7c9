"""What a folder's manifests rest on: its ``_defaults.yaml`` files, and what bars the folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.adapters.host.tree_bounds import (
    TreeBounds,
    make_nested_problem,
    make_unreadable_problem,
    walk_up,
)
from controller.adapters.host.tree_files import FileUnreadableError, OutsideTreeError, TreeRoot
from controller.adapters.manifests.discovery import UnusableFileError, read_content
from controller.adapters.manifests.source_lines import is_empty, make_empty_problem, make_problem
from controller.adapters.schemas.kind_readers import KindReader, get_partial_reader
from controller.adapters.yaml.parser import parse
from controller.core.documents.decoder import locate_mistake, read
from controller.core.documents.file_names import FLEET_FILE, is_binding, is_defaults
from controller.core.documents.nodes import MapNode, Node, get_member_text, locate_node
from controller.core.findings import ValueFinding
from controller.core.model import Problem, Source
from controller.core.problems import Code


@dataclass(frozen=True, slots=True)
class DefaultsLayer:
    """One defaults file, or what bars a folder; without a root it holds nothing to rest on.

    ``problems`` are those of the file itself; what it holds is checked per kind.
    """

    path: str
    root: Node | None
    problems: tuple[Problem, ...] = ()
    _read: dict[str, tuple[Any, tuple[Problem, ...]]] = field(default_factory=dict)

    @property
    def kind(self) -> str | None:
        """The kind that the file names for the manifests that name none."""
        return None if self.root is None else get_member_text(self.root, "kind")

    def read_value(self, known: KindReader) -> tuple[Any, tuple[Problem, ...]]:
        """Return the file's value as a partial manifest of a kind, with all its problems."""
        name = known.kind.name
        if name not in self._read:
            self._read[name] = self._check_value(known)
        return self._read[name]

    def _check_value(self, known: KindReader) -> tuple[Any, tuple[Problem, ...]]:
        if self.root is None:
            return {}, self.problems
        value, misread = read(self.root, known.grammar)
        taken = {(flaw.line, flaw.column) for flaw in misread}
        findings = (
            *get_partial_reader(known.kind.name).find_mistakes(value),
            *_find_personal_members(known, value),
        )
        problems = [make_problem(flaw, self.path) for flaw in misread]
        for finding in findings:
            mark, _ = locate_node(self.root, finding.path, on_key=finding.on_key)
            source = Source(self.path, mark.line + 1, mark.column + 1)
            if (source.line, source.column) not in taken:
                code = finding.code.code
                problems.append(Problem(code, finding.message, source, finding.hint))
        return value, (*self.problems, *problems)


def _find_personal_members(known: KindReader, value: Any) -> tuple[ValueFinding, ...]:
    """Return what defaults set although it can belong to one job only."""
    members = dict.fromkeys((known.kind.name_member, *known.kind.suffixed_members))
    own = [("metadata", "name"), ("policy", "adopt"), *(("spec", member) for member in members)]
    return tuple(
        ValueFinding(
            Code.UNKNOWN_KEY,
            path,
            f"{'.'.join(path)} belongs to one job, and defaults are for many",
            "set it in the manifest itself",
            on_key=True,
        )
        for path in own
        if isinstance(value.get(path[0]), dict) and value[path[0]].get(path[1]) is not None
    )


def list_defaults_folders(folder: str, top: str) -> Iterator[str]:
    """Yield the absolute folders whose defaults a folder's manifests rest on, the nearest first."""
    for above in walk_up(os.path.normpath(Path(folder).absolute())):
        yield above
        if above == top:
            return


def list_binding_files(folder: str, bounds: TreeBounds) -> tuple[str, ...]:
    """Return the names of a folder's files that count for all below it, in a fixed order.

    Raises FileUnreadableError or OutsideTreeError where that is unknown.
    """
    entries = bounds.find_root(folder).list_folder(folder) or ()
    names = [entry.name for entry in entries if is_binding(entry.name)]
    return tuple(sorted(names, key=lambda name: (name.lower(), name)))


def find_binding_paths(folder: str, bounds: TreeBounds) -> Iterator[str]:
    """Yield the paths of the files that count for a folder's manifests, those known to exist."""
    for above in list_defaults_folders(folder, bounds.top):
        with suppress(FileUnreadableError, OutsideTreeError):
            yield from (f"{above}/{name}" for name in list_binding_files(above, bounds))


class DefaultsCache:
    """Every folder's layers, the nearest first; each file is read once."""

    def __init__(self) -> None:
        self._chains: dict[tuple[str, TreeBounds], tuple[DefaultsLayer, ...]] = {}
        self._folders: dict[tuple[str, TreeBounds], tuple[DefaultsLayer, ...]] = {}
        self._layers: dict[str, DefaultsLayer] = {}

    def get_layers(self, folder: str, bounds: TreeBounds) -> tuple[DefaultsLayer, ...]:
        """Return the layers under a folder's manifests, up to and with the bounds' top."""
        known = self._chains.get((folder, bounds))
        if known is None:
            above = list_defaults_folders(folder, bounds.top)
            found = [
                layer for each in above for layer in self._get_folder_layers(folder, each, bounds)
            ]
            known = self._chains[folder, bounds] = tuple(found)
        return known

    def _get_folder_layers(
        self, folder: str, above: str, bounds: TreeBounds
    ) -> tuple[DefaultsLayer, ...]:
        """Return the layers of one folder on the way up from another."""
        shown_as = above if os.path.isabs(folder) else os.path.relpath(above)
        known = self._folders.get((shown_as, bounds))
        if known is None:
            known = self._folders[shown_as, bounds] = tuple(
                self._read_folder(shown_as, above, bounds)
            )
        return known

    def _read_folder(
        self, folder: str, absolute: str, bounds: TreeBounds
    ) -> Iterator[DefaultsLayer]:
        try:
            names = list_binding_files(absolute, bounds)
            root = bounds.find_root(absolute)
        except (FileUnreadableError, OutsideTreeError) as error:
            yield DefaultsLayer(folder, None, (make_unreadable_problem(folder, error.text),))
            return
        for name in names:
            path = str(Path(folder, name))
            if is_defaults(name):
                yield self.get_layer(path, root)
            elif not bounds.named and (absolute != bounds.top or name != FLEET_FILE):
                yield DefaultsLayer(path, None, (make_nested_problem(path, bounds.top),))

    def get_layer(self, path: str, root: TreeRoot) -> DefaultsLayer:
        """Return one defaults file, read when it is first asked for."""
        if path not in self._layers:
            self._layers[path] = _read_layer(path, root)
        return self._layers[path]


def _read_layer(path: str, root: TreeRoot) -> DefaultsLayer:
    try:
        text = parse(read_content(path, root))
    except UnusableFileError as error:
        return DefaultsLayer(path, None, (error.make_problem(path),))
    problems = tuple(make_problem(flaw, path) for flaw in text.problems)
    if any(document.broken for document in text.documents):
        return DefaultsLayer(path, None, problems)
    if not text.documents:
        return DefaultsLayer(path, None, problems or (make_empty_problem(path),))
    first, *others = (document.root for document in text.documents)
    if is_empty(first):
        return DefaultsLayer(path, None, (*problems, make_empty_problem(path)))
    if not isinstance(first, MapNode):
        return DefaultsLayer(path, None, (*problems, _make_unfit_problem(path, first)))
    return DefaultsLayer(
        path, first, (*problems, *(_make_unfit_problem(path, other) for other in others[:1]))
    )


def _make_unfit_problem(path: str, root: Node) -> Problem:
    message = "defaults are one mapping, in one document"
    hint = "keep one document of keys and values"
    return make_problem(locate_mistake(Code.NOT_A_MAPPING, root.start_mark, message, hint), path)
