"""A manifest in a real editor's language server: ``python -m tests.editors``.

It takes the yaml-language-server that is installed, or fetches one by npm into a folder that is
deleted afterwards.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.editors.checks import CHECKS, project
from tests.editors.client import editing

PACKAGE = "yaml-language-server@1.25.0"
SERVER = "yaml-language-server"


def main() -> int:
    """Run every check, and say how each one went."""
    parser = argparse.ArgumentParser(description="Manifests in a real language server")
    parser.add_argument("--server", default=shutil.which(SERVER), help="the server's program")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = given.server or _fetched(Path(folder))
        if server is None:
            sys.stdout.write(
                "there is neither a yaml-language-server nor npm to fetch it with" + "\n"
            )
            return 1
        tree = project(Path(folder, "project"))
        for check in CHECKS:
            with editing([server, "--stdio"], tree) as client:
                sys.stdout.write(f"{check.__name__}: {check(client)}\n")
    return 0


def _fetched(folder: Path) -> str | None:
    npm = shutil.which("npm")
    if npm is None:
        return None
    command = [npm, "install", "--silent", "--no-fund", "--prefix", str(folder), PACKAGE]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return str(folder / "node_modules" / ".bin" / SERVER)


if __name__ == "__main__":
    sys.exit(main())
