"""One file's documents, read, checked and judged; the hot path of every verb."""

from __future__ import annotations

import difflib
import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from controller.adapters.host.tree_bounds import TreeBounds
from controller.adapters.manifests.defaults import DefaultsCache, DefaultsLayer
from controller.adapters.manifests.discovery import UnusableFileError, read_content
from controller.adapters.manifests.entries import make_invalid_entry, make_valid_entry
from controller.adapters.manifests.source_lines import make_problem
from controller.adapters.schemas.kind_readers import KindReader, get_kind_reader
from controller.adapters.yaml.fast_parser import UnusualError
from controller.adapters.yaml.parser import ParsedYaml, YamlDocument, parse
from controller.adapters.yaml.template_cache import TemplateCache
from controller.core.documents.decoder import (
    LocatedMistake,
    locate_mistake,
    make_core_grammar,
    read,
)
from controller.core.documents.entries import ManifestDocument
from controller.core.documents.envelope_values import fill_in_names
from controller.core.documents.file_names import is_json
from controller.core.documents.nodes import (
    MapNode,
    Mark,
    Node,
    find_member,
    get_member_text,
    locate_node,
)
from controller.core.findings import ValueFinding
from controller.core.fleet import Fleet
from controller.core.kinds.registry import KINDS
from controller.core.model import API_VERSION, Problem, Source
from controller.core.problems import Code
from controller.core.schema.overlay import overlay_values
from controller.core.validation.manifest_rules import check_manifest

_CONTROL = Code.CONTROL_CHARACTER.code
# A file with more is no manifest, and what follows in it is not read.
_MAX_PROBLEMS = 1_000
_MAX_MANIFESTS = 2_000
_NOT_A_MAPPING_HINT = (
    "begin with `apiVersion: bedrock-jobs/v1`; a line of --- parts several manifests"
)
# JSON may write the slash of our version with a backslash before it.
_VERSION_KEY, _VERSION_NAME = b'"apiVersion"', API_VERSION.split("/")[0].encode()
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What one file holds: its named documents, and every problem found on the way."""

    entries: tuple[ManifestDocument, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _DocumentContext:
    """The document under way: its file, its own nodes, and what lies under it."""

    path: str
    root: MapNode
    layers: tuple[DefaultsLayer, ...]
    name: str | None
    name_mark: Mark


class DocumentReader:
    """Reads files under one fleet's rules; schemas and defaults are loaded once.

    Without ``specs`` the entries come back without their specs, for those who only check.
    """

    def __init__(self, fleet: Fleet, *, specs: bool = True) -> None:
        self._fleet = fleet
        self._specs = specs
        self._defaults = DefaultsCache()
        self._shapes = TemplateCache()

    def read_file(self, path: str, bounds: TreeBounds) -> ParsedFile:
        """Return a file's documents and problems; no file stops another.

        A JSON file is often something else than a manifest, and then holds nothing.
        """
        try:
            data = read_content(path, bounds.root)
        except UnusableFileError as error:
            if error.code is Code.TOO_LARGE and is_json(path):
                return ParsedFile()
            return ParsedFile((), (error.make_problem(path),))
        if is_json(path) and not self._is_manifest(data, path, bounds):
            return ParsedFile()
        return self.parse_text(data, path, bounds)

    def parse_text(self, data: bytes, path: str, bounds: TreeBounds) -> ParsedFile:
        """Return what a file would hold if these were its bytes."""
        layers = self._defaults.get_layers(os.path.dirname(path), bounds)
        try:
            return ParsedFile((self._read_fast(data, path, layers),))
        except UnusualError:
            return self._read_thoroughly(parse(data), path, layers)

    def _is_manifest(self, data: bytes, path: str, bounds: TreeBounds) -> bool:
        """Whether a JSON file is a manifest, or a broken one: that must not go unseen."""
        if _VERSION_KEY not in data or _VERSION_NAME not in data:
            return False
        text = parse(data)
        if any(document.broken for document in text.documents) or not text.documents:
            return True
        layers = self._defaults.get_layers(os.path.dirname(path), bounds)
        return any(
            get_member_text(document.root, "apiVersion") == API_VERSION
            and _get_kind_name(document.root, layers) in KINDS
            for document in text.documents
        )

    def _read_fast(
        self, data: bytes, path: str, layers: tuple[DefaultsLayer, ...]
    ) -> ManifestDocument:
        """Return a text's only document, if it is plain and valid; else UnusualError is raised."""

        def find_reader(name: str | None) -> KindReader:
            known = get_kind_reader(_get_inherited_kind(layers) if name is None else name)
            if known is None:
                raise UnusualError
            return known

        known, written, line, column = self._shapes.read(data, find_reader)
        value, problems = _apply_defaults(written, known, layers)
        if problems or not known.checker.is_valid(fill_in_names(known.kind, value)):
            raise UnusualError
        if any(check_manifest(known.kind, value, known.checker, self._fleet)):
            raise UnusualError
        return make_valid_entry(path, line, column, known, value, specs=self._specs)

    def _read_thoroughly(
        self, text: ParsedYaml, path: str, layers: tuple[DefaultsLayer, ...]
    ) -> ParsedFile:
        if not text.problems and len(text.documents) == 1:
            return self._read_document(text.documents[0], path, layers, ())
        return self._read_documents(text, path, layers)

    def check_defaults(self, path: str, bounds: TreeBounds) -> ParsedFile:
        """Return the problems of a defaults file that was given by name."""
        layer = self._defaults.get_layer(path, bounds.root)
        known = get_kind_reader(layer.kind) or get_kind_reader(next(iter(KINDS)))
        return ParsedFile((), layer.read_value(known)[1] if known else layer.problems)

    def _read_documents(
        self, text: ParsedYaml, path: str, layers: tuple[DefaultsLayer, ...]
    ) -> ParsedFile:
        shares = _divide_mistakes(text)
        if not shares:
            return ParsedFile((), tuple(make_problem(flaw, path) for flaw in text.problems))
        entries: list[ManifestDocument] = []
        problems: list[Problem] = []
        for document, flaws in zip(text.documents, shares, strict=True):
            if len(entries) >= _MAX_MANIFESTS:
                problems.append(make_problem(_make_too_many(document.root.start_mark), path))
                break
            made = self._read_document(document, path, layers, flaws)
            entries += made.entries
            problems += made.problems
            if len(problems) > _MAX_PROBLEMS:
                break
        return ParsedFile(tuple(entries), tuple(problems))

    def _read_document(
        self,
        document: YamlDocument,
        path: str,
        layers: tuple[DefaultsLayer, ...],
        flaws: Sequence[LocatedMistake],
    ) -> ParsedFile:
        root = document.root
        if not isinstance(root, MapNode):
            told = "a manifest is a mapping of keys"
            flaw = locate_mistake(Code.NOT_A_MAPPING, root.start_mark, told, _NOT_A_MAPPING_HINT)
            return ParsedFile((), tuple(make_problem(each, path) for each in (*flaws, flaw)))
        at = _make_context(root, path, layers)
        known = get_kind_reader(_get_kind_name(root, layers))
        if known is None:
            problems = _report_without_kind(document, at, flaws)
            return ParsedFile((), tuple(problems))
        if document.broken:
            return _make_invalid(at, known, {}, [make_problem(flaw, path) for flaw in flaws])
        return self._check_document(known, at, flaws)

    def _check_document(
        self, known: KindReader, at: _DocumentContext, flaws: Sequence[LocatedMistake]
    ) -> ParsedFile:
        """Read a whole document of a known kind, and hold it against all that binds it."""
        value, misread = read(at.root, known.grammar)
        value, inherited = _apply_defaults(value, known, at.layers)
        problems = [make_problem(flaw, at.path) for flaw in (*flaws, *misread)] + inherited
        full = fill_in_names(known.kind, value)
        if problems or not known.checker.is_valid(full):
            problems += _locate_findings(at, known, known.find_mistakes(full), problems)
        if not problems:
            found = tuple(check_manifest(known.kind, value, known.checker, self._fleet))
            problems = _locate_findings(at, known, found, ())
        if problems:
            return _make_invalid(at, known, value, problems)
        line, column = at.name_mark.line, at.name_mark.column
        return ParsedFile(
            (make_valid_entry(at.path, line, column, known, value, specs=self._specs),)
        )


def _apply_defaults(
    value: dict[str, Any], known: KindReader, layers: Sequence[DefaultsLayer]
) -> tuple[dict[str, Any], list[Problem]]:
    """Return a document's value laid over its defaults, with all problems of those."""
    problems: list[Problem] = []
    for layer in layers:
        inherited, flaws = layer.read_value(known)
        value = overlay_values(value, inherited)
        problems += flaws
    return value, problems


def _make_too_many(mark: Mark) -> LocatedMistake:
    message = f"the file has more than {_MAX_MANIFESTS} manifests, and reading ends here"
    return locate_mistake(Code.TOO_LARGE, mark, message, "split it into several files")


def _divide_mistakes(text: ParsedYaml) -> list[list[LocatedMistake]]:
    """Return each document's share of a file's mistakes: those between it and the next one."""
    shares: list[list[LocatedMistake]] = [[] for _ in text.documents]
    starts = [document.root.start_mark.line + 1 for document in text.documents]
    for flaw in text.problems if shares else ():
        shares[max(0, bisect_right(starts, flaw.line) - 1)].append(flaw)
    return shares


def _make_context(root: MapNode, path: str, layers: tuple[DefaultsLayer, ...]) -> _DocumentContext:
    metadata = find_member(root, "metadata")
    found = find_member(metadata[1], "name") if metadata else None
    if found is not None and found[1].value:
        return _DocumentContext(path, root, layers, found[1].value, found[1].start_mark)
    # A name that a merge key brings in has its place too, only a slower one.
    mark, _ = locate_node(root, ("metadata", "name"))
    return _DocumentContext(path, root, layers, None, mark)


def _get_kind_name(root: Node, layers: Sequence[DefaultsLayer]) -> str | None:
    own = get_member_text(root, "kind")
    return own if own is not None else _get_inherited_kind(layers)


def _get_inherited_kind(layers: Sequence[DefaultsLayer]) -> str | None:
    return next((layer.kind for layer in layers if layer.kind), None)


def _report_without_kind(
    document: YamlDocument, at: _DocumentContext, flaws: Sequence[LocatedMistake]
) -> Iterator[Problem]:
    """Yield the problems of a document that no schema can be held against."""
    for flaw in flaws:
        yield make_problem(flaw, at.path)
    if document.broken:
        return
    _, misread = read(at.root, make_core_grammar())
    for flaw in (*misread, *_check_header(at.root)):
        yield make_problem(flaw, at.path)


def _check_header(root: MapNode) -> Iterator[LocatedMistake]:
    """Yield what is wrong with the two members that say what a document is."""
    version, kind = find_member(root, "apiVersion"), find_member(root, "kind")
    if version is None:
        message = "the key `apiVersion` is missing"
        yield locate_mistake(
            Code.MISSING_KEY, root.start_mark, message, f"add apiVersion: {API_VERSION}"
        )
    elif get_member_text(root, "apiVersion") != API_VERSION:
        message = f"the apiVersion is not {API_VERSION}"
        hint = "keep files that are no manifests outside the manifests' folder"
        yield locate_mistake(Code.UNKNOWN_VERSION, version[1].start_mark, message, hint)
    offered = ", ".join(KINDS)
    if kind is None:
        hint = f"add kind: {offered}"
        yield locate_mistake(Code.MISSING_KEY, root.start_mark, "the key `kind` is missing", hint)
        return
    given = get_member_text(root, "kind") or ""
    near = difflib.get_close_matches(given[:100], list(KINDS), n=1)
    hint = f"did you mean {near[0]}?" if near else f"offered: {offered}"
    yield locate_mistake(Code.UNKNOWN_KIND, kind[1].start_mark, "the kind is not offered", hint)


def _locate_findings(
    at: _DocumentContext,
    known: KindReader,
    findings: Sequence[ValueFinding],
    told: Sequence[Problem],
) -> list[Problem]:
    """Return findings as problems where their values stand, less those already told there."""
    taken = {problem.source for problem in told}
    # What a line with a forbidden character holds was not read as it stands.
    garbled = {problem.source.line for problem in told if problem.code == _CONTROL}
    problems = []
    for finding in findings:
        source, hint = _locate_finding(at, known, finding)
        if source not in taken and source.line not in garbled:
            problems.append(Problem(finding.code.code, finding.message, source, hint))
    return problems


def _locate_finding(
    at: _DocumentContext, known: KindReader, finding: ValueFinding
) -> tuple[Source, str]:
    """Return where a finding's value is written: here, or in the defaults that it comes from."""
    path, root = at.path, at.root
    mark, held = locate_node(root, finding.path, on_key=finding.on_key)
    for layer in at.layers if held < len(finding.path) else ():
        if layer.root is not None:
            lower, reached = locate_node(layer.root, finding.path, on_key=finding.on_key)
            if reached > held:
                path, mark, held = layer.path, lower, reached
    hint = finding.hint
    if held < len(finding.path) and finding.path[-1] in known.kind.suffixed_members:
        path, mark = at.path, at.name_mark
        hint = f"{finding.path[-1]} is taken from metadata.name; change that, or write it in spec"
    return Source(path, mark.line + 1, mark.column + 1), hint


def _make_invalid(
    at: _DocumentContext, known: KindReader, value: dict[str, Any], problems: Sequence[Problem]
) -> ParsedFile:
    """Return an invalid document as an entry, if it has a name that a job can have."""
    if at.name is None or not _NAME.fullmatch(at.name):
        return ParsedFile((), tuple(problems))
    entry = make_invalid_entry(at.path, (at.name, at.name_mark), known, value, problems)
    return ParsedFile((entry,), entry.problems)
