"""What a folder's manifests rest on: its ``_defaults.yaml`` files, and what bars the folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.adapters.host.tree_bounds import Bounds, nested, unknown, upward
from controller.adapters.host.tree_files import FileUnreadableError, OutsideTreeError, TreeRoot
from controller.adapters.manifests.discovery import UnfitFileError, content
from controller.adapters.manifests.source_lines import is_nothing, problem_of, says_nothing
from controller.adapters.schemas.kind_readers import Readable, partial
from controller.adapters.yaml.parser import parse
from controller.core.documents.decoder import placed, read
from controller.core.documents.file_names import FLEET_FILE, is_binding, is_defaults
from controller.core.documents.nodes import MapNode, Node, place, text_of
from controller.core.findings import Finding
from controller.core.model import Problem, Source
from controller.core.problems import Code


@dataclass(frozen=True, slots=True)
class Layer:
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
        return None if self.root is None else text_of(self.root, "kind")

    def value(self, known: Readable) -> tuple[Any, tuple[Problem, ...]]:
        """Return the file's value as a partial manifest of a kind, with all its problems."""
        name = known.kind.name
        if name not in self._read:
            self._read[name] = self._checked(known)
        return self._read[name]

    def _checked(self, known: Readable) -> tuple[Any, tuple[Problem, ...]]:
        if self.root is None:
            return {}, self.problems
        value, misread = read(self.root, known.grammar)
        taken = {(flaw.line, flaw.column) for flaw in misread}
        findings = (*partial(known.kind.name).findings(value), *_personal(known, value))
        problems = [problem_of(flaw, self.path) for flaw in misread]
        for finding in findings:
            mark, _ = place(self.root, finding.path, on_key=finding.on_key)
            source = Source(self.path, mark.line + 1, mark.column + 1)
            if (source.line, source.column) not in taken:
                code = finding.code.code
                problems.append(Problem(code, finding.message, source, finding.hint))
        return value, (*self.problems, *problems)


def _personal(known: Readable, value: Any) -> tuple[Finding, ...]:
    """Return what defaults set although it can belong to one job only."""
    members = dict.fromkeys((known.kind.name_member, *known.kind.suffixed_members))
    own = [("metadata", "name"), ("policy", "adopt"), *(("spec", member) for member in members)]
    return tuple(
        Finding(
            Code.UNKNOWN_KEY,
            path,
            f"{'.'.join(path)} belongs to one job, and defaults are for many",
            "set it in the manifest itself",
            on_key=True,
        )
        for path in own
        if isinstance(value.get(path[0]), dict) and value[path[0]].get(path[1]) is not None
    )


def folders(folder: str, top: str) -> Iterator[str]:
    """Yield the absolute folders whose defaults a folder's manifests rest on, the nearest first."""
    for above in upward(os.path.normpath(Path(folder).absolute())):
        yield above
        if above == top:
            return


def binding(folder: str, bounds: Bounds) -> tuple[str, ...]:
    """Return the names of a folder's files that count for all below it, in a fixed order.

    Raises FileUnreadableError or OutsideTreeError where that is unknown.
    """
    entries = bounds.root_for(folder).list_folder(folder) or ()
    names = [entry.name for entry in entries if is_binding(entry.name)]
    return tuple(sorted(names, key=lambda name: (name.lower(), name)))


def bound_by(folder: str, bounds: Bounds) -> Iterator[str]:
    """Yield the paths of the files that count for a folder's manifests, those known to exist."""
    for above in folders(folder, bounds.top):
        with suppress(FileUnreadableError, OutsideTreeError):
            yield from (f"{above}/{name}" for name in binding(above, bounds))


class Defaults:
    """Every folder's layers, the nearest first; each file is read once."""

    def __init__(self) -> None:
        self._chains: dict[tuple[str, Bounds], tuple[Layer, ...]] = {}
        self._folders: dict[tuple[str, Bounds], tuple[Layer, ...]] = {}
        self._layers: dict[str, Layer] = {}

    def of(self, folder: str, bounds: Bounds) -> tuple[Layer, ...]:
        """Return the layers under a folder's manifests, up to and with the bounds' top."""
        known = self._chains.get((folder, bounds))
        if known is None:
            above = folders(folder, bounds.top)
            found = [layer for each in above for layer in self._within(folder, each, bounds)]
            known = self._chains[folder, bounds] = tuple(found)
        return known

    def _within(self, folder: str, above: str, bounds: Bounds) -> tuple[Layer, ...]:
        """Return the layers of one folder on the way up from another."""
        shown_as = above if os.path.isabs(folder) else os.path.relpath(above)
        known = self._folders.get((shown_as, bounds))
        if known is None:
            known = self._folders[shown_as, bounds] = tuple(self._read(shown_as, above, bounds))
        return known

    def _read(self, folder: str, absolute: str, bounds: Bounds) -> Iterator[Layer]:
        try:
            names = binding(absolute, bounds)
            root = bounds.root_for(absolute)
        except (FileUnreadableError, OutsideTreeError) as error:
            yield Layer(folder, None, (unknown(folder, error.text),))
            return
        for name in names:
            path = str(Path(folder, name))
            if is_defaults(name):
                yield self.layer(path, root)
            elif not bounds.named and (absolute != bounds.top or name != FLEET_FILE):
                yield Layer(path, None, (nested(path, bounds.top),))

    def layer(self, path: str, root: TreeRoot) -> Layer:
        """Return one defaults file, read when it is first asked for."""
        if path not in self._layers:
            self._layers[path] = _layer(path, root)
        return self._layers[path]


def _layer(path: str, root: TreeRoot) -> Layer:
    try:
        text = parse(content(path, root))
    except UnfitFileError as error:
        return Layer(path, None, (error.problem(path),))
    problems = tuple(problem_of(flaw, path) for flaw in text.problems)
    if any(document.broken for document in text.documents):
        return Layer(path, None, problems)
    if not text.documents:
        return Layer(path, None, problems or (says_nothing(path),))
    first, *others = (document.root for document in text.documents)
    if is_nothing(first):
        return Layer(path, None, (*problems, says_nothing(path)))
    if not isinstance(first, MapNode):
        return Layer(path, None, (*problems, _unfit(path, first)))
    return Layer(path, first, (*problems, *(_unfit(path, other) for other in others[:1])))


def _unfit(path: str, root: Node) -> Problem:
    message = "defaults are one mapping, in one document"
    hint = "keep one document of keys and values"
    return problem_of(placed(Code.NOT_A_MAPPING, root.start_mark, message, hint), path)
