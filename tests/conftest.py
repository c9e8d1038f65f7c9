from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.commands import logs_taken_back

# Nothing that a slow machine fails, and the same examples each time: others are drawn by
# `python -m tests.properties`.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("searching", UNHURRIED, derandomize=False)
settings.register_profile("steady", UNHURRIED, derandomize=True)
settings.load_profile("steady")


def pytest_configure() -> None:
    """Let SIGINT interrupt the processes that tests start, however the tests were started.

    A shell that runs them in the background has it ignored, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _forget_the_user()


def _forget_the_user() -> None:
    """Let no variable that is set for this user's git and AWS reach a test.

    In a hook git names the user's own repository, which tests would then commit to.
    """
    for name in [name for name in os.environ if name.startswith(("AWS_", "GIT_"))]:
        del os.environ[name]


@pytest.fixture(autouse=True)
def logs_of_one_test() -> Iterator[None]:
    """What a test logs, and how, is its own affair."""
    with logs_taken_back():
        yield
