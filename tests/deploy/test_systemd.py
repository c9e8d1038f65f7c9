"""The systemd unit, checked by systemd where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from controller.cli.output.exit_codes import ExitCode
from tests.house.source import ROOT

UNIT = ROOT / "deploy" / "systemd" / "bedrock-jobs.service"

# Checked by `systemd-analyze verify` of systemd 252; a directive outside it is a slip or is new.
SPELLINGS = {
    "Unit": "Description Wants After StartLimitIntervalSec",
    "Service": """
        Type NotifyAccess Environment EnvironmentFile WorkingDirectory ExecStart ExecReload
        Restart RestartSec RestartPreventExitStatus WatchdogSec TimeoutStartSec TimeoutStopSec
        DynamicUser StateDirectory UMask MemoryMax TasksMax LimitNOFILE
        CapabilityBoundingSet AmbientCapabilities DevicePolicy LockPersonality
        MemoryDenyWriteExecute NoNewPrivileges PrivateDevices PrivateTmp PrivateUsers
        ProtectClock ProtectControlGroups ProtectHome ProtectHostname ProtectKernelLogs
        ProtectKernelModules ProtectKernelTunables ProtectProc ProtectSystem RemoveIPC
        RestrictAddressFamilies RestrictNamespaces RestrictRealtime RestrictSUIDSGID
        SystemCallArchitectures SystemCallErrorNumber SystemCallFilter
    """,
    "Install": "WantedBy",
}
REPEATABLE = {"SystemCallFilter"}
MOST_EXPOSED = 15
"""Tenths of the exposure that systemd-analyze reckons, from 0 (none) to 100."""

analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def directives() -> list[tuple[str, str, str]]:
    """Return section, name and value of all directives, in order."""
    found: list[tuple[str, str, str]] = []
    section = ""
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = header[1]
        elif line and not line.startswith("#"):
            name, equals, value = line.partition("=")
            assert equals, f"{line!r} is no directive"
            found.append((section, name, value))
    return found


def value(name: str) -> str:
    """Return the value of a directive that occurs once."""
    (found,) = [value for _, each, value in directives() if each == name]
    return found


def test_directives_are_known_and_unique() -> None:
    """Each directive is known to systemd in its section, and none occurs twice."""
    counted = Counter((section, name) for section, name, _ in directives())
    unknown = [
        f"{section}.{name}"
        for section, name in counted
        if name not in SPELLINGS.get(section, "").split()
    ]

    assert unknown == []
    assert {name for (_, name), times in counted.items() if times > 1} <= REPEATABLE


def test_the_unit_restarts_and_stops() -> None:
    """It signals readiness, has a watchdog, restarts always, and has time to finish."""
    assert value("Type") == "notify"
    assert int(value("WatchdogSec")) >= 10
    assert value("Restart") == "always"
    assert value("StartLimitIntervalSec") == "0"
    assert int(value("TimeoutStopSec")) > 10
    assert int(value("RestartPreventExitStatus")) == ExitCode.USAGE
    assert value("ExecReload").endswith("kill -HUP $MAINPID")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a command that exists on every machine, because verify checks for it."""
    text = UNIT.read_text(encoding="utf-8")
    command = value("ExecStart").partition(" ")[0]
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace(command, "/bin/true"), encoding="utf-8")
    return copy


@analyze
def test_systemd_reports_nothing(unit: Path) -> None:
    """The unit passes `systemd-analyze verify` without output."""
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@analyze
def test_the_service_is_hardened(unit: Path) -> None:
    """The exposure of the service is low, as rated by systemd."""
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}"]
    done = subprocess.run(
        [*command, "--no-pager", str(unit)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout.splitlines()[-1]
