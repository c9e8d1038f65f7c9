from __future__ import annotations

import signal
from contextlib import ExitStack

from tests.daemon.process import Watch, names, phases, watch
from tests.sandbox.support import poll
from tests.support.project import Project

MANY = 80


def begun(stack: ExitStack, tree: Project, index: int, count: int) -> Watch:
    """Start one shard of several."""
    return stack.enter_context(watch(tree, "--shard", f"{index}/{count}", "--max-submits", "200"))


def test_shards_come_and_go_and_every_job_is_made_once(tree: Project) -> None:
    """Four shards, one killed and begun again, then five while the four still run."""
    wanted = [f"job-{number:03}" for number in range(MANY)]
    for name in wanted[: MANY // 2]:
        tree.add(name)
    with ExitStack() as stack:
        four = [begun(stack, tree, index, 4) for index in range(4)]
        poll(lambda: len(tree.calls("Create")) >= 5)
        four[1].end(signal.SIGKILL)
        four[1] = begun(stack, tree, 1, 4)
        five = [begun(stack, tree, index, 5).ready() for index in range(5)]
        for name in wanted[MANY // 2 :]:
            tree.add(name)
        poll(lambda: phases(tree, *wanted) == {"InProgress"})
        assert [each.end() for each in (*four, *five)] == [0] * 9

    assert names(tree) == wanted
