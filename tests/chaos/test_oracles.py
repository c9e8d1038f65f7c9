"""The sweep's own parts: they see what they are there to see."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from urllib.parse import quote

import pytest

from tests.chaos.boundaries import Plan
from tests.chaos.forge import ROOT
from tests.chaos.harm import Harm, meddled, sidecar_changed
from tests.chaos.oracles import violations
from tests.chaos.races import _judged
from tests.chaos.scenarios import (
    SCENARIOS,
    SECRET,
    THREE,
    TWO,
    adopting,
    nothing_unique,
    pass_made,
    suspended,
    taken,
    three,
)
from tests.chaos.sweep import boundaries
from tests.chaos.world import JOBS, Universe, World, torn_sidecars, watched
from tests.sandbox.support import poll
from tests.support.manifests import spec

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


def append_a_byte(world: World) -> None:
    """Touch a sidecar."""
    path = world.sidecar("single")
    path.write_bytes(path.read_bytes() + b"\n")


def submit_again(token: str | None = None) -> Harm:
    """Return the harm of another Create of a job that there is, under its token or another."""

    def submit(world: World) -> None:
        nothing_unique(world)
        mine = next(job for job in world.jobs() if job["jobName"] == "alone")
        given = {"jobName": "alone", "customModelName": "alone-again"}
        request = {**spec(), **given, "clientRequestToken": token or mine["clientRequestToken"]}
        world.wire("POST", JOBS, request)

    return submit


def forget_the_calls(world: World) -> None:
    """Let the journal know of no submit."""
    world.sandbox.control("DELETE", "calls")


def write_no_manifest(world: World) -> None:
    """Put a file in the tree that is no manifest."""
    (world.folder / "jobs" / "broken.yaml").write_text("- broken\n")


CALLED = "ModelCustomizationJob"
NOT_THERE = "the entry of alone tells of a job that is not there"
BEHIND: list[tuple[str, Harm, Harm, int, str]] = [
    ("a stop in the third", three, stop_somebodys, 3, f"the third pass called Stop{CALLED}"),
    ("a create in the third", three, make_another, 3, f"the third pass called Create{CALLED}"),
    ("a byte in the third", three, append_a_byte, 3, "the third pass touched a file"),
    ("a byte in the last", three, append_a_byte, 4, "single.status.json is not rebuilt as it was"),
    (
        "a create in the last",
        three,
        make_another,
        4,
        f"without sidecars a pass called Create{CALLED}",
    ),
    ("another token", three, submit_again("other"), 1, "alone was paid 2 times"),
    ("another job", three, submit_again("other"), 1, "alone has 2 jobs"),
    ("the same token", three, submit_again(), 1, "^bj1-.* has 2 jobs"),
    ("calls forgotten", three, forget_the_calls, 3, "0 specs were submitted"),
    ("a broken file", three, write_no_manifest, 1, "a settled pass ended with 4"),
    (
        "a secret in a sidecar",
        three,
        sidecar_changed("pair", "gone", note=SECRET),
        4,
        "pair.status.json shows the secret",
    ),
    (
        "another's job claimed",
        taken,
        sidecar_changed("strange", "strange", jobArn="arn"),
        3,
        "the entry of strange claims another's job",
    ),
    (
        "a wrong token",
        three,
        sidecar_changed("single", "alone", token="bj1-0-0"),  # noqa: S106 - nobody's
        3,
        "the entry of alone has another token than its job",
    ),
    (
        "a wrong phase",
        three,
        sidecar_changed("single", "alone", phase="Completed"),
        3,
        "the entry of alone says Completed, and the job is InProgress",
    ),
    (
        "a wrong status",
        three,
        sidecar_changed("single", "alone", live={"status": "Failed"}),
        3,
        "the entry of alone shows Failed, and the job is InProgress",
    ),
    ("no job", suspended, sidecar_changed("single", "alone", jobArn="arn"), 3, NOT_THERE),
]


@pytest.mark.parametrize(
    ("before", "harm", "at", "sentence"),
    [one[1:] for one in BEHIND],
    ids=[one[0] for one in BEHIND],
)
def test_oracles_see_behind_a_pass(
    everywhere: Universe, before: Harm, harm: Harm, at: int, sentence: str
) -> None:
    """Harm done while the passes settle is told in a sentence of its own."""
    scenario = replace(FIRST_SUBMIT, jobs=TWO if before is taken else THREE)
    with everywhere.world() as world:
        before(world)
        found = violations(meddled(world, harm, at), scenario)
        assert [one for one in found if re.search(sentence, one)]


RACED: list[tuple[str, Harm, list[int], str]] = [
    ("a code", pass_made, [0, 1], "a controller ended with 1"),
    ("a job", make_another, [0], "there are 4 jobs for 3 manifests"),
    ("an output", crash_loudly, [0], "the output shows a traceback"),
    ("a byte", append_a_byte, [0], "single.status.json is another than a single pass writes"),
    (
        "a phase",
        sidecar_changed("single", "alone", phase="Stopped"),
        [0],
        "alone is not recorded as in progress",
    ),
]


@pytest.mark.parametrize(
    ("harm", "codes", "sentence"), [one[1:] for one in RACED], ids=[one[0] for one in RACED]
)
def test_races_see(everywhere: Universe, harm: Harm, codes: list[int], sentence: str) -> None:
    """What goes wrong in a race is told, and of a race that went well nothing is."""
    with everywhere.world() as world:
        three(world)
        pass_made(world)
        assert _judged(world, set(THREE), [0, 0]) == []
        harm(world)
        assert sentence in _judged(world, set(THREE), codes)


def test_torn_while_watched(everywhere: Universe) -> None:
    """A sidecar that is torn for a moment only is seen by who watches."""
    with everywhere.world() as world:
        three(world)
        pass_made(world)
        whole = world.sidecar("pair").read_bytes()
        with watched(world) as torn:
            world.sidecar("pair").write_bytes(whole[:80])
            poll(lambda: bool(torn))
            world.sidecar("pair").write_bytes(whole)
        assert torn[0].startswith("pair.status.json is torn")


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
