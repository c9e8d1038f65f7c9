"""JSON Schemas of manifests and requests, generated from the service model.

The input is the raw service model, as its JSON holds it; the output is draft-07, because that is
what editors read, in an order that only the model and the row decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from controller.core.kinds.descriptions import Node
from controller.core.kinds.kind import Kind
from controller.core.kinds.schema_keywords import REFUSED
from controller.core.schema.envelope import DRAFT, GENERATED, build_envelope
from controller.core.schema.overlay import relax_schema
from controller.core.schema.shapes import ShapeReader, find_recursive_shapes
from controller.core.schema.snippets import SNIPPETS, build_snippets

_WHY_DERIVED: Final = (
    "it is derived from the manifest, so that no job is ever paid for twice; delete it"
)


def build_manifest_schema(
    kind: Kind, service: Mapping[str, Any], *, documented: bool = False
) -> Node:
    """The schema of a kind's manifests holds all that the model and the row know of them.

    ``service`` is the raw service model; ``documented`` adds its documentation to descriptions,
    which is for a user's own editor and never for a file that is passed on.
    """
    root = _find_input_shape(kind, service)
    reader = _make_reader(kind, service, root, as_written=True, documented=documented)
    return {
        "$schema": DRAFT,
        "$comment": GENERATED,
        "title": kind.name,
        "description": f"A manifest of one {kind.name}. See {kind.documentation}",
        **({SNIPPETS: build_snippets(kind)} if kind.variants else {}),
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            **build_envelope(kind.name),
            "spec": _build_spec(kind, reader, root),
        },
        "additionalProperties": False,
        **_build_definitions(reader),
    }


def build_partial_schema(kind: Kind, manifest: Mapping[str, Any]) -> Node:
    """The schema of a kind's partial manifests asks for nothing, and refuses what is wrong.

    ``manifest`` is the kind's manifest schema.
    """
    whole = {key: value for key, value in manifest.items() if key != SNIPPETS}
    return relax_schema(whole) | {
        "title": f"{kind.name}, in part",
        "description": (
            f"A part of a manifest of one {kind.name}: what a folder's _defaults.yaml holds for all"
            " manifests below it, and a manifest that leaves the rest to it."
        ),
    }


def request_schema(kind: Kind, service: Mapping[str, Any]) -> Node:
    """The schema of a kind's Create takes what the service takes on the wire, token included.

    Texts are texts, the names are required, and no overlay of ours applies.
    """
    root = _find_input_shape(kind, service)
    reader = _make_reader(kind, service, root, as_written=False, documented=False)
    return {"$schema": DRAFT, **reader.read_body(root, ""), **_build_definitions(reader)}


def _find_input_shape(kind: Kind, service: Mapping[str, Any]) -> str:
    return str(service["operations"][kind.get_operation("Create")]["input"]["shape"])


def _make_reader(
    kind: Kind, service: Mapping[str, Any], root: str, *, as_written: bool, documented: bool
) -> ShapeReader:
    return ShapeReader(
        shapes=service["shapes"],
        recursive=find_recursive_shapes(service["shapes"], root),
        patterns=kind.patterns,
        output_only=kind.output_only,
        descriptions=kind.descriptions,
        as_written=as_written,
        documented=documented,
    )


def _build_definitions(reader: ShapeReader) -> Node:
    """Return the shapes that contain themselves, under the keyword that references lead to."""
    # Everything else stands inline: beside a reference draft-07 has no room for a description.
    if not reader.recursive:
        return {}
    return {
        "definitions": {name: reader.read_body(name, name) for name in sorted(reader.recursive)}
    }


def _build_spec(kind: Kind, reader: ShapeReader, root: str) -> Node:
    """Return the node of ``spec``: Create's members, less the token, names defaulted."""
    node = reader.read_body(root, "")
    # Left out rather than marked, so that no editor offers to complete it.
    del node["properties"][kind.token_member]
    optional = {kind.token_member, *kind.suffixed_members}
    # The names default to metadata.name, so a manifest need not have them.
    required = [member for member in node.pop("required", ()) if member not in optional]
    spec: Node = {
        "description": f"The members of {kind.get_operation('Create')}: {kind.documentation}",
        "type": node.pop("type"),
        "required": required,
        **node,
        REFUSED: {kind.token_member: _WHY_DERIVED},
    }
    if kind.overlay:
        spec["allOf"] = [dict(rule) for rule in kind.overlay]
    return spec
