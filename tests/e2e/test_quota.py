"""A tree that wants more than the service lets run: all of it gets there, in order, unhurried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.project import SETTLED, Project

QUOTA = 2
FULL = "ServiceQuotaExceededException"


def fill(tree: Project, count: int) -> list[str]:
    """Write manifests of three priorities, and return their names in the order they are to run."""
    names = [f"job-{number:02}" for number in range(count)]
    for name in names:
        tree.add(name, policy={"priority": priority(name)})
    return sorted(names, key=lambda name: (-priority(name), name))


def priority(name: str) -> int:
    """Return the priority of a manifest by its name."""
    return int(name.removeprefix("job-")) % 3 - 1


@dataclass(frozen=True)
class Account:
    """What the account's job list and journal show of a run."""

    jobs: list[dict[str, Any]]
    creates: list[dict[str, Any]]

    @property
    def made(self) -> list[str]:
        """The jobs' names in the order of their creation, as Create was answered."""
        return [one["members"]["jobName"] for one in self.creates if one["code"] is None]

    @property
    def refusals(self) -> list[str]:
        """When each Create was refused for the quota."""
        return [one["at"] for one in self.creates if one["code"] == FULL]

    def most_active(self) -> int:
        """Return how many jobs were active at once at the most."""
        steps = [(job["creationTime"], 1) for job in self.jobs]
        steps += [(job["endTime"], -1) for job in self.jobs]
        active = most = 0
        for _, step in sorted(steps):
            active += step
            most = max(most, active)
        return most

    def slots_freed(self, moment: str) -> int:
        """Return how many slots had come free by a moment: all at first, one for each end."""
        return QUOTA + sum(_as_shown(job["endTime"]) <= moment for job in self.jobs)


def _as_shown(moment: Any) -> str:
    text: str = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{text[:-3]}Z"


def account_of(tree: Project) -> Account:
    """Look at the account as anybody could."""
    listing: Any = tree.sandbox.bedrock().list_model_customization_jobs(maxResults=1000)
    return Account(listing["modelCustomizationJobSummaries"], tree.calls("Create"))


def check(tree: Project, order: list[str]) -> None:
    """Every job completed, within the quota, refused no more often than slots freed."""
    account = account_of(tree)
    assert [job["status"] for job in account.jobs] == ["Completed"] * len(order)
    assert sorted(account.made) == sorted(order)
    assert account.most_active() <= QUOTA
    for count, moment in enumerate(account.refusals, 1):
        assert count <= account.slots_freed(moment)
    assert {tree.entry(name)["phase"] for name in order} == {"Completed"}


def test_forty_get_through_a_quota_of_two(moving: Project) -> None:
    """One command waits for all, by priority, without a storm of refusals."""
    moving.sandbox.change_settings(quota=QUOTA)
    order = fill(moving, 40)
    ran = moving.run("reconcile", "--wait", "--every", "0.05")

    assert ran.code == 0, ran.err
    check(moving, order)
    account = account_of(moving)
    # Of jobs alike, two may be asked for at once, and a slot come free between the two answers.
    assert [priority(name) for name in account.made] == [priority(name) for name in order]
    assert len(account.refusals) >= 1


def test_one_shot_processes_take_each_freed_slot(tree: Project) -> None:
    """Runs of the command that know of each other by the sidecars alone do the same."""
    tree.sandbox.change_settings(quota=QUOTA)
    order = fill(tree, 6)
    for number in range(len(order) // QUOTA):
        assert tree.run("reconcile").code == 0
        assert len(account_of(tree).made) == (number + 1) * QUOTA
        tree.sandbox.advance(SETTLED)
    assert tree.run("reconcile").code == 0
    check(tree, order)
    assert account_of(tree).made == order


def test_full_account_is_left_alone(tree: Project) -> None:
    """While nothing ends no pass is refused again, and no file is touched."""
    tree.sandbox.change_settings(quota=QUOTA)
    fill(tree, 6)
    assert tree.call("reconcile").code == 0
    refused = len(account_of(tree).refusals)
    assert 1 <= refused <= QUOTA
    before = tree.files()
    for _ in range(3):
        assert tree.call("reconcile").code == 0
    assert len(account_of(tree).refusals) == refused
    assert tree.files() == before


@pytest.mark.parametrize("quota", [None, QUOTA], ids=["no quota", "the same quota"])
def test_own_limit_is_never_refused(moving: Project, quota: int | None) -> None:
    """With limits.maxActive the service is never asked for more than it takes."""
    moving.sandbox.change_settings(quota=quota)
    moving.fleet(limits={"maxActive": QUOTA})
    order = fill(moving, 10)
    assert moving.run("reconcile", "--wait", "--every", "0.05").code == 0
    check(moving, order)
    account = account_of(moving)
    assert (account.made, account.refusals) == (order, [])


def test_account_that_others_fill_times_out(tree: Project) -> None:
    """Behind others' jobs the wait ends in time with 6, and what waits shows as Queued."""
    tree.sandbox.change_settings(quota=1)
    tree.sandbox.create("theirs")
    order = fill(tree, 3)
    ran = tree.call("reconcile", "--wait", "--every", "0.01", "--timeout", "0.2")

    assert ran.code == 6
    assert {tree.entry(name)["phase"] for name in order} == {"Queued"}
    assert len(account_of(tree).refusals) == 1
    tree.sandbox.advance(SETTLED)
    assert tree.call("reconcile").code == 0
    assert account_of(tree).made == ["theirs", order[0]]


def test_plan_tells_who_waits_and_why(tree: Project) -> None:
    """The plan shows the queue and calls nothing that changes anything."""
    tree.sandbox.change_settings(quota=1)
    order = fill(tree, 3)
    tree.call("reconcile")
    tree.hush()
    ran = tree.call("plan", "--output", "json")

    shown = {action["name"]: action for action in ran.data["actions"]}
    assert [shown[name]["reason"] for name in order] == ["InProgress", "Queued", "Queued"]
    assert FULL in shown[order[1]]["message"]
    assert "1 active" in shown[order[2]]["message"]
    assert tree.changes() == []


def test_service_that_queues_by_itself_is_not_queued_before(tree: Project) -> None:
    """Where the service accepts what it has no slot for, all is submitted at once."""
    tree.sandbox.change_settings(quota=1, overQuota="queue")
    order = fill(tree, 5)
    assert tree.call("reconcile").code == 0
    assert {tree.entry(name)["phase"] for name in order} == {"InProgress"}
