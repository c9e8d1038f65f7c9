from __future__ import annotations

import shutil

from tests.daemon.process import names, phases, watch
from tests.daemon.trees import commit, git, submits
from tests.sandbox.support import poll
from tests.support.project import Project

MANY = 60


def test_a_link_that_flips_to_another_worktree_is_one_pass(tree: Project) -> None:
    """git-sync's way of updating: a new worktree beside the old one, and the link swapped."""
    for name in ("a", "b"):
        tree.add(name)
    root, statuses = tree.folder / "git", tree.folder / "statuses"
    root.mkdir()
    tree.jobs.rename(root / "one")
    (root / "current").symlink_to("one")
    path = str(root / "current")
    with watch(tree, path, "--status-dir", str(statuses), "--interval", "60s") as daemon:
        poll(lambda: (statuses / "b.status.json").exists())
        shutil.copytree(root / "one", root / "two")
        shutil.copy(root / "two" / "a.yaml", root / "two" / "c.yaml")
        text = (root / "two" / "c.yaml").read_text()
        (root / "two" / "c.yaml").write_text(text.replace("name: a", "name: c"))
        (root / "next").symlink_to("two")
        (root / "next").rename(root / "current")
        poll(lambda: (statuses / "c.status.json").exists())
        shutil.rmtree(root / "one")
        assert daemon.end() == 0

    assert names(tree) == ["a", "b", "c"]
    assert submits(daemon)[-1] == 1


def test_a_checkout_is_one_plan(tree: Project) -> None:
    """A commit with too many submits is refused though its files come one after another."""
    git(tree.folder, "init", "--quiet", "--initial-branch", "main")
    tree.fleet(limits={"maxSubmits": MANY - 1})
    tree.add("first")
    commit(tree.folder, "one manifest")
    git(tree.folder, "checkout", "--quiet", "-b", "many")
    wanted = [f"job-{number:02}" for number in range(MANY)]
    for name in wanted:
        tree.add(name)
    commit(tree.folder, "many manifests")
    git(tree.folder, "checkout", "--quiet", "main")
    with watch(tree, "--interval", "60s") as daemon:
        poll(lambda: phases(tree, "first") == {"InProgress"})
        git(tree.folder, "checkout", "--quiet", "many")
        poll(lambda: bool(daemon.said("refused")))
        assert names(tree) == ["first"]
        tree.fleet(limits={"maxSubmits": MANY})
        poll(lambda: phases(tree, *wanted) == {"InProgress"})
        assert daemon.end() == 0

    assert names(tree) == ["first", *wanted]
    assert submits(daemon) == [1, MANY]


def test_touched_files_are_no_news(tree: Project) -> None:
    """Files that were written again as they were cost no call."""
    for number in range(MANY // 2):
        tree.add(f"job-{number:02}")
    with watch(tree, "--interval", "60s") as daemon:
        poll(lambda: phases(tree, *names(tree), "job-29") == {"InProgress"})
        tree.hush()
        for path in tree.jobs.glob("*.yaml"):
            path.write_bytes(path.read_bytes())
        tree.add("last")
        poll(lambda: phases(tree, "last") == {"InProgress"})
        assert daemon.end() == 0

    assert len(tree.calls()) == 3
