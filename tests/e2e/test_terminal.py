"""On a terminal, waiting draws a table and a bar, and leaves a clean screen."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support.commands import COMMAND, DEADLINE, environment
from tests.support.manifests import failing
from tests.support.project import SETTLED, project

Moment = tuple[str, Callable[[], None]]
NEVER: Moment = ("\0", lambda: None)
NOTHING: Mapping[str, str] = {}
HIDE_CURSOR, SHOW_CURSOR, ERASE_LINE = "\x1b[?25l", "\x1b[?25h", "\x1b[2K"


def drawn(
    folder: Path, *arguments: str, at: Moment = NEVER, env: Mapping[str, str] = NOTHING
) -> tuple[int, str]:
    """Run the command on a pseudo-terminal; return its exit code and all that it drew.

    Something is done once, as soon as the screen shows a text.
    """
    ours, theirs = pty.openpty()
    given = environment(folder, TERM="xterm-256color", COLUMNS="100", LINES="40", **env)
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, env=given, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        try:
            text, coming = b"", [at]
            for more in iter(lambda: _read(ours), b""):
                text += more
                if coming and coming[0][0].encode() in text:
                    coming.pop()[1]()
            return process.wait(DEADLINE), text.decode()
        finally:
            process.kill()
            os.close(ours)


def _read(terminal: int) -> bytes:
    """Return what a terminal shows next; Linux ends a terminal that nobody writes to with EIO."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


@pytest.fixture(scope="module")
def waited(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str]:
    """The exit code and screen of a wait for one job that completes and one that fails."""
    folder = tmp_path_factory.mktemp("terminal") / "project"
    with project(folder) as tree:
        tree.add("completes")
        tree.add("fails", failing())
        options = ("--wait", "--every", "0.1", "--endpoint-url", tree.sandbox.url)
        is_drawn = ("0 of 2 ended", lambda: tree.sandbox.advance(SETTLED))
        return drawn(folder, "reconcile", *options, at=is_drawn)


def test_wait_draws_a_table_and_a_bar(waited: tuple[int, str]) -> None:
    """While jobs run the screen shows them, how many have ended, and a bar."""
    code, screen = waited
    assert code == 3
    assert "0 of 2 ended" in screen
    assert "━" in screen
    assert "InProgress" in screen


def test_screen_is_left_clean(waited: tuple[int, str]) -> None:
    """The live table disappears: the cursor is back, and the plain result stands below."""
    _, screen = waited
    assert screen.count(HIDE_CURSOR) == screen.count(SHOW_CURSOR) == 1
    after = screen.rpartition(SHOW_CURSOR)[2]
    assert ERASE_LINE in screen
    assert "━" not in after
    assert "2 jobs: 1 Completed, 1 Failed." in after


def test_terminal_is_coloured(waited: tuple[int, str]) -> None:
    """On a terminal the result is in colour without being asked."""
    result = waited[1].rpartition(SHOW_CURSOR)[2]
    assert "\x1b[31m" in result
    assert "\x1b[32m" in result


@pytest.mark.parametrize(
    ("options", "env", "coloured"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        (("--color", "off"), {}, False),
        (("--color", "on"), {"NO_COLOR": "1"}, True),
    ],
)
def test_colour_can_be_turned_off(
    tmp_path: Path, options: tuple[str, ...], env: dict[str, str], *, coloured: bool
) -> None:
    """NO_COLOR and --color off give a plain result on a terminal too; --color on goes first."""
    with project(tmp_path / "project") as tree:
        tree.add("fails", failing())
        tree.settle()
        code, screen = drawn(tree.folder, "status", *options, env=env)
    assert code == 0
    assert ("\x1b[31m" in screen) is coloured


def test_no_animation_without_waiting(tmp_path: Path) -> None:
    """A single pass on a terminal draws nothing live."""
    with project(tmp_path / "project") as tree:
        tree.add("support-bot")
        code, screen = drawn(tree.folder, "reconcile", "--endpoint-url", tree.sandbox.url)
    assert code == 0
    assert HIDE_CURSOR not in screen
