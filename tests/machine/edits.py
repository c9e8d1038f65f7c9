"""How walks edit manifests: where they stand, and so that the model knows of it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from tests.machine.draws import Edit
from tests.machine.model import FOREIGN, Model
from tests.machine.project import Document, Project
from tests.machine.service import Service


class Edits:
    """The part of a machine that writes manifests; ``attempts`` are the most asked for by name."""

    project: Project
    model: Model
    service: Service
    attempts: dict[str, int]

    def tag_by_others(self) -> None:
        """Somebody tags every job that there is, before anything is edited."""
        for job in self.service.jobs():
            self.service.tag(job.arn, dict([FOREIGN]))
            self.model.foreign.add(job.arn)

    def _edit(self, edit: Edit | None, stem: str = "two") -> None:
        """Write a manifest where it stands, or else into a file."""
        if edit is not None:
            self.tag_by_others()
            document = Document(*edit[:3], **edit[3])
            self._put(self.project.place_of(document.name) or stem, document)

    def _some(self, data: st.DataObject) -> tuple[str, Document]:
        """Return some document, and the file that it stands in."""
        held = [(stem, one) for stem, those in self.project.files.items() for one in those]
        return data.draw(st.sampled_from(sorted(held, key=lambda pair: pair[1].name)))

    def _put(self, stem: str, document: Document) -> None:
        """Let a file hold a document, in the place of one of that name or behind the others.

        An attempt that was asked for once is never taken back.
        """
        most = max(document.attempt, self.attempts.get(document.name, 0))
        self.attempts[document.name] = most
        document = replace(document, attempt=most)
        held = {one.name: one for one in self.project.files.get(stem, ())}
        held[document.name] = document
        self.project.put(stem, tuple(held.values()))
        self._learn()

    def _take(self, stem: str, document: Document) -> None:
        rest = tuple(one for one in self.project.files[stem] if one != document)
        self.project.put(stem, rest)

    def _learn(self) -> None:
        self.model.learn(self.project.documents(), self.project.owner)
