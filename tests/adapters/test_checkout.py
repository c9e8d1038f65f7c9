from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controller.adapters.checkout import MARKER, Checkout, ForeignFolderError, Origin
from controller.adapters.git import GitError
from controller.core.merging import Beside
from controller.core.sharding import Shard
from tests.git.support import ALONE, Hub, git, make_hub, publish
from tests.sandbox.support import poll

STATUS = "jobs/a.status.json"


def merged(base: bytes, ours: bytes, theirs: bytes, _beside: Beside) -> bytes:
    """Keep what both sides say: plain enough to see that all three came in."""
    return theirs if ours == base else ours if theirs == base else b"+".join((base, ours, theirs))


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """A repository with a manifest, a file that is none, and the fleet's file."""
    made, folder = make_hub(tmp_path / "hub.git"), tmp_path / "person"
    write(folder, {"jobs/a.yaml": "a: 0", "bedrock-jobs.yaml": "{}", "other/big.bin": "0" * 1000})
    publish(made, folder)
    return made


@pytest.fixture
def person(hub: Hub, tmp_path: Path) -> Path:
    """The clone of a person who works with the repository too."""
    return tmp_path / "person"


@pytest.fixture
def ours(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """Our clone, in a folder that is not there yet."""
    for name, value in ALONE.items():
        monkeypatch.setenv(name, value)
    return claimed(hub, tmp_path / "work")


def claimed(hub: Hub, folder: Path, branch: str = "main") -> Checkout:
    """Return a clone in a folder, as a daemon begins with it."""
    made = Checkout(folder, Origin(hub.url, branch, (Path("jobs"),)), merged)
    made.mark()
    made.claim()
    return made


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def push(folder: Path, files: Mapping[str, str] | None = None, *removed: str) -> None:
    """Let a person write and remove files, commit and push, whatever the branch was."""
    write(folder, files or {})
    for name in removed:
        (folder / name).unlink()
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Change")
    git(folder, "push", "-q", "--force", "origin", "HEAD:main")


def files(folder: Path) -> dict[str, str]:
    """Return the files of a tree by their paths, less git's own."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


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


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "after"),
    [
        (None, "new", None, "new"),
        ("old", "new", "old", "new"),
        ("old", "old", "theirs", "theirs"),
        ("old", "new", "theirs", "old+new+theirs"),
        (None, "new", "theirs", "+new+theirs"),
        ("old", "old", None, None),
        ("old", "new", None, "old+new+"),
    ],
)
def test_statuses_are_merged(
    ours: Checkout,
    person: Path,
    base: str | None,
    mine: str | None,
    theirs: str | None,
    after: str | None,
) -> None:
    """A status that was not pushed outlives a pull; what only the remote changed is taken over."""
    push(person, {STATUS: base} if base else {})
    ours.pull()
    ours.pull()
    if mine:
        write(ours.tree, {STATUS: mine})
    gone = (STATUS,) if base and not theirs else ()
    push(person, {**({STATUS: theirs} if theirs else {})}, *gone)

    assert not ours.pull()
    assert files(ours.tree).get(STATUS) == after
    assert not ours.pull()
    assert files(ours.tree).get(STATUS) == after


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


@pytest.mark.parametrize(
    "breakage",
    [
        lambda repository: (repository / "HEAD").write_text("nonsense"),
        lambda repository: (repository / "index").write_bytes(b"DIRC nonsense"),
        lambda repository: [path.unlink() for path in (repository / "objects").rglob("*.pack")],
        lambda repository: (repository / "config").write_text("[nonsense"),
        lambda repository: repository.rename(repository.with_name("moved")),
    ],
    ids=["head", "index", "objects", "config", "gone"],
)
def test_a_broken_clone_is_made_anew(ours: Checkout, person: Path, breakage: object) -> None:
    """Whatever is broken in the clone, it is replaced, and keeps the statuses that it had."""
    ours.pull()
    write(ours.tree, {STATUS: "new"})
    assert callable(breakage)
    breakage(ours.tree / ".git")
    push(person, {"jobs/b.yaml": "b"})

    assert ours.pull()

    assert files(ours.tree) == {**files(person), STATUS: "new"}
    assert sorted(path.name for path in ours.folder.iterdir()) == [MARKER, "tree"]


def test_a_tree_that_vanished_is_cloned_again(ours: Checkout, person: Path) -> None:
    """Somebody's rm is mended with the next pull."""
    ours.pull()
    ours.tree.rename(ours.folder / "tree.old")
    assert ours.pull()
    assert files(ours.tree) == files(person)


@pytest.mark.parametrize("state", ["old", "new", "both"])
def test_a_replacement_that_was_broken_off_loses_nothing(
    hub: Hub, ours: Checkout, person: Path, state: str
) -> None:
    """Killed between the two renames or before, the tree with the statuses is there again."""
    ours.pull()
    write(ours.tree, {STATUS: "new"})
    if state != "new":
        ours.tree.rename(ours.folder / "tree.old")
    if state != "old":
        write(ours.folder, {"tree.new/half": "x"})

    again = claimed(hub, ours.folder)

    assert files(again.tree) == {**files(person), STATUS: "new"}
    again.pull()
    assert files(again.tree) == {**files(person), STATUS: "new"}


@pytest.mark.parametrize("url", ["file:///nowhere/fleet.git", "https://user:pw@127.0.0.1:1/x.git"])
def test_a_remote_that_is_not_there_is_told(ours: Checkout, tmp_path: Path, url: str) -> None:
    """The error is one line without a password, and the tree stays as it was."""
    ours.pull()
    before = files(ours.tree)
    for folder in (ours.folder, tmp_path / "empty"):
        lost = Checkout(folder, Origin(url, "main", (Path("jobs"),)), merged)
        lost.mark()
        lost.claim()
        with pytest.raises(GitError) as raised:
            lost.pull()
        assert "pw" not in str(raised.value)
        assert "\n" not in str(raised.value)
    assert files(ours.tree) == before
    assert not (tmp_path / "empty" / "tree").exists()


def test_a_branch_that_vanished_leaves_the_tree_alone(
    hub: Hub, ours: Checkout, person: Path
) -> None:
    """Nothing counts as removed because a branch was deleted; when it is back, so are its news."""
    ours.pull()
    before = files(ours.tree)
    git(hub.bare, "branch", "-m", "main", "elsewhere")
    for _ in range(2):
        with pytest.raises(GitError, match="main"):
            ours.pull()
    assert files(ours.tree) == before
    push(person, {"jobs/b.yaml": "b"})
    assert ours.pull()


def test_a_remote_without_a_commit_is_told(tmp_path: Path, ours: Checkout) -> None:
    """An empty repository is waited for."""
    empty = make_hub(tmp_path / "empty.git")
    mine = claimed(empty, tmp_path / "mine", "")
    with pytest.raises(GitError, match="no commit yet"):
        mine.pull()
    write(tmp_path / "first", {"jobs/a.yaml": "a"})
    publish(empty, tmp_path / "first")
    assert mine.pull()


def test_a_folder_of_somebody_else_is_refused(hub: Hub, tmp_path: Path) -> None:
    """What is not empty and not marked is never touched, a user's clone least of all."""
    for name, content in (("clone", {".git/HEAD": "x"}), ("full", {"letter.txt": "dear"})):
        write(tmp_path / name, content)
        with pytest.raises(ForeignFolderError, match="name another one"):
            claimed(hub, tmp_path / name)
        assert files(tmp_path / "full") in ({}, {"letter.txt": "dear"})
    (tmp_path / "file").touch()
    with pytest.raises(ForeignFolderError, match="cannot be used"):
        claimed(hub, tmp_path / "file")


def test_a_fresh_volume_is_empty_enough(hub: Hub, tmp_path: Path) -> None:
    """A file system of its own begins with a folder lost+found."""
    (tmp_path / "volume" / "lost+found").mkdir(parents=True)
    assert claimed(hub, tmp_path / "volume").folder.joinpath(MARKER).exists()


def test_a_link_in_the_clones_place_is_not_followed(hub: Hub, ours: Checkout) -> None:
    """What is wiped is ours: a link is taken away, and what it leads to stays."""
    precious = ours.folder.parent / "precious"
    write(precious, {"letter.txt": "dear"})
    for name in ("tree.new", "tree.old"):
        (ours.folder / name).symlink_to(precious)
    (ours.folder / "tree").mkdir()
    again = claimed(hub, ours.folder)
    again.pull()
    assert files(precious) == {"letter.txt": "dear"}


def test_a_clone_has_a_name_without_credentials() -> None:
    """Its folder is the same whoever clones, and another for another branch, path or shard."""
    one = Origin("https://token:x@git.example.com/acme/fleet.git", "main", (Path("jobs"),))
    other = Origin("https://git.example.com/acme/fleet.git", "main", (Path("jobs"),))
    names = {
        origin.folder_name(shard)
        for origin in (one, other, Origin(other.url, "dev", other.paths))
        for shard in (Shard(0, 1), Shard(0, 2))
    }

    assert one.folder_name(Shard(0, 1)) == other.folder_name(Shard(0, 1))
    assert len(names) == 4
    assert all(name.startswith("fleet-") and "token" not in name for name in names)


def test_git_can_be_ended(ours: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A remote that hangs is left at once when the daemon leaves."""
    script, called = tmp_path / "ssh", tmp_path / "called"
    script.write_text(f"#!/bin/sh\ntouch {called}\nexec sleep 600\n")
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    hung = Checkout(tmp_path / "hung", Origin("ssh://host/fleet", "main", ()), merged)
    hung.mark()
    with ThreadPoolExecutor(1) as executor:
        pulling = executor.submit(hung.pull)
        poll(called.exists)
        hung.end()
        with pytest.raises(GitError):
            pulling.result(20)
