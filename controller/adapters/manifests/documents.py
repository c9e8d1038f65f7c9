"""One file's documents, read, checked and judged; the hot path of every verb."""

from __future__ import annotations

import difflib
import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from controller.adapters.host.tree_bounds import Bounds
from controller.adapters.manifests.defaults import Defaults, Layer
from controller.adapters.manifests.discovery import UnfitFileError, content
from controller.adapters.manifests.entries import invalid_entry, valid_entry
from controller.adapters.manifests.source_lines import problem_of
from controller.adapters.schemas.kind_readers import Readable, readable
from controller.adapters.yaml.fast_parser import UnusualError
from controller.adapters.yaml.parser import Document, Text, parse
from controller.adapters.yaml.template_cache import Shapes
from controller.core.documents.decoder import Placed, freely, placed, read
from controller.core.documents.entries import Entry
from controller.core.documents.envelope_values import named
from controller.core.documents.file_names import is_json
from controller.core.documents.nodes import MapNode, Mark, Node, member, place, text_of
from controller.core.findings import Finding
from controller.core.fleet import Fleet
from controller.core.kinds.registry import KINDS
from controller.core.model import API_VERSION, Problem, Source
from controller.core.problems import Code
from controller.core.schema.overlay import laid
from controller.core.validation.manifest_rules import judged

_CONTROL = Code.CONTROL_CHARACTER.code
# A file with more is no manifest, and what follows in it is not read.
_MOST_PROBLEMS = 1_000
_MOST_MANIFESTS = 2_000
_NO_MAPPING = "begin with `apiVersion: bedrock-jobs/v1`; a line of --- parts several manifests"
# JSON may write the slash of our version with a backslash before it.
_VERSION_KEY, _VERSION_NAME = b'"apiVersion"', API_VERSION.split("/")[0].encode()
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class FileRead:
    """What one file holds: its named documents, and every problem found on the way."""

    entries: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """The document under way: its file, its own nodes, and what lies under it."""

    path: str
    root: MapNode
    layers: tuple[Layer, ...]
    name: str | None
    name_mark: Mark


class Documents:
    """Reads files under one fleet's rules; schemas and defaults are loaded once.

    Without ``specs`` the entries come back without their specs, for those who only check.
    """

    def __init__(self, fleet: Fleet, *, specs: bool = True) -> None:
        self._fleet = fleet
        self._specs = specs
        self._defaults = Defaults()
        self._shapes = Shapes()

    def file(self, path: str, bounds: Bounds) -> FileRead:
        """Return a file's documents and problems; no file stops another.

        A JSON file is often something else than a manifest, and then holds nothing.
        """
        try:
            data = content(path, bounds.root)
        except UnfitFileError as error:
            if error.code is Code.TOO_LARGE and is_json(path):
                return FileRead()
            return FileRead((), (error.problem(path),))
        if is_json(path) and not self._is_ours(data, path, bounds):
            return FileRead()
        return self.text(data, path, bounds)

    def text(self, data: bytes, path: str, bounds: Bounds) -> FileRead:
        """Return what a file would hold if these were its bytes."""
        layers = self._defaults.of(os.path.dirname(path), bounds)
        try:
            return FileRead((self._at_once(data, path, layers),))
        except UnusualError:
            return self._closely(parse(data), path, layers)

    def _is_ours(self, data: bytes, path: str, bounds: Bounds) -> bool:
        """Whether a JSON file is a manifest, or a broken one: that must not go unseen."""
        if _VERSION_KEY not in data or _VERSION_NAME not in data:
            return False
        text = parse(data)
        if any(document.broken for document in text.documents) or not text.documents:
            return True
        layers = self._defaults.of(os.path.dirname(path), bounds)
        return any(
            text_of(document.root, "apiVersion") == API_VERSION
            and _kind_name(document.root, layers) in KINDS
            for document in text.documents
        )

    def _at_once(self, data: bytes, path: str, layers: tuple[Layer, ...]) -> Entry:
        """Return a text's only document, if it is plain and valid; else UnusualError is raised."""

        def known_of(name: str | None) -> Readable:
            known = readable(_inherited_kind(layers) if name is None else name)
            if known is None:
                raise UnusualError
            return known

        known, written, line, column = self._shapes.read(data, known_of)
        value, problems = _laid(written, known, layers)
        if problems or not known.checker.is_valid(named(known.kind, value)):
            raise UnusualError
        if any(judged(known.kind, value, known.checker, self._fleet)):
            raise UnusualError
        return valid_entry(path, line, column, known, value, specs=self._specs)

    def _closely(self, text: Text, path: str, layers: tuple[Layer, ...]) -> FileRead:
        if not text.problems and len(text.documents) == 1:
            return self._document(text.documents[0], path, layers, ())
        return self._several(text, path, layers)

    def defaults(self, path: str, bounds: Bounds) -> FileRead:
        """Return the problems of a defaults file that was given by name."""
        layer = self._defaults.layer(path, bounds.root)
        known = readable(layer.kind) or readable(next(iter(KINDS)))
        return FileRead((), layer.value(known)[1] if known else layer.problems)

    def _several(self, text: Text, path: str, layers: tuple[Layer, ...]) -> FileRead:
        shares = _shared(text)
        if not shares:
            return FileRead((), tuple(problem_of(flaw, path) for flaw in text.problems))
        entries: list[Entry] = []
        problems: list[Problem] = []
        for document, flaws in zip(text.documents, shares, strict=True):
            if len(entries) >= _MOST_MANIFESTS:
                problems.append(problem_of(_one_too_many(document.root.start_mark), path))
                break
            made = self._document(document, path, layers, flaws)
            entries += made.entries
            problems += made.problems
            if len(problems) > _MOST_PROBLEMS:
                break
        return FileRead(tuple(entries), tuple(problems))

    def _document(
        self,
        document: Document,
        path: str,
        layers: tuple[Layer, ...],
        flaws: Sequence[Placed],
    ) -> FileRead:
        root = document.root
        if not isinstance(root, MapNode):
            told = "a manifest is a mapping of keys"
            flaw = placed(Code.NOT_A_MAPPING, root.start_mark, told, _NO_MAPPING)
            return FileRead((), tuple(problem_of(each, path) for each in (*flaws, flaw)))
        at = _placed_document(root, path, layers)
        known = readable(_kind_name(root, layers))
        if known is None:
            problems = _without_kind(document, at, flaws)
            return FileRead((), tuple(problems))
        if document.broken:
            return _invalid(at, known, {}, [problem_of(flaw, path) for flaw in flaws])
        return self._read(known, at, flaws)

    def _read(self, known: Readable, at: _Place, flaws: Sequence[Placed]) -> FileRead:
        """Read a whole document of a known kind, and hold it against all that binds it."""
        value, misread = read(at.root, known.grammar)
        value, inherited = _laid(value, known, at.layers)
        problems = [problem_of(flaw, at.path) for flaw in (*flaws, *misread)] + inherited
        full = named(known.kind, value)
        if problems or not known.checker.is_valid(full):
            problems += _located(at, known, known.findings(full), problems)
        if not problems:
            found = tuple(judged(known.kind, value, known.checker, self._fleet))
            problems = _located(at, known, found, ())
        if problems:
            return _invalid(at, known, value, problems)
        line, column = at.name_mark.line, at.name_mark.column
        return FileRead((valid_entry(at.path, line, column, known, value, specs=self._specs),))


def _laid(
    value: dict[str, Any], known: Readable, layers: Sequence[Layer]
) -> tuple[dict[str, Any], list[Problem]]:
    """Return a document's value laid over its defaults, with all problems of those."""
    problems: list[Problem] = []
    for layer in layers:
        inherited, flaws = layer.value(known)
        value = laid(value, inherited)
        problems += flaws
    return value, problems


def _one_too_many(mark: Mark) -> Placed:
    message = f"the file has more than {_MOST_MANIFESTS} manifests, and reading ends here"
    return placed(Code.TOO_LARGE, mark, message, "split it into several files")


def _shared(text: Text) -> list[list[Placed]]:
    """Return each document's share of a file's mistakes: those between it and the next one."""
    shares: list[list[Placed]] = [[] for _ in text.documents]
    starts = [document.root.start_mark.line + 1 for document in text.documents]
    for flaw in text.problems if shares else ():
        shares[max(0, bisect_right(starts, flaw.line) - 1)].append(flaw)
    return shares


def _placed_document(root: MapNode, path: str, layers: tuple[Layer, ...]) -> _Place:
    metadata = member(root, "metadata")
    found = member(metadata[1], "name") if metadata else None
    if found is not None and found[1].value:
        return _Place(path, root, layers, found[1].value, found[1].start_mark)
    # A name that a merge key brings in has its place too, only a slower one.
    mark, _ = place(root, ("metadata", "name"))
    return _Place(path, root, layers, None, mark)


def _kind_name(root: Node, layers: Sequence[Layer]) -> str | None:
    own = text_of(root, "kind")
    return own if own is not None else _inherited_kind(layers)


def _inherited_kind(layers: Sequence[Layer]) -> str | None:
    return next((layer.kind for layer in layers if layer.kind), None)


def _without_kind(document: Document, at: _Place, flaws: Sequence[Placed]) -> Iterator[Problem]:
    """Yield the problems of a document that no schema can be held against."""
    for flaw in flaws:
        yield problem_of(flaw, at.path)
    if document.broken:
        return
    _, misread = read(at.root, freely())
    for flaw in (*misread, *_header(at.root)):
        yield problem_of(flaw, at.path)


def _header(root: MapNode) -> Iterator[Placed]:
    """Yield what is wrong with the two members that say what a document is."""
    version, kind = member(root, "apiVersion"), member(root, "kind")
    if version is None:
        message = "the key `apiVersion` is missing"
        yield placed(Code.MISSING_KEY, root.start_mark, message, f"add apiVersion: {API_VERSION}")
    elif text_of(root, "apiVersion") != API_VERSION:
        message = f"the apiVersion is not {API_VERSION}"
        hint = "keep files that are no manifests outside the manifests' folder"
        yield placed(Code.UNKNOWN_VERSION, version[1].start_mark, message, hint)
    offered = ", ".join(KINDS)
    if kind is None:
        hint = f"add kind: {offered}"
        yield placed(Code.MISSING_KEY, root.start_mark, "the key `kind` is missing", hint)
        return
    given = text_of(root, "kind") or ""
    near = difflib.get_close_matches(given[:100], list(KINDS), n=1)
    hint = f"did you mean {near[0]}?" if near else f"offered: {offered}"
    yield placed(Code.UNKNOWN_KIND, kind[1].start_mark, "the kind is not offered", hint)


def _located(
    at: _Place, known: Readable, findings: Sequence[Finding], told: Sequence[Problem]
) -> list[Problem]:
    """Return findings as problems where their values stand, less those already told there."""
    taken = {problem.source for problem in told}
    # What a line with a forbidden character holds was not read as it stands.
    garbled = {problem.source.line for problem in told if problem.code == _CONTROL}
    problems = []
    for finding in findings:
        source, hint = _source(at, known, finding)
        if source not in taken and source.line not in garbled:
            problems.append(Problem(finding.code.code, finding.message, source, hint))
    return problems


def _source(at: _Place, known: Readable, finding: Finding) -> tuple[Source, str]:
    """Return where a finding's value is written: here, or in the defaults that it comes from."""
    path, root = at.path, at.root
    mark, held = place(root, finding.path, on_key=finding.on_key)
    for layer in at.layers if held < len(finding.path) else ():
        if layer.root is not None:
            lower, reached = place(layer.root, finding.path, on_key=finding.on_key)
            if reached > held:
                path, mark, held = layer.path, lower, reached
    hint = finding.hint
    if held < len(finding.path) and finding.path[-1] in known.kind.suffixed_members:
        path, mark = at.path, at.name_mark
        hint = f"{finding.path[-1]} is taken from metadata.name; change that, or write it in spec"
    return Source(path, mark.line + 1, mark.column + 1), hint


def _invalid(
    at: _Place, known: Readable, value: dict[str, Any], problems: Sequence[Problem]
) -> FileRead:
    """Return an invalid document as an entry, if it has a name that a job can have."""
    if at.name is None or not _NAME.fullmatch(at.name):
        return FileRead((), tuple(problems))
    entry = invalid_entry(at.path, (at.name, at.name_mark), known, value, problems)
    return FileRead((entry,), entry.problems)
