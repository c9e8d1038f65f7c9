"""The daemon as its operators see it: probes, metrics, the service manager, logs."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families as read

from tests.support.commands import COMMAND, environment
from tests.support.manifests import spec
from tests.support.project import Project

DEADLINE = 60.0
SECRET = "s3cr3t-of-the-spec"  # noqa: S105 - seeded, to be looked for


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Return once something holds; fail when it does not in time."""
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Watching:
    """A daemon in a process of its own, its pages, and the file of what it logs."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def status(self, path: str) -> int:
        """Return the status that a page answers with."""
        try:
            with urlopen(f"{self.url}{path}", timeout=DEADLINE) as answer:  # noqa: S310
                return int(answer.status)
        except HTTPError as error:
            with error:
                return error.code

    def metric(self, name: str, **labels: str) -> float:
        """Return the value of one of our series; it must be there."""
        with urlopen(f"{self.url}/metrics", timeout=DEADLINE) as answer:  # noqa: S310
            text = answer.read().decode()
        (found,) = [
            sample.value
            for family in read(text)
            for sample in family.samples
            if sample.name == f"bedrock_jobs_{name}" and sample.labels == labels
        ]
        return float(found)

    def lines(self, event: str = "") -> list[dict[str, object]]:
        """Return what it has logged, or the lines of one event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if not event or line["event"] == event]

    def end(self) -> int:
        """End it as a service manager does, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)


@contextmanager
def watching(tree: Project, *options: str, **env: str) -> Iterator[Watching]:
    """While the context lasts a daemon keeps a project's jobs."""
    given = environment(tree.folder, **{"AWS_ENDPOINT_URL": tree.sandbox.url, **env})
    log = tree.folder / f"log-{time.monotonic_ns()}"
    command = [*COMMAND, "watch", "--listen", "0", "--interval", "1s", *options]
    with (
        log.open("wb") as sink,
        subprocess.Popen(command, cwd=tree.folder, env=given, stderr=sink) as process,
    ):
        try:
            eventually(lambda: b"http://" in log.read_bytes().rpartition(b"\n")[0], "its address")
            daemon = Watching(process, "", log)
            yield replace(daemon, url=str(daemon.lines("serving")[0]["url"]))
        finally:
            process.kill()


def test_a_job_is_seen_in_metrics_probes_and_logs(tree: Project) -> None:
    """One submit is one everywhere: in the counters, in the phases, and in one line of the log."""
    tree.add("support-bot", spec(roleArn=f"arn:aws:iam::123456789012:role/{SECRET}"))

    with watching(tree, "--log-level", "debug") as daemon:
        eventually(lambda: daemon.status("/readyz") == 200, "ready")

        assert daemon.status("/healthz") == 200
        assert daemon.metric("ready") == 1
        assert daemon.metric("jobs_submitted_total") == 1
        assert daemon.metric("submit_ambiguous_total") == 0
        assert daemon.metric("jobs", phase="InProgress") == 1
        assert daemon.metric("manifests", valid="true") == 1
        assert daemon.metric("last_successful_pass_timestamp_seconds") > time.time() - DEADLINE
        create = {"operation": "CreateModelCustomizationJob", "code": "OK"}
        assert daemon.metric("aws_requests_total", **create) == 1
        assert daemon.end() == 0
        (job,) = daemon.lines("job")
        assert (job["verb"], job["phase"], job["level"]) == ("SUBMIT", "InProgress", "info")
        assert SECRET not in daemon.log.read_text()

    assert SECRET in tree.calls("Create")[0]["body"]


def test_invalid_manifests_are_counted(tree: Project) -> None:
    """Invalid ones count, the nameless too, and keep nobody from being ready."""
    tree.add("support-bot")
    tree.add("misspelt", {**spec(), "rolArn": "arn"})
    (tree.jobs / "broken.yaml").write_text("kind:\n\t- tab\n")
    (tree.jobs / "stranger.yaml").write_text("apiVersion: bedrock-jobs/v1\nkind: Stranger\n")

    with watching(tree) as daemon:
        eventually(lambda: daemon.status("/readyz") == 200, "ready")

        assert daemon.metric("manifests", valid="true") == 1
        assert daemon.metric("manifests", valid="false") == 3
        assert daemon.metric("jobs", phase="Stalled") == 1


def test_an_idle_daemon_writes_and_submits_nothing(tree: Project) -> None:
    """On a settled tree every counter of work stays at 0, and it is ready all the same."""
    tree.add("support-bot")
    tree.settle()

    with watching(tree) as daemon:
        eventually(lambda: daemon.status("/readyz") == 200, "ready")

        for name in ("jobs_submitted_total", "sidecar_writes_total", "submit_ambiguous_total"):
            assert daemon.metric(name) == 0
        assert daemon.metric("jobs", phase="Completed") == 1
        assert daemon.lines("job") == []


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An endpoint that nobody listens on, nor can."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


def test_without_the_service_it_lives_but_is_not_ready(tree: Project, nowhere: str) -> None:
    """An endpoint that nobody serves is told by code; a restart would not mend it."""
    tree.add("support-bot")

    with watching(tree, AWS_ENDPOINT_URL=nowhere) as daemon:
        # Which operation is the first to fail is nothing that operators should have to know.
        eventually(lambda: daemon.metric("reconcile_total", result="failed") > 0, "a failed pass")

        assert (daemon.status("/healthz"), daemon.status("/readyz")) == (200, 503)
        assert daemon.metric("ready") == 0
        assert daemon.metric("last_successful_pass_timestamp_seconds") == 0
        identity = {"operation": "GetCallerIdentity", "code": "EndpointUnreachable"}
        assert daemon.metric("aws_requests_total", **identity) > 0


def test_the_next_daemon_takes_over(tree: Project) -> None:
    """A second daemon of the same tree and address waits, then keeps the jobs and the pages."""
    tree.add("support-bot")

    with watching(tree) as first:
        eventually(lambda: first.status("/readyz") == 200, "ready")
        with watching(tree, "--listen", first.url.removeprefix("http://")) as second:
            assert second.url == first.url
            assert second.lines("watching") == []
            assert first.end() == 0
            eventually(lambda: bool(second.lines("pass")), "a pass of the second")
            eventually(lambda: _answers(second, "/readyz") == 200, "the second's own page")
            assert second.metric("jobs_submitted_total") == 0

    assert len(tree.calls("Create")) == 1


def _answers(daemon: Watching, path: str) -> int:
    """Return the status of a page, 0 while nobody serves it."""
    try:
        return daemon.status(path)
    except OSError:
        return 0


def test_the_service_manager_is_told(tree: Project) -> None:
    """Systemd hears that it is ready, that it lives within the watchdog's time, and of its end."""
    place = tree.folder / "notify"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind(str(place))
        manager.settimeout(DEADLINE)
        env = {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "6000000"}
        with watching(tree, **env) as daemon:
            told = _until(manager, "READY=1")
            began = time.monotonic()
            told += _until(manager, "WATCHDOG=1")
            assert time.monotonic() - began < 6
            assert daemon.end() == 0
        told += _until(manager, "STOPPING=1")

    assert told.count("READY=1") == told.count("STOPPING=1") == 1
    assert any(one.startswith("STATUS=") for one in told)


def _until(manager: socket.socket, last: str) -> list[str]:
    """Return what a manager is told, up to a message."""
    told: list[str] = []
    while last not in told:
        told.append(manager.recv(4096).decode())
    return told


@pytest.mark.parametrize("address", ["nowhere", "host:", "127.0.0.1:99999"])
def test_an_address_that_cannot_be_is_told(tree: Project, address: str) -> None:
    """A mistaken --listen ends with the code for usage, before anything is done."""
    tree.add("support-bot")

    ran = tree.run("watch", "--listen", address)

    assert ran.code == 64
    assert "--listen" in ran.err
    assert tree.calls() == []
