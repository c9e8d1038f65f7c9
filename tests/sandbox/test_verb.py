from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from controller.cli.commands.sandbox import command
from controller.cli.main import root
from controller.sandbox.http.control_api import build_routes
from controller.sandbox.jobs.behaviour import RECORDED_BEHAVIOUR
from controller.sandbox.jobs.faults import FaultKind
from controller.sandbox.jobs.job_failures import find_failure
from controller.sandbox.jobs.switches import serialize_behaviour
from controller.sandbox.state.store import Store
from tests.sandbox.support import ROOT, process


def run(*arguments: str) -> tuple[int, str]:
    """Run the command until it is rejected, and return its exit code and output."""
    result = CliRunner().invoke(root, ["sandbox", *arguments])
    assert isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104
def test_remote_addresses_need_an_option(tmp_path: Path, host: str) -> None:
    """An address that other machines can reach requires --allow-remote."""
    code, said = run("--host", host, "--state-dir", str(tmp_path))

    assert code == 2
    assert "--allow-remote" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("account", ["", "12345", "12345678901x", "1234567890123", "\u0661" * 12])
def test_an_account_has_twelve_digits(tmp_path: Path, account: str) -> None:
    """An invalid account ID is rejected before anything starts."""
    code, said = run("--account", account, "--state-dir", str(tmp_path))

    assert code == 2
    assert "12 digits" in said


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    """A port in use is reported in one line with what to do."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, said = run("--port", str(port), "--state-dir", str(tmp_path))

    assert code == 1
    assert said.count("\n") == 1
    assert f"port {port}" in said
    assert "another --port" in said


def test_an_unusable_store_is_one_line(tmp_path: Path) -> None:
    """An invalid state directory is reported in one line with what to do."""
    (tmp_path / "sandbox.sqlite3").write_text("this is no database, however long it may be")

    code, said = run("--port", "0", "--state-dir", str(tmp_path))

    assert code == 1
    assert said.count("\n") == 1
    assert "move the file away" in said


def test_help_lists_every_failure_marker() -> None:
    """The markers in the help work, and each has its own message."""
    said = CliRunner().invoke(root, ["sandbox", "--help"], terminal_width=10_000).output
    markers = {word.strip('",.()') for word in said.split() if "sandbox-fail" in word}

    messages = {
        find_failure("job", {"s3Uri": f"s3://bucket/{marker}/data.jsonl"}, RECORDED_BEHAVIOUR)
        for marker in markers
    }

    assert len(markers) == 5
    assert None not in messages
    assert len(messages) == 5


@pytest.mark.parametrize(
    ("flag", "value", "hint"),
    [
        ("--token-lifetime", "1h", "forever"),
        ("--quota", "0", "nor a number from 1 up"),
        ("--quota", "many", "'none'"),
        ("--get-lag", "-1", "0<=x"),
        ("--fault", "flood", "is not one of throttle"),
        ("--fault", "delay", "requires seconds"),
    ],
)
def test_an_invalid_setting_is_reported(tmp_path: Path, flag: str, value: str, hint: str) -> None:
    """An invalid switch or fault is reported with the valid values, before anything starts."""
    code, said = run(flag, value, "--state-dir", str(tmp_path))

    assert code == 2
    assert hint in said
    assert list(tmp_path.iterdir()) == []


def test_the_greeting_lists_changed_settings(tmp_path: Path) -> None:
    """Settings and faults from this or an earlier start are printed at startup."""
    with process(tmp_path, "--quota", "3", "--fault", "throttle") as (server, _):
        server.terminate()
        assert server.stderr is not None
        first = server.stderr.read()
    with process(tmp_path) as (server, sandbox):
        sandbox.control("DELETE", "faults")
        sandbox.control("DELETE", "behaviour")
        server.terminate()
        assert server.stderr is not None
        second = server.stderr.read()
    with process(tmp_path) as (server, _):
        server.terminate()
        assert server.stderr is not None
        third = server.stderr.read()

    for said in (first, second):
        assert "Settings that differ from the recorded behaviour: quota 3." in said
        assert "Injected faults: 1" in said
    assert "recorded" not in third
    assert "Faults" not in third


def test_the_page_documents_everything(tmp_path: Path) -> None:
    """Every setting, flag, fault and endpoint is in docs/reference/sandbox.md."""
    page = (ROOT / "docs" / "reference" / "sandbox.md").read_text(encoding="utf-8")
    flags = [flag for option in command.params for flag in option.opts if flag.startswith("--")]
    with closing(Store(tmp_path)) as store:
        paths = {route.path for route in build_routes(store)}
    words = [*serialize_behaviour(RECORDED_BEHAVIOUR), *FaultKind, *flags, *paths]

    missing = [word for word in words if f"`{word}" not in page]

    assert missing == []
