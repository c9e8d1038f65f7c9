"""`reconcile --write-back`: what it commits, where, and when it commits nothing."""

from __future__ import annotations

from pathlib import Path

from tests.git.support import Shared, shared
from tests.views.test_output_schemas import faults

COMMIT = ("--write-back", "commit")
ALL_AT_ONCE = ("github", "markdown", "sarif", "junit")


def test_apply_commit_apply_makes_one_commit(team: Shared) -> None:
    """The status lands on the branch once; a pass that changes nothing commits nothing."""
    team.project.add("support-bot")
    before = team.push()

    first = team.call("reconcile", *COMMIT)
    again = team.call("reconcile", *COMMIT)

    head = team.hub.head()
    assert (first.code, again.code) == (0, 0)
    assert team.hub.commits()[:2] == [head, before]
    assert team.hub.touched() == ["jobs/support-bot.status.json"]
    assert team.hub.entry("support-bot")["phase"] == "InProgress"
    assert f"origin/main has the status of 1 job now: commit {head[:10]}" in first.err
    assert "commit" not in again.err
    # The user's branch has followed, and nothing is left behind.
    assert team.git("status", "--porcelain", "--branch") == "## main...origin/main"
    assert team.git("rev-parse", "HEAD") == head
    assert team.git("worktree", "list").count("\n") == 0


def test_each_pass_has_its_commit_and_bytes(team: Shared) -> None:
    """What is committed are the bytes of the sidecars, to the last one."""
    for name in ("one", "two"):
        team.project.add(name)
    team.push()

    team.call("reconcile", *COMMIT)
    team.project.sandbox.advance(7200)
    team.call("reconcile", *COMMIT)

    sidecars = team.project.sidecars()
    assert len(team.hub.commits()) == 4
    assert sorted(sidecars) == team.hub.touched()
    assert {path: team.hub.read(path) for path in sidecars} == sidecars
    assert "- one: InProgress -> Completed\n" in team.hub.message()


def test_waiting_commits_what_each_pass_saw(tmp_path: Path) -> None:
    """With --wait a submit is on the branch before the job has ended, and its end too."""
    with shared(tmp_path, speed=7200) as team:
        team.project.add("support-bot")
        team.push()

        ran = team.call("reconcile", *COMMIT, "--wait", "--every", "0.2")

        subjects = [team.hub.message(commit) for commit in team.hub.commits()]
        assert ran.code == 0, ran.err
        assert "-> Completed" in subjects[0]
        assert "- support-bot: InProgress" in subjects[-3]


def test_the_data_of_a_pass_has_its_commits(team: Shared) -> None:
    """What stderr tells of the write-back is data too: what was committed, and what failed."""
    team.project.add("support-bot")
    team.push()

    told = team.call("reconcile", *COMMIT, "--output", "json").data
    (team.hub.bare / "HEAD").unlink()
    team.project.sandbox.advance(7200)
    failed = team.call("reconcile", *COMMIT, "--output", "json")
    pages = {one: team.call("reconcile", *COMMIT, "--output", one).out for one in ALL_AT_ONCE}

    written = told["writeBack"]
    (commit,) = written["commits"]
    assert (written["branch"], written["remote"]) == ("main", "origin")
    assert (written["notes"], written["failure"]) == ([], None)
    assert commit["jobs"] == ["support-bot"]
    assert commit["paths"] == ["jobs/support-bot.status.json"]
    assert (len(commit["commit"]), commit["pushed"]) == (40, True)
    assert failed.code == 1
    assert failed.data["writeBack"]["commits"] == []
    assert f"not written back: {failed.data['writeBack']['failure']}" in failed.err
    assert [faults("StatusList", one) for one in (told, failed.data)] == [[], []]
    assert "::error title=NotWrittenBack::" in pages["github"]
    assert all("The statuses were not written back: git" in page for page in pages.values())


def test_nothing_is_committed_unasked(team: Shared) -> None:
    """Files alone are the default, and a dry run writes nothing anywhere."""
    team.project.add("support-bot")
    before = team.push()

    for options in ((*COMMIT, "--dry-run"), (), ("--write-back", "files")):
        assert team.call("reconcile", *options).code == 0

    assert team.hub.head() == before
    assert team.git("rev-parse", "HEAD") == before


def test_the_commit_is_worded_as_asked(team: Shared) -> None:
    """Message, author and [skip ci] are the user's choice; the trailer stays."""
    team.project.add("support-bot")
    team.push()

    asked = ["--commit-message", "ops: {jobs} ({phases})", "--no-skip-ci"]
    asked += ["--commit-author", "Bot <bot@example.com>"]
    team.call("reconcile", *COMMIT, *asked)

    lines = team.hub.message().splitlines()
    shown = team.git(
        "log", "-1", "--format=%an <%ae> %cn %(trailers:key=Bedrock-Jobs-Pass,valueonly)"
    )
    assert lines[0] == "ops: support-bot (1 InProgress)"
    assert shown.startswith("Bot <bot@example.com> Person ")
    assert len(shown.split()[-1]) == 16


def test_equal_content_has_an_equal_trailer(team: Shared, tmp_path: Path) -> None:
    """The trailer is a function of what is committed: no time, no machine, no history."""
    team.project.add("support-bot")
    team.push()
    team.call("reconcile", *COMMIT)
    first = team.hub.message().splitlines()[-1]
    team.git("rm", "-q", "jobs/support-bot.status.json")
    team.push("Forget", "jobs")

    other = team.another("other")
    ran = other.call(
        "reconcile", *COMMIT, GIT_AUTHOR_NAME="Other", GIT_AUTHOR_EMAIL="o@example.com"
    )

    assert ran.code == 0, ran.err
    assert team.hub.message().splitlines()[-1] == first


def test_another_branch_takes_the_statuses(team: Shared) -> None:
    """branch:NAME leaves the checked out branch alone; the branch is made, then continued."""
    team.project.add("support-bot")
    before = team.push()

    team.call("reconcile", "--write-back", "branch:bedrock/status")
    team.project.sandbox.advance(7200)
    team.call("reconcile", "--write-back", "branch:bedrock/status")

    assert team.hub.head() == before
    assert team.git("rev-parse", "HEAD") == before
    assert team.hub.commits("bedrock/status")[2] == before
    assert team.hub.entry("support-bot", commit="bedrock/status")["phase"] == "Completed"


def test_another_branch_catches_up_once_it_is_merged(team: Shared) -> None:
    """A status branch that was merged goes on from where the merge left the manifests."""
    team.project.add("one")
    team.push()
    team.call("reconcile", "--write-back", "branch:status")
    team.git("checkout", "-q", "--force", "main")
    team.project.forget()
    team.git("pull", "-q", "--no-rebase", "origin", "status")
    team.project.add("two")
    merged = team.push()

    team.call("reconcile", "--write-back", "branch:status")

    assert team.hub.commits("status")[1] == merged
    assert team.hub.touched("status") == ["jobs/two.status.json"]


def test_a_fresh_clone_finds_the_other_branch_up_to_date(team: Shared) -> None:
    """Statuses that were rebuilt from the service are what the branch has: no second commit."""
    team.project.add("support-bot")
    team.push()
    team.project.sandbox.advance(60)
    team.call("reconcile", "--write-back", "branch:status")
    head = team.hub.head("status")

    ran = team.another("other").call("reconcile", "--write-back", "branch:status")

    assert ran.code == 0
    assert team.hub.head("status") == head


def test_collected_entries_go_from_the_branch_too(team: Shared) -> None:
    """A sidecar that --gc removed is removed by the commit."""
    team.project.add("support-bot")
    team.project.add("other")
    team.push()
    team.project.sandbox.advance(1)
    team.call("reconcile", *COMMIT)
    team.project.sandbox.advance(7200)
    team.call("reconcile", *COMMIT)
    (team.project.jobs / "other.yaml").unlink()
    team.push()

    ran = team.call("reconcile", *COMMIT, "--gc")

    assert ran.code == 0, ran.err
    assert team.hub.touched() == ["jobs/other.status.json"]
    assert "jobs/other.status.json" not in team.hub.names()
    assert "- other: removed" in team.hub.message()
