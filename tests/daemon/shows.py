"""Demonstrations of any size: trees that change at once, killed daemons, moving shards.

Each takes an empty project and a size, asserts what must be true, and returns measurements.
"""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.daemon.process import Watch, watch
from tests.daemon.trees import (
    Edition,
    check_jobs,
    check_sidecars,
    commit,
    entries,
    git,
    live,
    plant,
    recorded,
    submits,
    two_trees,
    until,
)
from tests.support.project import SETTLED, Project

MANY = ("--max-submits", "100000")
ONCE = (*MANY, "--interval", "1h", "--resync", "1000d")
"""Such a daemon looks at nothing twice unless something tells it to."""
MOST_CALLS = 4
"""A look under either name, the Create, and a look at what it made."""
EVERY = 10
"""After so many kills a daemon may live on."""


def flip(tree: Project, size: int) -> str:
    """Flip git-sync's link from one worktree to the next."""
    root, statuses = tree.folder / "git", tree.folder / "statuses"
    one, two = two_trees(size)
    plant(root / "one", one)
    plant(root / "two", two)
    (root / "current").symlink_to("one")
    (root / "next").symlink_to("two")
    arguments = ("git/current", "--status-dir", str(statuses))
    with changed_once(tree, size, arguments) as change:
        figures = change(lambda: (root / "next").rename(root / "current"))
        shutil.rmtree(root / "one")
    check_jobs(tree, one | two)
    check_sidecars(statuses, two)
    return figures


def checkout(tree: Project, size: int) -> str:
    """Check out another branch with git."""
    one, two = two_trees(size)
    (tree.folder / ".gitignore").write_text("*.status.json\n*.lock\n")
    git(tree.folder, "init", "--quiet", "--initial-branch", "one")
    plant(tree.jobs, one)
    commit(tree.folder, "one")
    git(tree.folder, "checkout", "--quiet", "-b", "two")
    shutil.rmtree(tree.jobs)
    plant(tree.jobs, two)
    commit(tree.folder, "two")
    git(tree.folder, "checkout", "--quiet", "one")
    with changed_once(tree, size) as change:
        figures = change(lambda: git(tree.folder, "checkout", "--quiet", "two"))
    check_jobs(tree, one | two)
    check_sidecars(tree.jobs, two)
    return figures


@contextmanager
def changed_once(
    tree: Project, size: int, arguments: tuple[str, ...] = ()
) -> Iterator[Callable[[Callable[[], object]], str]]:
    """Run a daemon on the first of two trees, and yield a way to switch to the second.

    At the end the daemon must have read the second tree at once, and submitted in one pass.
    """
    with watch(tree, *arguments, *ONCE) as daemon:
        until(lambda: sum(submits(daemon)) == size)

        def change(how: Callable[[], object]) -> str:
            began = time.monotonic()
            how()
            changing = time.monotonic() - began
            until(lambda: sum(submits(daemon)) > size)
            seconds = time.monotonic() - began
            return (
                f"{size:,} files changed in {changing:.2f} s: 1 pass, of {size // 2:,} submits, "
                f"{seconds:.1f} s"
            )

        yield change
        assert daemon.end() == 0
    assert submits(daemon) == [size, size // 2]
    assert [line["changed"] for line in daemon.said("tree")] == [size, size // 4 * 3]


def touched(tree: Project, size: int) -> str:
    """Rewrite every file of a settled tree unchanged, and edit one."""
    one = {(number, 0) for number in range(size)}
    plant(tree.jobs, one)
    with watch(tree, *ONCE) as daemon:
        until(lambda: sum(submits(daemon)) == size)
        assert daemon.end() == 0
    tree.sandbox.advance(SETTLED)
    with watch(tree, *ONCE) as daemon:
        until(lambda: bool(daemon.said("pass")))
        before = len(tree.calls())
        began = time.monotonic()
        for path in tree.jobs.glob("*.yaml"):
            path.write_bytes(path.read_bytes())
        plant(tree.jobs, [(0, 1)])
        wrote = time.monotonic() - began
        until(lambda: bool(submits(daemon)))
        seconds = time.monotonic() - began - wrote
        assert daemon.end() == 0
    calls = Counter(call["operation"] for call in tree.calls()[before:])
    assert submits(daemon) == [1]
    assert [line["changed"] for line in daemon.said("tree")] == [size, 1]
    assert calls.total() <= MOST_CALLS, calls
    check_jobs(tree, one | {(0, 1)})
    check_sidecars(tree.jobs, [(0, 1)])
    check_sidecars(tree.jobs, one - {(0, 0)}, "Completed")
    return (
        f"{size:,} files written in {wrote:.1f} s: 1 pass, of 1 submit, {seconds:.1f} s later; "
        f"{calls.total()} calls"
    )


def killed(tree: Project, kills: int, seed: int = 5) -> str:
    """Kill daemons at random while manifests are added and edited; then let some catch up."""
    chance = random.Random(seed)  # noqa: S311 - where to kill is no secret
    wanted: dict[int, int] = {}
    written: set[Edition] = set()
    tree.sandbox.inject_fault(
        "delay", "Create", seconds=0.05, times=None, probability=0.3, seed=seed
    )
    tree.sandbox.inject_fault("reset-after", "Create", times=None, probability=0.05, seed=seed)
    amid, times = 0, []
    for life in range(1, kills + 1):
        edit(wanted, chance)
        written |= set(wanted.items())
        plant(tree.jobs, wanted.items())
        amid += not lived(tree, chance)
        entries(tree.jobs)
        if life % EVERY == 0 or life == kills:
            times.append(caught_up(tree, set(wanted.items())))
    again = check_jobs(tree, wanted.items(), written)
    return (
        f"{kills} kills, {amid} of them amid a pass: {len(live(tree)):,} jobs, none twice, "
        f"{again} tokens sent again; {len(times)} times caught up in 1 pass, "
        f"within {max(times):.1f} s of its start"
    )


def edit(wanted: dict[int, int], chance: random.Random) -> None:
    """Add some manifests, and edit some others."""
    for number in chance.sample(sorted(wanted), min(len(wanted), 2)):
        wanted[number] += 1
    fresh = range(len(wanted), len(wanted) + chance.randint(3, 6))
    wanted.update(dict.fromkeys(fresh, 0))


def lived(tree: Project, chance: random.Random) -> bool:
    """Run a daemon, kill it at some moment of its first pass; return whether the pass ended."""
    jobs, more = chance.randint(0, 6), chance.uniform(0.0, 0.1)
    with watch(tree, *MANY) as daemon:
        until(lambda: bool(daemon.said("tree")), every=0.005)
        until(lambda: len(daemon.said("job")) >= jobs or bool(daemon.said("pass")), every=0.005)
        time.sleep(more)
        ended = bool(daemon.said("pass"))
        daemon.end(signal.SIGKILL)
        return ended


def caught_up(tree: Project, wanted: set[Edition]) -> float:
    """Run one pass, assert that nothing more was due, and return its duration."""
    began = time.monotonic()
    with watch(tree, *ONCE) as daemon:
        until(lambda: bool(daemon.said("pass")), every=0.005)
        seconds = time.monotonic() - began
        check_sidecars(tree.jobs, wanted)
        assert daemon.end() == 0
    assert len(daemon.said("pass")) == 1
    return seconds


REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-south-1", "ca-central-1")
"""Places of which each shard has its share."""


def shards(tree: Project, size: int, count: int = 4) -> str:
    """Run some shards, restart one, and add another while they run."""
    wanted = [(number, 0) for number in range(size)]
    plant(tree.jobs, wanted[: size // 2], REGIONS)
    began = time.monotonic()
    with ExitStack() as stack:
        first = [shard(stack, tree, index, count) for index in range(count)]
        until(lambda: recorded(tree.jobs) >= size // 8)
        first[1].end(signal.SIGKILL)
        first[1] = shard(stack, tree, 1, count)
        last = [shard(stack, tree, index, count + 1) for index in range(count + 1)]
        plant(tree.jobs, wanted[size // 2 :], REGIONS)
        until(lambda: recorded(tree.jobs) >= size // 4 * 3)
        for each in (*first, *last):
            each.ready()
        assert [each.end() for each in first] == [0] * count
        until(lambda: settled(tree.jobs, size), every=0.5)
        seconds = time.monotonic() - began
        assert [each.end() for each in last] == [0] * (count + 1)
    again = check_jobs(tree, wanted, regions=REGIONS)
    check_sidecars(tree.jobs, wanted)
    return f"{size:,} jobs, each once, in {seconds:.0f} s; {again} tokens sent again"


def shard(stack: ExitStack, tree: Project, index: int, count: int) -> Watch:
    """Start one of several daemons."""
    return stack.enter_context(watch(tree, *MANY, "--shard", f"{index}/{count}"))


def settled(folder: Path, size: int) -> bool:
    """Whether every job is recorded as running."""
    return recorded(folder) == size and {entry["phase"] for entry in entries(folder)} == {
        "InProgress"
    }
