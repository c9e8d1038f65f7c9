from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from controller.adapters.host.tree_files import (
    EntryType,
    FileUnreadableError,
    NotRegularError,
    OutsideTreeError,
    TooLargeError,
    TreeRoot,
    find_tree_root,
)

ABSENT = {errno.ENOENT, errno.ENOTDIR}
UNKNOWN = sorted(set(errno.errorcode) - ABSENT - {errno.EINTR})
QUESTIONS: dict[str, Callable[[TreeRoot, str], object]] = {
    "exists": TreeRoot.exists,
    "lstat": TreeRoot.lstat,
    "stat": TreeRoot.stat,
    "is_file": TreeRoot.is_file,
    "is_folder": TreeRoot.is_folder,
    "resolve": TreeRoot.resolve,
    "read": TreeRoot.read,
    "list_folder": TreeRoot.list_folder,
}
each_question = pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree beside a secret that lies outside it."""
    (tmp_path / "secret").write_text("password")
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key").write_text("password")
    top = tmp_path / "tree"
    (top / "jobs" / "inner").mkdir(parents=True)
    (top / "jobs" / "a.yaml").write_text("a: 1\n")
    return top


def failing(number: int) -> Callable[..., NoReturn]:
    """Return a function of the system that fails, whatever it is asked."""

    def fail(*_arguments: Any, **_named: Any) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return fail


def errnos(
    monkeypatch: pytest.MonkeyPatch, call: str, question: Callable[[], object]
) -> list[int | None]:
    """Return how a question fails for every errno that a function of the system fails with."""
    told: list[int | None] = []
    for number in UNKNOWN:
        with monkeypatch.context() as patch:
            patch.setattr(os, call, failing(number))
            with pytest.raises(FileUnreadableError) as caught:
                question()
        told.append(caught.value.errno)
    return told


@pytest.mark.parametrize("call", ["open", "read", "fstat"])
def test_every_other_errno_of_a_read_is_unknown(
    tree: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Whatever step of reading fails, the file is not taken for absent or empty."""
    root = TreeRoot.locate(tree)

    def read() -> object:
        return root.read(f"{tree}/jobs/a.yaml")

    assert errnos(monkeypatch, call, read) == UNKNOWN


@each_question
def test_every_other_errno_of_a_status_is_unknown(
    tree: Path, monkeypatch: pytest.MonkeyPatch, question: Callable[[TreeRoot, str], object]
) -> None:
    """Whatever the system says of a folder on the way, the answer is not absence."""

    def ask() -> object:
        return question(TreeRoot(os.path.realpath(tree)), f"{tree}/jobs/a.yaml")

    assert errnos(monkeypatch, "lstat", ask) == UNKNOWN


def test_every_other_errno_of_a_listing_is_unknown(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that cannot be listed is not an empty one, and a walk reports it."""
    root = TreeRoot.locate(tree)

    assert errnos(monkeypatch, "scandir", lambda: root.list_folder(f"{tree}/jobs")) == UNKNOWN
    told: list[FileUnreadableError] = []
    monkeypatch.setattr(os, "scandir", failing(errno.EIO))
    assert list(root.walk(f"{tree}/jobs", told.append)) == []
    assert [(one.path, one.errno) for one in told] == [(f"{tree}/jobs", errno.EIO)]


@each_question
@pytest.mark.parametrize("path", ["none.yaml", "none/a.yaml", "jobs/a.yaml/inner"])
def test_absent_is_what_the_disk_says(
    tree: Path, question: Callable[[TreeRoot, str], object], path: str
) -> None:
    """Nothing by this name, and a file where a folder should be, are absence."""
    assert not question(TreeRoot.locate(tree), f"{tree}/{path}")


@pytest.mark.parametrize("path", ["x" * 300, "jobs/loop", "loop/a.yaml"])
def test_paths_that_the_system_refuses_are_unknown(tree: Path, path: str) -> None:
    """A name that is too long and links in a circle say nothing about a file."""
    (tree / "loop").symlink_to("loop")
    (tree / "jobs" / "loop").symlink_to("loop")

    with pytest.raises(FileUnreadableError):
        TreeRoot.locate(tree).read(f"{tree}/{path}")


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("jobs/a.link", "../../secret", "jobs/a.link"),
        ("jobs/a.link", "/proc/self/environ", "jobs/a.link"),
        ("jobs/out", "../../private", "jobs/out/key"),
        ("jobs/out", "../..", "jobs/out/private/key"),
        ("jobs/near", "../tree2", "jobs/near/key"),
    ],
)
def test_links_lead_nowhere_outside(tree: Path, link: str, target: str, path: str) -> None:
    """A link out of the tree is refused on every component of a path, in every question."""
    (tree.parent / "tree2").mkdir()
    (tree.parent / "tree2" / "key").write_text("password")
    (tree / "near").mkdir()
    (tree / link).symlink_to(target if target != "../tree2" else "../../tree2")
    root = TreeRoot.locate(tree)

    for question in (TreeRoot.read, TreeRoot.stat, TreeRoot.is_file, TreeRoot.resolve):
        with pytest.raises(OutsideTreeError):
            question(root, f"{tree}/{path}")


def test_a_link_to_nothing_is_not_absent(tree: Path) -> None:
    """Somebody meant a file to be there: it is refused, and seen when only names count."""
    (tree / "_defaults.yaml").symlink_to("none.yaml")
    root = TreeRoot.locate(tree)

    assert root.exists(f"{tree}/_defaults.yaml")
    with pytest.raises(OutsideTreeError, match="leads nowhere"):
        root.read(f"{tree}/_defaults.yaml")


def test_links_inside_are_followed(tree: Path) -> None:
    """Files and folders may be links to other places in the tree, by any way of writing."""
    (tree / "b.yaml").symlink_to("jobs/a.yaml")
    (tree / "jobs" / "inner" / "up").symlink_to("..")
    root = TreeRoot.locate(tree)

    for path in ("b.yaml", "jobs/inner/up/a.yaml", "jobs/inner/../a.yaml"):
        assert root.read(f"{tree}/{path}") == b"a: 1\n"
        assert root.resolve(f"{tree}/{path}") == f"{os.path.realpath(tree)}/jobs/a.yaml"


def test_the_typed_prefix_is_trusted(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The root itself may be reached by a link, from the working directory too."""
    (tree.parent / "current").symlink_to("tree")
    monkeypatch.chdir(tree.parent)
    root = TreeRoot.locate("current")

    assert root.read("current/jobs/a.yaml") == b"a: 1\n"
    assert root.is_folder("current")
    monkeypatch.chdir(tree)
    assert root.read("jobs/a.yaml") == b"a: 1\n"
    assert root.exists("jobs")


def test_only_regular_files_are_read(tree: Path) -> None:
    """A pipe is not waited for, and a folder is no file."""
    os.mkfifo(tree / "pipe")
    root = TreeRoot.locate(tree)

    for name in ("pipe", "jobs"):
        with pytest.raises(NotRegularError):
            root.read(f"{tree}/{name}")


@pytest.mark.parametrize(("size", "is_read"), [(0, True), (10, True), (11, False), (10**6, False)])
def test_size_is_bounded(tree: Path, size: int, is_read: bool) -> None:
    """A file of the largest size is read whole; one byte more is refused."""
    (tree / "big").write_bytes(b"x" * size)
    root = TreeRoot.locate(tree)

    if is_read:
        assert root.read(f"{tree}/big", largest=10) == b"x" * size
    else:
        with pytest.raises(TooLargeError):
            root.read(f"{tree}/big", largest=10)


def test_short_reads_are_continued(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that returns a byte at a time loses nothing."""
    read = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, size: read(descriptor, min(size, 1)))

    assert TreeRoot.locate(tree).read(f"{tree}/jobs/a.yaml") == b"a: 1\n"


def test_a_folder_is_listed_with_kinds(tree: Path) -> None:
    """Entries come by name, and links are links, wherever they lead."""
    (tree / "jobs" / "b.yaml").symlink_to("/etc/passwd")
    os.mkfifo(tree / "jobs" / "pipe")

    assert TreeRoot.locate(tree).list_folder(f"{tree}/jobs") == [
        ("a.yaml", EntryType.FILE),
        ("b.yaml", EntryType.LINK),
        ("inner", EntryType.FOLDER),
        ("pipe", EntryType.OTHER),
    ]


def test_a_walk_enters_no_link_and_nothing_hidden(tree: Path) -> None:
    """Every real folder is met once, in order."""
    (tree / "jobs" / "again").symlink_to(".")
    (tree / "jobs" / ".git").mkdir()
    (tree / "jobs" / "inner" / "deep").mkdir()
    told: list[FileUnreadableError] = []
    met = [folder for folder, _ in TreeRoot.locate(tree).walk(f"{tree}/jobs", told.append)]

    assert told == []
    assert met == [f"{tree}/jobs", f"{tree}/jobs/inner", f"{tree}/jobs/inner/deep"]


def test_the_root_is_the_outermost_work_tree(tree: Path) -> None:
    """A submodule is no tree of its own; without git it is the folder, or that of the file."""
    jobs = tree / "jobs"
    assert (
        find_tree_root(jobs / "a.yaml").path == find_tree_root(jobs).path == os.path.realpath(jobs)
    )
    (jobs / ".git").write_text("gitdir: elsewhere\n")
    assert find_tree_root(jobs / "inner").path == os.path.realpath(jobs)
    (tree / ".git").mkdir()
    assert find_tree_root(jobs / "a.yaml").path == os.path.realpath(tree)


def test_a_link_by_the_usual_name_moves_no_root(tree: Path) -> None:
    """``jobs`` in a work tree cannot lead out of it; ``current`` may lead to a work tree."""
    (tree / ".git").mkdir()
    (tree / "linked").symlink_to(tree.parent / "private")
    (tree.parent / "current").symlink_to("tree/jobs")

    root = find_tree_root(tree / "linked")
    assert root.path == os.path.realpath(tree)
    with pytest.raises(OutsideTreeError):
        root.list_folder(f"{tree}/linked")
    assert find_tree_root(tree.parent / "current").path == os.path.realpath(tree)
    assert find_tree_root(tree.parent / "current").exists(f"{tree.parent}/current/a.yaml")


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE])
def test_an_unknown_root_is_no_root(
    tree: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Whether a folder is a work tree's top must be known."""
    (tree / ".git").mkdir()
    lstat = os.lstat

    def fails(path: str) -> os.stat_result:
        if path.endswith(".git"):
            raise OSError(number, os.strerror(number))
        return lstat(path)

    monkeypatch.setattr(os, "lstat", fails)
    with pytest.raises(FileUnreadableError):
        find_tree_root(tree / "jobs")
