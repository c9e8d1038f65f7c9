"""The simulated service in this process, a hand on its store, and the adapters that reach it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.adapters.aws.bedrock import Bedrock
from controller.adapters.aws.clients import ClientCache
from controller.adapters.aws.connection import Connection
from controller.core.kinds.registry import KINDS
from controller.core.model import Target
from controller.ports import Cloud
from controller.sandbox.http.server import start_sandbox
from controller.sandbox.jobs import settings, switches
from controller.sandbox.jobs.behaviour import RECORDED_BEHAVIOUR
from controller.sandbox.jobs.faults import Fault
from controller.sandbox.jobs.jobs import JobQuery, JobTable
from controller.sandbox.jobs.tags import put
from controller.sandbox.state import journal
from controller.sandbox.state.caller import Caller
from controller.sandbox.state.store import Store
from tests.support.manifests import ACCOUNT, REGION

if TYPE_CHECKING:
    from botocore.client import BaseClient

(KIND,) = KINDS.values()
_READING = ("Get", "List")
_ATTEMPTS = 3
_HTTP_ERROR = 500
_TOO_MANY = 429
_EMPTIED = ("jobs", "tags", "calls", "faults", "behaviour")


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the service has it at this moment, whatever its reads answer."""

    name: str
    arn: str
    token: str
    status: str
    stop_asked: bool
    failure: str
    created: int
    due: int
    tags: tuple[tuple[str, str], ...]


@dataclass
class Service:
    """The service behind its endpoint; a walk empties it first and then has it for itself."""

    url: str
    store: Store
    cloud: HastyBedrock
    guard: threading.Lock = field(default_factory=threading.Lock)

    def empty(self) -> None:
        """Forget every job, call, fault and choice."""
        with self.guard, self.store.transaction() as rows:
            for table in _EMPTIED:
                rows.execute(f"DELETE FROM {table}")  # noqa: S608 - names of this module

    def behave(self, changes: Mapping[str, object]) -> None:
        """Make some of the service's choices, beside those made before."""
        with self.guard, self.store.transaction() as rows:
            wanted = switches.change_behaviour(settings.load_behaviour(rows), changes)
            settings.save_behaviour(rows, wanted, self.store.get_clock().get_moment(time.time()))

    def mend(self) -> None:
        """Faults end, reads no longer lag, and the quota is lifted."""
        usual = switches.serialize_behaviour(RECORDED_BEHAVIOUR)
        with self.guard, self.store.transaction() as rows:
            settings.clear_faults(rows)
        self.behave({name: usual[name] for name in ("quota", "getLag", "listLag")})

    def order(self, fault: Fault) -> None:
        """Let calls go wrong."""
        with self.guard, self.store.transaction() as rows:
            settings.add_faults(rows, [fault])

    def advance(self, seconds: float) -> None:
        """Move the simulated clock forward."""
        with self.guard, self.store.transaction():
            self.store.set_clock(self.store.get_clock().advance(seconds))

    def now(self) -> float:
        """Return the simulated time in seconds since 1970."""
        with self.guard:
            return self.store.get_clock().get_seconds(time.time())

    def jobs(self) -> list[Job]:
        """Return every job, the oldest first."""
        with self.guard, self.store.transaction() as rows:
            now = self.store.get_clock().get_moment(time.time())
            tokens = dict(rows.execute("SELECT arn, token FROM jobs").fetchall())
            tagged: dict[str, list[tuple[str, str]]] = defaultdict(list)
            for arn, key, value in rows.execute("SELECT arn, key, value FROM tags"):
                tagged[arn].append((key, value))
            found = JobTable(rows, KIND, Caller(ACCOUNT, REGION, "", ""))
            return [
                Job(
                    name=job.name,
                    arn=job.arn,
                    token=tokens[job.arn] or "",
                    status=job.timeline.get_status(KIND, now),
                    stop_asked=job.timeline.stop_requested is not None,
                    failure=job.timeline.failure or "",
                    created=job.timeline.created,
                    due=job.timeline.due,
                    tags=tuple(tagged[job.arn]),
                )
                for job in found.list_jobs(JobQuery(newest_first=False))
            ]

    def unseen(self) -> set[str]:
        """Return the names of the jobs that Get does not show yet, as long as no fault makes it."""
        with self.guard, self.store.transaction() as rows:
            lag = settings.load_behaviour(rows).get_lag
        shown = (self.now() - lag) * 1000
        return {job.name for job in self.jobs() if job.created > shown}

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Give a job tags, as anybody may."""
        with self.guard, self.store.transaction() as rows:
            put(rows, arn, tags)

    def calls(self) -> list[dict[str, Any]]:
        """Return every call since the walk began or ``hush``."""
        with self.guard:
            return journal.read(self.store.rows)

    def hush(self) -> None:
        """Start the journal anew."""
        with self.guard, self.store.transaction() as rows:
            journal.clear(rows)

    def changes(self) -> list[str]:
        """Return the operations called since ``hush`` that change something."""
        calls = [call for call in self.calls() if call["service"] == "bedrock"]
        return [call["operation"] for call in calls if not call["operation"].startswith(_READING)]

    def met(self, fault: str) -> bool:
        """Whether a call met such a fault since the walk began or ``hush``."""
        return any(fault in (call["fault"] or "") for call in self.calls())


@dataclass(frozen=True, slots=True)
class ServiceClock:
    """The service's own clock: who sleeps lets simulated time pass, and no other."""

    service: Service

    def now(self) -> datetime:
        """Return the simulated time."""
        return datetime.fromtimestamp(self.service.now(), tz=UTC)

    def sleep(self, seconds: float) -> None:
        """Let so much simulated time pass."""
        self.service.advance(seconds)


class Hasty(ClientCache):
    """The adapter's clients, which try as often as ever, but take no naps between."""

    def get_client(self, service: str, target: Target) -> BaseClient:
        """Return the client of a service for a target; raises CloudError."""
        found = super().get_client(service, target)
        events = found.meta.events
        name = f"needs-retry.{service}"
        events.unregister(name, unique_id=f"retry-config-{service}")
        events.register(name, _again, unique_id="at once")
        return found


class HastyBedrock(Bedrock):
    """The adapter for AWS over clients that take no naps."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._clients = Hasty(connection)

    def forget_identity(self) -> None:
        """Ask again whose credentials these are, as every new process does."""
        self._accounts.clear()


def _again(attempts: int, response: Any, caught_exception: Exception | None, **_: Any) -> Any:
    """Botocore asks how many seconds to wait before the next attempt, None meaning not at all."""
    status = response[0].status_code if response else 0
    fails = caught_exception is not None or status >= _HTTP_ERROR or status == _TOO_MANY
    return 0 if fails and attempts < _ATTEMPTS else None


@dataclass
class Walks:
    """Where walks go on, one after another; ``cloud`` is how controllers reach the service."""

    service: Service
    cloud: Cloud
    walks: int = 0
    steps: int = 0


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """While the context lasts the service answers on loopback, its clock standing still."""
    with ExitStack() as stack:
        url = stack.enter_context(start_sandbox(folder, speed=0))
        store = stack.enter_context(closing(Store(folder)))
        connection = Connection(endpoint_url=url, region=REGION, any_credentials=True)
        yield Service(url, store, HastyBedrock(connection))
