"""A real language server, spoken to as an editor speaks to it: JSON-RPC over stdin and stdout."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SETTINGS = {
    "validate": True,
    "hover": True,
    "completion": True,
    "schemaStore": {"enable": False},
}
_CAPABILITIES = {
    "workspace": {"configuration": True},
    "textDocument": {
        "hover": {"contentFormat": ["markdown"]},
        "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
    },
}


@dataclass(slots=True)
class Client:
    """An editor with one folder open."""

    process: subprocess.Popen[bytes]
    folder: Path
    _last: int = 0
    _findings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def open(self, path: Path) -> str:
        """Open a file, and return the URI that it goes by."""
        text = {
            "uri": path.as_uri(),
            "languageId": "yaml",
            "version": 1,
            "text": path.read_text(encoding="utf-8"),
        }
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": text}})
        return str(text["uri"])

    def hover(self, uri: str, line: int, column: int) -> str:
        """Return what is shown over a place, as plain text; lines and columns count from 0."""
        shown = self._ask("textDocument/hover", _place(uri, line, column))
        return str(shown["contents"]["value"]).replace("\\", "") if shown else ""

    def completions(self, uri: str, line: int, column: int) -> dict[str, str]:
        """Return what is offered at a place, with what is said of each."""
        offered = self._ask("textDocument/completion", _place(uri, line, column))
        return {one["label"]: _said(one.get("documentation", "")) for one in offered["items"]}

    def findings(self, uri: str) -> list[tuple[int, str]]:
        """Return what is flagged in a file, by line; waits until the file has been looked at."""
        while uri not in self._findings:
            self._take(self._read())
        return [(one["range"]["start"]["line"], one["message"]) for one in self._findings[uri]]

    def greet(self) -> None:
        """Begin the conversation."""
        folder = {"uri": self.folder.as_uri(), "name": self.folder.name}
        self._ask(
            "initialize",
            {
                "processId": None,
                "rootUri": folder["uri"],
                "capabilities": _CAPABILITIES,
                "workspaceFolders": [folder],
            },
        )
        self._send({"method": "initialized", "params": {}})

    def _ask(self, method: str, parameters: dict[str, Any]) -> Any:
        self._last += 1
        self._send({"id": self._last, "method": method, "params": parameters})
        while True:
            message = self._read()
            if message.get("id") == self._last and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        """Note what is told, and answer what is asked."""
        if message.get("method") == "textDocument/publishDiagnostics":
            self._findings[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "id" in message:
            asked = message["params"].get("items", []) if message.get("params") else []
            ours = {**_SETTINGS, "schemas": _schemas(self.folder)}
            settings = [ours if one.get("section") == "yaml" else {} for one in asked]
            self._send({"id": message["id"], "result": settings or None})

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server ended"
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        return message


def _schemas(folder: Path) -> dict[str, Any]:
    """Return which files go by which schema, as the folder's settings say."""
    path = folder / ".vscode" / "settings.json"
    text = path.read_text(encoding="utf-8") if path.exists() else "{}"
    found: dict[str, Any] = json.loads(text).get("yaml.schemas", {})
    return found


def _place(uri: str, line: int, column: int) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": column}}


def _said(documentation: Any) -> str:
    text = documentation["value"] if isinstance(documentation, dict) else documentation
    return str(text).replace("\\", "")


@contextmanager
def editing(command: Sequence[str], folder: Path) -> Iterator[Client]:
    """While the context lasts an editor has a folder open; its server does not outlive it."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            client = Client(process, folder)
            client.greet()
            yield client
        finally:
            process.kill()
