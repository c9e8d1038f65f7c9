"""The ``_defaults.yaml`` files that a folder's manifests rest on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.adapters.discovery import DEFAULTS, UnfitFileError, content, upward
from controller.adapters.kinds import Readable, partial
from controller.adapters.problems import problem_of
from controller.adapters.yaml_events import parse
from controller.core.findings import Finding
from controller.core.model import Problem, Source
from controller.core.node import MapNode, Node, place, text_of
from controller.core.problems import Code
from controller.core.reading import placed, read


@dataclass(frozen=True, slots=True)
class Layer:
    """One defaults file; without a root it holds nothing to rest on.

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


def chain(folder: str, top: str) -> Iterator[str]:
    """Yield every path at which a folder's manifests may have defaults, there or not."""
    for above in folders(folder, top):
        for name in DEFAULTS:
            yield f"{above}/{name}"


class Defaults:
    """Every folder's layers, the nearest first; each file is read once."""

    def __init__(self) -> None:
        self._chains: dict[tuple[str, str], tuple[Layer, ...]] = {}
        self._layers: dict[str, Layer] = {}

    def of(self, folder: str, top: str) -> tuple[Layer, ...]:
        """Return the layers under a folder's manifests, up to and with the folder ``top``."""
        known = self._chains.get((folder, top))
        if known is None:
            known = self._chains[folder, top] = tuple(self._found(folder, top))
        return known

    def _found(self, folder: str, top: str) -> list[Layer]:
        layers: list[Layer] = []
        for above in folders(folder, top):
            shown = Path(above if os.path.isabs(folder) else os.path.relpath(above))
            held = (shown / name for name in DEFAULTS)
            layers += [self.layer(str(path)) for path in held if os.path.lexists(path)]
        return layers

    def layer(self, path: str) -> Layer:
        """Return one defaults file, read when it is first asked for."""
        if path not in self._layers:
            self._layers[path] = _layer(path)
        return self._layers[path]


def _layer(path: str) -> Layer:
    try:
        text = parse(content(path))
    except UnfitFileError as error:
        return Layer(path, None, (error.problem(path),))
    problems = tuple(problem_of(flaw, path) for flaw in text.problems)
    if not text.documents or any(document.broken for document in text.documents):
        return Layer(path, None, problems)
    first, *others = (document.root for document in text.documents)
    if not isinstance(first, MapNode):
        return Layer(path, None, (*problems, _unfit(path, first)))
    return Layer(path, first, (*problems, *(_unfit(path, other) for other in others[:1])))


def _unfit(path: str, root: Node) -> Problem:
    message = "defaults are one mapping, in one document"
    hint = "keep one document of keys and values"
    return problem_of(placed(Code.NOT_A_MAPPING, root.start_mark, message, hint), path)
