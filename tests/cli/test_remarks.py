"""Notices on stderr are also in the data of the same command."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.plans import FILE, carry
from tests.support.commands import Ran
from tests.support.manifests import OTHER_ACCOUNT
from tests.support.project import Project
from tests.views.test_output_schemas import faults

DATA = ("--output", "json")
BOT = "ModelCustomizationJob/bot"


@pytest.fixture
def bot(tree: Project) -> Project:
    """Return a tree with one manifest."""
    tree.add("bot")
    return tree


def data_of(ran: Ran, code: int) -> dict[str, Any]:
    """Return a command's data, which is valid against its schema, and check its exit code."""
    assert ran.code == code, ran.err
    data: dict[str, Any] = ran.data
    assert faults(data["kind"], data) == []
    return data


def test_a_guards_refusal_is_data(bot: Project) -> None:
    """Too many submits, or a prune without an owner: the data has the reason of stderr."""
    for asked in (("--max-submits", "0"), ("--prune",)):
        ran = bot.call("reconcile", *asked, *DATA)
        told = data_of(ran, 5)
        assert f"refused: {told['refused']}" in ran.err
        assert told["refused"] == bot.call("plan", *asked, *DATA).data["refused"]
        assert (told["planned"], told["failures"]) == ({"SUBMIT": 1}, [])
        assert [one["phase"] for one in told["jobs"]] == ["Pending"]
    assert bot.changes() == []


def test_why_jobs_were_not_served_is_data(tree: Project) -> None:
    """Wrong account, invalid manifests and unreadable sidecars are listed with their jobs."""
    tree.add("bot", target={"accountId": OTHER_ACCOUNT})
    tree.add("bad", {"roleArn": "nonsense"})
    ran = tree.call("reconcile", *DATA)
    told = data_of(ran, 5)
    (failure,) = told["failures"]
    assert failure["jobs"] == [BOT]
    assert failure["message"].startswith("WrongTarget: ")
    assert f"{failure['message']} [bot]" in ran.err
    assert {one["job"] for one in told["problems"]} == {"ModelCustomizationJob/bad"}
    assert told["refused"] is None

    (tree.jobs / "bot.status.json").write_text("no sidecar")
    shown = data_of(tree.call("status", *DATA), 4)
    assert shown["unreadable"] == ["jobs/bot.status.json"]
    assert shown["problems"] == told["problems"]
    assert data_of(tree.call("stop", "jobs", "--dry-run", *DATA), 5)["problems"] == told["problems"]


def test_broken_files_are_data_where_no_manifest_is_left(tree: Project) -> None:
    """For a job in a tree that cannot be read, the data says what is wrong."""
    (tree.jobs / "bot.yaml").write_text("kind: [")
    for verb in ("stop", "retry", "adopt"):
        told = data_of(tree.call(verb, "bot", "--yes", *DATA), 4)
        assert [one["code"] for one in told["problems"]] == ["BJ104"]
        assert told["jobs"] == []


def test_time_that_was_up_is_data(bot: Project) -> None:
    """A wait that timed out says so."""
    bot.call("reconcile")
    assert data_of(bot.call("wait", "--timeout", "0", *DATA), 6)["timedOut"] is True


def test_removed_entries_are_data(bot: Project) -> None:
    """Entries that --gc removes, or would remove, are counted."""
    bot.fleet(owner="acme-ml")
    bot.settle()
    bot.add("other")
    (bot.jobs / "bot.yaml").unlink()
    assert data_of(bot.call("reconcile", "--gc", "--dry-run", *DATA), 0)["removedEntries"] == 1
    assert data_of(bot.call("reconcile", "--gc", *DATA), 0)["removedEntries"] == 1


def test_what_moved_since_a_plan_is_data(bot: Project) -> None:
    """A refused plan file produces a document with the reason."""
    made = data_of(bot.call("plan", "--out", FILE, *DATA), 0)
    assert made["out"] == {"path": FILE, "changes": 1, "failure": None}
    held = data_of(carry(bot, "--dry-run", *DATA), 0)["planFile"]
    assert (held["holds"], held["changes"], held["carriedOutBefore"]) == (True, 1, 0)

    bot.add("other")
    for extra in ((), ("--dry-run",)):
        told = data_of(carry(bot, *extra, *DATA), 5)
        (moved,) = told["planFile"]["moved"]
        assert moved.startswith("other: not in the plan")
        assert moved in told["refused"]

    bot.fleet(owner="acme-ml")
    told = data_of(carry(bot, *DATA), 5)
    assert told["planFile"]["moved"] == ["the owner was not set and is acme-ml"]
    (bot.folder / FILE).write_text("{}")
    told = data_of(carry(bot, "--dry-run", *DATA), 5)
    assert told["planFile"] == {"path": FILE, "holds": False, "moved": []}
    assert "it names no kind" in told["refused"]
    assert bot.changes() == []
