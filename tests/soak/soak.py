"""Days of a daemon's life under commits and troubles, each with a night in which all is checked."""

from __future__ import annotations

import logging
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from controller.adapters.host.logs import ROOT
from controller.adapters.sidecars.document import parse_sidecar
from controller.daemon.loop import REREAD_SECONDS
from controller.sandbox.jobs.faults import Fault, FaultKind
from tests.machine import oracles
from tests.machine.oracles import LONGER_THAN_ANY_JOB, MOST_TURNS
from tests.machine.service import Walks
from tests.soak.commits import Commits
from tests.soak.keeper import SOON, Keeper
from tests.soak.troubles import HOUR, Troubles

DAY = 24 * HOUR
BETWEEN = 240.0
"""Seconds between two events, on average."""
CALM = 2 * HOUR
"""Seconds after which faults, lags and quotas end."""
PROMPTLY = 70.0
LONGER_THAN_MOST_JOBS = 2 * HOUR
NATURES = {
    "tokenLifetime": ("forever", "10m", "none"),
    "tokenMismatch": ("old-job", "conflict"),
    "overQuota": ("refuse", "queue"),
    "failingShare": (0, 0, 0.3),
    "failingWith": ("internal", "access"),
}
"""Positions of the service's open questions; each day has one of its own."""


@dataclass
class Tally:
    """What a soak came to."""

    days: float = 0.0
    events: int = 0
    commits: int = 0
    passes: int = 0
    jobs: int = 0
    killed: int = 0
    left: int = 0
    faults: int = 0
    rounds: int = 0
    seconds: float = 0.0
    simulated: float = 0.0
    violations: list[str] = field(default_factory=list)


class Soak:
    """One fleet, kept by one daemon after another over a service of its own."""

    def __init__(self, made: Walks, folder: Path, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - a soak is to be drawn again from its seed
        self.service = made.service
        self.service.empty()
        self.commits = Commits(folder, self.service, self.random)
        self.project = self.commits.project
        self.keeper = Keeper(self.service, made.cloud, self.project.jobs, self.random)
        self.troubles = Troubles(self.commits, self.keeper, self.random)
        self.tally = Tally()
        self._calm_at = 0.0

    def run(self, days: float, every_day: Callable[[Tally], None]) -> Tally:
        """Let days pass, the last of them maybe only a part, and return what they came to.

        After each ``every_day`` is given what it came to so far.
        """
        began, born = time.monotonic(), self.keeper.now
        with _overheard(self.keeper.said):
            try:
                self._days(days, every_day)
            except Exception:  # Whatever it is, no day after it would tell anything.
                self._hold([traceback.format_exc()])
        self.tally.simulated = (self.keeper.now - born) / DAY
        self.tally.seconds = time.monotonic() - began
        self._count()
        return self.tally

    def _days(self, days: float, every_day: Callable[[Tally], None]) -> None:
        while days > 0:
            self._day(min(days, 1.0))
            self._night()
            self.tally.days += min(days, 1.0)
            days -= 1.0
            every_day(self.tally)

    def _day(self, length: float) -> None:
        nature = {name: self.random.choice(those) for name, those in NATURES.items()}
        self.service.behave(nature)
        self.troubles.another_shift()
        end = self.keeper.now + length * DAY
        while self.keeper.now < end:
            self._event()
            self.tally.events += 1
            self.keeper.after(
                min(self.random.expovariate(1 / BETWEEN), max(0.0, end - self.keeper.now))
            )
            self._check()

    def _event(self) -> None:
        self._calm_down()
        draw = self.random.random()
        if draw < 0.5:
            self.commits.commit()
            self.troubles.changed()
        elif draw < 0.6:
            self.troubles.hints()
        else:
            self._calm_at = self._calm_at or self.keeper.now + CALM
            self.troubles.trouble()

    def _calm_down(self) -> None:
        if self._calm_at and self.keeper.now >= self._calm_at:
            self.troubles.calm()
            self._calm_at = 0.0

    def _night(self) -> None:
        """Nothing disturbs any more: the daemon must settle everything, and find it again."""
        self.troubles.calm()
        self.keeper.spare()
        # Sidecars that were harmed are met by a daemon that begins; another one has time for it.
        self.keeper.end(0.0)
        self.keeper.after(SOON)
        self._give_broken_records_up()
        self._be_away()
        self._is_prompt()
        self.keeper.after(LONGER_THAN_MOST_JOBS)
        self._is_prompt()
        self._end_every_job()
        self._withdraw_the_unclear()
        self.keeper.after(SOON)
        self._hold(oracles.settled(self.project, self.keeper, self.service))
        self._check()
        daemon = self.keeper.daemon
        if daemon is None or not daemon.is_ready():
            self._hold(["the daemon is not ready, though all is quiet"])
        calls = self.service.calls()
        self.tally.faults += sum(bool(call["fault"]) for call in calls)
        self.service.hush()

    def _give_broken_records_up(self) -> None:
        """A person removes what no daemon may make anew, and a new daemon begins without it."""
        broken = [path for path in self.project.sidecars() if _is_broken(path)]
        for path in broken:
            path.unlink()
        if broken:
            self.keeper.end(0.0)
            self.keeper.after(SOON)

    def _be_away(self) -> None:
        """The service is away while manifests are committed of which no file event tells."""
        for _ in range(3):
            self.commits.commit()
        self.service.order(Fault(kind=FaultKind.UNAVAILABLE, times=None))
        self.keeper.after(REREAD_SECONDS + SOON)
        self.service.mend()
        self.keeper.after(SOON)

    def _end_every_job(self) -> None:
        for _ in range(MOST_TURNS):
            self.keeper.after(LONGER_THAN_ANY_JOB)
            if not any(b'"Queued"' in content for content in self.project.sidecars().values()):
                return

    def _withdraw_the_unclear(self) -> None:
        """Manifests that say what nobody could rebuild without sidecars go, so that all others are.

        They are invalid, refused, or of another spec than their job's.
        """
        unclear = {*oracles.UNKNOWN_ELSEWHERE, "SpecChanged"}
        for document, entry in list(oracles.entries(self.project)):
            stem = self.project.place_of(document.name)
            if stem and entry and oracles.reason_of(entry) in unclear:
                self.commits.withdraw(stem, document)

    def _is_prompt(self) -> None:
        """Sidecars show what every job came to an interval ago."""
        for _ in range(MOST_TURNS):
            before = {job.arn: job.status for job in self.service.jobs()}
            self.keeper.after(PROMPTLY)
            jobs = self.service.jobs()
            if before == {job.arn: job.status for job in jobs}:
                self._hold(oracles.untrue(self.project, jobs))
                self._hold(oracles.lost(self.project, jobs))
                return

    def _check(self) -> None:
        self._hold(self.commits.model.violations(self.service.jobs()))
        self._hold(oracles.torn(self.project, self.troubles.spoilt))
        self._hold(
            f"the daemon logged: {line}" for line in self.keeper.said if "unexpected" in line
        )
        self._hold(oracles.leaks(self.project, self.keeper))

    def _hold(self, found: Iterable[str]) -> None:
        """Keep what does not hold, each of it once."""
        for told in found:
            if told not in self.tally.violations:
                self.tally.violations.append(told)

    def _count(self) -> None:
        lives, passes = self.keeper.lives, self.keeper.counts.passes
        self.tally.passes = sum(passes[word] for word in passes if word != "caught up")
        self.tally.jobs = len(self.service.jobs())
        self.tally.commits = self.commits.made
        self.tally.killed, self.tally.left = lives.killed, lives.left
        self.tally.rounds = lives.rounds


def soak(
    made: Walks, days: float, seed: int, every_day: Callable[[Tally], None] = lambda _: None
) -> Tally:
    """Return what so many days from a seed came to, in a project of their own."""
    with tempfile.TemporaryDirectory() as folder:
        return Soak(made, Path(folder), seed).run(days, every_day)


def _is_broken(path: Path) -> bool:
    return bool(parse_sidecar(path.read_bytes()).broken)


class _Overheard(logging.Handler):
    """Keeps lines with all that was told along with them."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, as anybody may render it."""
        told = {name: value for name, value in vars(record).items() if name != "exc_info"}
        self._said.append(f"{record.getMessage()} {told}")


@contextmanager
def _overheard(said: list[str]) -> Iterator[None]:
    """While the context lasts, what the controller logs is kept, and shown to nobody."""
    logger, handler = logging.getLogger(ROOT), _Overheard(said)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
