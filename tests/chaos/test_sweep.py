"""A fixed slice of the sweep, with other boundaries in each scenario; `make chaos` is all."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest

from tests.chaos.batches import BATCH
from tests.chaos.errnos import FAILING, failed, failures
from tests.chaos.faults import ANSWERED, faulted, moments, strange_answers
from tests.chaos.lives import FAULTED_LIVES, LIVES, OVERTAKEN_LIVES
from tests.chaos.parts import WAYS, parts
from tests.chaos.portions import (
    PORTIONED,
    STOPPING,
    Piece,
    one_pass,
    portioned,
    portions,
    submitted_by_the_whole,
)
from tests.chaos.power import POWERED, outages, powered
from tests.chaos.prefixes import CHECKED_OUT, checked_out, prefixes
from tests.chaos.races import race
from tests.chaos.scenarios import FAULTED, OVERTAKEN, SCENARIOS, Scenario
from tests.chaos.sweep import Run, boundaries, killed, overtaken
from tests.chaos.world import Universe
from tests.support.manifests import manifest, spec

DEATHS = 1
ENCOUNTERS = 1
MOMENTS = 1


def sliced(
    universe: Universe,
    scenario: Scenario,
    way: Callable[[Universe, Scenario, int, str], Run],
    start: int,
    count: int,
) -> list[Run]:
    """Break a scenario off at so many boundaries, spread evenly from one that ``start`` names."""
    names = list(enumerate(boundaries(universe, scenario), 1))
    apart = len(names) // count
    return [way(universe, scenario, *names[(start * 7) % apart + apart * i]) for i in range(count)]


def each(scenarios: tuple[Scenario, ...]) -> pytest.MarkDecorator:
    """Run a test with every scenario and its number."""
    ids = [one.name.replace(" ", "-") for one in scenarios]
    return pytest.mark.parametrize(("start", "scenario"), list(enumerate(scenarios)), ids=ids)


@each(CHECKED_OUT[:8])
def test_half_a_checkout_asks_for_nothing(
    everywhere: Universe, scenario: Scenario, start: int
) -> None:
    """At each prefix of a checkout a daemon wants what HEAD has, and in the end the new commit."""
    names = prefixes(everywhere, scenario)
    at = start % len(names)
    assert checked_out(everywhere, scenario, at, names[at]).violations == ()


@each(SCENARIOS)
def test_killed_pass_is_made_good(everywhere: Universe, scenario: Scenario, start: int) -> None:
    """Wherever a pass is killed, the next ones settle it and every oracle holds."""
    runs = sliced(everywhere, scenario, killed, start, DEATHS)
    assert [run for run in runs if run.violations] == []


@each(LIVES)
def test_killed_life_is_made_good(everywhere: Universe, scenario: Scenario, start: int) -> None:
    """So it is with a pass that retries, revises, tags, prunes, queues or adopts."""
    runs = sliced(everywhere, scenario, killed, start, 1)
    assert [run for run in runs if run.violations] == []


@each((*OVERTAKEN, *OVERTAKEN_LIVES))
def test_overtaken_pass_does_no_harm(everywhere: Universe, scenario: Scenario, start: int) -> None:
    """Wherever a pass is held while another is made, both together keep every oracle."""
    runs = sliced(everywhere, scenario, overtaken, start, ENCOUNTERS)
    assert [run for run in runs if run.violations] == []


@each((*FAULTED, *FAULTED_LIVES))
def test_bad_moment_is_made_good(everywhere: Universe, scenario: Scenario, start: int) -> None:
    """Whatever the service does wrong at a call, the next passes settle it."""
    found = moments(everywhere, scenario)
    apart = len(found) // MOMENTS
    some = [found[(start * 7) % apart + apart * number] for number in range(MOMENTS)]
    runs = [faulted(everywhere, scenario, moment) for moment in some]
    assert [run for run in runs if run.violations] == []


@each(ANSWERED)
def test_strange_answer_is_made_good(everywhere: Universe, scenario: Scenario, start: int) -> None:
    """Whatever answers in the service's place, nothing is paid twice and no record is lost."""
    found = strange_answers(everywhere, scenario)
    run = faulted(everywhere, scenario, found[(start * 41 + 17) % len(found)])
    assert (run.boundary, run.violations) == (run.boundary, ())


@each(PORTIONED[:12])
def test_part_of_the_tree_is_made_good(
    everywhere: Universe, scenario: Scenario, start: int
) -> None:
    """Whatever part of the tree passes are made over, none stops or repeats another's job."""
    found = portions(everywhere, scenario)
    run = portioned(everywhere, scenario, found[start % len(found)])
    assert (run.boundary, run.violations) == (run.boundary, ())


@pytest.mark.parametrize("way", ["file", "label", BATCH])
def test_pass_over_a_part_is_about_that_part(everywhere: Universe, way: str) -> None:
    """Each way to choose a part submits the job that it names and no other."""
    with everywhere.world() as world:
        world.put("single", manifest("single"))
        world.put("pair", manifest("left"), manifest("right"))

        one_pass(world, Piece(way, "single"), in_turn=True)

        assert [job["jobName"] for job in world.jobs()] == ["single"]
        one_pass(world, Piece(STOPPING, "single"), in_turn=True)
        assert [job["status"] for job in world.jobs()] == ["Stopping"]


def test_what_the_whole_tree_holds_is_known(everywhere: Universe) -> None:
    """Of manifests that clash, a pass over the whole tree would submit none."""
    with everywhere.world() as world:
        for name in ("left", "right"):
            world.put(name, manifest(name, spec(jobName="same", customModelName=name)))
        world.put("single", manifest("single"))

        assert submitted_by_the_whole(world) == {"single"}


@each(FAILING)
def test_failing_disk_is_made_good(everywhere: Universe, scenario: Scenario, start: int) -> None:
    """Whatever cannot be read once, no rule is weaker, no record is lost, nothing is paid twice."""
    found = failures(everywhere, scenario)
    run = failed(everywhere, scenario, found[(start * 41 + 17) % len(found)])
    assert (run.boundary, run.violations) == (run.boundary, ())


@each(POWERED[:8])
def test_power_failure_is_made_good(everywhere: Universe, scenario: Scenario, start: int) -> None:
    """Whatever a crash leaves of the disk, nothing is paid twice and no job is lost."""
    found = outages(everywhere, scenario)
    run = powered(everywhere, scenario, found[(start * 41 + 17) % len(found)])
    assert (run.boundary, run.violations) == (run.boundary, ())


@pytest.mark.parametrize("controllers", [2, 4])
def test_controllers_share_new_manifests(everywhere: Universe, controllers: int) -> None:
    """Started together over the same new manifests, controllers make one job of each."""
    assert race(everywhere, controllers, manifests=24).violations == ()


def test_all_the_work_can_be_handed_to_workers() -> None:
    """Every part of the whole sweep crosses to another process, scenario and all."""
    whole = list(parts(WAYS, 1, 1))

    handed = pickle.loads(pickle.dumps(whole))  # noqa: S301 - made in the line itself

    assert [one.row for one in handed] == [one.row for one in whole]
