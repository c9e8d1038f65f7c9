from __future__ import annotations

from tests.daemon.process import names, phases, watch
from tests.daemon.trees import commit, git, submits
from tests.sandbox.support import poll
from tests.support.project import Project

MANY = 60


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
