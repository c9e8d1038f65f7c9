from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controller.adapters.checkout import Checkout
from controller.adapters.git import GitError
from tests.checkout.support import STATUS, claimed, files, push, write
from tests.git.support import Hub, git
from tests.sandbox.support import poll


def test_a_first_pull_clones_one_commit(ours: Checkout, person: Path) -> None:
    """The clone is as deep as one commit, and a second pull finds nothing new."""
    push(person, {"jobs/a.yaml": "a: 1"})

    assert [ours.pull(), ours.pull()] == [True, False]
    assert files(ours.tree) == files(person)
    assert git(ours.tree, "rev-list", "--count", "HEAD") == "1"


def test_the_remotes_own_branch_is_taken_without_a_name(
    hub: Hub, ours: Checkout, tmp_path: Path
) -> None:
    """Without a branch it is the one that the remote's HEAD names, and the name is told."""
    git(hub.bare, "branch", "-m", "main", "trunk")
    mine = claimed(hub, tmp_path / "mine", "")
    assert mine.branch == ""

    mine.pull()

    assert mine.branch == "trunk"
    assert not claimed(hub, tmp_path / "mine", "").branch


def test_a_pull_makes_every_file_the_remotes(ours: Checkout, person: Path) -> None:
    """Edits, moves, removals, files that turn into folders arrive; what nobody committed goes."""
    push(person, {"jobs/b.yaml": "b", "jobs/x": "file", "jobs/y/z.yaml": "folder"})
    ours.pull()
    write(ours.tree, {"jobs/stray.yaml": "s", "jobs/new/stray.yaml": "s", "jobs/a.yaml": "spoilt"})
    (person / "jobs/b.yaml").rename(person / "c.yaml")
    (person / "jobs/x").unlink()
    (person / "jobs/y/z.yaml").unlink()
    (person / "jobs/y").rmdir()
    push(person, {"jobs/x/y.yaml": "folder", "jobs/y": "file"})

    assert ours.pull()
    assert files(ours.tree) == files(person)


def test_a_rewritten_branch_is_followed(ours: Checkout, person: Path) -> None:
    """A forced push is a head like any other."""
    push(person, {"jobs/b.yaml": "b"})
    ours.pull()
    git(person, "reset", "-q", "--hard", "HEAD~1")
    push(person, {"jobs/c.yaml": "c"})

    assert ours.pull()
    assert sorted(files(ours.tree / "jobs")) == ["a.yaml", "c.yaml"]


def test_statuses_are_merged(ours: Checkout, person: Path) -> None:
    """A status that was not pushed outlives a pull; what only the remote changed is taken over."""
    # What both began with, ours, theirs, and what comes of it; nothing stands for no file.
    cases = (
        ("", "new", "", "new"),
        ("old", "new", "old", "new"),
        ("old", "old", "theirs", "theirs"),
        ("old", "new", "theirs", "old+new+theirs"),
        ("", "new", "theirs", "+new+theirs"),
        ("old", "old", "", ""),
        ("old", "new", "", "old+new+"),
    )
    names = [f"jobs/{number}.status.json" for number in range(len(cases))]
    bases, mine, theirs, after = (
        {name: case[side] for name, case in zip(names, cases, strict=True) if case[side]}
        for side in range(4)
    )
    push(person, bases)
    ours.pull()
    write(ours.tree, mine)
    push(person, theirs, *(bases.keys() - theirs.keys()))

    assert [ours.pull(), ours.pull()] == [False, False]
    assert {name: text for name, text in files(ours.tree).items() if name in names} == after


def test_statuses_alone_are_no_news(ours: Checkout, person: Path) -> None:
    """A pull tells of manifests that changed, and not of what another writer recorded."""
    ours.pull()
    ours.pull()
    push(person, {STATUS: "theirs"})
    assert not ours.pull()
    push(person, {STATUS: "again", "jobs/a.yaml": "a: 1"})
    assert ours.pull()


def test_a_move_that_was_broken_off_is_made_again(
    hub: Hub, ours: Checkout, person: Path, tmp_path: Path
) -> None:
    """After a kill amid it, the next daemon's tree is the head's, with the statuses of before."""
    push(person, {STATUS: "old"})
    ours.pull()
    write(ours.tree, {STATUS: "new"})
    push(person, {"jobs/a.yaml": "a: 1", "jobs/b.yaml": "b"})
    git(ours.tree, "fetch", "-q", "origin", "+refs/heads/main:refs/remotes/origin/main")
    git(ours.tree, "read-tree", "--reset", "origin/main")
    write(ours.tree, {"jobs/b.yaml": "half"})
    for lock in ("index.lock", "shallow.lock", "refs/remotes/origin/main.lock"):
        (ours.tree / ".git" / lock).touch()
    push(person, {}, "jobs/b.yaml")

    again = claimed(hub, tmp_path / "work")
    assert again.pull()

    assert files(again.tree / "jobs") == {"a.yaml": "a: 1", "a.status.json": "new"}
    assert git(again.tree, "status", "--porcelain") == f" M {STATUS}"


def test_a_pull_that_failed_amid_its_move_is_made_again(
    hub: Hub, ours: Checkout, person: Path
) -> None:
    """A full disk, say: the next pull merges the same statuses from the same base."""
    push(person, {STATUS: "old", "jobs/b.yaml": "b"})
    ours.pull()
    write(ours.tree, {STATUS: "new"})
    push(person, {STATUS: "theirs", "jobs/a.yaml": "a: 1"})

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    failing = claimed(hub, ours.folder, merge=full)
    with pytest.raises(GitError, match="No space"):
        failing.pull()
    again = claimed(hub, ours.folder)
    assert again.pull()
    assert files(again.tree)[STATUS] == "old+new+theirs"


def test_what_a_kill_left_astray_is_put_right(hub: Hub, ours: Checkout, person: Path) -> None:
    """Even when the branch has gone back to where it was: no file that nobody pushed is read."""
    ours.pull()
    write(ours.tree, {"jobs/stray.yaml": "s", "jobs/a.yaml": "half"})

    assert claimed(hub, ours.folder).pull()
    assert files(ours.tree) == files(person)


def test_what_is_read_is_one_commits(ours: Checkout, person: Path) -> None:
    """While a pull changes files nobody reads them: what is read is all of one commit."""
    many = [f"jobs/m{number:02}.yaml" for number in range(20)]
    push(person, dict.fromkeys(many, "0"))
    ours.pull()
    seen: list[set[str]] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.wait(0.002):
            with ours.still:
                seen.append({(ours.tree / path).read_text() for path in many})

    with ThreadPoolExecutor(2) as executor:
        readers = [executor.submit(read) for _ in range(2)]
        for edition in range(1, 4):
            push(person, dict.fromkeys(many, str(edition)))
            ours.pull()
        poll(lambda: bool(seen) and seen[-1] == {"3"})
        ended.set()
        for reader in readers:
            reader.result()

    assert [texts for texts in seen if len(texts) != 1] == []
