"""Jobs without a manifest: found by sidecar or in the service, and their entries collected."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.lossy import CREATE, GET, LOST, between, refusal
from tests.support.manifests import manifest, spec, write
from tests.support.project import SETTLED, Project

REVISE = {"onSpecChange": "NewRevision"}


@pytest.fixture
def fleet(tree: Project) -> Project:
    """A project whose fleet has an owner."""
    tree.fleet(owner="acme-ml")
    return tree


def orphans(tree: Project, *arguments: str) -> dict[str, dict[str, Any]]:
    """Return what ``status --orphans`` shows, by name."""
    ran = tree.call("status", "--orphans", "--output", "json", *arguments)
    assert ran.code == 0, ran.err
    return {one["name"]: one for one in ran.data["orphans"]}


def leave(tree: Project, *names: str) -> None:
    """Submit jobs with and without a manifest that stays."""
    tree.add("stays")
    paths = [tree.add(name) for name in names]
    tree.call("reconcile")
    for path in paths:
        path.unlink()


def test_orphans_are_found_without_sidecars(fleet: Project) -> None:
    """With all sidecars lost the service tells of our jobs without a manifest, and only of ours."""
    leave(fleet, "gone-a", "gone-b")
    fleet.bystand({"jobName": "foreign", "customModelName": "foreign", **spec()})
    fleet.forget()
    before = fleet.files()
    found = orphans(fleet)
    assert set(found) == {"gone-a", "gone-b"}
    assert found["gone-a"]["phase"] == "InProgress"
    assert found["gone-a"]["jobArn"] == fleet.sandbox.get("gone-a")["jobArn"]
    assert found["gone-a"]["sidecar"] is None
    assert "import --live gone-a" in found["gone-a"]["remedy"]
    assert fleet.files() == before


def test_orphans_are_those_of_one_owner(fleet: Project) -> None:
    """Another repository's jobs are no orphans of this one."""
    leave(fleet, "gone")
    fleet.forget()
    fleet.fleet(owner="acme-search")
    assert orphans(fleet) == {}


def test_orphans_with_sidecars_cost_no_look(fleet: Project) -> None:
    """What a sidecar tells of needs no Get; the listing brings its status up to date."""
    leave(fleet, "gone")
    fleet.sandbox.advance(SETTLED)
    fleet.hush()
    found = orphans(fleet)["gone"]
    assert (found["phase"], found["sidecar"]) == ("Completed", "jobs/gone.status.json")
    assert "reconcile --gc" in found["remedy"]
    assert [call["operation"][:4] for call in fleet.calls()] == ["List"]


def test_jobs_that_manifests_lead_to_are_no_orphans(fleet: Project) -> None:
    """Earlier revisions of a manifest and jobs under another name are their manifest's."""
    fleet.add("bot", policy=REVISE)
    fleet.add("other", spec(jobName="under-another-name"))
    fleet.call("reconcile")
    fleet.add("bot", spec(hyperParameters={"epochCount": "3"}), policy=REVISE)
    fleet.call("reconcile")
    assert len(fleet.calls("Create")) == 3
    fleet.forget()
    assert orphans(fleet) == {}


def test_other_teams_jobs_are_no_orphans(fleet: Project) -> None:
    """Of one team's folder only what no team has a manifest for is without one."""
    for team in "ab":
        write(fleet.jobs / team / "bot.yaml", manifest(f"bot-{team}"))
    gone = write(fleet.jobs / "a" / "gone.yaml", manifest("gone"))
    fleet.call("reconcile")
    gone.unlink()
    fleet.forget()
    assert set(orphans(fleet, "jobs/a")) == {"gone"}


def test_orphans_of_a_tree_with_nothing_left(fleet: Project) -> None:
    """With no manifest left the fleet's own target is asked."""
    leave(fleet, "gone")
    (fleet.jobs / "stays.yaml").unlink()
    fleet.forget()
    assert set(orphans(fleet)) == {"gone", "stays"}


def test_orphans_as_text(fleet: Project) -> None:
    """People see each job with what they can do, and a count."""
    leave(fleet, "gone")
    ran = fleet.call("status", "--orphans")
    assert "gone" in ran.out
    assert "bring its manifest back" in ran.out
    assert ran.out.endswith("1 job without a manifest.\n")


def test_what_cannot_be_looked_at_is_told(fleet: Project) -> None:
    """A place that cannot be listed ends with 1 and its cause; what sidecars know is shown."""
    leave(fleet, "gone")
    ran = fleet.call("status", "--orphans", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert ran.code == 1
    assert "127.0.0.1:9" in ran.err
    assert "gone" in ran.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-l", "team=a"), "cannot be combined with -l"),
        (("jobs/stays.yaml",), "one file"),
        (("--exit-code",), "leave out --orphans"),
        (("--history",), "leave out --orphans"),
    ],
)
def test_orphans_need_whole_folders(fleet: Project, arguments: tuple[str, ...], told: str) -> None:
    """Where it could not be known what has a manifest, it is a mistake in the command line."""
    fleet.add("stays")
    ran = fleet.call("status", "--orphans", *arguments)
    assert ran.code == 64
    assert told in ran.err
    assert fleet.calls() == []


def test_orphans_need_an_owner(tree: Project) -> None:
    """Without an owner nobody knows whose jobs they are."""
    tree.add("stays")
    ran = tree.call("status", "--orphans")
    assert ran.code == 64
    assert "owner" in ran.err


def test_entries_are_collected_once_their_jobs_ended(fleet: Project) -> None:
    """--gc removes the sidecars of jobs that ended without a manifest, and no other."""
    leave(fleet, "gone-a", "gone-b")
    write(fleet.jobs / "pair.yaml", manifest("left"), manifest("right"))
    fleet.call("reconcile")
    write(fleet.jobs / "pair.yaml", manifest("left"))
    running = fleet.sidecars()
    ran = fleet.call("reconcile", "--gc")
    assert "0 entries" in ran.err
    assert set(fleet.sidecars()) == set(running)
    fleet.sandbox.advance(SETTLED)
    assert "3 entries" in fleet.call("reconcile", "--gc", "--dry-run").err
    assert set(fleet.sidecars()) == set(running)
    ran = fleet.call("reconcile", "--gc")
    assert "3 entries" in ran.err
    assert set(fleet.sidecars()) == {"jobs/pair.status.json", "jobs/stays.status.json"}
    assert fleet.entry("left", "pair")["phase"] == "Completed"
    before = fleet.files()
    assert "0 entries" in fleet.call("reconcile", "--gc").err
    assert fleet.files() == before


def test_without_gc_nothing_is_deleted(fleet: Project) -> None:
    """Entries of jobs that ended stay for as long as nobody asks."""
    leave(fleet, "gone")
    fleet.sandbox.advance(SETTLED)
    before = set(fleet.sidecars())
    fleet.call("reconcile")
    fleet.call("reconcile", "--prune")
    assert set(fleet.sidecars()) == before


def test_entry_left_behind_by_a_move_is_collected(fleet: Project) -> None:
    """Of a running job that moved the old entry goes, once there is one beside its manifest."""
    path = fleet.add("bot")
    fleet.call("reconcile")
    path.rename(fleet.jobs / "moved.yaml")
    assert "1 entry" in fleet.call("reconcile", "--gc").err
    assert set(fleet.sidecars()) == {"jobs/moved.status.json"}
    assert fleet.entry("bot", "moved")["phase"] == "InProgress"
    assert len(fleet.calls("Create")) == 1


@pytest.mark.parametrize("spelled", [("./jobs",), ("jobs", "./jobs"), ("jobs/../jobs",)])
def test_no_spelling_of_a_path_collects_an_entry_in_use(
    fleet: Project, spelled: tuple[str, ...]
) -> None:
    """One folder under several names is one folder: its entries stand beside their manifests."""
    fleet.add("bot")
    fleet.settle()
    assert "0 entries" in fleet.call("reconcile", "--gc", *spelled).err
    assert set(fleet.sidecars()) == {"jobs/bot.status.json"}


def test_entry_of_a_job_that_never_was_is_collected(fleet: Project) -> None:
    """A manifest that was refused and then removed costs no call and leaves nothing behind."""
    fleet.add("stays")
    path = fleet.add("refused")
    with between(fleet.sandbox.url) as service:
        refuses = refusal("ValidationException", 400)
        service.break_down(CREATE, refuses, holding='"jobName": "refused"')
        assert fleet.call("reconcile", AWS_ENDPOINT_URL=service.url).code == 1
    path.unlink()
    fleet.sandbox.advance(SETTLED)
    fleet.call("reconcile")
    fleet.hush()
    assert fleet.call("reconcile").code == 0
    assert fleet.calls() == []
    assert fleet.entry("refused")["conditions"][0]["reason"] == "SubmitRefused"
    assert "1 entry" in fleet.call("reconcile", "--gc").err
    assert set(fleet.sidecars()) == {"jobs/stays.status.json"}


def test_unanswered_create_is_not_forgotten(fleet: Project) -> None:
    """A job that a lost answer left behind is found by its name when its manifest is gone."""
    fleet.add("stays")
    path = fleet.add("bot", policy={"onDelete": "Stop"})
    with between(fleet.sandbox.url) as service:
        service.break_down(CREATE, LOST, holding='"jobName": "bot"')
        service.break_down(GET, refusal("InternalServerException", 500), spared=2)
        fleet.call("reconcile", AWS_ENDPOINT_URL=service.url)
    assert fleet.entry("bot")["phase"] == "Submitting"
    path.unlink()
    assert fleet.call("reconcile", "--prune").code == 0
    assert fleet.sandbox.get("bot")["status"] == "Stopping"
    assert fleet.entry("bot")["phase"] == "Stopping"
