"""The sandbox as a server: in a thread of this process, or in the foreground."""

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
from controller.sandbox.jobs.behaviour import AS_RECORDED, Behaviour
from controller.sandbox.jobs.faults import Fault
from controller.sandbox.state.store import Store

if TYPE_CHECKING:
    from uvicorn import Server

DEFAULT_ACCOUNT = "123456789012"
LOOPBACK = "127.0.0.1"
_READY_WITHIN = 30.0
_BACKLOG = 1024
_FAREWELL = "Ctrl+C ends the sandbox; its state is kept."


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
    """While the context lasts a sandbox serves from a daemon thread; its endpoint URL is yielded.

    ``folder`` keeps the state, for the next sandbox on it and for others at the same time.
    ``speed`` is simulated seconds per second. Port 0 takes a free one. ``behaviour`` is a whole
    behaviour, or changes to the one that the folder keeps; ``faults`` replace those on order.
    Raises OSError when the port cannot be had, UnfitError for a behaviour that cannot be, and
    StoreUnusableError when the folder holds something else.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(_open_listener(host, port))
        store = Store(folder)
        stack.callback(store.close)
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
            kept, changes = settings.load_behaviour(rows), behaviour
            if isinstance(changes, Behaviour):
                kept, changes = AS_RECORDED, switches.diff_from_recorded(changes)
            wanted = switches.change_behaviour(kept, changes)
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
    """Serve until a signal asks to end, and return the exit code that the signal stands for.

    ``say`` is given the lines that tell a person how to use the endpoint.
    """
    asked = threading.Event()
    signals: list[int] = []

    def handle_signal(number: int, _frame: object) -> None:
        signals.append(number)
        asked.set()

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
                _FAREWELL,
            ]:
                say(line)
            asked.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 + signals[0]


def format_greeting(url: str, folder: Path, speed: float, account: str) -> list[str]:
    """Return what a person needs to know of a sandbox that is ready."""
    return [
        f"Sandbox: a simulated Bedrock is ready at {url}. Nothing reaches AWS or costs anything.",
        f"Account {account}, {speed:g} simulated seconds per second, state in {folder}.",
        "Any credentials do. In another terminal:",
        "  export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox AWS_REGION=us-east-1",
        f"  bedrock-jobs reconcile --endpoint-url {url}",
        *(f"  aws bedrock {listing} --endpoint-url {url}" for listing in _list_cli_commands()),
    ]


def _describe_settings(folder: Path) -> list[str]:
    """Return what in the folder makes this sandbox behave otherwise than recorded."""
    with closing(Store(folder)) as store:
        changes = switches.diff_from_recorded(settings.load_behaviour(store.rows))
        faults = len(settings.list_faults(store.rows))
    choices = ", ".join(f"{name} {value}" for name, value in changes.items())
    lines = [f"Other than recorded: {choices}."] if choices else []
    return lines + ([f"Faults on order: {faults}; GET /_sandbox/faults shows them."] * bool(faults))


def _list_cli_commands() -> list[str]:
    """Return the AWS CLI's commands that list the jobs of each kind that is served."""
    from botocore import xform_name

    return [xform_name(kind.operation("List"), "-") for kind in KINDS.values() if kind.simulation]


def _open_listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only of a socket that names its protocol does asyncio know that it must not delay answers.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
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
    # Imported here: only a command that serves a sandbox pays for the server's import.
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
    """While the context lasts the server serves from a daemon thread."""
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()
    thread = threading.Thread(
        target=_run_loop, args=(loop, server, listener, ended), name="sandbox", daemon=True
    )
    thread.start()
    # The socket listens already: a client that comes early waits in its backlog.
    try:
        yield
    finally:
        with suppress(RuntimeError):  # the loop is closed already when the thread has failed
            loop.call_soon_threadsafe(ended.set)
        thread.join(_READY_WITHIN)


def _run_loop(
    loop: asyncio.AbstractEventLoop, server: Server, listener: socket.socket, ended: asyncio.Event
) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(_serve_until(server, listener, ended))


async def _serve_until(server: Server, listener: socket.socket, ended: asyncio.Event) -> None:
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    waiting = asyncio.ensure_future(ended.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    # Asked to end by itself, the server takes up to 0.2 s for naps; nothing here needs them,
    # because every request is answered without waiting.
    serving.cancel()
    waiting.cancel()
    await asyncio.gather(serving, waiting, return_exceptions=True)
    for listening in server.servers:
        listening.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    await asyncio.sleep(0)
