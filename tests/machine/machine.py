"""Random lives of a small fleet: whatever happens, no job is made that nobody asked for.

The shell is the real one, with real sidecars on disk; the cloud is the fake that the contract
suite holds to the sandbox. A model beside it knows which jobs may exist.
"""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from controller.core.errors import failure
from controller.core.model import Desired, Failure, Live, Source
from controller.reconcile import Mode
from tests.contract.passes import KIND, Tree

NAMES = st.sampled_from(["left", "middle", "right", "lone"])
SPECS = st.sampled_from(["1", "2"])
FOLDERS = st.sampled_from(["", "moved", "deep/er"])
STATES = st.sampled_from(["Submitted", "Suspended", "Stopped"])
LOST = failure("ReadTimeout", "no answer", reading=False, ambiguous=True)
FAULTS: dict[str, tuple[str, Failure]] = {
    "throttled Create": ("Create", failure("ThrottlingException", "slow down", reading=False)),
    "refused Create": ("Create", failure("ValidationException", "no bucket", reading=False)),
    "denied Create": ("Create", failure("AccessDeniedException", "no", reading=False)),
    "full quota": ("Create", failure("ServiceQuotaExceededException", "full", reading=False)),
    "broken Get": ("Get", failure("InternalServerException", "again", reading=True)),
    "broken List": ("List", failure("InternalServerException", "again", reading=True)),
    "broken Stop": ("Stop", failure("InternalServerException", "again", reading=False)),
    "no identity": ("Place", failure("NoCredentials", "none", reading=True)),
}
GARBAGE = st.sampled_from([b"", b"[]", b"{", b'{"jobs": {"left": 1}}', b"\xff\x00", b"null"])


class CrashError(BaseException):
    """The process dies here; nothing of ours may catch it."""


class Fleet(RuleBasedStateMachine):
    """Manifests, sidecars, faults and time, in any order; ``steps`` counts those of all walks."""

    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.tree = Tree(Path(self._folder.name))
        self.asked: set[str] = set()
        """Tokens of every submission that a manifest ever asked for."""
        self.stoppable: set[str] = set()
        """Names of jobs whose manifests ever asked for a stop."""

    def teardown(self) -> None:
        """Once all is quiet, passes converge and then change nothing."""
        self._quiet()
        self.tree.reconcile()
        self.tree.reconcile()
        before = self.tree.files()
        self.tree.reconcile()
        changed = {operation for operation, _ in self.tree.cloud.calls} & {"Create", "Stop"}
        assert not changed, f"a third pass still calls {changed}"
        assert self.tree.files() == before, "a third pass still writes"
        self._statuses_tell_the_truth()
        self._folder.cleanup()

    @rule(name=NAMES, epochs=SPECS, state=STATES)
    def write_manifest(self, name: str, epochs: str, state: str) -> None:
        """A manifest is added, or edited, or its policy is."""
        spec = {"hyperParameters": {"epochCount": epochs}}
        self._wanted(self.tree.put(name, {"state": state}, **spec))

    @rule(owner=st.sampled_from(["acme-ml", "acme-ml", "other"]))
    def change_owner(self, owner: str) -> None:
        """The fleet's file names another owner: every token changes with it."""
        self.tree.owner = owner
        for name, desired in list(self.tree.jobs.items()):
            submission = desired.submission
            spec = dict(submission.request) if submission else {}
            state = str(desired.policy.state)
            self._wanted(self.tree.put(name, {"state": state}, **spec))

    @precondition(lambda self: self.tree.jobs)
    @rule(data=st.data(), folder=FOLDERS)
    def move_manifest(self, data: st.DataObject, folder: str) -> None:
        """A manifest's file goes to another folder; its sidecar stays where it is."""
        name = data.draw(st.sampled_from(sorted(self.tree.jobs)))
        path = self.tree.folder / folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        source = Source(str(path), 4, 9)
        self.tree.jobs[name] = replace(self.tree.jobs[name], source=source)

    @precondition(lambda self: self.tree.jobs)
    @rule(data=st.data())
    def remove_manifest(self, data: st.DataObject) -> None:
        """A manifest goes; its job and sidecar stay."""
        del self.tree.jobs[data.draw(st.sampled_from(sorted(self.tree.jobs)))]

    @rule(mode=st.sampled_from([Mode.APPLY, Mode.RECORD, Mode.PLAN]))
    def make_a_pass(self, mode: Mode) -> None:
        """One pass, as far as the mode goes."""
        self.tree.reconcile(mode)

    @rule()
    def make_two_passes_at_once(self) -> None:
        """Two controllers meet over one tree."""
        with ThreadPoolExecutor(2) as executor:
            for made in [executor.submit(self.tree.reconcile) for _ in range(2)]:
                made.result()

    @rule(after=st.integers(0, 8))
    def crash_in_a_pass(self, after: int) -> None:
        """A pass dies at one of its calls, before the call takes effect."""
        left = iter(range(after))

        def watcher(_operation: str, _argument: str) -> None:
            if next(left, None) is None:
                raise CrashError

        self.tree.cloud.watcher = watcher
        try:
            self.tree.reconcile()
        except CrashError:
            pass
        finally:
            self.tree.cloud.watcher = lambda _operation, _argument: None

    @rule(name=NAMES)
    def delete_sidecar(self, name: str) -> None:
        """A sidecar is lost."""
        self._sidecar(name).unlink(missing_ok=True)

    @rule(name=NAMES, content=GARBAGE)
    def spoil_sidecar(self, name: str, content: bytes) -> None:
        """A sidecar is overwritten with something else."""
        self._sidecar(name).write_bytes(content)

    @rule(one=NAMES, other=NAMES)
    def copy_sidecar(self, one: str, other: str) -> None:
        """A sidecar is copied over another, as a bad merge does."""
        if self._sidecar(one).exists():
            self._sidecar(other).write_bytes(self._sidecar(one).read_bytes())

    @rule(name=st.sampled_from(sorted(FAULTS)))
    def break_something(self, name: str) -> None:
        """From now on such a call fails."""
        operation, found = FAULTS[name]
        self.tree.cloud.failing[operation] = found

    @rule(operation=st.sampled_from(["Create", "Stop"]))
    def lose_answers(self, operation: str) -> None:
        """From now on such a call takes effect, and its answer is lost."""
        self.tree.cloud.losing[operation] = LOST

    @rule(gets=st.integers(1, 4))
    def lag(self, gets: int) -> None:
        """The next Gets do not see a job that is there."""
        self.tree.cloud.lag = gets

    @rule()
    def mend_everything(self) -> None:
        """Faults end."""
        self._quiet()

    @precondition(lambda self: self._running())
    @rule(data=st.data(), status=st.sampled_from(["Completed", "Failed", "Stopped"]))
    def end_a_job(self, data: st.DataObject, status: str) -> None:
        """Time passes: a job that runs has ended."""
        name = data.draw(st.sampled_from([live.name for live in self._running()]))
        self.tree.cloud.turn(KIND, name, status)

    @invariant()
    def only_what_was_asked_for_exists(self) -> None:
        """Every job has the token of a manifest as it once stood, and no two have one token."""
        Fleet.steps += 1
        tokens = [str(live.token) for live in self.tree.live()]
        assert set(tokens) <= self.asked
        assert len(tokens) == len(set(tokens))

    @invariant()
    def nothing_was_stopped_unasked(self) -> None:
        """A job is stopping only when its manifest once asked for it."""
        stopping = {live.name for live in self.tree.live() if live.status in KIND.stopping}
        assert stopping <= self.stoppable

    def _wanted(self, desired: Desired) -> None:
        assert desired.submission is not None
        if desired.policy.state == "Submitted":
            self.asked.add(desired.submission.token)
        if desired.policy.state == "Stopped":
            self.stoppable.add(desired.name)

    def _running(self) -> list[Live]:
        return [live for live in self.tree.live() if live.status not in KIND.terminal]

    def _sidecar(self, name: str) -> Path:
        desired = self.tree.jobs.get(name)
        beside = Path(desired.source.path) if desired else self.tree.folder / f"{name}.yaml"
        return beside.with_name(f"{name}.status.json")

    def _quiet(self) -> None:
        self.tree.cloud.failing.clear()
        self.tree.cloud.losing.clear()
        self.tree.cloud.lag = 0

    def _statuses_tell_the_truth(self) -> None:
        """Each sidecar's live job is the service's, or there is none and none is shown."""
        there = {live.arn: live for live in self.tree.live()}
        for name in self.tree.jobs:
            entry = json.loads(self._sidecar(name).read_bytes())["jobs"][name]
            if "live" in entry and entry["phase"] != "Stalled":
                live = there[entry["jobArn"]]
                assert entry["live"][KIND.status_member] == live.status == entry["phase"]
