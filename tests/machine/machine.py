"""Random lives of a small fleet: whatever happens, no job is made that nobody asked for.

The shell is the real one: manifests on disk and the loader, sidecars, the adapter for AWS over
HTTP on loopback, and the simulated service in this process. A model beside it knows which jobs
may exist.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from controller.core.identity.tokens import fill_names
from controller.core.model import Target
from controller.core.planning.rules_removed import CleanupOptions
from controller.engine.reconcile import Mode
from controller.ports import CloudError
from controller.sandbox.jobs.faults import Fault
from tests.machine import oracles
from tests.machine.controller import Controllers, Reading
from tests.machine.draws import (
    EDITS,
    FAULTS,
    GARBAGE,
    NAMES,
    OWNERS,
    POLICIES,
    SECONDS,
    SPEC_WORDS,
    STATES,
    STEMS,
    STRANGERS,
    SWITCHES,
    WRITTEN,
    Edit,
    Policy,
)
from tests.machine.edits import Edits
from tests.machine.model import STRANGE, Model
from tests.machine.mortal import CrashError, Fate
from tests.machine.project import SPECS, Document, Project
from tests.machine.service import KIND, Walks
from tests.support.manifests import REGION


class FleetMachine(Edits, RuleBasedStateMachine):
    """Manifests, sidecars, faults and time, in any order."""

    def __init__(self, walks: Walks) -> None:
        super().__init__()
        walks.walks += 1
        self.walks, self.service = walks, walks.service
        self.service.empty()
        self.folder = Path(tempfile.mkdtemp())
        self.project = Project(self.folder)
        self.project.jobs.mkdir()
        self.controllers = Controllers(self.service, walks.cloud)
        self.model = Model()
        self.slow: Reading | None = None
        self.deleted: list[tuple[str, tuple[Document, ...]]] = []
        self.spoilt: dict[Path, bytes] = {}
        self.attempts: dict[str, int] = {}
        self.older: list[dict[Path, bytes]] = []
        self.project.own("acme-ml")

    def teardown(self) -> None:
        """Once all is quiet, passes converge and tell the truth."""
        try:
            found = list(oracles.settled(self.project, self.controllers, self.service))
            self._hold(found)
            self.everything_is_as_asked()
        finally:
            shutil.rmtree(self.folder)

    @initialize(switches=SWITCHES, width=st.sampled_from([1, 4]))
    def settle_the_unknowns(self, switches: dict[str, Any], width: int) -> None:
        """The service is of one nature for a whole walk, and so is the machine."""
        self.service.behave(switches)
        self.controllers.width = width

    @initialize(edits=st.lists(WRITTEN, max_size=5), stem=STEMS)
    def begin_with_some(self, edits: list[Edit], stem: str) -> None:
        """Some manifests stand in a file."""
        for edit in edits:
            self._edit(edit, stem)

    @rule(edit=WRITTEN, stem=STEMS)
    def write_manifest(self, edit: Edit, stem: str) -> None:
        """A manifest is added to a file, or edited where it stands."""
        self._edit(edit, stem)

    @precondition(lambda self: self.project.files)
    @rule(data=st.data(), state=STATES, policy=POLICIES)
    def change_policy(self, data: st.DataObject, state: str, policy: Policy) -> None:
        """A manifest asks for another state, for other attempts, tags and so on."""
        stem, document = self._some(data)
        self.tag_by_others()
        self._put(stem, replace(document, state=state, **policy))

    @precondition(lambda self: self.project.files)
    @rule(data=st.data(), spec=SPEC_WORDS)
    def change_spec(self, data: st.DataObject, spec: str) -> None:
        """A manifest's spec is edited."""
        stem, document = self._some(data)
        self._put(stem, replace(document, spec=spec))

    @precondition(lambda self: self.project.files)
    @rule(data=st.data(), name=NAMES)
    def rename_manifest(self, data: st.DataObject, name: str) -> None:
        """A manifest gets another name, its spec and place stay."""
        stem, document = self._some(data)
        if self.project.place_of(name) is None:
            rest = tuple(one for one in self.project.files[stem] if one != document)
            self.project.put(stem, rest)
            self._put(stem, replace(document, name=name))

    @precondition(lambda self: self.project.files)
    @rule(data=st.data(), stem=STEMS)
    def move_manifest(self, data: st.DataObject, stem: str) -> None:
        """A document goes to another file; what its old sidecar holds stays there."""
        origin, document = self._some(data)
        self._take(origin, document)
        self._put(stem, document)

    @precondition(lambda self: self.project.files)
    @rule(data=st.data(), stem=STEMS, along=st.booleans())
    def move_file(self, data: st.DataObject, stem: str, along: bool) -> None:
        """A file gets another name or folder, with or without its sidecar."""
        origin = data.draw(st.sampled_from(sorted(self.project.files)))
        if stem in self.project.files:
            return
        documents = self.project.files[origin]
        self.project.put(origin, ())
        self.project.put(stem, documents)
        sidecar = self.project.sidecar(origin)
        if along and sidecar.exists():
            self._spoil(self.project.sidecar(stem), sidecar.read_bytes())
            sidecar.unlink()

    @precondition(lambda self: self.project.files)
    @rule(data=st.data())
    def delete_file(self, data: st.DataObject) -> None:
        """A file of manifests goes; its jobs and sidecar stay."""
        stem = data.draw(st.sampled_from(sorted(self.project.files)))
        self.deleted.append((stem, self.project.files[stem]))
        self.project.put(stem, ())

    @precondition(lambda self: self.deleted)
    @rule(data=st.data())
    def restore_file(self, data: st.DataObject) -> None:
        """A deleted file is again as it was, but for names that stand elsewhere now."""
        stem, documents = data.draw(st.sampled_from(self.deleted))
        for one in documents:
            if self.project.place_of(one.name) is None:
                self._put(stem, one)

    @rule(owner=OWNERS)
    def change_owner(self, owner: str) -> None:
        """The fleet's file names another owner: every token changes with it."""
        self.project.own(owner)
        self._learn()

    @rule(name=STRANGERS, spec=st.sampled_from(["plain", "edited", "secret"]))
    def make_elsewhere(self, name: str, spec: str) -> None:
        """Somebody else makes a job of that name, or is refused."""
        request = fill_names(KIND, SPECS[spec], name)
        token = f"{STRANGE}{name}-{spec}"
        self.model.asked.setdefault((name, token), set())
        try:
            self.service.cloud.create(KIND, Target(region=REGION), request, token)
        except CloudError:
            return

    @precondition(lambda self: any(job.token.startswith(STRANGE) for job in self.service.jobs()))
    @rule(data=st.data(), state=STATES, stem=STEMS, told=st.booleans())
    def adopt(self, data: st.DataObject, state: str, stem: str, told: bool) -> None:
        """A manifest asks for a job that somebody else made, by its spec or by another one."""
        strange = [job for job in self.service.jobs() if job.token.startswith(STRANGE)]
        job = data.draw(st.sampled_from(strange))
        spec = job.token.rpartition("-")[2] if told else "plain"
        place = self.project.place_of(job.name) or stem
        self._put(place, Document(job.name, spec, state, adopt=job.arn))

    @rule(
        mode=st.sampled_from([Mode.APPLY, Mode.APPLY, Mode.APPLY, Mode.RECORD, Mode.PLAN]),
        edit=EDITS,
    )
    def make_a_pass(self, mode: Mode, edit: Edit | None) -> None:
        """One pass, as far as the mode goes."""
        self._edit(edit)
        self.controllers.reconcile(self.project.jobs, mode)

    @rule(fault=FAULTS, edit=EDITS)
    def make_a_pass_with_a_fault(self, fault: Fault, edit: Edit | None) -> None:
        """One pass, in which the service has a bad moment, which then is over."""
        self._edit(edit)
        self.service.order(fault)
        self._reconcile()
        self.service.mend()

    @rule(steps=st.integers(1, 16), after=st.booleans(), edit=EDITS)
    def crash_in_a_pass(self, steps: int, after: bool, edit: Edit | None) -> None:
        """A controller dies at a call out or a write, before or after it takes effect."""
        self._edit(edit)
        try:
            self.controllers.reconcile(self.project.jobs, fate=Fate(steps, after))
        except CrashError:
            return

    @rule(steps=st.integers(1, 40), edit=EDITS, collect=st.booleans())
    def prune(self, steps: int, edit: Edit | None, collect: bool) -> None:
        """A pass may stop jobs without a manifest, and drop their entries, unless it dies first."""
        self._edit(edit)
        self.model.prune(self.project.documents(), self.project.owner)
        cleaning = CleanupOptions(prune=True, force=True, collect=collect)
        try:
            self.controllers.reconcile(self.project.jobs, fate=Fate(steps), cleaning=cleaning)
        except CrashError:
            return

    @rule(edit=EDITS)
    def make_two_passes_at_once(self, edit: Edit | None) -> None:
        """Two controllers meet over one project."""
        self._edit(edit)
        with ThreadPoolExecutor(2) as executor:
            for made in [executor.submit(self._reconcile) for _ in range(2)]:
                made.result()

    @rule(steps=st.integers(1, 16), edit=EDITS, within=EDITS)
    def make_a_pass_within_another(
        self, steps: int, edit: Edit | None, within: Edit | None
    ) -> None:
        """A controller is overtaken by an edit and another's whole pass, and goes on."""
        self._edit(edit)

        def overtake() -> None:
            self._edit(within)
            self._reconcile()

        fate = Fate(steps, meanwhile=overtake)
        self.controllers.reconcile(self.project.jobs, fate=fate)

    @rule()
    def begin_a_slow_pass(self) -> None:
        """Another controller reads the project, and takes its time."""
        self.slow = self.controllers.read(self.project.jobs)

    @precondition(lambda self: self.slow)
    @rule()
    def end_the_slow_pass(self) -> None:
        """The other controller goes on with what it read, which may be long out of date."""
        if self.slow is not None:
            self.controllers.act(self.slow)
        self.slow = None

    @precondition(lambda self: self.project.sidecars())
    @rule(data=st.data())
    def delete_sidecar(self, data: st.DataObject) -> None:
        """A sidecar is lost."""
        self._forget()
        data.draw(st.sampled_from(list(self.project.sidecars()))).unlink()

    @rule()
    def delete_all_sidecars(self) -> None:
        """Every sidecar is lost."""
        self._forget()
        for path in self.project.sidecars():
            path.unlink()

    @precondition(lambda self: self.project.sidecars())
    @rule(data=st.data(), content=st.sampled_from([None, *GARBAGE]))
    def spoil_sidecar(self, data: st.DataObject, content: bytes | None) -> None:
        """A sidecar loses its second half, or is overwritten with something else."""
        path = data.draw(st.sampled_from(list(self.project.sidecars())))
        before = path.read_bytes()
        self._spoil(path, before[: len(before) // 2] if content is None else content)

    @rule()
    def lay_sidecars_by(self) -> None:
        """The sidecars are committed as they are."""
        self.older.append(self.project.sidecars())

    @precondition(lambda self: self.older)
    @rule(data=st.data())
    def restore_older_sidecars(self, data: st.DataObject) -> None:
        """Some sidecars are again as they once were."""
        for path, content in data.draw(st.sampled_from(self.older)).items():
            if path.parent.exists():
                self._spoil(path, content)

    @precondition(lambda self: len(self.project.sidecars()) > 1)
    @rule(data=st.data(), both=st.booleans())
    def mix_sidecars_up(self, data: st.DataObject, both: bool) -> None:
        """A sidecar is copied over another, or the two are swapped."""
        found = self.project.sidecars()
        one, other = data.draw(st.permutations(list(found)))[:2]
        self._spoil(other, found[one])
        if both:
            self._spoil(one, found[other])

    @rule(fault=FAULTS)
    def order_a_fault(self, fault: Fault) -> None:
        """From now on calls go wrong."""
        self.service.order(fault)

    @rule()
    def mend_everything(self) -> None:
        """Faults end, and so do lag and quota."""
        self.service.mend()

    @rule(seconds=SECONDS)
    def let_time_pass(self, seconds: float) -> None:
        """The clock goes forward; jobs go through their stages, and end."""
        self.service.advance(seconds)

    @invariant()
    def everything_is_as_asked(self) -> None:
        """Jobs and stops were asked for, sidecars are whole, and the secret shows nowhere."""
        self.walks.steps += 1
        self._hold(self.model.violations(self.service.jobs()))
        self._hold(oracles.torn(self.project, self.spoilt))
        self._hold(oracles.leaks(self.project, self.controllers))

    def _hold(self, found: Iterable[str]) -> None:
        told = list(found)
        assert not told, "\n".join(told)

    def _forget(self) -> None:
        """Whatever a sidecar alone knew is lost."""
        self.model.forgotten |= self.service.unseen()

    def _reconcile(self) -> None:
        self.controllers.reconcile(self.project.jobs)

    def _spoil(self, path: Path, content: bytes) -> None:
        """Overwrite a sidecar, and know it again."""
        self._forget()
        path.write_bytes(content)
        self.spoilt[path] = content
