"""Stop, retry and adopt ask before they act: on a terminal in words, off one by --yes."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.commands import COMMAND, DEADLINE, environment, run
from tests.support.manifests import KIND, failing, manifest, spec, write
from tests.support.project import Project

PROMPT = "? [y/N] "
SANDBOXED = ("--sandbox", "--speed", "36000")


@dataclass(frozen=True, slots=True)
class Asking:
    """A verb that asks on a terminal of its own; its result goes to a pipe."""

    process: subprocess.Popen[bytes]
    terminal: int

    def read_until(self, text: str) -> str:
        """Return what the terminal shows, once it shows a text."""
        shown = b""
        while text.encode() not in shown:
            assert select.select([self.terminal], [], [], DEADLINE)[0], shown
            more = os.read(self.terminal, 65536)
            assert more, shown
            shown += more
        return shown.decode()

    def answer(self, text: str) -> tuple[int, str]:
        """Type an answer; return the exit code and the result."""
        os.write(self.terminal, text.encode())
        out, _ = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, out.decode()


@contextmanager
def asking(tree: Project, *arguments: str) -> Iterator[Asking]:
    """While the context lasts a verb runs with stdin and stderr on a terminal."""
    ours, theirs = pty.openpty()
    given = environment(tree.folder, TERM="xterm", AWS_ENDPOINT_URL=tree.sandbox.url)
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=tree.folder,
        env=given,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        try:
            yield Asking(process, ours)
        finally:
            process.kill()
            os.close(ours)


@pytest.fixture
def running(tree: Project) -> Project:
    """A tree with two jobs that run."""
    tree.add("bot")
    tree.add("other")
    tree.call("reconcile")
    tree.hush()
    return tree


@pytest.mark.parametrize("answer", ["y\n", "yes\n", " Y \n"])
def test_yes_stops_the_job(running: Project, answer: str) -> None:
    """The prompt follows the jobs and the cost; yes stops, and stdout holds the result alone."""
    arn = running.entry("bot")["jobArn"]
    with asking(running, "stop", "bot", "--query", "jobs[].stops[].jobArn") as verb:
        shown = verb.read_until(PROMPT)
        assert running.changes() == []
        code, out = verb.answer(answer)
    assert arn in shown
    assert "cannot be resumed" in shown
    assert f"Stop bot{PROMPT}" in shown
    assert (code, out) == (0, f"{arn}\n")
    assert running.changes() == [f"Stop{KIND}"]


@pytest.mark.parametrize("answer", ["\n", "n\n", "what\n", "\x04"])
def test_anything_else_does_nothing(running: Project, answer: str) -> None:
    """Without a yes, nothing is called or written, and the exit code is 1."""
    before = running.files()
    with asking(running, "stop", "bot", "other") as verb:
        assert f"Stop these 2 jobs{PROMPT}" in verb.read_until(PROMPT)
        code, out = verb.answer(answer)
    assert (code, out) == (1, "")
    assert running.changes() == []
    assert running.files() == before


def test_data_of_a_no_is_what_was_asked(running: Project) -> None:
    """A program that reads stdout finds what would have been done, and nothing that was."""
    with asking(running, "stop", "bot", "--query", "jobs[].verdict") as verb:
        verb.read_until(PROMPT)
        assert verb.answer("n\n") == (1, "Planned\n")


def test_interrupted_question_does_nothing(running: Project) -> None:
    """A signal at the prompt ends with 130, without a traceback, and nothing was done."""
    with asking(running, "stop", "bot") as verb:
        verb.read_until(PROMPT)
        verb.process.send_signal(signal.SIGINT)
        said = verb.read_until("interrupted")
        assert verb.process.wait(DEADLINE) == 130
    assert "Traceback" not in said
    assert running.changes() == []


def test_nothing_to_do_asks_nothing(tree: Project) -> None:
    """Where no job runs there is no question."""
    tree.add("bot")
    with asking(tree, "stop", "bot") as verb:
        code, out = verb.answer("")
    assert code == 0
    assert "it has no job" in out


def test_retry_edits_once_agreed(tree: Project) -> None:
    """Retry shows the diff and the price; no leaves the file alone, yes writes it."""
    path = tree.add("bot", failing())
    tree.settle()
    tree.hush()
    before = path.read_bytes()
    with asking(tree, "retry", "bot") as verb:
        shown = verb.read_until(PROMPT)
        assert verb.answer("n\n")[0] == 1
    assert "+  attempt: 1" in shown
    assert "billed like the first" in shown
    assert path.read_bytes() == before
    with asking(tree, "retry", "bot") as verb:
        verb.read_until(PROMPT)
        assert verb.answer("y\n")[0] == 0
    assert b"attempt: 1" in path.read_bytes()
    assert tree.changes() == []


def test_adopt_edits_once_agreed(tree: Project) -> None:
    """Adopt shows the ARN; yes writes it, and nothing is called that changes anything."""
    arn = tree.bystand({"jobName": "bot", "customModelName": "bot", **spec()})
    path = tree.add("bot")
    tree.hush()
    with asking(tree, "adopt", "bot") as verb:
        assert arn in verb.read_until(PROMPT)
        assert verb.answer("y\n")[0] == 0
    assert arn in path.read_text()
    assert tree.changes() == []


@pytest.mark.parametrize("verb", ["stop", "retry", "adopt"])
def test_off_a_terminal_yes_is_needed(running: Project, verb: str) -> None:
    """Without a terminal and without --yes: 64, the words to use, and no call at all."""
    ran = running.run(verb, "bot")
    assert ran.code == 64
    assert "--yes" in ran.err
    assert "--dry-run" in ran.err
    assert ran.out == ""
    assert running.calls() == []


def test_whole_life_by_verbs(tree: Project) -> None:
    """Stopped, run again, and settled: each verb in its own process, as a person would do it."""
    tree.add("bot")
    assert tree.run("reconcile").code == 0
    assert tree.run("stop", "bot", "--yes").code == 0
    tree.sandbox.advance(7200)
    assert tree.run("reconcile").code == 0
    assert tree.run("retry", "bot", "--yes").code == 0
    assert tree.run("reconcile").code == 0
    tree.sandbox.advance(7200)
    assert tree.run("reconcile").code == 0
    assert tree.changes() == [f"Create{KIND}", f"Stop{KIND}", f"Create{KIND}"]
    entry = tree.entry("bot")
    assert (entry["phase"], entry["attempt"]) == ("Completed", 1)
    assert [one["phase"] for one in entry["history"]] == ["Stopped"]
    shown = tree.run("status", "--history", "--exit-code")
    assert shown.code == 0
    assert "bot (attempt 1)" in shown.out
    assert "bot  Stopped" in shown.out


@pytest.mark.parametrize("output", ["text", "json"])
def test_sandboxed_verb_says_so(tmp_path: Path, output: str) -> None:
    """A verb in the sandbox says so in its result, as every verb does."""
    write(tmp_path / "jobs" / "bot.yaml", manifest("bot"))
    ran = run(tmp_path, "stop", "bot", "--yes", "--output", output, *SANDBOXED)
    assert ran.code == 0
    assert ("nothing here is real" if output == "text" else '"sandbox": true') in ran.out
