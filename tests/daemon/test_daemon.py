from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controller.core.call_errors import make_failure
from controller.core.model import JobKey, Target
from controller.core.planning.rules_removed import CleanupOptions
from tests.contract.fake import Fake
from tests.contract.showing import REGION
from tests.daemon.world import KIND, RHYTHM, Kept
from tests.sandbox.support import poll

DENIED = make_failure("AccessDeniedException", "not you", reading=True)
THROTTLED = make_failure("ThrottlingException", "Rate exceeded", reading=True)
FULL = make_failure("ServiceQuotaExceededException", "too many", reading=False)
ELSEWHERE = Target("eu-west-1")
OTHER_ROLE = "arn:aws:iam::210987654321:role/BedrockJobs"


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """A daemon over an empty tree."""
    return Kept(tmp_path, Fake())


def test_a_saved_manifest_is_submitted_once(kept: Kept) -> None:
    """A new manifest is submitted by one Create, and the next iteration makes no call."""
    kept.put("support-bot")
    kept.settle()
    assert kept.calls() == {"Get": 2, "Create": 1}

    kept.daemon.notify_change()
    kept.settle()

    assert kept.calls() == {}
    assert kept.phase("support-bot") == "InProgress"


def test_a_running_job_is_polled_until_it_ends(kept: Kept) -> None:
    """A running job is polled every minute; an ended one is not polled until the resync."""
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


def test_many_running_jobs_share_one_listing(kept: Kept) -> None:
    """A hundred active jobs cost one call a minute as long as none of them changes."""
    kept.limit(max_submits=100)
    for number in range(100):
        kept.put(f"job-{number:03}")
    kept.settle()
    kept.after(70.0)
    kept.calls()

    kept.after(600.0)

    assert kept.calls().get("List", 0) <= 12


def test_an_edit_causes_no_call_for_other_jobs(kept: Kept) -> None:
    """Saving one manifest causes no calls for other jobs."""
    for name in "abc":
        kept.put(name)
    kept.settle()
    kept.calls()
    kept.now += 30.0

    kept.put("d")
    kept.settle()

    assert kept.calls() == {"Get": 2, "Create": 1}


def test_a_new_spec_ends_a_backoff(kept: Kept) -> None:
    """Each failure doubles the backoff, and saving the fixed manifest ends it."""
    kept.fake.failing[("Get", "support-bot")] = THROTTLED
    kept.put("support-bot")
    kept.settle()
    kept.after(300.0)
    assert 8 <= kept.calls()["Get"] <= 10

    kept.fake.failing.clear()
    kept.put("support-bot", hyperParameters={"epochCount": "3"})
    kept.settle()

    assert len(kept.live()) == 1


def test_a_failing_target_does_not_block_others(kept: Kept) -> None:
    """Jobs of one region continue while another's calls fail, and the daemon is not ready."""
    kept.put("here")
    kept.put("there", target=ELSEWHERE)
    kept.fake.failing[("Get", "there")] = DENIED
    kept.settle()
    kept.after(600.0)

    assert [live.name for live in kept.live()] == ["here"]
    assert not kept.daemon.is_ready()
    assert set(kept.forgotten) == {ELSEWHERE}

    kept.fake.failing.clear()
    kept.after(900.0)
    assert {live.name for live in kept.live()} == {"here", "there"}
    assert kept.daemon.is_ready()


def test_a_slow_target_does_not_block_others(tmp_path: Path) -> None:
    """While one account's call hangs, another account's job is submitted."""
    hanging, released = threading.Event(), threading.Event()

    def watcher(operation: str, argument: str) -> None:
        if (operation, argument) == ("Get", "slow"):
            hanging.set()
            assert released.wait(60.0)

    with ThreadPoolExecutor(4) as executor:
        kept = Kept(tmp_path, Fake(watcher=watcher), executor=executor)
        kept.put("slow", target=Target(REGION, None, OTHER_ROLE))
        kept.daemon.run_once()
        assert hanging.wait(60.0)
        kept.put("quick", target=Target(REGION))
        poll(
            lambda: bool(
                kept.daemon.run_once() and [live.name for live in kept.live()] == ["quick"]
            )
        )
        released.set()
        poll(lambda: bool(kept.daemon.run_once() and len(kept.live()) == 2))


def test_too_many_new_manifests_are_refused_together(kept: Kept) -> None:
    """A tree with more submits than allowed gets none, whatever its targets are."""
    kept.limit(max_submits=3)
    for number in range(4):
        kept.put(f"job-{number}", target=ELSEWHERE if number % 2 else Target(REGION))
    kept.settle()
    kept.after(600.0)
    assert kept.live() == []
    assert kept.counts.passes["refused"] == 1
    assert not kept.daemon.is_ready()

    kept.limit(max_submits=4)
    kept.settle()
    assert len(kept.live()) == 4
    kept.after(61.0)
    assert kept.daemon.is_ready()


def test_a_refused_plan_is_planned_whole_at_the_resync(kept: Kept) -> None:
    """A refused plan is never carried out in small parts."""
    kept.limit(max_submits=3)
    for number in range(4):
        kept.put(f"job-{number}")
    kept.settle()

    kept.after(3 * RHYTHM.resync)

    assert kept.live() == []
    assert kept.counts.passes["refused"] >= 3


def test_max_active_holds_across_saves(kept: Kept) -> None:
    """Manifests saved one after another count together with running jobs."""
    kept.limit(max_active=2)
    for name in "abcd":
        kept.put(name)
        kept.settle()
    assert len(kept.live()) == 2
    assert [kept.phase(name) for name in "abcd"] == ["InProgress", "InProgress", "Queued", "Queued"]

    kept.finish("a")
    kept.after(70.0)

    assert [live.name for live in kept.live()] == ["a", "b", "c"]


def test_a_free_slot_goes_to_the_first_in_line(kept: Kept) -> None:
    """A free slot goes to the first in line, even if another manifest was saved just then."""
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


def test_wrong_credentials_submit_no_job(kept: Kept) -> None:
    """Credentials of another account than one manifest declares submit no job at all."""
    kept.put("declared", target=Target(REGION, "210987654321"))
    kept.settle()
    kept.put("undeclared", target=ELSEWHERE)
    kept.settle()
    assert kept.live() == []

    kept.put("declared", target=Target(REGION))
    kept.settle()

    assert {live.name for live in kept.live()} == {"declared", "undeclared"}


def test_an_ended_job_shows_wrong_credentials(kept: Kept) -> None:
    """A daemon resolves its credentials even if all jobs have ended, for later manifests."""
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


def test_an_event_makes_its_job_due(kept: Kept) -> None:
    """An event makes its job due at once; an event with an unknown ARN is ignored."""
    kept.put("support-bot")
    kept.settle()
    kept.calls()
    kept.finish("support-bot")

    kept.daemon.notify_job_event(
        "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/x/y"
    )
    kept.settle()
    assert kept.calls() == {}
    kept.daemon.notify_job_event(kept.live()[0].arn)
    kept.daemon.notify_job_event(kept.live()[0].arn)
    kept.settle()

    assert kept.calls() == {"Get": 1}
    assert kept.phase("support-bot") == "Completed"


def test_a_broken_fleet_file_starts_nothing_new(kept: Kept) -> None:
    """While the fleet file is broken, known jobs are still observed, but nothing new is started."""
    kept.put("a")
    kept.settle()
    kept.broken = "bedrock-jobs.yaml: BJ101"
    kept.put("b")
    kept.settle()
    kept.after(600.0)
    assert [live.name for live in kept.live()] == ["a"]
    assert not kept.daemon.is_ready()

    kept.broken = ""
    kept.after(700.0)

    assert {live.name for live in kept.live()} == {"a", "b"}
    assert kept.daemon.is_ready()


def test_a_removed_manifest_is_noticed_after_a_quiet_minute(tmp_path: Path) -> None:
    """With prune, a job is stopped once its manifest has been missing for an interval."""
    kept = Kept(tmp_path, Fake(), cleaning=CleanupOptions(prune=True))
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


def test_a_reload_reads_and_observes_everything(kept: Kept) -> None:
    """SIGHUP reloads the ports and observes running jobs at once."""
    kept.put("support-bot")
    kept.settle()
    kept.calls()

    kept.daemon.reload()
    kept.settle()

    assert kept.renewed == 1
    assert kept.calls() == {"Get": 1}


def test_an_idle_daemon_stays_ready(kept: Kept) -> None:
    """An idle daemon stays alive and ready, and makes no calls."""
    kept.put("a")
    kept.settle()
    kept.finish("a")
    kept.after(70.0)
    kept.calls()

    for _ in range(100):
        kept.after(60.0)
        assert kept.daemon.is_alive()
        assert kept.daemon.is_ready()

    assert kept.calls() == {}
    assert kept.counts.phases == {"Completed": 1}
    assert kept.counts.manifests == (1, 0)


def test_a_manifest_that_changes_during_a_pass_is_observed_again(tmp_path: Path) -> None:
    """A manifest that changes during a pass is observed again after it."""
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
