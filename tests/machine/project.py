"""The project that walks change: its manifests on disk, its sidecars, its fleet's file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.scenarios import distilling
from tests.chaos.wishes import Wish, lineage
from tests.support.manifests import failing, manifest, spec, write

SUFFIX = ".status.json"


def healing() -> dict[str, Any]:
    """Return a spec whose job fails in a way that another attempt can heal."""
    return spec(trainingDataConfig={"s3Uri": "s3://acme-training/sandbox-fail-internal.jsonl"})


SPECS: dict[str, dict[str, Any]] = {
    "plain": spec(),
    "edited": spec(hyperParameters={"epochCount": "3", "learningRate": "0.00001"}),
    "failing": failing(),
    "healing": healing(),
    "secret": distilling(),
    "named": spec(jobName="job-of-its-own", customModelName="model-of-its-own"),
    "second": spec(baseModelIdentifier="left"),
}
"""Specs by a word: two that differ in a value, one whose job fails for good and one whose can heal,
one with a sensitive value, one that names its job, and one that trains on a model that is there
only once a job made it."""


TAGS: dict[str, dict[str, Any]] = {
    "": {},
    "team": {"jobTags": [{"key": "team", "value": "support"}]},
    "both": {
        "jobTags": [{"key": "team", "value": "search"}, {"key": "cost", "value": "7"}],
        "customModelTags": [{"key": "tier", "value": "1"}],
    },
}
"""The tags of a spec by a word."""


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest's document, as far as walks tell one from another."""

    name: str
    spec: str
    state: str
    adopt: str | None = None
    retries: int = 0
    attempt: int = 0
    revises: bool = False
    stops: bool = False
    tags: str = ""

    def content(self) -> dict[str, Any]:
        """Return the document as it is written."""
        policy: dict[str, Any] = {"state": self.state, "onFailure": {"retries": self.retries}}
        policy |= {"attempt": self.attempt} | ({"adopt": self.adopt} if self.adopt else {})
        policy |= {"onSpecChange": "NewRevision"} if self.revises else {}
        policy |= {"onDelete": "Stop"} if self.stops else {}
        return manifest(self.name, {**SPECS[self.spec], **TAGS[self.tags]}, policy=policy)

    def lineage(self, owner: str) -> list[Wish]:
        """Return all that it may ever be submitted as, its first name first."""
        content = self.content()
        return [one for by in (False, True) for one in lineage(content, owner, revised=by)]


@dataclass
class Project:
    """A folder with ``jobs/`` and the fleet's file; ``files`` says what stands in which."""

    folder: Path
    owner: str = ""
    files: dict[str, tuple[Document, ...]] = field(default_factory=dict)

    @property
    def jobs(self) -> Path:
        """The folder of the manifests."""
        return self.folder / "jobs"

    def documents(self) -> list[Document]:
        """Return every document of every file."""
        return [document for documents in self.files.values() for document in documents]

    def own(self, owner: str) -> None:
        """Let the fleet's file name an owner, or none."""
        self.owner = owner
        rules = {"owner": owner} if owner else {}
        (self.folder / "bedrock-jobs.yaml").write_text(json.dumps(rules))

    def put(self, stem: str, documents: tuple[Document, ...]) -> None:
        """Let a file hold these documents; without any it is gone."""
        path = self.jobs / f"{stem}.yaml"
        if documents:
            self.files[stem] = documents
            write(path, *(document.content() for document in documents))
        else:
            self.files.pop(stem, None)
            path.unlink(missing_ok=True)

    def place_of(self, name: str) -> str | None:
        """Return the file that a name stands in."""
        return next(
            (stem for stem, held in self.files.items() if name in {one.name for one in held}), None
        )

    def sidecar(self, stem: str) -> Path:
        """Return where the sidecar of a file is, if it has one."""
        return self.jobs / f"{stem}{SUFFIX}"

    def sidecars(self) -> dict[Path, bytes]:
        """Return every sidecar's bytes."""
        return {path: path.read_bytes() for path in sorted(self.jobs.rglob(f"*{SUFFIX}"))}

    def files_on_disk(self) -> dict[str, tuple[int, int, bytes]]:
        """Return of every file when it changed, its inode and its bytes."""
        return {
            str(path): (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes())
            for path in self.folder.rglob("*")
            if path.is_file()
        }
