from __future__ import annotations

import signal
import socket
import sqlite3
import threading
from pathlib import Path

import pytest

from controller.sandbox.http.server import start_sandbox
from controller.sandbox.state.store import FILE_NAME, Store, StoreUnusableError
from tests.sandbox.support import DEADLINE, Sandbox, process, refused, request_named


def test_resources_are_released_at_the_end(tmp_path: Path) -> None:
    """After the context the port is free, no thread remains, and the file is closed."""
    before = threading.active_count()
    with start_sandbox(tmp_path) as url:
        port = int(url.rpartition(":")[2])
        assert threading.active_count() == before + 1

    assert threading.active_count() == before
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE_NAME]


def rest_of(client: socket.socket) -> bytes:
    """Return what is still received from a connection until it is closed."""
    return b"".join(iter(lambda: client.recv(1000), b""))


def test_open_connections_do_not_delay_the_end(tmp_path: Path) -> None:
    """An open connection, idle or in the middle of a request, does not delay the shutdown."""
    with start_sandbox(tmp_path) as url:
        port = int(url.rpartition(":")[2])
        idle = socket.create_connection(("127.0.0.1", port), DEADLINE)
        busy = socket.create_connection(("127.0.0.1", port), DEADLINE)
        busy.sendall(
            b"POST /model-customization-jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
        )
        idle.sendall(b"GET /_sandbox/health HTTP/1.1\r\nHost: x\r\n\r\n")
        begun = idle.recv(1000)

    # How much of the answer came before the end is chance; that all of it came is not.
    with idle, busy:
        answered, refused = begun + rest_of(idle), rest_of(busy)

    assert answered.startswith(b"HTTP/1.1 200")
    assert answered.endswith(b"}")
    assert b"HTTP/1.1 2" not in refused


def test_signal_handlers_are_not_changed(tmp_path: Path) -> None:
    """A sandbox in this process does not change the process's signal handlers."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with start_sandbox(tmp_path):
        during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    assert during == before


def test_a_taken_port_is_an_os_error(tmp_path: Path) -> None:
    """A port that is in use raises OSError, and nothing remains."""
    with start_sandbox(tmp_path / "one") as url:
        second = start_sandbox(tmp_path / "two", port=int(url.rpartition(":")[2]))
        with pytest.raises(OSError, match="in use"):
            second.__enter__()

    assert not (tmp_path / "two").exists()


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read", b"SQLite"])
def test_a_foreign_file_is_reported(tmp_path: Path, content: bytes) -> None:
    """The error names a file of another format, which is not changed."""
    (tmp_path / FILE_NAME).write_bytes(content)

    with pytest.raises(StoreUnusableError, match=FILE_NAME):
        Store(tmp_path)

    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_store_of_another_release_is_reported(tmp_path: Path) -> None:
    """A store of an unknown version is rejected with what to do."""
    Store(tmp_path).close()
    rows = sqlite3.connect(tmp_path / FILE_NAME)
    rows.execute("PRAGMA user_version = 99")
    rows.close()

    with pytest.raises(StoreUnusableError, match=r"version 99.*move the file away"):
        Store(tmp_path)


def test_a_new_store_can_be_opened_concurrently(tmp_path: Path) -> None:
    """The first process creates the file; the others wait for it."""
    failed: list[BaseException] = []

    def open_and_close() -> None:
        try:
            Store(tmp_path).close()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=open_and_close) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)

    assert failed == []


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["term", "int"]
)
def test_the_command_ends_on_a_signal(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """The command serves until a signal, and its exit code is that of the signal."""
    with process(tmp_path) as (server, sandbox):
        sandbox.bedrock().create_model_customization_job(**request_named("job"))
        server.send_signal(number)
        assert server.wait(DEADLINE) == code
        assert server.stderr is not None
        rest = server.stderr.read()

    assert "Traceback" not in rest
    assert "reconcile --endpoint-url" in rest
    assert "list-model-customization-jobs" in rest


def test_the_command_accepts_an_account(tmp_path: Path) -> None:
    """The account of the sandbox is the one that was passed."""
    with process(tmp_path, "--account", "210987654321") as (_, sandbox):
        assert sandbox.sts().get_caller_identity()["Account"] == "210987654321"


def test_an_internal_failure_is_a_response(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """If the sandbox itself fails, the client gets an error, and the log has it."""
    rows = sqlite3.connect(sandbox.folder / FILE_NAME)
    rows.execute("DROP TABLE tags")
    rows.close()
    request = request_named("job", jobTags=[{"key": "k", "value": "v"}])

    code, message, status = refused(
        lambda: sandbox.bedrock().create_model_customization_job(**request)
    )

    assert (code, status) == ("InternalServerException", 500)
    assert "no such table" in message
    assert "no such table" in caplog.text
    assert refused(lambda: sandbox.get("job"))[0] == "ResourceNotFoundException"
