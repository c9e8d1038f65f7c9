"""What goes wrong around a daemon, drawn from a seed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

from controller.core.identity.tokens import fill_names
from controller.core.model import Target
from controller.core.planning.rules_removed import CleanupOptions
from controller.ports import CloudError
from controller.sandbox.jobs.faults import Fault, FaultKind
from tests.machine.draws import GARBAGE, TAGGING
from tests.machine.model import STRANGE
from tests.machine.mortal import Fate
from tests.machine.project import SPECS
from tests.machine.service import KIND
from tests.soak.commits import Commits
from tests.soak.keeper import Keeper
from tests.support.manifests import REGION

HOUR = 3600.0
# An answer without a token would spoil what the oracles know of the days after it.
KINDS_OF_FAULTS = sorted(
    set(FaultKind) - {FaultKind.DELAY, FaultKind.DELAY_BEFORE, FaultKind.TOKENLESS}
)
OPERATIONS = (None, None, "Create", "Get", "List", "Stop", *TAGGING, "GetCallerIdentity")
CLEANINGS = (
    CleanupOptions(),
    CleanupOptions(collect=True),
    CleanupOptions(prune=True, collect=True),
    CleanupOptions(prune=True, force=True, collect=True),
)


class Troubles:
    """Disturbs a daemon; ``spoilt`` are the sidecars that were overwritten, as they were left."""

    def __init__(self, commits: Commits, keeper: Keeper, random: Random) -> None:
        self.commits, self.keeper, self.random = commits, keeper, random
        self.service, self.project = commits.service, commits.project
        self.spoilt: dict[Path, bytes] = {}
        self._older: list[dict[Path, bytes]] = []

    def trouble(self) -> None:
        """Let something go wrong."""
        happenings: tuple[Callable[[], None], ...] = (
            *[self._fault] * 5,
            *[self._kill] * 3,
            *[self._leave_under_way] * 2,
            self._leave,
            self._lag,
            self._quota,
            self._set_the_clock,
            self._sleep,
            self._lose_a_sidecar,
            self._lose_all_sidecars,
            self._spoil_a_sidecar,
            self._lay_by,
            self._restore_older,
            self._mix_up,
            self._strange_job,
            self._renew,
            self._break_the_fleet,
            self._add_junk,
            self._take_the_root_away,
        )
        self.random.choice(happenings)()

    def calm(self) -> None:
        """Faults, lags and quotas end, and files that nobody can read are mended."""
        self.service.mend()
        self.project.own(self.project.owner)
        self._junk.unlink(missing_ok=True)

    def changed(self) -> None:
        """Files tell of a change once, more often, or not at all."""
        for _ in range(self.random.choice((0, 1, 1, 1, 5))):
            if self.keeper.daemon is not None:
                self.keeper.daemon.notify_change()

    def hints(self) -> None:
        """Events come late, twice, out of order, of nobody's jobs, or not at all."""
        daemon = self.keeper.daemon
        jobs = self.service.jobs()[-20:]
        if daemon is None or not jobs:
            return
        for _ in range(self.random.randrange(4)):
            daemon.notify_job_event(self.random.choice(jobs).arn)
        daemon.notify_job_event(
            f"arn:aws:bedrock:{REGION}:123456789012:model-customization-job/no/body"
        )

    def another_shift(self) -> None:
        """From the next daemon on, other things may be done about jobs without a manifest."""
        self.keeper.cleaning = self.random.choice(CLEANINGS)
        self.commits.prunes |= self.keeper.cleaning.prune
        self.commits.gone()
        self.keeper.end(0.0)

    def _fault(self) -> None:
        kind, operation = self.random.choice(KINDS_OF_FAULTS), self.random.choice(OPERATIONS)
        nth, times = self.random.randrange(1, 7), self.random.choice((1, 3, 10, 100, None))
        self.service.order(Fault(kind=kind, operation=operation, nth=nth, times=times))

    def _kill(self) -> None:
        fate = Fate(self.random.randrange(1, 17), after=self.random.choice((False, True)))
        self.keeper.doom(fate, self._downtime())

    def _leave_under_way(self) -> None:
        daemon = self.keeper.daemon
        if daemon is not None:
            fate = Fate(self.random.randrange(1, 17), meanwhile=daemon.stop)
            self.keeper.doom(fate, self._downtime())

    def _leave(self) -> None:
        self.keeper.end(self._downtime())

    def _renew(self) -> None:
        if self.keeper.daemon is not None:
            self.keeper.daemon.reload()

    def _lag(self) -> None:
        lags = {name: self.random.choice((0, 1, 60)) for name in ("getLag", "listLag")}
        self.service.behave(lags)

    def _quota(self) -> None:
        self.service.behave({"quota": self.random.choice((1, 2, 4))})

    def _set_the_clock(self) -> None:
        self.keeper.skew = self.random.choice((0.0, -60.0, 90.0, -HOUR, HOUR, -26 * HOUR, 2.0))

    def _sleep(self) -> None:
        """The machine sleeps: time passes, and nobody goes round."""
        self.keeper.wait(self.random.choice((*[300.0] * 4, HOUR, HOUR, 8 * HOUR)))

    @property
    def _junk(self) -> Path:
        return self.project.jobs / "junk.yaml"

    def _break_the_fleet(self) -> None:
        (self.project.folder / "bedrock-jobs.yaml").write_text("owner: [")
        self.changed()

    def _add_junk(self) -> None:
        self._junk.write_bytes(self.random.choice((*GARBAGE, b"kind: [", b"a: b\n---\n- c\n")))
        self.changed()

    def _take_the_root_away(self) -> None:
        """The folder is away for a while, and what is written into it meanwhile is lost."""
        away = self.project.folder / "away"
        self.project.jobs.rename(away)
        self.changed()
        self.keeper.after(self.random.choice((1.0, 100.0, 1000.0)))
        if self.project.jobs.exists():
            self._forget()
            shutil.rmtree(self.project.jobs)
        away.rename(self.project.jobs)
        self.changed()

    def _strange_job(self) -> None:
        """Somebody else makes a job under a name of the fleet, or is refused."""
        documents = self.project.documents()
        if not documents:
            return
        name = self.random.choice(documents).name + self.random.choice(("", "-a1"))
        word = self.random.choice(("plain", "edited", "secret"))
        token = f"{STRANGE}{name}-{word}"
        self.commits.model.asked.setdefault((name, token), set())
        request = fill_names(KIND, SPECS[word], name)
        try:
            self.service.cloud.create(KIND, Target(region=REGION), request, token)
        except CloudError:
            return

    def _lose_a_sidecar(self) -> None:
        found = list(self.project.sidecars())
        if found:
            self._forget()
            self.random.choice(found).unlink()

    def _lose_all_sidecars(self) -> None:
        self._forget()
        for path in self.project.sidecars():
            path.unlink()

    def _spoil_a_sidecar(self) -> None:
        found = self.project.sidecars()
        if found:
            path = self.random.choice(list(found))
            half = found[path][: len(found[path]) // 2]
            self._spoil(path, self.random.choice((half, *GARBAGE)))

    def _lay_by(self) -> None:
        self._older = [*self._older, self.project.sidecars()][-4:]

    def _restore_older(self) -> None:
        for path, content in (self.random.choice(self._older) if self._older else {}).items():
            if path.parent.exists():
                self._spoil(path, content)

    def _mix_up(self) -> None:
        found = self.project.sidecars()
        if len(found) > 1:
            one, other = self.random.sample(list(found), 2)
            self._spoil(other, found[one])
            if self.random.choice((False, True)):
                self._spoil(one, found[other])

    def _downtime(self) -> float:
        return self.random.choice((0.0, 0.0, 5.0, 60.0, HOUR))

    def _forget(self) -> None:
        """Whatever a sidecar alone knew is lost."""
        self.commits.model.forgotten |= self.service.unseen()

    def _spoil(self, path: Path, content: bytes) -> None:
        self._forget()
        path.write_bytes(content)
        self.spoilt[path] = content
