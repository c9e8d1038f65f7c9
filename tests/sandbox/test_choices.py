"""How switches are set: over HTTP, by the caller, by flags; and that they are stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controller.sandbox.http.server import start_sandbox
from controller.sandbox.jobs.behaviour import RECORDED_BEHAVIOUR, Behaviour, JobNames, TokenLifetime
from controller.sandbox.jobs.switches import InvalidSettingError, serialize_behaviour
from tests.sandbox.support import Sandbox, process, refused, speaking_to


def test_defaults_are_as_recorded(sandbox: Sandbox) -> None:
    """A sandbox without settings has the recorded behaviour."""
    told = sandbox.control("GET", "behaviour")

    assert told == serialize_behaviour(RECORDED_BEHAVIOUR)
    assert told["tokenLifetime"] == "forever"
    assert (told["quota"], told["getLag"], told["listLag"]) == (None, 0, 0)
    assert (told["tokenMismatch"], told["overQuota"]) == ("old-job", "refuse")
    assert (told["modelNames"], told["jobNames"]) == ("reusable", "unique")


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"tokenLifetime": "1h"}, 'tokenLifetime: "1h" is not one of none, 10m, forever'),
        ({"quota": 0}, "quota: 0 is less than the minimum of 1"),
        ({"quota": True}, "quota: true is not of type"),
        ({"getLag": -1}, "getLag: -1"),
        ({"listLag": "5"}, "listLag: "),
        ({"tokenLife": "none"}, "the known ones are deviation, failingPart, failingSeed"),
        ([], "[] is not of type"),
        (None, "null is not of type"),
        (b"{", "not JSON"),
        (b'{"getLag": NaN}', "not JSON"),
        (b"\xff", "not JSON"),
    ],
)
def test_an_invalid_setting_changes_nothing(sandbox: Sandbox, changes: object, hint: str) -> None:
    """An unknown setting is rejected with the valid ones, and nothing changes."""
    body = changes if isinstance(changes, bytes) else json.dumps(changes).encode()
    status, answer = sandbox.wire("PUT", "/_sandbox/behaviour", body)

    assert status == 400
    assert hint in answer["message"]
    assert sandbox.control("GET", "behaviour") == serialize_behaviour(RECORDED_BEHAVIOUR)


def test_changes_are_atomic(sandbox: Sandbox) -> None:
    """Of several changes with one error none is made."""
    body = b'{"getLag": 5, "quota": "many"}'

    assert sandbox.wire("PUT", "/_sandbox/behaviour", body)[0] == 400
    assert sandbox.control("GET", "behaviour")["getLag"] == 0


def test_settings_accumulate_and_can_be_reset(sandbox: Sandbox) -> None:
    """A change keeps the other settings; DELETE resets all of them."""
    sandbox.change_settings(quota=3.0, jobNames="repeatable")
    both = sandbox.change_settings(getLag=1.5)

    assert (both["quota"], both["jobNames"], both["getLag"]) == (3, "repeatable", 1.5)
    assert sandbox.control("DELETE", "behaviour") == serialize_behaviour(RECORDED_BEHAVIOUR)
    assert sandbox.control("GET", "behaviour") == serialize_behaviour(RECORDED_BEHAVIOUR)


def test_an_integer_may_have_a_decimal_point(sandbox: Sandbox) -> None:
    """1.0 is an integer in JSON, and for the sandbox."""
    assert str(sandbox.change_settings(quota=1.0, overQuota="queue")["quota"]) == "1"
    sandbox.create("a")
    sandbox.create("b")


def test_settings_are_persistent(tmp_path: Path) -> None:
    """Settings apply to the next sandbox on the folder, unless it has its own."""
    wanted = Behaviour(token_lifetime=TokenLifetime.NONE, job_names=JobNames.REPEATABLE, quota=7)
    with start_sandbox(tmp_path, speed=0, behaviour=wanted):
        pass
    with (
        start_sandbox(tmp_path, speed=0, behaviour={"quota": None}) as url,
        speaking_to(url, tmp_path) as sandbox,
    ):
        kept = sandbox.control("GET", "behaviour")
        made = {sandbox.create("job", clientRequestToken="t") for _ in range(2)}

    assert (kept["tokenLifetime"], kept["jobNames"], kept["quota"]) == ("none", "repeatable", None)
    assert len(made) == 2


def test_an_invalid_setting_prevents_the_start(tmp_path: Path) -> None:
    """A sandbox with an invalid setting does not start."""
    with pytest.raises(InvalidSettingError, match="the known ones are"):
        start_sandbox(tmp_path, behaviour={"quotas": 1}).__enter__()


def test_two_sandboxes_on_one_store_share_settings(tmp_path: Path) -> None:
    """A setting of one of two servers applies to the other from its next call on."""
    with (
        start_sandbox(tmp_path, speed=0) as url,
        start_sandbox(tmp_path, speed=0) as other_url,
        speaking_to(url, tmp_path) as one,
        speaking_to(other_url, tmp_path) as other,
    ):
        one.change_settings(quota=1)
        one.create("a")

        assert refused(lambda: other.create("b"))[0] == "ServiceQuotaExceededException"
        other.change_settings(quota=2)
        assert one.create("b")


def test_the_command_accepts_every_setting(tmp_path: Path) -> None:
    """Each flag of the command sets its setting."""
    flags = ["--token-lifetime", "10m", "--token-mismatch", "conflict", "--quota", "4"]
    flags += ["--over-quota", "queue", "--get-lag", "1.5", "--list-lag", "2"]
    flags += ["--model-names", "unique", "--job-names", "repeatable"]
    with process(tmp_path, *flags) as (_, sandbox):
        told = sandbox.control("GET", "behaviour")
    with process(tmp_path, "--quota", "none") as (_, sandbox):
        later = sandbox.control("GET", "behaviour")

    assert told == serialize_behaviour(RECORDED_BEHAVIOUR) | {
        "tokenLifetime": "10m",
        "tokenMismatch": "conflict",
        "quota": 4,
        "overQuota": "queue",
        "getLag": 1.5,
        "listLag": 2,
        "modelNames": "unique",
        "jobNames": "repeatable",
    }
    assert later == told | {"quota": None}
