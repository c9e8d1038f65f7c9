from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.adapters.http.webhook_signatures import KEY_VARIABLE, sign_hex
from tests.daemon.repos import SECRET
from tests.deploy.test_commands import parsed
from tests.house.source import ROOT

PAGE = (ROOT / "docs" / "how-to" / "watch-repo.md").read_text(encoding="utf-8").replace("\\\n", " ")
WATCHES = re.findall(
    r"^(?: {4}|ExecStart=)(?:.* |\S*/)?bedrock-jobs(?::\S+)? (watch.*)$", PAGE, re.MULTILINE
)


@pytest.mark.parametrize("line", WATCHES)
def test_each_daemon_command_is_valid(line: str) -> None:
    """The page's command lines are valid, and all of them name a repository."""
    assert parsed(shlex.split(line))["repo"]


def test_every_environment_has_a_command() -> None:
    """The page covers a shell, the sandbox, webhooks, systemd and a container."""
    assert len(WATCHES) == 5


def test_the_pod_patch_is_valid() -> None:
    """The patch removes git-sync, and its arguments are valid for a daemon."""
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    pod: dict[str, Any] = yaml.safe_load(text)["spec"]["template"]["spec"]

    assert parsed(pod["containers"][0]["args"])["work_dir"] == Path("/status")
    assert pod["initContainers"] == [{"name": "git-sync", "$patch": "delete"}]


def test_a_webhook_by_hand_has_a_valid_signature() -> None:
    """The page's openssl command makes the signature that the daemon expects."""
    (body, signature) = re.findall(r"^ {4}((?:body|signature)=.*)$", PAGE, re.MULTILINE)
    script = f'{body}\n{signature}\nprintf "%s\\n%s" "$body" "$signature"'

    done = subprocess.run(
        ["sh", "-c", script],
        env={KEY_VARIABLE: SECRET, "PATH": "/usr/bin:/bin"},
        capture_output=True,
    )

    sent, signed = done.stdout.decode().splitlines()
    assert f"sha256={signed}" == sign_hex(SECRET, sent.encode())
