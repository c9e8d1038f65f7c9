"""A server of git over HTTP, which wants a password, and watches who asks while it answers."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.git.support import Hub


@dataclass(slots=True)
class Served:
    """A repository's ``url`` without a login, and the command lines of all processes meanwhile."""

    url: str
    lines: set[str] = field(default_factory=set)
    answered: list[int] = field(default_factory=list)

    def with_login(self, login: str) -> str:
        """Return the URL with a login in it, as it is written there."""
        return self.url.replace("://", f"://{login}@")


@contextmanager
def serving(hub: Hub, user: str, password: str) -> Iterator[Served]:
    """While the context lasts, git's own server accepts this user and password."""
    served = Served("")
    wanted = base64.b64encode(f"{user}:{password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            pass

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            content = self.rfile.read(length)
            served.lines.update(_command_lines())
            if self.headers.get("Authorization") != f"Basic {wanted}":
                served.answered.append(401)
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            served.answered.append(200)
            self._answer(_backend(hub.bare, self, content))

        do_POST = do_GET  # noqa: N815 - http.server's name

        def _answer(self, said: bytes) -> None:
            head, _, body = said.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_port}/{hub.bare.name}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


def _backend(bare: Path, handler: BaseHTTPRequestHandler, content: bytes) -> bytes:
    """Return what git's own program for servers answers."""
    path, _, query = handler.path.partition("?")
    environment = {
        **os.environ,
        "GIT_PROJECT_ROOT": str(bare.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": handler.command,
        "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(content)),
        "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
        "REMOTE_USER": "someone",
    }
    return subprocess.run(
        ["git", "http-backend"], env=environment, input=content, capture_output=True, check=True
    ).stdout


def _command_lines() -> Iterator[str]:
    """Yield every process's command line, as any user of the machine can read it."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                yield (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
            except OSError:
                continue  # it has ended
