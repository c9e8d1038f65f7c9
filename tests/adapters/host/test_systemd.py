from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from controller.adapters.host.systemd import ServiceManager

DEADLINE = 60.0
OURS = str(os.getpid())
ABSTRACT = pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's own")


@pytest.fixture(params=["path", pytest.param("abstract", marks=ABSTRACT)])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A service manager's socket, with its name as NOTIFY_SOCKET has it."""
    name = f"@bedrock-jobs-{secrets.token_hex(8)}"
    if request.param == "path":
        name = str(tmp_path / "notify")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
        listener.settimeout(DEADLINE)
        listener.bind(name.replace("@", "\0", 1))
        yield name, listener


def test_everything_is_told_in_its_words(manager: tuple[str, socket.socket]) -> None:
    """Each message reaches the manager as sd_notify(3) has it, a status in one line."""
    name, listener = manager
    told = ServiceManager.from_environment({"NOTIFY_SOCKET": name})

    told.send_ready()
    told.send_status("3 jobs:\n2 InProgress\tWATCHDOG=1")
    told.send_alive()
    told.send_stopping()

    assert [listener.recv(1000).decode() for _ in range(4)] == [
        "READY=1",
        "STATUS=3 jobs: 2 InProgress WATCHDOG=1",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


@pytest.mark.parametrize(
    "environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}], ids=repr
)
def test_nobody_is_told_where_there_is_no_manager(environ: dict[str, str]) -> None:
    """Without a socket, or with one of a sort that we do not speak, telling does nothing."""
    told = ServiceManager.from_environment({**environ, "WATCHDOG_USEC": "1000000"})

    told.send_ready()

    assert told == ServiceManager()


def test_a_manager_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    """A socket that nobody listens on is no reason to end."""
    told = ServiceManager.from_environment({"NOTIFY_SOCKET": str(tmp_path / "gone")})

    told.send_ready()
    told.send_alive()

    assert told.address is not None


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": OURS}, 1.5),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": f"{os.getpid() + 1}"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
    ids=["anybody's", "ours", "another's", "none", "no number", "unset"],
)
def test_the_watchdog_is_the_one_meant_for_us(given: dict[str, str], seconds: float | None) -> None:
    """The watchdog's time counts for this process alone, and only where it is a number."""
    environ = {"NOTIFY_SOCKET": "/run/notify", **given}

    assert ServiceManager.from_environment(environ).watchdog_seconds == seconds
