"""The sweep's own parts: they see what they are there to see."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from urllib.parse import quote

import pytest

from tests.chaos.boundaries import Plan
from tests.chaos.forge import ROOT
from tests.chaos.oracles import violations
from tests.chaos.scenarios import SCENARIOS, SECRET, THREE, adopting, pass_made, three
from tests.chaos.sweep import boundaries
from tests.chaos.world import Universe, World, torn_sidecars

FIRST_SUBMIT = SCENARIOS[0]


def stop_somebodys(world: World) -> None:
    """Stop a job that no manifest wants stopped."""
    arn = next(job["jobArn"] for job in world.jobs() if job["jobName"] == "alone")
    world.wire("POST", f"/model-customization-jobs/{quote(arn, safe='')}/stop", {})


def tell_the_secret(world: World) -> None:
    """Let the output hold a sensitive value."""
    with world.output.open("a") as file:
        file.write(SECRET)


def crash_loudly(world: World) -> None:
    """Let the output hold what an unforeseen error leaves there."""
    with world.output.open("a") as file:
        file.write("Traceback (most recent call last):")


def make_another(world: World) -> None:
    """Submit a job that no scenario knows of."""
    adopting(world)


def forget_one(world: World) -> None:
    """Take a manifest and its sidecar away, but not its job."""
    (world.folder / "jobs" / "single.yaml").unlink()
    world.sidecar("single").unlink()


SEEN: list[tuple[Callable[[World], None], str]] = [
    (stop_somebodys, "alone was stopped unasked"),
    (tell_the_secret, "the output shows the secret"),
    (crash_loudly, "the output shows a traceback"),
    (make_another, "strange has a job that nobody wants"),
    (forget_one, "alone has a job, but no entry"),
]


@pytest.mark.parametrize(("harm", "sentence"), SEEN, ids=[one.__name__ for one, _ in SEEN])
def test_oracles_see(everywhere: Universe, harm: Callable[[World], None], sentence: str) -> None:
    """Each harm done to a settled world is told."""
    with everywhere.world() as world:
        three(world)
        pass_made(world)
        harm(world)
        assert sentence in violations(world, FIRST_SUBMIT)


def test_oracles_miss_a_job(everywhere: Universe) -> None:
    """A job that should be there and is not is told."""
    with everywhere.world() as world:
        three(world)
        found = violations(world, replace(FIRST_SUBMIT, jobs=THREE | {"ghost"}))
        assert found == ["ghost has no job"]


def test_torn_sidecar_is_seen(everywhere: Universe) -> None:
    """Half a sidecar is told, a whole one and none at all are not."""
    with everywhere.world() as world:
        three(world)
        assert torn_sidecars(world) == []
        pass_made(world)
        assert torn_sidecars(world) == []
        content = world.sidecar("pair").read_bytes()
        world.sidecar("pair").write_bytes(content[:80])
        assert len(torn_sidecars(world)) == 1


def test_boundaries_number_alike(everywhere: Universe) -> None:
    """The same pass meets the same boundaries each time, calls, writes and locks among them."""
    names = boundaries(everywhere, FIRST_SUBMIT)
    assert boundaries(everywhere, FIRST_SUBMIT) == names
    kinds = {name.split()[0] for name in names}
    assert kinds == {"read", "create", "rename", "lock", "connect", "send", "before", "after"}
    assert names.count("send POST /model-customization-jobs") == len(THREE)


def test_launcher_meets_what_a_forge_meets(everywhere: Universe) -> None:
    """A command that was started afresh has the boundaries of a forked one."""
    with everywhere.world() as world:
        three(world)
        command = world.command(Plan(str(world.folder.with_suffix(".boundaries"))))
        assert command.plan is not None
        launcher = [
            sys.executable,
            "-m",
            "tests.chaos.boundaries",
            json.dumps(asdict(command.plan)),
        ]
        subprocess.run(
            [*launcher, "--", *command.arguments],
            cwd=world.folder,
            env={**command.variables, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
        )
        recorded = world.folder.with_suffix(".boundaries").read_text().splitlines()
    assert recorded == boundaries(everywhere, FIRST_SUBMIT)


def test_killed_at_the_boundary(everywhere: Universe) -> None:
    """Killed before a pass's first Create leaves an intent and no job; after its answer, a job."""
    names = boundaries(everywhere, FIRST_SUBMIT)
    create = names.index("send POST /model-customization-jobs") + 1
    answered = create + names[create:].index("after answer") + 1
    for at, jobs in ((create, 0), (answered, 1)):
        with everywhere.world() as world:
            three(world)
            assert world.reconcile(Plan(at=at)) == -9
            assert len(world.jobs()) == jobs
            assert [entry["phase"] for entry in world.entries().values()] == ["Submitting"]
