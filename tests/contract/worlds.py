"""The clouds under contract, with what a test needs to set them up and inspect them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.request import Request, urlopen

from controller.adapters.aws.bedrock import Bedrock
from controller.adapters.aws.connection import Connection
from controller.core.kinds.kind import Kind
from controller.core.model import Target
from controller.ports import Cloud
from controller.sandbox.http.server import start_sandbox
from controller.sandbox.jobs.jobs import JobTable
from controller.sandbox.jobs.tags import put
from controller.sandbox.state.caller import Caller
from controller.sandbox.state.store import Store
from tests.contract.fake import Fake
from tests.contract.showing import ACCOUNT, REGION

HERE = Target(region=REGION)


class World(Protocol):
    """A cloud, and access to what lies behind it."""

    @property
    def cloud(self) -> Cloud:
        """The cloud under contract."""

    def seed(self, kind: Kind, request: dict[str, Any], count: int) -> None:
        """Create jobs that differ only in their names, in this order."""

    def finish(self, kind: Kind) -> None:
        """Complete every running job."""

    def mark(self, arn: str, tags: Mapping[str, str]) -> None:
        """Set tags with reserved keys on a resource, as the service itself."""

    def calls(self, operation: str) -> int:
        """Return how often an operation was called."""


@dataclass
class InMemory:
    """The fake."""

    cloud: Fake

    def seed(self, kind: Kind, request: dict[str, Any], count: int) -> None:
        """Create jobs one by one."""
        for number in range(count):
            named = {**request, kind.name_member: f"job-{number:04}"}
            self.cloud.create(kind, HERE, named, f"token-{number}")

    def finish(self, kind: Kind) -> None:
        """Complete every active job."""
        for jobs in self.cloud.jobs.values():
            for name in [live.name for live in jobs.values() if live.status in kind.active]:
                self.cloud.turn(kind, name, min(kind.succeeded))

    def mark(self, arn: str, tags: Mapping[str, str]) -> None:
        """Set the tags."""
        self.cloud.kept_tags[arn] |= tags

    def calls(self, operation: str) -> int:
        """Return how often the fake was called."""
        return self.cloud.count().get(operation, 0)


@dataclass
class OverHttp:
    """The AWS adapter over a sandbox whose clock stands still unless a test advances it."""

    cloud: Bedrock
    url: str
    folder: Path

    def seed(self, kind: Kind, request: dict[str, Any], count: int) -> None:
        """Copy one job in the store, which is faster than thousands of calls."""
        first = {**request, kind.name_member: "job-0000"}
        self.cloud.create(kind, HERE, first, "token-0")
        store = Store(self.folder)
        try:
            with store.transaction() as rows:
                caller = Caller(ACCOUNT, REGION, "", "")
                jobs = JobTable(rows, kind, caller)
                made = jobs.find_by_identifier("job-0000")
                assert made is not None
                for number in range(1, count):
                    jobs.add(_copy(kind, made, number), caller, None, f"model-{number}")
        finally:
            store.close()

    def finish(self, kind: Kind) -> None:
        """Advance the clock beyond every job's end."""
        self._control("POST", "clock", {"advance": 2 * 3600})

    def mark(self, arn: str, tags: Mapping[str, str]) -> None:
        """Write them to the store, because the operations would refuse them."""
        store = Store(self.folder)
        try:
            with store.transaction() as rows:
                put(rows, arn, tags)
        finally:
            store.close()

    def calls(self, operation: str) -> int:
        """Return how often the journal has an operation."""
        journal = self._control("GET", "calls")["calls"]
        return sum(str(call["operation"]).startswith(operation) for call in journal)

    def _control(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/_sandbox/{path}", data, method=method)  # noqa: S310
        with urlopen(request, timeout=60) as answer:  # noqa: S310
            content: dict[str, Any] = json.load(answer)
        return content


def _copy(kind: Kind, made: Any, number: int) -> Any:
    name = f"job-{number:04}"
    arn = f"{made.arn[:-4]}{number:04}"
    members = {**json.loads(made.members), kind.name_member: name, kind.arn_member: arn}
    product = f"{made.product_arn[:-4]}{number:04}"
    return replace(made, name=name, arn=arn, product_arn=product, members=json.dumps(members))


@contextmanager
def in_memory(_folder: Path) -> Iterator[InMemory]:
    """Yield a world in memory."""
    yield InMemory(Fake())


@contextmanager
def over_http(folder: Path) -> Iterator[OverHttp]:
    """Serve a sandbox over HTTP for the duration of the context."""
    with start_sandbox(folder, speed=0) as url:
        connection = Connection(region=REGION, endpoint_url=url, any_credentials=True)
        yield OverHttp(Bedrock(connection), url, folder)


WORLDS: Mapping[str, Callable[[Path], AbstractContextManager[World]]] = {
    "memory": in_memory,
    "http": over_http,
}
