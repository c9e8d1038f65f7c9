from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.commands import logs_taken_back

# The same examples each time, and nothing that a slow machine fails: what is random is `make
# chaos`, or these tests with --hypothesis-profile=default.
settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")


def pytest_configure() -> None:
    """Let SIGINT interrupt the processes that tests start, however the tests were started.

    A shell that runs them in the background has it ignored, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def logs_of_one_test() -> Iterator[None]:
    """What a test logs, and how, is its own affair."""
    with logs_taken_back():
        yield
