from __future__ import annotations

import signal
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.request import urlopen

import click
import pytest

from controller.adapters.metrics.prometheus import Metrics
from controller.cli.watch.endpoints import start_serving_with_retries
from controller.core.kinds.registry import KINDS
from tests.daemon.process import Watch, names, phase, phases, watch
from tests.sandbox.support import DEADLINE, poll
from tests.support.manifests import ACCOUNT
from tests.support.project import SETTLED, Project


def watch_after(tree: Project, first: Watch) -> AbstractContextManager[Watch]:
    """Return a second daemon, started once the first has the lock."""
    first.ready()
    return watch(tree)


def test_a_save_is_submitted_and_followed_to_its_end(tree: Project) -> None:
    """A saved manifest becomes a job, and its sidecar follows the job's status."""
    with watch(tree) as daemon:
        daemon.ready()
        tree.add("support-bot")
        poll(lambda: phase(tree, "support-bot") == "InProgress")
        tree.sandbox.advance(SETTLED)
        poll(lambda: phase(tree, "support-bot") == "Completed")

        assert daemon.end() == 0

    assert names(tree) == ["support-bot"]
    assert tree.changes() == ["CreateModelCustomizationJob"]


def test_its_own_sidecars_do_not_wake_it(tree: Project) -> None:
    """The tree is read once per save, and not for the daemon's own sidecars."""
    with watch(tree, "--interval", "60s") as daemon:
        daemon.ready()
        tree.add("a")
        poll(lambda: phase(tree, "a") == "InProgress")
        tree.add("b")
        poll(lambda: phase(tree, "b") == "InProgress")
        assert daemon.end() == 0

    assert len(daemon.said("pass")) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_a_create_lets_it_end(tree: Project, number: int) -> None:
    """A call in flight is awaited and recorded, and no other Create starts."""
    tree.sandbox.inject_fault("delay", "Create", seconds=2.0)
    for name in "abc":
        tree.add(name)
    with watch(tree) as daemon:
        poll(lambda: bool(names(tree)))
        code = daemon.end(number)

    assert code == {signal.SIGTERM: 0, signal.SIGINT: 130}[signal.Signals(number)]
    assert [phase(tree, name) for name in "abc"] == ["InProgress", "", ""]
    assert names(tree) == ["a"]


def test_a_second_daemon_waits_and_takes_over(tree: Project) -> None:
    """A second daemon on the same tree waits, does nothing, and then takes over."""
    with watch(tree) as first, watch_after(tree, first) as second:
        poll(lambda: bool(second.said("another daemon")))
        assert first.end() == 0
        second.ready()
        tree.add("support-bot")
        poll(lambda: phase(tree, "support-bot") == "InProgress")
        assert second.end() == 0

    (line,) = second.said("another daemon")
    assert line["holder"].startswith(f"{first.process.pid} on ")


def test_one_that_waits_ends_at_once(tree: Project) -> None:
    """A daemon that waits for the lock ends on a signal."""
    with watch(tree) as first, watch_after(tree, first) as second:
        poll(lambda: bool(second.said("another daemon")))

        assert second.end() == 0


def test_other_shards_do_not_wait(tree: Project) -> None:
    """Two shards of a tree run in parallel, each with the jobs of its own targets."""
    wanted = [f"job-{number}" for number in range(12)]
    for number, name in enumerate(wanted):
        tree.add(name, target={"region": ("us-east-1", "us-west-2")[number % 2]})
    with watch(tree, "--shard", "0/2") as first, watch(tree, "--shard", "1/2") as second:
        poll(lambda: phases(tree, *wanted) == {"InProgress"})
        assert (first.end(), second.end()) == (0, 0)

    assert names(tree) == sorted(wanted[::2])
    submitted = [{line["job"] for line in each.said("job")} for each in (first, second)]
    assert submitted[0].isdisjoint(submitted[1])
    assert all(submitted)


def test_a_status_folder_leaves_the_tree_alone(tree: Project, tmp_path: Path) -> None:
    """With --status-dir everything is written there, under the manifests' paths."""
    path = tree.add("support-bot")
    (tree.jobs / "team").mkdir()
    path.rename(tree.jobs / "team" / "bot.yaml")
    statuses = tmp_path / "statuses"
    before = tree.files()
    with watch(tree, "--status-dir", str(statuses)) as daemon:
        sidecar = statuses / "team" / "bot.status.json"
        poll(lambda: sidecar.exists() and "InProgress" in sidecar.read_text())
        tree.sandbox.advance(SETTLED)
        poll(lambda: "Completed" in sidecar.read_text())
        assert daemon.end() == 0

    assert tree.files() == before


def test_hangup_reads_the_fleet_anew(tree: Project) -> None:
    """A refused plan is logged as an error, and SIGHUP reloads the fleet file."""
    tree.fleet(limits={"maxSubmits": 1})
    for name in "ab":
        tree.add(name)
    with watch(tree, "--no-file-events", "--poll", "1h") as daemon:
        poll(lambda: bool(daemon.said("refused")))
        assert names(tree) == []
        tree.fleet(limits={"maxSubmits": 2})
        daemon.process.send_signal(signal.SIGHUP)
        poll(lambda: phases(tree, "a", "b") == {"InProgress"})

        assert daemon.end() == 0


def test_a_broken_manifest_keeps_no_other_waiting(tree: Project) -> None:
    """A problem is logged with its place and code, without the content of the file."""
    tree.add("good")
    bad = tree.add("bad", {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/Seed-Secret"})
    with watch(tree) as daemon:
        poll(lambda: phase(tree, "good") == "InProgress")
        poll(lambda: bool(daemon.said("problem")))
        assert daemon.end() == 0

    assert str(bad.relative_to(tree.folder)) in daemon.said("problem")[0]["problem"]
    assert "Seed-Secret" not in str(daemon.lines)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--shard", "2/2"), "counted from 0"),
        (("--shard", "x"), "INDEX/COUNT"),
        (("--interval", "soon"), "is not a duration"),
        (("--listen", "nowhere:x"), "--listen"),
        (("--events-queue", "http://x"), "--events-queue"),
        (("--status-dir", "/dev/null/x"), "--status-dir /dev/null/x"),
        (("--prune", "-l", "a=b"), "--prune cannot be combined with -l"),
    ],
)
def test_usage_errors_end_it_at_once(tree: Project, arguments: tuple[str, ...], told: str) -> None:
    """A usage error ends the daemon at once, with what to write instead."""
    ran = tree.call("watch", "--listen", "", *arguments)

    assert ran.code == 64
    assert told in ran.err


def test_a_folder_that_comes_later_is_waited_for(tree: Project) -> None:
    """A missing tree is no error: it may still be cloned."""
    with watch(tree, "later") as daemon:
        poll(lambda: bool(daemon.said("the tree cannot be read")))
        tree.add("support-bot")
        tree.jobs.rename(tree.folder / "later")
        poll(lambda: (tree.folder / "later" / "support-bot.status.json").exists())

        assert daemon.end() == 0


def test_an_unavailable_address_is_reported() -> None:
    """An address that cannot be bound is reported with its own cause."""
    daemon: Any = SimpleNamespace(is_alive=bool, is_ready=bool, pause=lambda _: None)
    with ExitStack() as stack, pytest.raises(click.UsageError) as caught:
        start_serving_with_retries(stack, "192.0.2.1:0", daemon, Metrics(KINDS, time.time))

    assert "--listen: cannot listen on 192.0.2.1:0: " in caught.value.message


def test_its_pages_show_its_state(tree: Project) -> None:
    """It is ready once everything due is done, and not while a plan is refused."""
    tree.fleet(limits={"maxSubmits": 1})
    for name in "ab":
        tree.add(name)
    with watch(tree, "--listen", "0", "--interval", "0.2s") as daemon:
        poll(lambda: bool(daemon.said("refused")))
        address = daemon.said("serving")[0]["url"].removeprefix("http://")
        assert page(address, "/healthz") == 200
        assert page(address, "/readyz") == 503
        tree.fleet(limits={"maxSubmits": 2})
        poll(lambda: page(address, "/readyz") == 200)
        with urlopen(f"http://{address}/metrics", timeout=DEADLINE) as answer:
            metrics = answer.read().decode()
        assert daemon.end() == 0

    assert "bedrock_jobs_jobs_submitted_total 2.0" in metrics
    assert 'bedrock_jobs_jobs{phase="InProgress"} 2.0' in metrics
    assert 'bedrock_jobs_reconcile_total{result="refused"} 1.0' in metrics


def page(address: str, path: str) -> int:
    """Return the status code of a page, 0 if nothing listens."""
    try:
        with urlopen(f"http://{address}{path}", timeout=DEADLINE) as answer:
            return int(answer.status)
    except OSError as error:
        return int(getattr(error, "code", 0))
