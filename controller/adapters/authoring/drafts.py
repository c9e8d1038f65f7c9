"""Drafts of manifests as texts, held against the real loader before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from controller.adapters.host.tree_bounds import TreeBounds, find_bounds
from controller.adapters.host.tree_files import TreeRoot
from controller.adapters.manifests.documents import DocumentReader
from controller.adapters.schemas import shipped_schemas
from controller.core.authoring.job_import import ManifestDraft
from controller.core.authoring.manifest_writer import write_manifest
from controller.core.fleet import Fleet
from controller.core.model import JobKey, Problem, Source
from controller.core.problems import Code


@dataclass(frozen=True, slots=True)
class RenderedDraft:
    """A draft's text, where it is to be written, and what the loader finds wrong with it.

    ``origin`` is what it was made from, for a person.
    """

    draft: ManifestDraft
    origin: str
    text: str
    path: Path | None
    problems: tuple[Problem, ...] = ()


def render_draft(
    draft: ManifestDraft, origin: str, folder: Path | None, where: str, fleet: Fleet
) -> RenderedDraft:
    """Return a draft's text, read back by the loader as it would be in its folder.

    ``where`` is the path to the schema, for the line that editors read. Problems stand at the
    origin: nothing is written yet that they could point into.
    """
    text = write_manifest(
        draft.document, shipped_schemas.load_schema(draft.kind.name), draft.comments, where
    )
    path = None if folder is None else folder / f"{draft.name}.yaml"
    # Without a folder there are no defaults to rest on.
    read = DocumentReader(fleet).parse_text(
        text.encode(),
        str(path or f"{draft.name}.yaml"),
        _make_default_bounds() if folder is None else find_bounds(folder),
    )
    key = JobKey(draft.kind.name, draft.name)
    told = [replace(one, source=Source(origin), key=key) for one in read.problems]
    if not told and [entry.spec for entry in read.entries] != [draft.document["spec"]]:
        told.append(_make_changed_problem(origin, key))
    return RenderedDraft(draft, origin, text, path, tuple(told))


def _make_default_bounds() -> TreeBounds:
    here = str(Path.cwd())
    return TreeBounds(here, TreeRoot.locate(here))


def _make_changed_problem(origin: str, key: JobKey) -> Problem:
    message = "the folder's _defaults.yaml would change the request"
    hint = "choose a folder without them"
    return Problem(Code.COMBINATION.code, message, Source(origin), hint, key)
