"""Runs the sandbox as a server: in a thread of this process, or in the foreground."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from controller.core.kinds.registry import KINDS
from controller.sandbox.jobs import settings, switches
from controller.sandbox.jobs.behaviour import RECORDED_BEHAVIOUR, Behaviour
from controller.sandbox.jobs.faults import Fault
from controller.sandbox.state.store import Store

if TYPE_CHECKING:
    from uvicorn import Server

DEFAULT_ACCOUNT = "123456789012"
LOOPBACK = "127.0.0.1"
_SHUTDOWN_TIMEOUT = 30.0
_BACKLOG = 1024
_STOP_HINT = "Press Ctrl+C to stop the sandbox; its state is kept."


@contextmanager
def start_sandbox(
    folder: Path,
    *,
    speed: float = 1.0,
    account: str = DEFAULT_ACCOUNT,
    port: int = 0,
    host: str = LOOPBACK,
    behaviour: Behaviour | Mapping[str, object] | None = None,
    faults: Sequence[Fault] | None = None,
) -> Iterator[str]:
    """Run a sandbox in a daemon thread during the context, and yield its endpoint URL.

    ``folder`` has the state, which later and concurrent sandboxes share. ``speed`` is simulated
    seconds per second. Port 0 selects a free port. ``behaviour`` is a complete behaviour, or
    changes to the one in the folder; ``faults`` replace those that are injected. Raises OSError if
    the port is not available, InvalidSettingError for an invalid behaviour, and
    StoreUnusableError if the folder's file is not a store.
    """
    with ExitStack() as stack:
        # The port is taken first: if it is in use, no store must be created.
        listener = stack.enter_context(_open_listener(host, port))
        store = Store(folder)
        stack.callback(store.close)
        # The speed belongs to the store, so that all sandboxes on it have the same time.
        store.set_speed(time.time(), speed)
        _apply_settings(store, behaviour, faults)
        stack.enter_context(_serve_in_thread(_build_server(store, account), listener))
        yield _format_url(listener)


def _apply_settings(
    store: Store,
    behaviour: Behaviour | Mapping[str, object] | None,
    faults: Sequence[Fault] | None,
) -> None:
    with store.transaction() as rows:
        if behaviour is not None:
            current, changes = settings.load_behaviour(rows), behaviour
            # A complete behaviour replaces the stored one; a mapping only changes parts of it.
            if isinstance(changes, Behaviour):
                current, changes = RECORDED_BEHAVIOUR, switches.diff_from_recorded(changes)
            wanted = switches.change_behaviour(current, changes)
            settings.save_behaviour(rows, wanted, store.get_clock().get_moment(time.time()))
        if faults is not None:
            settings.clear_faults(rows)
            settings.add_faults(rows, faults)


def serve(
    folder: Path,
    *,
    speed: float,
    account: str,
    host: str,
    port: int,
    say: Callable[[str], None],
    behaviour: Mapping[str, object] | None = None,
    faults: Sequence[Fault] | None = None,
) -> int:
    """Serve until SIGINT or SIGTERM, and return the exit code of that signal.

    ``say`` prints the lines that explain how to use the endpoint.
    """
    stopping = threading.Event()
    signals: list[int] = []

    def handle_signal(number: int, _frame: object) -> None:
        signals.append(number)
        stopping.set()

    # Restored afterwards, because the caller may have its own handlers.
    before = {
        number: signal.signal(number, handle_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with start_sandbox(
            folder,
            speed=speed,
            account=account,
            host=host,
            port=port,
            behaviour=behaviour,
            faults=faults,
        ) as url:
            for line in [
                *format_greeting(url, folder, speed, account),
                *_describe_settings(folder),
                _STOP_HINT,
            ]:
                say(line)
            # The main thread waits, since signal handlers run only there.
            stopping.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 + signals[0]


def format_greeting(url: str, folder: Path, speed: float, account: str) -> list[str]:
    """Return the lines to print when a sandbox is ready."""
    return [
        f"Sandbox: a simulated Bedrock is ready at {url}. Nothing reaches AWS or costs anything.",
        f"Account {account}, {speed:g} simulated seconds per second, state in {folder}.",
        "Any credentials are accepted. In another terminal:",
        "  export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox AWS_REGION=us-east-1",
        f"  bedrock-jobs reconcile --endpoint-url {url}",
        *(f"  aws bedrock {listing} --endpoint-url {url}" for listing in _list_cli_commands()),
    ]


def _describe_settings(folder: Path) -> list[str]:
    """Return lines about settings in the folder that differ from the recorded behaviour."""
    with closing(Store(folder)) as store:
        changes = switches.diff_from_recorded(settings.load_behaviour(store.rows))
        faults = len(settings.list_faults(store.rows))
    choices = ", ".join(f"{name} {value}" for name, value in changes.items())
    lines = [f"Settings that differ from the recorded behaviour: {choices}."] if choices else []
    return lines + ([f"Injected faults: {faults}; GET /_sandbox/faults lists them."] * bool(faults))


def _list_cli_commands() -> list[str]:
    """Return the AWS CLI commands that list the jobs of each simulated kind."""
    from botocore import xform_name

    return [
        xform_name(kind.get_operation("List"), "-") for kind in KINDS.values() if kind.simulation
    ]


def _open_listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only on sockets whose protocol is explicitly TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # A restart must not wait for connections in TIME_WAIT.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _format_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _build_server(store: Store, account: str) -> Server:
    # Imported here, so that only commands that serve a sandbox load uvicorn.
    from uvicorn import Config, Server

    from controller.sandbox.http.app import create_app
    from controller.sandbox.http.connection import ResettableProtocol
    from controller.sandbox.http.service import Service

    config = Config(
        create_app(Service(store, account)),
        http=ResettableProtocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        # The sandbox logs through the logger of this process, not through uvicorn's.
        log_config=None,
        log_level="critical",
        access_log=False,
        timeout_keep_alive=75,
        server_header=False,
        headers=[("server", "bedrock-jobs-sandbox")],
    )
    return Server(config)


@contextmanager
def _serve_in_thread(server: Server, listener: socket.socket) -> Iterator[None]:
    """Run the server in a daemon thread during the context."""
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()
    thread = threading.Thread(
        target=_run_loop, args=(loop, server, listener, ended), name="sandbox", daemon=True
    )
    thread.start()
    # The socket already listens: early clients wait in its backlog.
    try:
        yield
    finally:
        with suppress(RuntimeError):  # the loop is already closed if the thread has failed
            loop.call_soon_threadsafe(ended.set)
        thread.join(_SHUTDOWN_TIMEOUT)


def _run_loop(
    loop: asyncio.AbstractEventLoop, server: Server, listener: socket.socket, ended: asyncio.Event
) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(_serve_until(server, listener, ended))


async def _serve_until(server: Server, listener: socket.socket, ended: asyncio.Event) -> None:
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    waiting = asyncio.ensure_future(ended.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    # Uvicorn's own shutdown sleeps for up to 0.2 s, which is not needed: no request is pending.
    serving.cancel()
    waiting.cancel()
    await asyncio.gather(serving, waiting, return_exceptions=True)
    for listening in server.servers:
        listening.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    # One turn of the loop, in which the transports close.
    await asyncio.sleep(0)
