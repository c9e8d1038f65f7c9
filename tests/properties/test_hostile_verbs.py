"""Whatever a repository holds, no verb reads, writes, spends or prints what it must not."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from controller.core.identity.tags import OWNER as OWNER_TAG
from tests.git.support import GIT, git, make_hub
from tests.support import hostile_trees as trees
from tests.support.attended import watched
from tests.support.commands import Ran, environment
from tests.support.hostile import terminal_sees
from tests.support.manifests import KIND
from tests.support.project import Project, project
from tests.views import runner

OUTPUTS = ("", "text", "json", "yaml", "markdown", "github", "sarif", "junit", "codequality")
OWN = {"error", "warning", "notice"}
"""Commands of GitHub's that annotations are made of."""
CODES = {0, 1, 2, 3, 4, 5, 6, 64}
SYSTEMS = {"terminal": {}, "github": {"GITHUB_ACTIONS": "true"}, "gitlab": {"GITLAB_CI": "true"}}
# A tree is seconds of work, and finding a smaller one that fails as well would take minutes.
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
STATUSES = ("--status-dir", "statuses")
PATHS = ((), ("jobs/sub",), (".",), ("jobs/a.yaml", "jobs/link"))


@dataclass
class Site:
    """A hostile repository beside a sandbox, others' files, and what a CI system keeps."""

    tree: Project
    outside: trees.Outside
    has_rules: bool
    env: dict[str, str]
    before: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before = self.outside.seen()

    def call(self, verb: str, *arguments: str) -> Ran:
        """Run a verb, and hold what must hold of whatever it does."""
        self.tree.hush()
        ran = self.tree.call(verb, *arguments, **self.env)
        self.check(ran, verb, *arguments)
        return ran

    def check(self, ran: Ran, *called: str) -> None:
        """Hold that a verb ended as documented, said only text, and went by the rules."""
        printed = ran.out + ran.err
        assert ran.code in CODES, called
        assert "Traceback" not in printed, called
        assert not terminal_sees(printed), called
        if "GITHUB_ACTIONS" in self.env:
            assert {one.name for one in runner.commands(printed)} <= OWN, called
        self.check_secrets(printed, json.dumps(self.tree.sandbox.list_calls()))
        self.check_rules()

    def check_secrets(self, *texts: str) -> None:
        """Hold that nothing from outside is in some texts or the tree, and nothing there is new."""
        assert [text for text in texts if trees.MARK in text or trees.MARKED_ROLE in text] == []
        secrets = (trees.MARK.encode(), trees.MARKED_ROLE.encode())
        written = trees.written_in(self.tree.folder)
        assert [name for name, data in written if any(one in data for one in secrets)] == []
        assert self.outside.seen() == self.before

    def check_rules(self) -> None:
        """Hold that what was submitted is what the root's rules allow, and no more of it."""
        made = [one["members"] for one in self.tree.calls("Create") if one["status"] < 400]
        assert len(made) <= (trees.MOST if self.has_rules else 0)
        for members in made:
            tags = {tag["key"]: tag["value"] for tag in members.get("jobTags", ())}
            assert "team" in tags
            assert tags.get(OWNER_TAG, trees.OWNER) == trees.OWNER
            assert members["roleArn"] != trees.FORBIDDEN_ROLE

    def watch(self, *arguments: str) -> Ran:
        """Run the daemon in this process for two passes, and hold the same of it."""
        self.tree.hush()
        given = {**self.env, "AWS_ENDPOINT_URL": self.tree.sandbox.url}
        ran = watched(self.tree.folder, *arguments, env=environment(Path(), **given))
        self.check(ran, "watch", *arguments)
        return ran


@contextmanager
def site(growths: list[trees.Growth], system: str, *, beside_git: bool = True) -> Iterator[Site]:
    """While the context lasts there is a repository with what strangers added to it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outside = trees.Outside(folder / "outside")
        outside.make()
        (folder / "ci").mkdir()
        env = {
            "HOME": str(folder / "outside"),
            "TOKEN": trees.MARK,
            "GITHUB_STEP_SUMMARY": str(folder / "ci" / "summary.md"),
            **GIT,
            **SYSTEMS[system],
        }
        with project(folder / "tree") as tree:
            trees.plant(tree.folder)
            if beside_git:
                git(tree.folder, "init", "-q", "-b", "main")
                git(tree.folder, "add", "--all")
                git(tree.folder, "commit", "-q", "-m", "Begin")
            else:
                (tree.folder / ".git").mkdir()
            trees.grow(tree.folder, outside, growths)
            has_rules = all(place != "bedrock-jobs.yaml" for place, _ in growths)
            yield Site(tree, outside, has_rules, env)
            _check_summary(folder / "ci" / "summary.md")


def _check_summary(path: Path) -> None:
    """Hold that a CI system's page has only text."""
    text = path.read_text() if path.exists() else ""
    assert not terminal_sees(text)
    assert trees.MARK not in text


@pytest.mark.parametrize("output", OUTPUTS)
@settings(max_examples=3, phases=UNSHRUNK)
@given(
    growths=trees.TREES,
    system=st.sampled_from(sorted(SYSTEMS)),
    paths=st.sampled_from(PATHS),
    beside_git=st.booleans(),
)
@example(growths=[*trees.KNOWN], system="gitlab", paths=(), beside_git=True)
@example(growths=[*trees.KNOWN], system="github", paths=("jobs/sub",), beside_git=False)
def test_no_verb_leaves_a_hostile_tree(
    output: str,
    growths: list[trees.Growth],
    system: str,
    paths: tuple[str, ...],
    beside_git: bool,
) -> None:
    """Validate, plan, reconcile and what follows stay in the tree, by its rules, in any output."""
    with site(growths, system, beside_git=beside_git) as made:
        shown = ("--output", output if output in {"text", "json", "yaml"} else "json")
        asked = ("--output", output) if output else ()
        made.call("validate", *paths, *asked)
        made.call("plan", *paths, *asked, "--out", "made.plan")
        made.call("reconcile", *paths, *asked, "--plan", "made.plan")
        made.call("reconcile", *paths, *asked)
        made.call("status", *paths, "--history", *shown)
        made.call("wait", *paths, "--timeout", "0", *shown)
        made.tree.sandbox.advance(7200)
        made.call("reconcile", *paths, "--prune", "--gc", *asked)
        made.call("stop", *(paths or ("jobs",)), "--dry-run", *shown)


@settings(max_examples=6, phases=UNSHRUNK)
@given(growths=trees.TREES, system=st.sampled_from(sorted(SYSTEMS)))
@example(growths=[*trees.KNOWN], system="terminal")
def test_no_writer_leaves_a_hostile_tree(growths: list[trees.Growth], system: str) -> None:
    """Verbs that write manifests, schemas, pipelines or commits write none of it elsewhere."""
    with site(growths, system) as made:
        made.call("reconcile")
        made.call("retry", "jobs", "--yes")
        made.call("adopt", "jobs", "--yes")
        made.call("stop", "jobs", "--yes")
        made.call("import", "--live", "--all", "-o", "jobs/sub", "--force")
        for path in ("jobs/a.yaml", "jobs/sub/new.yaml", "jobs/link/new.yaml"):
            made.call("new", KIND, "new", "-o", path, "--force")
        made.call("schema", "--output-dir", "jobs/sub")
        if all(not place.startswith(".git") for place, _ in growths):
            # A repository's own configuration and hooks are its user's.
            made.call("reconcile", "--write-back", "commit")
        made.call("init", ".", "--dry-run", "--output", "json")
        made.call("init", ".", "--owner", trees.OWNER, "--force")


@settings(max_examples=8, phases=UNSHRUNK)
@given(
    growths=trees.TREES,
    system=st.sampled_from(sorted(SYSTEMS)),
    beside_git=st.booleans(),
    options=st.sampled_from(((), ("--prune",), STATUSES)),
)
@example(growths=[*trees.KNOWN], system="terminal", beside_git=True, options=())
@example(
    growths=[*trees.NESTED, ("statuses", "link to {outside}")],
    system="github",
    beside_git=False,
    options=STATUSES,
)
def test_no_daemon_leaves_a_hostile_tree(
    growths: list[trees.Growth],
    system: str,
    beside_git: bool,
    options: tuple[str, ...],
) -> None:
    """A daemon beside such a tree stays in it, by its rules, and logs only text."""
    with site(growths, system, beside_git=beside_git) as made:
        made.watch(*options)


@settings(max_examples=4, phases=UNSHRUNK)
@given(growths=trees.BRANCHES, system=st.sampled_from(sorted(SYSTEMS)))
@example(growths=[*trees.KNOWN], system="github")
def test_no_clone_leaves_a_hostile_branch(growths: list[trees.Growth], system: str) -> None:
    """A daemon over a clone of such a branch stays in the clone, and writes back only statuses."""
    with site(growths, system) as made:
        hub = make_hub(made.outside.folder.with_name("hub.git"))
        trees.push(made.tree.folder, hub)
        work = made.outside.folder.with_name("work")
        made.watch("--repo", hub.url, "--work-dir", str(work))
        made.watch("--repo", hub.url, "--work-dir", str(work), "--path", "jobs/sub")
        assert git(hub.bare, "log", "--all", "--format=%H", f"-S{trees.MARK}") == ""
        *statuses, _ = hub.commits()
        touched = {path.strip('"') for one in statuses for path in hub.touched(one)}
        assert [path for path in touched if not path.endswith(".status.json")] == []
