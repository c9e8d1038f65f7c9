"""Repositories as a stranger may make them, and the files around them that must stay untouched."""

from __future__ import annotations

import json
import operator
import os
import shutil
import socket
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from tests.fuzz.hostile import indented, laughing
from tests.git.support import BRANCH, PERSON, Hub, git
from tests.support.hostile import HOSTILE
from tests.support.manifests import ACCOUNT, KIND, as_yaml, manifest, spec

MARK = "canary-4711"
"""In every file outside a repository, and in the name of each that no link names."""
MARKED_ROLE = f"arn:aws:iam::{ACCOUNT}:role/BedrockCanary4711"
FORBIDDEN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/Admin"
OWNER = "acme"
MOST = 3
RULES = {
    "owner": OWNER,
    "target": {"accountId": ACCOUNT, "region": "us-east-1"},
    "allow": {"roleArns": [f"arn:aws:iam::{ACCOUNT}:role/Bedrock*"], "regions": ["us-east-1"]},
    "require": {"tags": ["team"]},
    "limits": {"maxSubmits": MOST},
}
WIDER = as_yaml({"owner": "stranger", "limits": {"maxSubmits": 1000}})
TEAM = [{"key": "team", "value": "ml"}]
LONG = "n" * 250

Thing = Callable[[Path, "Outside"], None]
Growth = tuple[str, str]
"""A place in a repository, and the name of what a stranger puts there."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Files of others, which a link in a repository may lead to."""

    folder: Path

    def make(self) -> None:
        """Write them: each is what one of our readers would take in, and none may."""
        named = {**RULES, "owner": MARK}
        job = as_yaml(manifest(MARK, spec(roleArn=MARKED_ROLE, jobTags=TEAM)))
        entry = {"kind": KIND, "phase": MARK, "jobName": MARK, "jobArn": MARK}
        record = {"apiVersion": "bedrock-jobs/v1", "kind": "Status", "jobs": {"good": entry}}
        lines = f"machine example.com login {MARK}\n\tpassword {MARK}: [\n"
        for folder in (self.folder, self.folder / "inner"):
            folder.mkdir()
            (folder / "job.yaml").write_text(job)
            (folder / "_defaults.yaml").write_text(as_yaml({"spec": {"roleArn": MARKED_ROLE}}))
            (folder / "bedrock-jobs.yaml").write_text(as_yaml(named))
            (folder / "good.status.json").write_text(json.dumps(record))
            (folder / "netrc").write_text(lines)
            (folder / f"{MARK}.yaml").write_text(job)
            (folder / "config").write_text(f"[user]\n\tname = {MARK}\n[{MARK}\n")

    def seen(self) -> dict[str, tuple[object, ...]]:
        """Return each file's and folder's state, to be compared."""
        return {str(path): _state(path) for path in (self.folder, *self.folder.rglob("*"))}


def _state(path: Path) -> tuple[object, ...]:
    found = path.lstat()
    content = path.read_bytes() if stat.S_ISREG(found.st_mode) else b""
    return found.st_mode, found.st_ino, found.st_nlink, found.st_mtime_ns, content


def _link(target: str) -> Thing:
    return lambda path, outside: path.symlink_to(target.format(outside=outside.folder))


def _text(text: str | bytes) -> Thing:
    content = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    return lambda path, _: _written(path, content)


def _job(role: str = spec()["roleArn"], tags: object = TEAM, hostile: int = -1) -> Thing:
    def put(path: Path, _outside: Outside) -> None:
        name = f"j{zlib.crc32(os.fsencode(path.name)):08x}"
        given = spec(roleArn=role, jobTags=tags)
        labels = {}
        if hostile >= 0:
            text = HOSTILE[hostile].encode("utf-8", "replace").decode()
            given |= {text: text, "jobTags": [*TEAM, {"key": text, "value": text}]}
            labels = {"a": text}
        # JSON is YAML too, and holds every text.
        _written(path, json.dumps(manifest(name, given, labels=labels)).encode())

    return put


def _record(path: Path, _outside: Outside) -> None:
    """Write the record of a job that failed, if one believes it, with hostile texts in it."""
    texts = [text.encode("utf-8", "replace").decode() for text in HOSTILE]
    past = [{"jobName": "past", "phase": "Failed", "jobArn": t, "failureMessage": t} for t in texts]
    told = {"phase": "Failed", "failureMessage": "".join(texts), "jobArn": texts[0], "token": "x"}
    entry = {"kind": KIND, "jobName": "good", "history": past, "live": {"status": "Failed"}, **told}
    jobs = {"good": entry, texts[7]: entry}
    document = {"apiVersion": "bedrock-jobs/v1", "kind": "Status", "jobs": jobs}
    _written(path, json.dumps(document).encode())


def _commands(path: Path, outside: Outside) -> None:
    """Write a configuration of git in which every program would leave a file outside."""
    program = f"touch {outside.folder}/ran"
    keys = ("fsmonitor", "hooksPath", "sshCommand", "pager", "editor", "askPass", "gitProxy")
    core = "".join(f"\t{key} = {program}\n" for key in keys)
    filters = f'[filter "x"]\n\tsmudge = {program}\n\tclean = {program}\n\tprocess = {program}\n'
    more = f'[diff "x"]\n\ttextconv = {program}\n[include]\n\tpath = {outside.folder}/config\n'
    signing = f"[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {program}\n"
    _written(path, f"[core]\n\tbare = false\n{core}{filters}{more}{signing}".encode())


def _hook(path: Path, outside: Outside) -> None:
    _written(path, f"#!/bin/sh\ntouch {outside.folder}/ran\n".encode())
    path.chmod(0o755)


def _repository(path: Path, outside: Outside) -> None:
    """Make a repository without a work tree, whose programs would leave a file outside."""
    for folder in ("objects", "refs", "hooks"):
        (path / folder).mkdir(parents=True)
    (path / "HEAD").write_text("ref: refs/heads/main\n")
    _commands(path / "config", outside)
    for hook in ("post-checkout", "pre-commit", "post-index-change"):
        _hook(path / "hooks" / hook, outside)


def _socket(path: Path, outside: Outside) -> None:
    """Make a socket; its name is short for the system, so it is made under one and moved."""
    short = outside.folder.with_name("s")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(short))
    short.rename(path)


def _abyss(path: Path, _outside: Outside) -> None:
    """Make a path that is longer than the system takes in one call, with a manifest at its end."""
    path.mkdir()
    here = os.open(path, os.O_RDONLY)
    for _ in range(18):
        os.mkdir(LONG, dir_fd=here)
        inner = os.open(LONG, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    deepest = os.open("j.yaml", os.O_WRONLY | os.O_CREAT, dir_fd=here)
    os.write(deepest, json.dumps(manifest("abyss", spec(jobTags=TEAM))).encode())
    os.close(deepest)
    os.close(here)


def _written(path: Path, content: bytes) -> None:
    path.write_bytes(content)


THINGS: Mapping[str, Thing] = {
    **{
        f"link to {target}": _link(target)
        for target in (
            "{outside}/job.yaml",
            "{outside}/_defaults.yaml",
            "{outside}/bedrock-jobs.yaml",
            "{outside}/good.status.json",
            "{outside}/netrc",
            "{outside}/new",
            "{outside}",
            "{outside}/inner",
            "../../outside/inner",
            "/proc/self/environ",
            "/proc/self/cwd",
            "/dev/zero",
            "..",
            ".",
            "good.yaml",
            "sub",
            "../.git/config",
            "loop",
        )
    },
    "job": _job(),
    "job of a forbidden role": _job(role=FORBIDDEN_ROLE),
    "job without a tag": _job(tags=None),
    **{f"job with hostile text {at}": _job(hostile=at) for at in range(len(HOSTILE))},
    "wider rules": _text(WIDER),
    "defaults": _text(as_yaml({"spec": {"roleArn": FORBIDDEN_ROLE}})),
    "hostile defaults": _text(json.dumps({"spec": {HOSTILE[0]: HOSTILE[7]}, HOSTILE[8]: 1})),
    "commands in YAML": _text("::set-output name=a::b\n##[add-mask]x: \x1b[2Jy\n"),
    "hostile kind": _text("apiVersion: bedrock-jobs/v1\nkind: '::error::x ##[add-mask]y'\n"),
    "nothing": _text(""),
    "an empty map": _text("{}\n"),
    "aliases": _text(b"kind: x\n" + laughing(12, 10)),
    "depth": _text(indented(1_400)),
    "brackets": _text("[" * 100_000),
    "no UTF-8": _text(b"kind: \xff\xfe\x80\n"),
    "a record": _record,
    "a hostile .gitignore": _text("*\n!/../../*\n"),
    "attributes": _text("* filter=x diff=x merge=x ident eol=crlf\n"),
    "a file for a repository elsewhere": _link("{outside}/inner"),
    "a gitfile": lambda path, outside: _written(path, f"gitdir: {outside.folder}\n".encode()),
    "commands of git": _commands,
    "a hook": _hook,
    "a bare repository": _repository,
    "a folder": lambda path, _: path.mkdir(),
    "a pipe": lambda path, _: os.mkfifo(path),
    "a socket": _socket,
    "an abyss": _abyss,
}

PLACES = (
    "jobs/a.yaml",
    "jobs/b.yml",
    "jobs/c.json",
    "jobs/good.status.json",
    "jobs/a.status.json",
    "jobs/other.status.json",
    "jobs/link",
    "jobs/sub",
    "jobs/sub/d.yaml",
    "jobs/sub/d.status.json",
    "jobs/sub/_defaults.yaml",
    "jobs/sub/bedrock-jobs.yaml",
    "jobs/sub/deep",
    "jobs/sub/deep/e.yaml",
    "jobs/sub/.git",
    "jobs/sub/.git/config",
    "jobs/.git",
    "jobs/.gitignore",
    "jobs/.gitattributes",
    "jobs/.bedrock-jobs",
    "jobs/.bedrock-jobs/.gitignore",
    "jobs/.bedrock-jobs/watch-0-of-1.lock",
    ".gitattributes",
    ".bedrock-jobs",
    "sub",
    ".git/config",
    ".git/index",
    ".git/index.lock",
    ".git/HEAD",
    ".git/hooks/pre-commit",
    ".git/info/attributes",
    ".git/info/exclude",
    ".git/objects/info/alternates",
    "bedrock-jobs-plan.junit.xml",
    "bedrock-jobs-reconcile.codequality.json",
    "made.plan",
    "statuses",
    "statuses/jobs/good.status.json",
    ".vscode/settings.json",
    ".github/workflows",
    f"jobs/{LONG}.yaml",
    "jobs/\x1b[31m\x07.yaml",
    "jobs/::error file=a::b.yaml",
    "jobs/x\n::stop-commands::y.yaml",
    "jobs/\u202egnp.yaml",
    "jobs/##[add-mask]z.yaml",
    "jobs/\udcff\udc80.yaml",
    "jobs/-rf --config=x.yaml",
    "jobs/\x1b[2J/f.yaml",
)

RULING = (
    "jobs/_defaults.yaml",
    "jobs/_Defaults.YML",
    "jobs/bedrock-jobs.yaml",
    "jobs/x/bedrock-jobs.yaml",
    "_defaults.yaml",
    "bedrock-jobs.yml",
)
"""Places of files that all manifests rest on, so that one of them may make an end of all."""
NESTED = (
    ("jobs/sub/bedrock-jobs.yaml", "wider rules"),
    ("jobs/sub/d.yaml", "job of a forbidden role"),
    ("jobs/sub/deep/e.yaml", "job without a tag"),
)
"""A fleet of the stranger's own, with what the root's rules forbid."""
KNOWN = (
    *NESTED,
    ("jobs/a.yaml", "link to {outside}/job.yaml"),
    ("jobs/link", "link to {outside}/inner"),
    ("jobs/other.status.json", "link to {outside}/good.status.json"),
    ("jobs/.bedrock-jobs/.gitignore", "link to {outside}/netrc"),
    ("statuses", "link to {outside}"),
    ("made.plan", "link to {outside}/new"),
    ("bedrock-jobs-plan.junit.xml", "link to {outside}/new"),
    ("bedrock-jobs-validate.junit.xml", "link to {outside}/netrc"),
    (".gitattributes", "attributes"),
    (".git/config", "commands of git"),
    (".git/hooks/pre-commit", "a hook"),
    ("jobs/x\n::stop-commands::y.yaml", "job with hostile text 7"),
)
"""What is tried in every run: an attack of each kind."""
IN_PLACE_OF = ("jobs", "jobs/good.yaml", "bedrock-jobs.yaml", ".git")
LINKS_OUT = [name for name in THINGS if "{outside}" in name or name.endswith(("environ", "cwd"))]

_SOME = st.tuples(st.sampled_from(PLACES), st.sampled_from(sorted(THINGS)))
_RULING = st.tuples(st.sampled_from(RULING), st.sampled_from(sorted(THINGS)))
_INSTEAD = st.tuples(st.sampled_from(IN_PLACE_OF), st.sampled_from(LINKS_OUT))
BRANCHES = st.builds(
    operator.add,
    st.just([]) | st.just([*NESTED]) | st.lists(_RULING, max_size=2),
    st.lists(_SOME, min_size=6, max_size=30),
)
"""What strangers add to a branch."""
TREES = st.builds(
    operator.add, BRANCHES, st.just([]) | st.just([]) | st.lists(_INSTEAD, max_size=1)
)
"""What they do to a folder, in which they may also replace what is there."""


def plant(root: Path) -> None:
    """Write what a repository's own people have there: its rules and two manifests."""
    (root / "jobs").mkdir(parents=True, exist_ok=True)
    (root / "bedrock-jobs.yaml").write_text(as_yaml(RULES))
    for name in ("good", "past"):
        made = manifest(name, spec(jobTags=TEAM))
        (root / "jobs" / f"{name}.yaml").write_text(as_yaml(made))


def grow(root: Path, outside: Outside, growths: Iterable[Growth]) -> None:
    """Put each thing in its place; what is there gives way only in git's folder and as a whole."""
    for place, thing in growths:
        path = root / place
        if place in IN_PLACE_OF or (place.startswith(".git/") and path.is_file()):
            _clear(path)
        if _has_room(root, path) and not _waits(place, thing):
            path.parent.mkdir(parents=True, exist_ok=True)
            THINGS[thing](path, outside)


def _waits(place: str, thing: str) -> bool:
    """Whether git would wait for it until we end git; no commit can hold such a thing."""
    return place.startswith(".git/") and thing in {"a pipe", "link to /dev/zero"}


def _clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _has_room(root: Path, path: Path) -> bool:
    above = [one for one in path.parents if one.is_relative_to(root)]
    is_way = all(one.is_dir() and not one.is_symlink() for one in above if os.path.lexists(one))
    return is_way and not os.path.lexists(path)


def written_in(root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and bytes of each regular file of a tree, however deep, behind no link."""
    for _, _, names, folder in os.fwalk(root):
        for name in names:
            if stat.S_ISREG(os.lstat(name, dir_fd=folder).st_mode):
                descriptor = os.open(name, os.O_RDONLY, dir_fd=folder)
                with os.fdopen(descriptor, "rb") as file:
                    yield name, file.read()


def push(root: Path, hub: Hub) -> None:
    """Push a tree to a branch as a stranger can, without git's own checks of a work tree."""
    name, address = PERSON
    begin = f"commit refs/heads/{BRANCH}\ncommitter {name} <{address}> 0 +0000\ndata 0\n"
    stream = [begin.encode()]
    for path, mode, content in _entries(root):
        stream.append(b"M %s inline %s\ndata %d\n%s\n" % (mode, path, len(content), content))
    git(hub.bare, "fast-import", "--quiet", content=b"".join(stream))


def _entries(root: Path) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield the path in quotes, mode and content of all in a tree that git can hold."""
    for folder, names, files, at in os.fwalk(os.fsencode(root)):
        if b".git" in names:
            names.remove(b".git")
        for name in (*names, *files):
            mode = os.lstat(name, dir_fd=at).st_mode
            path = _quoted(os.path.relpath(b"%s/%s" % (folder, name), os.fsencode(root)))
            if name == b".git":
                continue
            if stat.S_ISLNK(mode):
                yield path, b"120000", os.readlink(name, dir_fd=at)
            elif stat.S_ISREG(mode):
                with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=at), "rb") as file:
                    yield path, b"100755" if mode & 0o100 else b"100644", file.read()


def _quoted(path: bytes) -> bytes:
    return b'"%s"' % b"".join(b"\\%03o" % byte for byte in path)
