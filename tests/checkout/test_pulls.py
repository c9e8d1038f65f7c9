from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controller.adapters.git.clone import ManagedClone
from controller.adapters.git.command import GitError
from tests.checkout.support import STATUS, claimed, files, push, write
from tests.git.support import Hub, git
from tests.sandbox.support import poll


def test_a_first_pull_clones_one_commit(ours: ManagedClone, person: Path) -> None:
    """The clone is as deep as one commit, and a second pull finds nothing new."""
    push(person, {"jobs/a.yaml": "a: 1"})

    assert [ours.pull(), ours.pull()] == [True, False]
    assert files(ours.tree) == files(person)
    assert git(ours.tree, "rev-list", "--count", "HEAD") == "1"


def test_the_remotes_own_branch_is_taken_without_a_name(
    hub: Hub, ours: ManagedClone, tmp_path: Path
) -> None:
    """Without a branch it is the one that the remote's HEAD names, and the name is told."""
    git(hub.bare, "branch", "-m", "main", "trunk")
    mine = claimed(hub, tmp_path / "mine", "")
    assert mine.branch == ""

    mine.pull()

    assert mine.branch == "trunk"
    assert not claimed(hub, tmp_path / "mine", "").branch


@pytest.mark.parametrize("renamed", ["trunk", "main/v2"])
def test_the_remotes_head_is_followed_when_it_moves(
    hub: Hub, ours: ManagedClone, person: Path, tmp_path: Path, renamed: str
) -> None:
    """Without a branch a renamed default branch is taken; a named one is the one and only."""
    mine = claimed(hub, tmp_path / "mine", "")
    mine.pull()
    ours.pull()
    git(hub.bare, "branch", "-m", "main", renamed)
    write(person, {"jobs/b.yaml": "b: 0"})
    git(person, "add", "--all")
    git(person, "commit", "-q", "-m", "More")
    git(person, "push", "-q", "origin", f"HEAD:{renamed}")

    assert mine.pull()
    assert not mine.pull()
    assert mine.branch == git(mine.tree, "symbolic-ref", "--short", "HEAD") == renamed
    assert files(mine.tree) == files(person)
    assert claimed(hub, tmp_path / "mine", "").pull()
    with pytest.raises(GitError, match="main"):
        ours.pull()


def test_a_head_that_names_another_branch_is_followed(
    hub: Hub, person: Path, tmp_path: Path
) -> None:
    """The old branch may go on: it is not the remote's own any more."""
    mine = claimed(hub, tmp_path / "mine", "")
    mine.pull()
    git(person, "push", "-q", "origin", "HEAD:next")
    git(hub.bare, "symbolic-ref", "HEAD", "refs/heads/next")
    push(person, {"jobs/old.yaml": "old: 0"})

    mine.pull()

    assert mine.branch == "next"
    assert not (mine.tree / "jobs/old.yaml").exists()


def _submodule(person: Path, name: str) -> None:
    """Let a folder become a submodule, as a commit has it."""
    head = git(person, "rev-parse", "HEAD")
    git(person, "rm", "-rq", "--ignore-unmatch", name)
    git(person, "update-index", "--add", "--cacheinfo", f"160000,{head},{name}")
    git(person, "commit", "-q", "-m", "Submodule")
    git(person, "push", "-q", "--force", "origin", "HEAD:main")


def test_a_folder_that_becomes_a_submodule_is_as_in_a_fresh_clone(
    hub: Hub, ours: ManagedClone, person: Path, tmp_path: Path
) -> None:
    """Its manifests are gone, and a status that was not pushed stays; back again they return."""
    push(person, {"jobs/sub/x.yaml": "x", "jobs/sub/in/y.yaml": "y"})
    ours.pull()
    write(ours.tree, {"jobs/sub/x.status.json": "mine"})
    (ours.tree / "jobs/sub/link").symlink_to(tmp_path)
    _submodule(person, "jobs/sub")

    assert ours.pull()
    fresh = claimed(hub, tmp_path / "fresh")
    fresh.pull()
    assert files(ours.tree) == {**files(fresh.tree), "jobs/sub/x.status.json": "mine"}
    assert not (ours.tree / "jobs/sub/in").exists()
    assert not (ours.tree / "jobs/sub/link").is_symlink()
    assert (fresh.tree / "jobs/sub").is_dir()

    git(person, "rm", "-q", "--cached", "jobs/sub")
    push(person, {"jobs/sub/x.yaml": "back"})
    assert ours.pull()
    assert files(ours.tree)["jobs/sub/x.yaml"] == "back"


KINDS = ("file", "folder", "link", "submodule", "nothing")


@pytest.mark.parametrize("before", KINDS)
def test_whatever_a_path_becomes_is_as_in_a_fresh_clone(
    hub: Hub, ours: ManagedClone, person: Path, tmp_path: Path, before: str
) -> None:
    """File, folder, link, submodule and nothing turn into each other."""
    for number, after in enumerate(KINDS):
        _make(person, before)
        ours.pull()
        _make(person, after)
        ours.pull()
        fresh = claimed(hub, tmp_path / f"fresh{number}")
        fresh.pull()
        assert _shown(ours.tree) == _shown(fresh.tree), after


def _make(person: Path, kind: str) -> None:
    """Let ``jobs/it`` be something else on the branch."""
    it = person / "jobs/it"
    git(person, "rm", "-rfq", "--cached", "--ignore-unmatch", "jobs/it")
    if it.is_symlink() or it.is_file():
        it.unlink()
    elif it.exists():
        shutil.rmtree(it)
    if kind == "submodule":
        _submodule(person, "jobs/it")
        return
    if kind == "link":
        it.symlink_to("../other")
    content = {"file": {"jobs/it": "it"}, "folder": {"jobs/it/x.yaml": "x"}}
    push(person, content.get(kind))


def _shown(tree: Path) -> dict[str, str]:
    """Return every name below a tree, and what it is: a folder, a link's target or a text."""
    return {
        path.relative_to(tree).as_posix(): str(path.readlink())
        if path.is_symlink()
        else "folder"
        if path.is_dir()
        else path.read_text()
        for path in sorted(tree.rglob("*"))
        if ".git" not in path.relative_to(tree).parts
    }


def test_no_attribute_changes_a_byte(
    hub: Hub, ours: ManagedClone, person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a clone holds is what was committed, and no filter of this machine is started."""
    settings = tmp_path / "gitconfig"
    settings.write_text(f'[filter "x"]\n\tsmudge = touch {tmp_path}/ran; cat\n')
    ours.pull()
    push(person, {".gitattributes": "*.yaml filter=x text eol=crlf\n", "jobs/b.yaml": "b\n"})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    ours.pull()
    fresh = claimed(hub, tmp_path / "fresh")
    fresh.pull()

    for clone in (ours, fresh):
        assert (clone.tree / "jobs/b.yaml").read_bytes() == b"b\n"
    assert not (tmp_path / "ran").exists()


def test_an_older_clone_is_laid_out_again(ours: ManagedClone, person: Path, tmp_path: Path) -> None:
    """What an attribute had changed before it was ignored is put right by the next daemon."""
    push(person, {".gitattributes": "*.yaml text eol=crlf\n", "jobs/b.yaml": "b\n"})
    ours.pull()
    (ours.tree / ".git/info/attributes").unlink()
    (ours.tree / "jobs/b.yaml").unlink()
    git(ours.tree, "checkout", "-q", "--", "jobs/b.yaml")
    assert (ours.tree / "jobs/b.yaml").read_bytes() == b"b\r\n"

    claimed(Hub(tmp_path / "hub.git"), tmp_path / "work").pull()

    assert (ours.tree / "jobs/b.yaml").read_bytes() == b"b\n"


def test_a_pull_makes_every_file_the_remotes(ours: ManagedClone, person: Path) -> None:
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


def test_a_rewritten_branch_is_followed(ours: ManagedClone, person: Path) -> None:
    """A forced push is a head like any other."""
    push(person, {"jobs/b.yaml": "b"})
    ours.pull()
    git(person, "reset", "-q", "--hard", "HEAD~1")
    push(person, {"jobs/c.yaml": "c"})

    assert ours.pull()
    assert sorted(files(ours.tree / "jobs")) == ["a.yaml", "c.yaml"]


def test_statuses_are_merged(ours: ManagedClone, person: Path) -> None:
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


def test_statuses_alone_are_no_news(ours: ManagedClone, person: Path) -> None:
    """A pull tells of manifests that changed, and not of what another writer recorded."""
    ours.pull()
    ours.pull()
    push(person, {STATUS: "theirs"})
    assert not ours.pull()
    push(person, {STATUS: "again", "jobs/a.yaml": "a: 1"})
    assert ours.pull()


def test_a_move_that_was_broken_off_is_made_again(
    hub: Hub, ours: ManagedClone, person: Path, tmp_path: Path
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
    hub: Hub, ours: ManagedClone, person: Path
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


def test_what_a_kill_left_astray_is_put_right(hub: Hub, ours: ManagedClone, person: Path) -> None:
    """Even when the branch has gone back to where it was: no file that nobody pushed is read."""
    ours.pull()
    write(ours.tree, {"jobs/stray.yaml": "s", "jobs/a.yaml": "half"})

    assert claimed(hub, ours.folder).pull()
    assert files(ours.tree) == files(person)


def test_what_is_read_is_one_commits(ours: ManagedClone, person: Path) -> None:
    """While a pull changes files nobody reads them: what is read is all of one commit."""
    many = [f"jobs/m{number:02}.yaml" for number in range(20)]
    push(person, dict.fromkeys(many, "0"))
    ours.pull()
    seen: list[set[str]] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.wait(0.002):
            with ours.tree_lock:
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
