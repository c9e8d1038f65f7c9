"""Passes that do not live to their end: nothing is paid twice, nothing is lost."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.support import poll
from tests.support.commands import DEADLINE, environment, started
from tests.support.lossy import GET, SLOW, between
from tests.support.project import Project

JOBS = 50


@contextlib.contextmanager
def reconciling(tree: Project, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """While the context lasts a pass runs in a process of its own."""
    given = environment(tree.folder, AWS_ENDPOINT_URL=tree.sandbox.url)
    with started(tree.folder, "reconcile", *arguments, env=given) as process:
        yield process


def fill(tree: Project) -> None:
    """Write as many manifests as the guard lets through."""
    for number in range(JOBS):
        tree.add(f"job-{number:02}")


def submitted(tree: Project) -> list[str]:
    """Return the names of all jobs that the service has."""
    pages = tree.sandbox.bedrock().get_paginator("list_model_customization_jobs").paginate()
    return sorted(
        one["jobName"] for page in pages for one in page["modelCustomizationJobSummaries"]
    )


def end_after(tree: Project, creates: int, number: int) -> tuple[int, str]:
    """Send a pass a signal after so many submits; return its exit code and what it said."""
    with reconciling(tree) as process:
        poll(lambda: len(tree.calls("Create")) >= creates or process.poll() is not None)
        process.send_signal(number)
        _, said = process.communicate(timeout=DEADLINE)
        return process.returncode, said


@pytest.mark.parametrize("creates", [1, 23, 49])
def test_killed_pass_is_taken_up(tree: Project, creates: int) -> None:
    """After SIGKILL in the midst of 50 submits the next pass makes it 50 jobs, not 51."""
    fill(tree)
    end_after(tree, creates, signal.SIGKILL)
    ran = tree.call("reconcile")
    assert ran.code == 0, ran.err
    assert submitted(tree) == [f"job-{number:02}" for number in range(JOBS)]
    assert {tree.entry(name)["phase"] for name in submitted(tree)} == {"InProgress"}


def test_pass_killed_again_and_again(tree: Project) -> None:
    """Killed at one point after another, the passes together still make 50 jobs."""
    fill(tree)
    for creates in (2, 17, 41):
        end_after(tree, creates, signal.SIGKILL)
    assert tree.call("reconcile").code == 0
    accepted = [entry for entry in tree.calls("Create") if entry["status"] == 201]
    assert len(submitted(tree)) == JOBS
    assert len({entry["members"]["clientRequestToken"] for entry in accepted}) == JOBS


def test_killed_pass_leaves_whole_sidecars(tree: Project) -> None:
    """Whatever a killed pass leaves behind, every sidecar is whole JSON."""
    fill(tree)
    end_after(tree, 11, signal.SIGKILL)
    for content in tree.sidecars().values():
        assert json.loads(content)["kind"] == "Status"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_signalled_pass_ends_in_order(tree: Project, number: int, code: int) -> None:
    """What is under way is finished and recorded, and what has not started never does."""
    fill(tree)
    # However busy the machine is, there are submits still to come when the signal does.
    tree.sandbox.inject_fault("delay", "Create", seconds=0.25, nth=4, times=None)
    ended, said = end_after(tree, 3, number)
    assert ended == code
    assert "Traceback" not in said
    names = submitted(tree)
    assert {tree.entry(name)["phase"] for name in names} == {"InProgress"}
    unrecorded = {f"jobs/{name}.status.json" for name in names} ^ set(tree.sidecars())
    assert unrecorded == set()
    assert tree.call("reconcile").code == 0
    assert len(submitted(tree)) == JOBS
    assert len(tree.calls("Create")) == JOBS


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_signalled_wait_ends_at_once(tree: Project, number: int, code: int) -> None:
    """A wait between two looks is left without delay, and without a traceback."""
    tree.add("support-bot")
    with reconciling(tree, "--wait") as process:
        poll(lambda: Path(tree.jobs / "support-bot.status.json").exists())
        poll(lambda: tree.entry("support-bot")["phase"] == "InProgress")
        process.send_signal(number)
        _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == code
    assert "Traceback" not in said


def test_two_passes_at_once(tree: Project) -> None:
    """Two passes over one tree at the same time share their jobs: each is submitted once."""
    fill(tree)
    with reconciling(tree) as first, reconciling(tree) as second:
        said = [process.communicate(timeout=DEADLINE)[1] for process in (first, second)]
        assert (first.returncode, second.returncode) == (0, 0), said
    assert len(submitted(tree)) == JOBS
    assert {tree.entry(name)["phase"] for name in submitted(tree)} == {"InProgress"}
    before = tree.files()
    tree.hush()
    assert tree.call("reconcile").code == 0
    assert tree.changes() == []
    assert tree.files() == before


def test_signalled_look_is_left_soon(tree: Project) -> None:
    """A pass that still looks jobs up ends without looking up the rest."""
    fill(tree)
    tree.call("reconcile")
    tree.forget()
    tree.hush()
    with between(tree.sandbox.url) as service:
        service.break_down(GET, SLOW)
        with reconciling(tree, "--endpoint-url", service.url) as process:
            poll(lambda: len(tree.calls("Get")) >= 1)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert len(tree.calls("Get")) < JOBS
    assert tree.changes() == []
