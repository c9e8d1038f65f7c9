from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from controller.cli.sandbox import command
from controller.sandbox.failures import failure_in


def run(*arguments: str) -> tuple[int, str]:
    """Run the verb up to its refusal, and return its exit code and what it printed."""
    result = CliRunner().invoke(command, arguments)
    assert isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104
def test_other_machines_are_kept_out(tmp_path: Path, host: str) -> None:
    """An address that other machines reach needs a second word."""
    code, said = run("--host", host, "--state-dir", str(tmp_path))

    assert code == 2
    assert "--allow-remote" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("account", ["", "12345", "12345678901x", "1234567890123", "\u0661" * 12])
def test_an_account_has_twelve_digits(tmp_path: Path, account: str) -> None:
    """What is no account id is refused before anything starts."""
    code, said = run("--account", account, "--state-dir", str(tmp_path))

    assert code == 2
    assert "12 digits" in said


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    """A port that is taken is told in one line with what to do."""
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
    """A state directory with something else in it is told in one line with what to do."""
    (tmp_path / "sandbox.sqlite3").write_text("this is no database, however long it may be")

    code, said = run("--port", "0", "--state-dir", str(tmp_path))

    assert code == 1
    assert said.count("\n") == 1
    assert "move the file away" in said


def test_help_names_every_failure_that_can_be_asked_for() -> None:
    """The markers of the help are the markers that work, and each has its own message."""
    said = CliRunner().invoke(command, ["--help"], terminal_width=10_000).output
    markers = {word.strip('",.()') for word in said.split() if "sandbox-fail" in word}

    messages = {failure_in({"s3Uri": f"s3://bucket/{marker}/data.jsonl"}) for marker in markers}

    assert len(markers) == 4
    assert None not in messages
    assert len(messages) == 4
