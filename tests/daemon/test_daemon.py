from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controller.core.call_errors import failure
from controller.core.model import JobKey, Target
from controller.core.planning.rules_removed import Cleaning
from tests.contract.fake import Fake
from tests.contract.showing import REGION
from tests.daemon.world import KIND, RHYTHM, Kept
from tests.sandbox.support import poll

DENIED = failure("AccessDeniedException", "not you", reading=True)
THROTTLED = failure("ThrottlingException", "Rate exceeded", reading=True)
FULL = failure("ServiceQuotaExceededException", "too many", reading=False)
ELSEWHERE = Target("eu-west-1")
OTHER_ROLE = "arn:aws:iam::210987654321:role/BedrockJobs"


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """A daemon over an empty tree."""
    return Kept(tmp_path, Fake())


def test_a_saved_manifest_is_submitted_once(kept: Kept) -> None:
    """A new manifest is one Create, and going round again calls nothing."""
    kept.put("support-bot")
    kept.settle()
    assert kept.calls() == {"Get": 2, "Create": 1}

    kept.daemon.changed()
    kept.settle()

    assert kept.calls() == {}
    assert kept.phase("support-bot") == "InProgress"


def test_a_job_that_runs_is_followed_to_its_end(kept: Kept) -> None:
    """What runs is looked at every minute; what ended is asked for no more until the resync."""
    kept.put("support-bot")
    kept.settle()
    kept.calls()

    kept.after(125.0)
    assert kept.calls() == {"Get": 2}
    kept.finish("support-bot")
    kept.after(60.0)
    assert kept.phase("support-bot") == "Completed"
    kept.calls()
    kept.after(RHYTHM.resync / 2)
    assert kept.calls() == {}
    kept.after(RHYTHM.resync)

    assert kept.calls()["Get"] >= 1


def test_many_jobs_that_run_are_one_listing(kept: Kept) -> None:
    """A hundred active jobs cost one call a minute as long as none of them changes."""
    kept.limit(max_submits=100)
    for number in range(100):
        kept.put(f"job-{number:03}")
    kept.settle()
    kept.after(70.0)
    kept.calls()

    kept.after(600.0)

    assert kept.calls().get("List", 0) <= 12


def test_an_edit_touches_no_other_job(kept: Kept) -> None:
    """Looking at what was saved asks for nothing else."""
    for name in "abc":
        kept.put(name)
    kept.settle()
    kept.calls()
    kept.now += 30.0

    kept.put("d")
    kept.settle()

    assert kept.calls() == {"Get": 2, "Create": 1}


def test_a_failing_job_backs_off_and_a_new_spec_overtakes_that(kept: Kept) -> None:
    """Each failure doubles the wait; whoever saves a mended manifest does not wait."""
    kept.fake.failing[("Get", "support-bot")] = THROTTLED
    kept.put("support-bot")
    kept.settle()
    kept.after(300.0)
    assert 8 <= kept.calls()["Get"] <= 10

    kept.fake.failing.clear()
    kept.put("support-bot", hyperParameters={"epochCount": "3"})
    kept.settle()

    assert len(kept.live()) == 1


def test_one_target_that_fails_keeps_no_other_waiting(kept: Kept) -> None:
    """Jobs of one region go on while another's calls fail, and the daemon is not ready."""
    kept.put("here")
    kept.put("there", target=ELSEWHERE)
    kept.fake.failing[("Get", "there")] = DENIED
    kept.settle()
    kept.after(600.0)

    assert [live.name for live in kept.live()] == ["here"]
    assert not kept.daemon.ready()
    assert set(kept.forgotten) == {ELSEWHERE}

    kept.fake.failing.clear()
    kept.after(900.0)
    assert {live.name for live in kept.live()} == {"here", "there"}
    assert kept.daemon.ready()


def test_a_slow_target_runs_beside_the_others(tmp_path: Path) -> None:
    """While one account's call hangs, another account's job is submitted."""
    hanging, released = threading.Event(), threading.Event()

    def watcher(operation: str, argument: str) -> None:
        if (operation, argument) == ("Get", "slow"):
            hanging.set()
            assert released.wait(60.0)

    with ThreadPoolExecutor(4) as executor:
        kept = Kept(tmp_path, Fake(watcher=watcher), executor=executor)
        kept.put("slow", target=Target(REGION, None, OTHER_ROLE))
        kept.daemon.step()
        assert hanging.wait(60.0)
        kept.put("quick", target=Target(REGION))
        poll(lambda: bool(kept.daemon.step() and [live.name for live in kept.live()] == ["quick"]))
        released.set()
        poll(lambda: bool(kept.daemon.step() and len(kept.live()) == 2))


def test_too_many_new_manifests_are_refused_as_one(kept: Kept) -> None:
    """A tree that asks for more submits than allowed gets none, whatever its targets are."""
    kept.limit(max_submits=3)
    for number in range(4):
        kept.put(f"job-{number}", target=ELSEWHERE if number % 2 else Target(REGION))
    kept.settle()
    kept.after(600.0)
    assert kept.live() == []
    assert kept.counts.passes["refused"] == 1
    assert not kept.daemon.ready()

    kept.limit(max_submits=4)
    kept.settle()
    assert len(kept.live()) == 4
    kept.after(61.0)
    assert kept.daemon.ready()


def test_a_refused_plan_is_seen_whole_again_at_the_resync(kept: Kept) -> None:
    """Refused jobs never slip through in small parts."""
    kept.limit(max_submits=3)
    for number in range(4):
        kept.put(f"job-{number}")
    kept.settle()

    kept.after(3 * RHYTHM.resync)

    assert kept.live() == []
    assert kept.counts.passes["refused"] >= 3


def test_the_limit_of_active_jobs_holds_over_single_saves(kept: Kept) -> None:
    """Manifests saved one after another are counted together with those that run."""
    kept.limit(max_active=2)
    for name in "abcd":
        kept.put(name)
        kept.settle()
    assert len(kept.live()) == 2
    assert [kept.phase(name) for name in "abcd"] == ["InProgress", "InProgress", "Queued", "Queued"]

    kept.finish("a")
    kept.after(70.0)

    assert [live.name for live in kept.live()] == ["a", "b", "c"]


def test_who_waits_longest_is_not_passed_by_a_newcomer(kept: Kept) -> None:
    """A slot goes to the first in line, though a later one was saved just as it became free."""
    kept.limit(max_active=1)
    for name in "ab":
        kept.put(name)
        kept.settle()
    kept.finish("a")
    # The record still says that it runs: only a look shows the slot.
    kept.after(70.0)
    assert [live.name for live in kept.live()] == ["a", "b"]
    kept.put("c")
    kept.put("bb")
    kept.settle()
    kept.finish("b")
    kept.put("zz")
    kept.after(70.0)

    assert [live.name for live in kept.live()] == ["a", "b", "bb"]


def test_what_one_job_shows_to_be_wrong_is_used_for_no_other(kept: Kept) -> None:
    """Credentials of another account than one manifest declares submit nothing, saved whenever."""
    kept.put("declared", target=Target(REGION, "210987654321"))
    kept.settle()
    kept.put("undeclared", target=ELSEWHERE)
    kept.settle()
    assert kept.live() == []

    kept.put("declared", target=Target(REGION))
    kept.settle()

    assert {live.name for live in kept.live()} == {"declared", "undeclared"}


def test_an_ended_job_shows_wrong_credentials(kept: Kept) -> None:
    """A daemon asks whose its credentials are though all has ended: what is new comes later."""
    kept.put("ended")
    kept.settle()
    kept.finish("ended")
    kept.after(70.0)
    assert kept.phase("ended") == "Completed"
    after_a_restart = Kept(kept.folder, Fake(account="210987654321"))
    after_a_restart.put("ended")
    after_a_restart.settle()

    after_a_restart.put("new", target=ELSEWHERE)
    after_a_restart.settle()

    assert after_a_restart.live() == []


def test_an_event_is_a_look_at_once(kept: Kept) -> None:
    """A job that is heard of is asked for; an ARN of nobody's is not."""
    kept.put("support-bot")
    kept.settle()
    kept.calls()
    kept.finish("support-bot")

    kept.daemon.heard("arn:aws:bedrock:us-east-1:123456789012:model-customization-job/x/y")
    kept.settle()
    assert kept.calls() == {}
    kept.daemon.heard(kept.live()[0].arn)
    kept.daemon.heard(kept.live()[0].arn)
    kept.settle()

    assert kept.calls() == {"Get": 1}
    assert kept.phase("support-bot") == "Completed"


def test_nothing_is_done_while_the_tree_cannot_be_read(kept: Kept) -> None:
    """A broken fleet file keeps what was wanted, and looks at it, but takes in nothing new."""
    kept.put("a")
    kept.settle()
    kept.broken = "bedrock-jobs.yaml: BJ101"
    kept.put("b")
    kept.settle()
    kept.after(600.0)
    assert [live.name for live in kept.live()] == ["a"]
    assert not kept.daemon.ready()

    kept.broken = ""
    kept.after(700.0)

    assert {live.name for live in kept.live()} == {"a", "b"}
    assert kept.daemon.ready()


def test_a_removed_manifest_is_noticed_after_a_quiet_minute(tmp_path: Path) -> None:
    """With prune a job is stopped once its manifest has been gone for an interval, not before."""
    kept = Kept(tmp_path, Fake(), cleaning=Cleaning(prune=True))
    kept.put("a", {"onDelete": "Stop"})
    kept.put("b")
    kept.settle()
    kept.remove("a")
    kept.settle()
    kept.after(30.0)
    kept.put("a", {"onDelete": "Stop"})
    kept.after(100.0)
    assert "Stop" not in kept.fake.count()

    kept.remove("a")
    kept.after(130.0)

    assert kept.fake.count()["Stop"] == 1


def test_a_signal_to_renew_reads_and_asks_everything(kept: Kept) -> None:
    """SIGHUP's call makes ports anew and looks at what runs at once."""
    kept.put("support-bot")
    kept.settle()
    kept.calls()

    kept.daemon.renew()
    kept.settle()

    assert kept.renewed == 1
    assert kept.calls() == {"Get": 1}


def test_an_idle_fleet_is_ready_for_ever(kept: Kept) -> None:
    """With nothing to do a daemon stays alive and ready, and calls nothing."""
    kept.put("a")
    kept.settle()
    kept.finish("a")
    kept.after(70.0)
    kept.calls()

    for _ in range(100):
        kept.after(60.0)
        assert kept.daemon.alive()
        assert kept.daemon.ready()

    assert kept.calls() == {}
    assert kept.counts.phases == {"Completed": 1}
    assert kept.counts.manifests == (1, 0)


def test_a_manifest_that_changes_under_way_is_looked_at_again(tmp_path: Path) -> None:
    """What a pass shows of yesterday's manifest says nothing of today's."""
    kept = Kept(tmp_path, Fake())
    kept.put("a")
    edits = iter(["once"])

    def edit(operation: str, argument: str) -> None:
        if operation == "Create" and next(edits, None):
            kept.put("a", {"state": "Stopped"})

    kept.fake.watcher = edit
    kept.settle()

    assert kept.fake.count()["Stop"] == 1
    assert JobKey(KIND.name, "a") in kept.roster.phases
