"""Documents that were read, valid or not, as the entries that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from controller.adapters.schemas.kind_readers import KindReader
from controller.core.documents.entries import ManifestDocument, add_problems
from controller.core.documents.nodes import Mark
from controller.core.fleet import FLEET_RULE_CODES
from controller.core.model import Problem

_MAX_NAME = 63


def make_valid_entry(
    path: str, line: int, column: int, known: KindReader, value: dict[str, Any], *, specs: bool
) -> ManifestDocument:
    """Return a valid document as an entry; line and column are its name's, from 0."""
    name, spec = str(value["metadata"]["name"]), value["spec"]
    return ManifestDocument(
        known.kind.name,
        name,
        path,
        line + 1,
        column + 1,
        spec.get(known.kind.name_member, name),
        value["metadata"].get("labels"),
        value.get("target"),
        value.get("policy"),
        spec if specs else None,
    )


def make_invalid_entry(
    path: str,
    name: tuple[str, Mark],
    known: KindReader,
    value: dict[str, Any],
    problems: Sequence[Problem],
) -> ManifestDocument:
    """Return an invalid document as an entry; its name is given with its place.

    Only what finds its live job is taken over: its name and its target. Where all that is wrong is
    what the fleet does not allow, its policy counts too: a job that is to stop is stopped.
    """
    own, mark = name
    job_name = _select_texts(value.get("spec")).get(known.kind.name_member, own)
    bare = ManifestDocument(
        known.kind.name,
        own,
        path,
        mark.line + 1,
        mark.column + 1,
        job_name if len(job_name) <= _MAX_NAME else own,
        _select_texts(_ensure_mapping(value.get("metadata")).get("labels")),
        _select_texts(value.get("target")),
        value.get("policy") if all(one.code in FLEET_RULE_CODES for one in problems) else None,
    )
    return add_problems(bare, problems)


def _ensure_mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _select_texts(value: Any) -> dict[str, str]:
    return {key: text for key, text in _ensure_mapping(value).items() if isinstance(text, str)}
