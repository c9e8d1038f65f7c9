"""Manifests made from requests as others write them, and from jobs as Get shows them.

A manifest from a request sends that very request; one from a live job asks for what the job is, so
that it is adopted and nothing is submitted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from controller.core.documents.nodes import Path
from controller.core.identity.tags import STAMP
from controller.core.identity.tokens import fill_names
from controller.core.jobs.diff import compare_members
from controller.core.kinds.base_models import get_foundation_model
from controller.core.kinds.kind import Comparison, Kind
from controller.core.model import API_VERSION, LiveJob, Place, Target
from controller.core.schema.paths import follow_step

_RESERVED: Final = ("aws:", STAMP)
"""What the keys of tags begin with that are not the manifest's to set."""
_FILL_IN: Final = "<value>"
_FILL_IN_MAP: Final = MappingProxyType({"<key>": _FILL_IN})
"""What stands for a sensitive mapping; no schema takes it, so it cannot be overlooked."""
_ANYWHERE: Final = Target()
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_UNFIT: Final = re.compile(r"[^a-z0-9]+")
_LONGEST: Final = 63
_DEFAULTED: Final = "As the service shows them; those that were not given hold its defaults."
_RESOLVED: Final = "As the service resolved it; what was submitted may have been shorter."
_HIDDEN: Final = "Write the value that was submitted; adoption holds until it is right."


@dataclass(frozen=True, slots=True)
class ManifestDraft:
    """A manifest that is not written yet; ``comments`` stand above the members at their paths.

    ``notes`` are what its author should know; ``incomplete`` says that values are to be filled in.
    """

    kind: Kind
    name: str
    document: Mapping[str, Any]
    comments: Mapping[Path, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    incomplete: bool = False


def derive_name(job_name: str) -> str:
    """Return the ``metadata.name`` that a job's name leads to: itself, where it may be one."""
    if _LABEL.fullmatch(job_name):
        return job_name
    return _UNFIT.sub("-", job_name.lower()).strip("-")[:_LONGEST].strip("-") or "job"


def draft_from_request(kind: Kind, spec: Mapping[str, Any]) -> ManifestDraft:
    """Return the manifest whose request has exactly these members and values.

    ``spec`` is the request as its schema reads it, without the token; names that
    ``metadata.name`` stands for are left out.
    """
    name = derive_name(str(spec[kind.name_member]))
    given = [member for member in kind.suffixed_members if member not in spec]
    notes = tuple(f"{member} is not in the request: {name} is sent" for member in given)
    return ManifestDraft(kind, name, _build_document(kind, name, spec), notes=notes)


def draft_from_job(
    kind: Kind,
    schema: Mapping[str, Any],
    live: LiveJob,
    tags: Mapping[str, Mapping[str, str]],
    name: str,
    target: Target,
) -> ManifestDraft:
    """Return the manifest that adopts a job as it is.

    ``schema`` is the kind's manifest schema, ``tags`` what is known of each tag member's tags, and
    ``target`` what is to be written of the job's place.
    """
    shape = follow_step(schema, schema, "spec")
    reading = _ResponseReader(kind, schema)
    spec = {
        member: value
        for member, value in reading.iter_members(shape, live.members)
        if value not in (None, {}, [])
    }
    for member, found in tags.items():
        own = {key: found[key] for key in sorted(found) if not key.startswith(_RESERVED)}
        if own:
            spec[member] = [{"key": key, "value": value} for key, value in own.items()]
    document = _build_document(kind, name, spec, target, live.arn)
    comments = {
        ("spec", *path): text
        for path, text in (*reading.hidden.items(), *_list_remarks(kind, shape, spec))
    }
    notes = (*_find_differences(kind, spec, name, live), *_list_hidden(reading))
    return ManifestDraft(kind, name, document, comments, notes, incomplete=bool(reading.hidden))


def build_target(place: Place, fleet: Target) -> Target:
    """Return what a manifest has to say of its place: nothing, where the fleet says it all."""
    if (fleet.account_id, fleet.region) == (place.account_id, place.region):
        return Target()
    return Target(place.region, place.account_id)


def _build_document(
    kind: Kind,
    name: str,
    spec: Mapping[str, Any],
    target: Target = _ANYWHERE,
    adopt: str | None = None,
) -> dict[str, Any]:
    spelt = {
        member: value
        for member, value in spec.items()
        if member not in kind.suffixed_members or value != name
    }
    document: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": kind.name,
        "metadata": {"name": name},
    }
    if target.region and target.account_id:
        document["target"] = {"region": target.region, "accountId": target.account_id}
    if adopt is not None:
        document["policy"] = {"adopt": adopt}
    return {**document, "spec": spelt}


@dataclass(slots=True)
class _ResponseReader:
    """Reads Get's answer as Create's members; ``hidden`` holds where sensitive values stood."""

    kind: Kind
    schema: Mapping[str, Any]
    hidden: dict[Path, str] = field(default_factory=dict)

    def iter_members(
        self, shape: Mapping[str, Any], live: Mapping[str, Any]
    ) -> Iterator[tuple[str, Any]]:
        """Yield each member that Create takes and Get shows, under whichever name."""
        for member, inner in shape.get("properties", {}).items():
            shown = live.get(self.kind.echoes.get(member, member))
            if member in self.kind.tag_members or _is_output(shown, inner):
                continue
            if self.kind.comparisons.get(member) is Comparison.BASE_MODEL:
                shown = _shorten_model(shown)
            yield member, self._read_value(shown, inner, (member,))

    def _read_value(self, shown: Any, shape: Mapping[str, Any], path: Path) -> Any:
        """Return a value without what Create does not take, and without what is empty."""
        if path[-1] in self.kind.sensitive and shown:
            self.hidden[path] = _HIDDEN
            return dict(_FILL_IN_MAP) if isinstance(shown, Mapping) else _FILL_IN
        if isinstance(shown, Mapping):
            return dict(self._read_entries(shown, shape, path))
        if isinstance(shown, list):
            inner = follow_step(self.schema, shape, 0)
            return [self._read_value(item, inner, (*path, at)) for at, item in enumerate(shown)]
        return shown

    def _read_entries(
        self, shown: Mapping[str, Any], shape: Mapping[str, Any], path: Path
    ) -> Iterator[tuple[str, Any]]:
        closed = "properties" in shape
        for name, member in shown.items():
            if closed and name not in shape["properties"]:
                continue
            inner = follow_step(self.schema, shape, name)
            value = self._read_value(member, inner, (*path, name))
            if value not in (None, {}, []):
                yield name, value


def _is_output(shown: Any, shape: Mapping[str, Any]) -> bool:
    """Whether a value is one that the service only ever answers."""
    return "enum" in shape and shown not in shape["enum"]


def _shorten_model(model: Any) -> Any:
    """Return a foundation model's id, which its ARN ends with; anything else as it is."""
    return get_foundation_model(model) or model if isinstance(model, str) else model


def _list_remarks(
    kind: Kind, shape: Mapping[str, Any], spec: Mapping[str, Any]
) -> Iterator[tuple[Path, str]]:
    """Yield what is to be known of members that Get shows otherwise than they were sent."""
    for member in spec:
        node = shape["properties"][member]
        is_open = isinstance(node.get("additionalProperties"), Mapping)
        if is_open and member not in kind.never_filled:
            yield (member,), _DEFAULTED
        elif kind.comparisons.get(member) is Comparison.BASE_MODEL:
            yield (member,), _RESOLVED


def _find_differences(
    kind: Kind, spec: Mapping[str, Any], name: str, live: LiveJob
) -> Iterator[str]:
    """Yield what would keep the job from being adopted, as the plan itself will see it."""
    found = compare_members(kind, fill_names(kind, spec, name), live.members)
    for change in found.changes:
        if not kind.sensitive.isdisjoint(change.member.split(".")):
            continue
        yield f"{change.member} cannot be written as the job has it: {change.live}"


def _list_hidden(reading: _ResponseReader) -> Iterator[str]:
    for path in reading.hidden:
        dotted = ".".join(str(part) for part in path)
        yield f"spec.{dotted} is sensitive and not written: fill in what was submitted"
