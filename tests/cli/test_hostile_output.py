"""No command prints control characters or workflow commands from outside, in any format."""

from __future__ import annotations

import json
import re
from typing import Any

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.cli.output import console
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Source
from controller.views.progress import LiveProgress
from controller.views.status import JobStatus
from controller.views.text import Line
from tests.support.hostile import HOSTILE, TEXTS, terminal_sees
from tests.support.project import Project
from tests.views import runner

OURS = re.compile(r"\x1b\[\d*m")
KIND = "ModelCustomizationJob"
REPORTS = ("markdown", "github", "sarif", "junit", "codequality")
CALLS = {
    ("validate",): ("text", "json", "yaml", *REPORTS),
    ("plan",): ("text", "json", "yaml", *REPORTS),
    ("reconcile",): ("text", "json", "yaml", *REPORTS),
    ("status", "--history"): ("text", "json", "yaml"),
    ("status", "--orphans"): ("text", "json", "yaml"),
    ("stop", "jobs", "--dry-run"): ("text", "json", "yaml"),
    ("retry", "jobs", "--dry-run"): ("text", "json", "yaml"),
    ("adopt", "jobs", "--dry-run"): ("text", "json", "yaml"),
    ("stop", HOSTILE[0], "--dry-run"): ("text",),
    (HOSTILE[7],): ("text",),
    ("plan", HOSTILE[0]): ("text",),
    ("plan", "-l", HOSTILE[8]): ("text",),
    ("plan", "--query", HOSTILE[0]): ("text",),
}
ONCE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def poisoned(value: Any, number: int = 0) -> Any:
    """Return a sidecar's content with a hostile suffix on every text except identities."""
    if isinstance(value, dict):
        kept = {"apiVersion", "kind", "digest", "token", "jobName", "source"}
        return {
            key: inner if key in kept else poisoned(inner, number + place)
            for place, (key, inner) in enumerate(value.items())
        }
    if isinstance(value, list):
        return [poisoned(inner, number + place) for place, inner in enumerate(value)]
    if isinstance(value, str):
        return f"{value}{HOSTILE[number % len(HOSTILE)]}".encode("utf-8", "replace").decode()
    return value


@pytest.fixture
def hostile(tree: Project) -> Project:
    """Return a repository with hostile files, names, values and sidecars."""
    (tree.folder / ".git").mkdir()
    tree.fleet(owner="acme")
    tree.add("good")
    tree.add("past")
    tree.settle()
    sidecar = tree.jobs / "past.status.json"
    document = json.loads(sidecar.read_text())
    past = {"jobName": "past", "phase": "Failed", "jobArn": "a", "failureMessage": "failed"}
    document["jobs"]["past"]["history"] = [past] * len(HOSTILE)
    document["jobs"] = poisoned(document["jobs"])
    sidecar.write_text(json.dumps(document))
    for number, text in enumerate(HOSTILE):
        plain = text.encode("utf-8", "replace").decode()
        tree.add(f"bad-{number}", {plain: plain, "roleArn": plain}, labels={"a": plain})
    for number, name in enumerate(("\x1b[31m.yaml", "::error file=a::b.yaml", "a\nb\u202e.yaml")):
        (tree.jobs / name).write_text(f"kind: [##[add-mask]x, '::error::{number}']\n")
    (tree.jobs / "raw.yaml").write_text("::set-output name=a::b\n##[add-mask]x: \x1b[2Jy\n")
    return tree


@pytest.mark.parametrize("system", ["", "true"], ids=["terminal", "github"])
def test_no_command_prints_hostile_text(hostile: Project, system: str) -> None:
    """No command and format has a control character or a workflow command from outside."""
    sidecar = hostile.jobs / "past.status.json"
    written = sidecar.read_bytes()
    env = {"GITHUB_ACTIONS": system, "GITHUB_STEP_SUMMARY": ""}
    for arguments, outputs in CALLS.items():
        for output in outputs:
            # A pass may write the sidecar anew, from what the service says.
            sidecar.write_bytes(written)
            ran = hostile.call(*arguments, "--output", output, **env)
            printed = ran.out + ran.err
            assert not terminal_sees(printed), (arguments, output)
            own = {"error", "warning", "notice"} if output == "github" else set()
            if system:
                assert {one.name for one in runner.commands(printed)} <= own, (arguments, output)
            if output == "json" and ran.out:
                json.loads(ran.out)


@ONCE
@given(text=TEXTS, output=st.sampled_from(["text", "json", "yaml"]), color=st.booleans())
def test_what_is_shown_is_only_text(
    text: str, output: str, color: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines and data of any text have no command for a terminal or a CI system."""
    line = Line(text, "red", rest=(Line(text), Line(text, bold=True)))
    asked = {"output": output, "query": None, "color": "on" if color else "off"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_ACTIONS", "true")
        console.show(asked, lambda: {text: [text]}, lambda: [line])
        console.say(text)
        console.say_line(line)
        console.print_error(click.UsageError(text))
    printed = capsys.readouterr()
    assert color or OURS.search(printed.out) is None
    for stream in printed:
        assert not terminal_sees(OURS.sub("", stream))
        assert runner.commands(stream) == []
    assert output != "json" or json.loads(printed.out) == {text: [text]}


@ONCE
@given(text=TEXTS)
def test_the_live_table_takes_no_markup(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A message with brackets or escapes is drawn as text, not as rich's markup."""
    entry = {"phase": "InProgress", "conditions": [{"type": "Synced", "message": text}]}
    screen = LiveProgress(KINDS, 1, console.make_console(), sandbox=False)
    screen.update(JobStatus(JobKey(KIND, "a"), Source("jobs/a.yaml"), entry))
    screen.live.console.print(screen.live.renderable)
    assert not terminal_sees(capsys.readouterr().err)


def test_a_crash_prints_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    """The traceback of an unexpected error is escaped like all output."""
    error = ValueError(HOSTILE[0])
    console._print_crash(ValueError, error, None)
    said = capsys.readouterr().err
    assert "ValueError: \\x1b[2J" in said
    assert not terminal_sees(said)
