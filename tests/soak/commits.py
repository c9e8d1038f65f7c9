"""What people do to a project: each commit is a few edits, drawn from a seed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

from tests.machine.edits import Edits
from tests.machine.model import FOREIGN, Model
from tests.machine.project import SPECS, TAGS, Document, Project
from tests.machine.service import Service

STEMS = ("one", "two", "deep/one", "deep/er/three", "team/four", "team/five")
STATES = (*["Submitted"] * 6, "Suspended", "Stopped")
MOST = 14
"""So many manifests at a time; each of them gives way to another sooner or later."""


class Commits(Edits):
    """Writes, edits, renames, moves, removes and restores manifests; tells the model of each."""

    def __init__(self, folder: Path, service: Service, random: Random) -> None:
        self.project, self.model, self.service = Project(folder), Model(), service
        self.attempts: dict[str, int] = {}
        self.random = random
        self.made = 0
        self.prunes = False
        self._serial = 0
        self._deleted: list[tuple[str, tuple[Document, ...]]] = []
        self.project.jobs.mkdir()
        self.project.own("acme-ml")

    def commit(self) -> None:
        """Make up to three edits; before that somebody tags the jobs that there are."""
        self.tag_by_others()
        for _ in range(self.random.choice((1, 1, 2, 3))):
            self._edit_something()
        self.made += 1
        self.gone()

    def gone(self) -> None:
        """Let the model know which jobs may be stopped for want of a manifest."""
        if self.prunes:
            self.model.prune(self.project.documents(), self.project.owner)

    def withdraw(self, stem: str, document: Document) -> None:
        """Take a manifest out of its file."""
        self._take(stem, document)
        self.gone()

    def tag_by_others(self) -> None:
        """Somebody tags every job that there is, and was not tagged yet."""
        for job in self.service.jobs():
            if job.arn not in self.model.foreign:
                self.service.tag(job.arn, dict([FOREIGN]))
                self.model.foreign.add(job.arn)

    def _edit_something(self) -> None:
        here = len(self.project.documents())
        if here < 3 or (here < MOST and self.random.random() < 0.3):
            return self._write()
        if here >= MOST:
            return self._remove()
        edits: tuple[Callable[[], None], ...] = (
            *[self._change_policy] * 3,
            *[self._change_spec] * 3,
            *[self._remove] * 2,
            self._rename,
            self._move,
            self._move_file,
            self._delete_file,
            self._restore,
            self._replace_folder,
        )
        return self.random.choice(edits)()

    def _write(self) -> None:
        self._put(self._stem(), self._drawn(self._name()))

    def _change_policy(self) -> None:
        stem, document = self._any()
        drawn = self._drawn(document.name)
        self._put(stem, replace(drawn, spec=document.spec))

    def _change_spec(self) -> None:
        stem, document = self._any()
        self._put(stem, replace(document, spec=self._spec()))

    def _remove(self) -> None:
        self._take(*self._any())

    def _rename(self) -> None:
        stem, document = self._any()
        self._take(stem, document)
        self._put(stem, replace(document, name=self._name()))

    def _move(self) -> None:
        stem, document = self._any()
        self._take(stem, document)
        self._put(self._stem(), document)

    def _move_file(self) -> None:
        origin, stem = self._any()[0], self._stem()
        if stem not in self.project.files:
            documents = self.project.files[origin]
            self.project.put(origin, ())
            self.project.put(stem, documents)

    def _delete_file(self) -> None:
        stem = self._any()[0]
        self._deleted.append((stem, self.project.files[stem]))
        self.project.put(stem, ())

    def _restore(self) -> None:
        if self._deleted:
            stem, documents = self._deleted.pop()
            for one in documents:
                if self.project.place_of(one.name) is None:
                    self._put(stem, one)

    def _replace_folder(self) -> None:
        """The folder of the manifests is another one, with the same files, as after a clone."""
        copied = self.project.folder / "copied"
        shutil.copytree(self.project.jobs, copied)
        shutil.rmtree(self.project.jobs)
        copied.rename(self.project.jobs)

    def _any(self) -> tuple[str, Document]:
        held = [(stem, one) for stem, those in self.project.files.items() for one in those]
        return self.random.choice(sorted(held, key=lambda pair: pair[1].name))

    def _drawn(self, name: str) -> Document:
        choice = self.random.choice
        return Document(
            name,
            self._spec(),
            choice(STATES),
            retries=choice((0, 1, 2)),
            attempt=choice((0, 0, 0, 0, 1, 2)),
            revises=choice((False, True)),
            stops=choice((False, True)),
            tags=choice(sorted(TAGS)),
        )

    def _spec(self) -> str:
        return self.random.choice(sorted(SPECS))

    def _stem(self) -> str:
        return self.random.choice(STEMS)

    def _name(self) -> str:
        """Return a name of a fleet that goes on: now and then an old one, mostly a new one."""
        if self.random.random() < 0.2:
            old = self.random.choice(("left", *[f"job-{n}" for n in range(self._serial)][-9:]))
            if self.project.place_of(old) is None:
                return old
        self._serial += 1
        return f"job-{self._serial}"
