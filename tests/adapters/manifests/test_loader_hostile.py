"""Input made to hurt ends in a clear problem, soon, and never in a traceback."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.adapters.manifests.loader import load
from controller.core.model import Tree
from controller.core.problems import Code

VALID = (Path(__file__).parents[2] / "data" / "manifests" / "valid" / "least.yaml").read_text()
SOON, TRIES = 1.0, 3


def laughs() -> str:
    """Return ten lists, each of ten aliases of the one before: ten billion words."""
    levels = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    for level in range(1, 10):
        aliases = ", ".join([f"*a{level - 1}"] * 10)
        levels.append(f"a{level}: &a{level} [{aliases}]")
    return VALID + "\n".join(levels) + "\n"


def deepening() -> str:
    """Return aliases that each nest the one before ten levels deeper."""
    lines = [f"a{n}: &a{n} {'[' * 10}{f'*a{n - 1}' if n else ''}{']' * 10}" for n in range(9)]
    return VALID + "\n".join(lines) + "\n"


TEXTS: dict[str, tuple[str | bytes, Code]] = {
    "a name that hangs backtracking": (f"{VALID}  jobName: a{'-' * 61}!\n", Code.PATTERN),
    "a billion laughs": (laughs(), Code.TOO_MANY_ALIASES),
    "aliases by the thousand": (
        f"{VALID}  jobTags: [&a b{', *a' * 1001}]\n",
        Code.TOO_MANY_ALIASES,
    ),
    "65 levels": (f"{VALID}  x: {'[' * 63}{']' * 63}\n", Code.TOO_DEEP),
    "65 levels by indentation": (
        VALID + "x:\n" + "".join(f"{' ' * n}x:\n" for n in range(1, 66)),
        Code.TOO_DEEP,
    ),
    "levels nested by aliases": (deepening(), Code.TOO_DEEP),
    "200,000 brackets": ("[" * 200_000, Code.TOO_DEEP),
    "200,000 braces": ("{" * 200_000, Code.TOO_DEEP),
    "200,000 dashes": ("- " * 200_000, Code.TOO_DEEP),
    "200,000 question marks": ("? " * 200_000, Code.TOO_DEEP),
    "2 MiB": ("#" * (2 << 20), Code.TOO_LARGE),
    "one byte too many": ("#" * ((1 << 20) + 1), Code.TOO_LARGE),
    "a NUL byte": (VALID.replace("team", "te\0am") + "x: \0\n", Code.CONTROL_CHARACTER),
    "a NUL byte among letters": (VALID + "x: ü\0\n", Code.CONTROL_CHARACTER),
    "Latin-1": (VALID.encode() + b"x: caf\xe9\n", Code.NOT_UTF8),
    "UTF-16": (VALID.encode("utf-16"), Code.NOT_UTF8),
    "a surrogate": (VALID.encode() + b"x: \xed\xa0\x80\n", Code.NOT_UTF8),
    "a byte order mark inside": (VALID + "x: \ufeffb\n", Code.CONTROL_CHARACTER),
    "an object of Python": (
        f"{VALID}  jobTags: !!python/object/apply:os.system ['true']\n",
        Code.TAG,
    ),
    "an object at the root": ("--- !!python/object:a.b\na: b\n", Code.TAG),
    "equals three times": (
        VALID + "x: {equals: {a: b}, equals: {c: d}, equals: {e: f}}\n",
        Code.DUPLICATE_KEY,
    ),
    "half a million items": (f"{VALID}  jobTags: [{'a,' * 500_000}]\n", Code.TOO_LARGE),
    "90,000 items": (f"{VALID}  jobTags: [{'a,' * 90_000}]\n", Code.WRONG_TYPE),
    "a number of 100,000 digits": (
        f"{VALID}policy: {{attempt: {'9' * 100_000}}}\n",
        Code.WRONG_TYPE,
    ),
    "an endless number": (f"{VALID}policy: {{attempt: 1e999}}\n", Code.WRONG_TYPE),
    "thousands of unknown keys": (
        VALID + "".join(f"  member{n}: 1\n" for n in range(50_000)),
        Code.UNKNOWN_KEY,
    ),
    "thousands of documents": ("--- 1\n" * 90_000, Code.NOT_A_MAPPING),
    "thousands of broken documents": ("---\n[\n" * 45_000, Code.NOT_YAML),
    "thousands of duplicate keys": (VALID + "kind: x\n" * 90_000, Code.DUPLICATE_KEY),
    "100,000 control characters": (VALID + "#" + "\x01" * 100_000, Code.CONTROL_CHARACTER),
    "a merge of merges": (
        VALID.replace("metadata:", "target: {<<: [&a {<<: {region: 1}}, *a]}\nmetadata:"),
        Code.PATTERN,
    ),
}


def soon(path: Path) -> Tree:
    """Return what a file is read into; the quickest of a few tries takes a second at most.

    What else a machine does only ever adds to a measure.
    """
    for _ in range(TRIES):
        started = time.process_time()
        tree = load([path])
        if time.process_time() - started < SOON:
            return tree
    raise AssertionError(f"{path} takes too long")


@pytest.mark.parametrize(("text", "code"), TEXTS.values(), ids=TEXTS)
def test_hostile_text_ends_in_its_problem(tmp_path: Path, text: str | bytes, code: Code) -> None:
    """A text made to hurt ends within a second in the problem that it is, with its place."""
    path = tmp_path / "hostile.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)

    tree = soon(path)

    assert code.code in {problem.code for problem in tree.problems}
    assert all(manifest.spec is None for manifest in tree.manifests)
    assert all(problem.source.line or code is Code.TOO_LARGE for problem in tree.problems)


def dangling(path: Path) -> None:
    """Make a link that leads nowhere."""
    path.symlink_to("nowhere.yaml")


def outward(path: Path) -> None:
    """Make a link to a manifest beside the tree."""
    outside = path.parent.parent / "outside.yaml"
    outside.write_text(VALID)
    path.symlink_to(outside)


def circular(path: Path) -> None:
    """Make a link to itself."""
    path.symlink_to(path.name)


def pipe(path: Path) -> None:
    """Make a pipe that nobody writes to."""
    os.mkfifo(path)


def unreadable(path: Path) -> None:
    """Make a link to memory that no user can read; root can read any file by its mode."""
    path.symlink_to("/proc/self/mem")


def device(path: Path) -> None:
    """Make a link to an endless device."""
    path.symlink_to("/dev/zero")


FILES: dict[str, tuple[Callable[[Path], None], Code]] = {
    "dangling link": (dangling, Code.OUTSIDE_TREE),
    "outward link": (outward, Code.OUTSIDE_TREE),
    "circular link": (circular, Code.OUTSIDE_TREE),
    "link to memory": (unreadable, Code.OUTSIDE_TREE),
    "pipe": (pipe, Code.NOT_READABLE),
}


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """Return a folder with one valid manifest."""
    folder = tmp_path / "jobs"
    folder.mkdir()
    (folder / "least.yaml").write_text(VALID)
    return folder


def only_problem(tree: Tree) -> str:
    """Return the one problem's code of a tree whose valid manifest is untouched by it."""
    assert [manifest.key.name for manifest in tree.manifests] == ["least"]
    assert tree.manifests[0].spec is not None
    (problem,) = tree.problems
    return problem.code


@pytest.mark.parametrize(("make", "code"), FILES.values(), ids=FILES)
def test_file_that_is_none_is_never_read(
    jobs: Path, make: Callable[[Path], None], code: Code
) -> None:
    """A name that leads to no file of the tree is a problem of its own, and stops no other."""
    make(jobs / "strange.yaml")

    assert only_problem(load([jobs])) == code.code


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (unreadable, Code.OUTSIDE_TREE),
        (device, Code.OUTSIDE_TREE),
        (pipe, Code.NOT_READABLE),
        (dangling, Code.OUTSIDE_TREE),
    ],
    ids=["memory", "device", "pipe", "dangling link"],
)
def test_path_given_by_name_is_read_with_care(
    tmp_path: Path, make: Callable[[Path], None], code: Code
) -> None:
    """A path that is named is a file of its folder, and anything else is a problem at once."""
    make(tmp_path / "strange.yaml")

    (problem,) = load([tmp_path / "strange.yaml"]).problems

    assert problem.code == code.code


@pytest.fixture
def bound_socket(jobs: Path) -> Iterator[None]:
    """A socket listens under a manifest's name."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(jobs / "strange.yaml"))
        yield


@pytest.mark.usefixtures("bound_socket")
def test_socket_is_not_waited_for(jobs: Path) -> None:
    """A socket with a manifest's name is not readable, and is told so."""
    assert only_problem(load([jobs])) == Code.NOT_READABLE.code


def test_folder_called_like_a_manifest_is_a_folder(jobs: Path) -> None:
    """A folder named x.yaml is walked into like any other."""
    (jobs / "x.yaml").mkdir()
    (jobs / "x.yaml" / "inner.yaml").write_text(VALID.replace("least", "inner"))

    tree = load([jobs])

    assert tree.problems == ()
    assert [manifest.key.name for manifest in tree.manifests] == ["least", "inner"]


@pytest.mark.parametrize(
    "text",
    [VALID.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + VALID.encode()],
    ids=["CRLF", "BOM"],
)
def test_what_windows_editors_write_is_read(tmp_path: Path, text: bytes) -> None:
    """Line ends of Windows and a byte order mark at the start change nothing."""
    (tmp_path / "plain.yaml").write_text(VALID)
    (tmp_path / "windows").mkdir()
    (tmp_path / "windows" / "least.yaml").write_bytes(text)

    (plain,) = load([tmp_path / "plain.yaml"]).manifests
    (other,) = load([tmp_path / "windows"]).manifests

    assert plain.spec is not None
    assert (other.spec, other.source.line) == (plain.spec, plain.source.line)
