from __future__ import annotations

import signal

from tests.daemon.process import names, phases, watch
from tests.daemon.trees import commit, git, submits
from tests.sandbox.support import poll
from tests.support.checkouts import halfway
from tests.support.project import Project

MANY = 60
KMS = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_a_checkout_is_one_plan(tree: Project) -> None:
    """A commit with too many submits is refused even if its files appear one after another."""
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


def test_half_a_checkout_is_not_read(tree: Project) -> None:
    """A manifest is submitted with the defaults of its commit, even if these appear later."""
    git(tree.folder, "init", "--quiet", "--initial-branch", "main")
    tree.add("first")
    commit(tree.folder, "one manifest")
    git(tree.folder, "checkout", "--quiet", "-b", "more")
    tree.add("00")
    (tree.jobs / "_defaults.yaml").write_text(f"spec: {{customModelKmsKeyId: '{KMS}'}}\n")
    commit(tree.folder, "defaults")
    git(tree.folder, "checkout", "--quiet", "main")
    with watch(tree, "--interval", "60s") as daemon:
        poll(lambda: phases(tree, "first") == {"InProgress"})
        with halfway(tree.folder, "more", "jobs/_defaults.yaml"):
            daemon.process.send_signal(signal.SIGHUP)
            poll(lambda: bool(daemon.said("unsettled")))
            assert names(tree) == ["first"]
        poll(lambda: phases(tree, "00") == {"InProgress"})
        assert daemon.end() == 0

    (created,) = (one for one in tree.calls("Create") if one["members"]["jobName"] == "00")
    assert created["members"]["customModelKmsKeyId"] == KMS
