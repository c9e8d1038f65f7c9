"""Requests as the AWS CLI takes them, in JSON or YAML, read as the manifest's spec is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from controller.adapters.manifests.source_lines import make_problem
from controller.adapters.schemas.kind_readers import KindReader, get_kind_reader
from controller.adapters.yaml.parser import parse
from controller.core.authoring.job_import import ManifestDraft, derive_name, draft_from_request
from controller.core.authoring.placeholders import PlaceholderFilter
from controller.core.documents.decoder import locate_mistake, read
from controller.core.documents.envelope_values import fill_in_names
from controller.core.documents.nodes import MapNode, Mark, Node, find_member, locate_node
from controller.core.fleet import Fleet, find_violations
from controller.core.kinds.registry import KINDS
from controller.core.model import API_VERSION, Problem, Source, Target
from controller.core.problems import Code
from controller.core.validation.suggestions import find_nearest, format_names

STDIN = "-"
_MIN_FOREIGN = 2
"""Unknown and missing members, of each so many, that make a request another operation's."""
_FORMAT_HINT = "a request is JSON or YAML, as the AWS CLI takes it"
_SKELETON_HINT = "fill in what the AWS CLI's --generate-cli-skeleton prints, and give that file"


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """What one file holds: a manifest's draft, or the problems that keep it from being one."""

    draft: ManifestDraft | None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _RequestFile:
    path: str
    root: MapNode

    def make_problem(
        self, code: Code, message: str, hint: str = "", mark: Mark | None = None
    ) -> Problem:
        return make_problem(
            locate_mistake(code, mark or self.root.start_mark, message, hint), self.path
        )


def read_request(path: str, data: bytes, kind: str | None, fleet: Fleet) -> ParsedRequest:
    """Return the manifest that a request's file leads to, with every problem of the file.

    ``kind`` is the one that is asked for; without it, it is the kind whose Create takes these
    members. What is left out of the request is told in the notes.
    """
    root, problems = _parse_root(path, data)
    if root is None:
        return ParsedRequest(None, problems)
    file = _RequestFile(path, root)
    told = tuple(_find_response_members(file))
    if told:
        return ParsedRequest(None, told)
    known = get_kind_reader(kind or _infer_kind(root))
    foreign = tuple(_find_foreign_members(file, known)) if known else ()
    if known is None or foreign:
        return ParsedRequest(None, foreign)
    return _read_draft(file, known, fleet)


def _parse_root(path: str, data: bytes) -> tuple[MapNode | None, tuple[Problem, ...]]:
    text = parse(data)
    if text.problems:
        told = [make_problem(flaw, path) for flaw in text.problems]
        return None, tuple(replace(one, hint=one.hint or _FORMAT_HINT) for one in told)
    roots: list[Node] = [document.root for document in text.documents]
    if not roots:
        hint = _SKELETON_HINT
        return None, (Problem(Code.NOT_A_MAPPING.code, "there is no request", Source(path), hint),)
    unfit = [root for root in roots if not isinstance(root, MapNode)] or roots[1:]
    if unfit or not isinstance(roots[0], MapNode):
        message = "a file holds one request, and a request is a mapping of members"
        flaw = locate_mistake(Code.NOT_A_MAPPING, unfit[0].start_mark, message, _SKELETON_HINT)
        return None, (make_problem(flaw, path),)
    return roots[0], ()


def _find_response_members(file: _RequestFile) -> Iterator[Problem]:
    """Yield the members that only the service's answers have."""
    for kind in KINDS.values():
        for name in (kind.arn_member, kind.summaries_member):
            found = find_member(file.root, name)
            if found is not None:
                message = f"`{name}` stands in answers only, so this is no request"
                hint = "import the job itself: `bedrock-jobs import --live NAME`"
                yield file.make_problem(Code.UNKNOWN_KEY, message, hint, found[0].start_mark)
                return


def _get_spec_members(known: KindReader) -> Mapping[str, Any]:
    members: Mapping[str, Any] = known.schema["properties"]["spec"]["properties"]
    return members


def _infer_kind(root: MapNode) -> str:
    """Return the kind whose Create takes most of a request's members."""
    given = {key.value for key, _ in root.iter_pairs()}

    def count_members(name: str) -> int:
        known = get_kind_reader(name)
        return len(given.intersection(_get_spec_members(known))) if known else 0

    return max(KINDS, key=count_members)


def _find_foreign_members(file: _RequestFile, known: KindReader) -> Iterator[Problem]:
    """Yield one problem where the members are those of another operation."""
    given = [str(key.value) for key, _ in file.root.iter_pairs()]
    members = {*_get_spec_members(known), known.kind.token_member}
    due = {*known.schema["properties"]["spec"]["required"], *known.kind.suffixed_members}
    missing = due.difference(given)
    strange = [name for name in given if name not in members and not find_nearest(name, missing)]
    if len(missing) >= _MIN_FOREIGN and len(strange) >= _MIN_FOREIGN:
        operation = known.kind.get_operation("Create")
        message = f"this is no request of {operation}: it does not take {format_names(strange)}"
        hint = f"it needs {format_names(sorted(missing))}; {_SKELETON_HINT}"
        yield file.make_problem(Code.UNKNOWN_KEY, message, hint)


def _read_draft(file: _RequestFile, known: KindReader, fleet: Fleet) -> ParsedRequest:
    kind = known.kind
    held = [
        part
        for pair in file.root.iter_pairs()
        if pair[0].value != kind.token_member
        for part in pair
    ]
    notes = []
    if len(held) < len(file.root.held):
        notes.append(f"{kind.token_member} is left out: it is derived from the manifest")
    answered = frozenset(value for values in kind.output_only.values() for value in values)
    sieve = PlaceholderFilter(known.schema, answered)
    shape = known.schema["properties"]["spec"]
    kept = sieve.request(MapNode(file.root.start_mark, held), shape)
    if sieve.dropped:
        notes.append(f"left out, for nobody filled them in: {', '.join(sieve.dropped)}")
        notes += _describe_kept_choices(shape, kept)
    spec, flaws = read(kept, known.grammar.keys["spec"][1])
    problems = [make_problem(flaw, file.path) for flaw in flaws]
    problems += _find_problems(_RequestFile(file.path, kept), known, spec, fleet, tuple(problems))
    if problems:
        return ParsedRequest(None, tuple(problems), tuple(notes))
    return ParsedRequest(draft_from_request(kind, spec), (), tuple(notes))


def _describe_kept_choices(shape: Mapping[str, Any], kept: MapNode) -> Iterator[str]:
    """Yield the members that the skeleton fills in too, with any of their values."""
    for key, value in kept.iter_pairs():
        if "enum" in shape["properties"].get(key.value, {}):
            yield f"{key.value} stays {value.value}: check it, the skeleton picks any of its values"


def _find_problems(
    file: _RequestFile, known: KindReader, spec: Any, fleet: Fleet, told: Sequence[Problem]
) -> Iterator[Problem]:
    """Yield what schema and fleet find wrong with a request, where it stands in its file."""
    kind = known.kind
    job_name = spec.get(kind.name_member)
    if not isinstance(job_name, str):
        message = f"the request has no {kind.name_member}, which names the manifest"
        yield file.make_problem(Code.MISSING_KEY, message, "fill it in")
        job_name = "job"
    document = {
        "apiVersion": API_VERSION,
        "kind": kind.name,
        "metadata": {"name": derive_name(job_name)},
        "spec": spec,
    }
    findings = known.find_mistakes(fill_in_names(kind, document))
    if not findings and not told:
        findings = find_violations(kind, Target(), spec, fleet)
    taken = {problem.source for problem in told}
    for finding in findings:
        mark, _ = locate_node(file.root, finding.path[1:], on_key=finding.on_key)
        problem = file.make_problem(finding.code, finding.message, finding.hint, mark)
        if problem.source not in taken:
            yield problem
