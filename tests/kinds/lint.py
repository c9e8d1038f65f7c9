"""What a row says, held against the service model: every claim that the model can confirm."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.core.kinds.kind import Kind
from controller.core.schema.shapes import list_reachable_shapes


@dataclass(frozen=True, slots=True)
class Service:
    """The raw service model, with the questions that a row raises."""

    model: Mapping[str, Any]

    @property
    def shapes(self) -> Mapping[str, Mapping[str, Any]]:
        """The shapes by name."""
        shapes: Mapping[str, Mapping[str, Any]] = self.model["shapes"]
        return shapes

    def shape(self, operation: str, side: str) -> str:
        """Return the name of an operation's input or output shape."""
        return str(self.model["operations"][operation][side]["shape"])

    def members(self, operation: str, side: str) -> Mapping[str, Any]:
        """Return the members of an operation's input or output."""
        members: Mapping[str, Any] = self.shapes[self.shape(operation, side)]["members"]
        return members

    def has(self, root: str, dotted: str) -> bool:
        """Whether a dotted member leads somewhere, through lists as descriptions do."""
        for name in dotted.split("."):
            while self.shapes[root]["type"] == "list":
                root = self.shapes[root]["member"]["shape"]
            members = self.shapes[root].get("members", {})
            if name not in members:
                return False
            root = members[name]["shape"]
        return True

    def sensitive(self, *roots: str) -> frozenset[str]:
        """Return the members under shapes whose values, or whose items, are marked sensitive."""
        return frozenset(
            member
            for root in roots
            for name in list_reachable_shapes(self.shapes, root)
            for member, target in self.shapes[name].get("members", {}).items()
            if self._is_sensitive(target["shape"])
        )

    def _is_sensitive(self, name: str) -> bool:
        shape = self.shapes[name]
        if shape.get("sensitive"):
            return True
        return shape["type"] == "list" and self._is_sensitive(shape["member"]["shape"])


def lint(kind: Kind, model: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a row, one sentence each; an empty list is a sound row."""
    service = Service(model)
    missing = [
        f"there is no operation {kind.get_operation(verb)}"
        for verb in ("Create", "Get", "List", *(["Stop"] if kind.stoppable else []))
        if kind.get_operation(verb) not in model["operations"]
    ]
    if missing:
        return missing
    checks = (
        *(_operations, _create, _get, _list, _words),
        *(_echoes, _tagged, _sensitive, _judgement),
    )
    return [problem for check in checks for problem in check(kind, service)]


def _operations(kind: Kind, service: Service) -> Iterator[str]:
    if not kind.stoppable and f"Stop{kind.name}" in service.model["operations"]:
        yield "Stop exists, but the row says the kind cannot be stopped"
    if kind.stoppable != bool(kind.stopped):
        yield "a kind has stopped statuses if, and only if, it can be stopped"
    for verb in ("Get", "Stop") if kind.stoppable else ("Get",):
        if [*service.members(kind.get_operation(verb), "input")] != [kind.identifier_member]:
            yield f"{verb} does not take {kind.identifier_member} alone"


def _create(kind: Kind, service: Service) -> Iterator[str]:
    members = service.members(kind.get_operation("Create"), "input")
    for name in (kind.name_member, kind.token_member, *kind.suffixed_members):
        if name not in members:
            yield f"Create has no member {name}"
    if kind.name_member not in kind.suffixed_members:
        yield "the job's name takes no suffix"
    tokens = [name for name, member in members.items() if member.get("idempotencyToken")]
    if tokens and tokens != [kind.token_member]:
        yield f"Create's token is {tokens}, not {kind.token_member}"
    tags = {name for name, member in members.items() if member["shape"] == "TagList"}
    if tags != set(kind.tag_members):
        yield f"Create's tags are {sorted(tags)}"
    if kind.arn_member not in service.members(kind.get_operation("Create"), "output"):
        yield f"Create does not answer with {kind.arn_member}"


def _get(kind: Kind, service: Service) -> Iterator[str]:
    members = service.members(kind.get_operation("Get"), "output")
    shown = [kind.name_member, kind.arn_member, kind.status_member, kind.created_member]
    optional = [kind.failure_member, kind.modified_member, kind.ended_member, kind.stages_member]
    for name in [*shown, *filter(None, optional)]:
        if name not in members:
            yield f"Get does not show {name}"
    arns = service.shapes.get(members.get(kind.arn_member, {}).get("shape", ""), {})
    if kind.resource not in _resources(arns):
        yield f"{kind.arn_member} is not the ARN of a {kind.resource}"
    if not kind.ended_member and "endTime" in members:
        yield "Get shows endTime, which the row does not know"
    if kind.echoes_token != (kind.token_member in members):
        yield "the row is wrong on whether Get echoes the token"


def _list(kind: Kind, service: Service) -> Iterator[str]:
    operation = kind.get_operation("List")
    answer = service.members(operation, "output")
    lists = {n for n, m in answer.items() if service.shapes[m["shape"]]["type"] == "list"}
    if lists != {kind.summaries_member}:
        yield f"List's summaries are {sorted(lists)}"
        return
    item = service.shapes[answer[kind.summaries_member]["shape"]]["member"]["shape"]
    name = kind.listed_name_member or kind.name_member
    for member in (name, kind.arn_member, kind.status_member, kind.created_member):
        if member not in service.shapes[item]["members"]:
            yield f"a summary does not show {member}"
    filtered = "statusEquals" in service.members(operation, "input")
    if filtered != bool(kind.listed_as_active):
        yield "listed_as_active stands if, and only if, List filters by status"


def _words(kind: Kind, service: Service) -> Iterator[str]:
    shape = service.members(kind.get_operation("Get"), "output")[kind.status_member]["shape"]
    known = set(service.shapes[shape]["enum"])
    groups = (kind.active, kind.succeeded, kind.failed, kind.stopped)
    if set().union(*groups) != known:
        yield f"the statuses differ by {sorted(set().union(*groups) ^ known)}"
    if sum(map(len, groups)) != len(set().union(*groups)):
        yield "a status stands in two groups"
    if not kind.stopping <= kind.active:
        yield "a stopping status is not active"
    if kind.listed_as_active and kind.listed_as_active not in kind.active:
        yield "listed_as_active is not an active status"


def _echoes(kind: Kind, service: Service) -> Iterator[str]:
    sent = service.members(kind.get_operation("Create"), "input")
    shown = service.members(kind.get_operation("Get"), "output")
    for ours, theirs in kind.echoes.items():
        if ours not in sent or theirs not in shown:
            yield f"{ours} is not echoed as {theirs}"
    silent = set(sent) - set(shown) - set(kind.echoes) - set(kind.tag_members)
    if silent - {kind.token_member}:
        yield f"nothing says how Get shows {sorted(silent - {kind.token_member})}"


def _tagged(kind: Kind, service: Service) -> Iterator[str]:
    shown = service.members(kind.get_operation("Get"), "output")
    takes = _resources(service.shapes["TaggableResourcesArn"])
    taggable = {
        name
        for name, member in shown.items()
        if takes & _resources(service.shapes[member["shape"]])
    }
    for tags in kind.tag_members:
        if tags not in kind.tagged and kind.arn_member in taggable:
            yield f"nothing says which ARN carries {tags}"
    for tags, carrier in kind.tagged.items():
        if tags not in kind.tag_members:
            yield f"{tags} is tagged, but is no tag member"
        if carrier not in taggable:
            yield f"the service takes no tags for {carrier}"


def _resources(shape: Mapping[str, Any]) -> set[str]:
    """Return the types of resource that the pattern of an ARN spells out."""
    return set(re.findall(r"(?<![a-z-])[a-z]{3,}(?:-[a-z0-9]+)+", str(shape.get("pattern", ""))))


def _sensitive(kind: Kind, service: Service) -> Iterator[str]:
    marked = service.sensitive(
        service.shape(kind.get_operation("Create"), "input"),
        service.shape(kind.get_operation("Get"), "output"),
    )
    if marked != kind.sensitive:
        yield f"the sensitive members differ by {sorted(marked ^ kind.sensitive)}"


def _member(described: str) -> str:
    """Return the dotted member that a description is of, be it of its items or its values."""
    return described.removesuffix("[]").removesuffix("{}")


def _judgement(kind: Kind, service: Service) -> Iterator[str]:
    root = service.shape(kind.get_operation("Create"), "input")
    under = list_reachable_shapes(service.shapes, root)
    single = [name for name in (kind.kms_member, kind.vpc_member) if name]
    dotted = [*kind.comparisons, *kind.role_members, *kind.model_members, *single]
    for name in [*dotted, *kind.never_filled, *map(_member, kind.descriptions)]:
        if not service.has(root, name):
            yield f"Create has no member {name}"
    patterns = {service.shapes[name].get("pattern") for name in under}
    for pattern in set(kind.patterns) - patterns:
        yield f"no shape has the pattern {pattern}"
    for name, values in kind.output_only.items():
        if name not in under or not set(values) < set(service.shapes[name].get("enum", ())):
            yield f"{name} does not have the values {values}"
    for way, variant in kind.variants.items():
        for name in variant.leave_out:
            if not service.has(root, name):
                yield f"{way} leaves out {name}, which Create does not have"
