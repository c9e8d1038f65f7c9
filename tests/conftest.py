from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let SIGINT interrupt the processes that tests start, however the tests were started.

    A shell that runs them in the background has it ignored, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
