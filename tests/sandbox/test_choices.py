"""How the switches are set: over HTTP, by the caller, by flags; and that they are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controller.sandbox.http.server import start_sandbox
from controller.sandbox.jobs.behaviour import AS_RECORDED, Behaviour, JobNames, TokenLifetime
from controller.sandbox.jobs.switches import InvalidSettingError, serialize_behaviour
from tests.sandbox.support import Sandbox, process, refused, speaking_to


def test_everything_off_is_as_recorded(sandbox: Sandbox) -> None:
    """A sandbox that nobody told anything shows every choice in its recorded position."""
    told = sandbox.control("GET", "behaviour")

    assert told == serialize_behaviour(AS_RECORDED)
    assert told["tokenLifetime"] == "forever"
    assert (told["quota"], told["getLag"], told["listLag"]) == (None, 0, 0)
    assert (told["tokenMismatch"], told["overQuota"]) == ("old-job", "refuse")
    assert (told["modelNames"], told["jobNames"]) == ("reusable", "unique")


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"tokenLifetime": "1h"}, 'tokenLifetime: "1h" is none of none, 10m, forever'),
        ({"quota": 0}, "quota: 0 is less than the minimum of 1"),
        ({"quota": True}, "quota: true is not of type"),
        ({"getLag": -1}, "getLag: -1"),
        ({"listLag": "5"}, "listLag: "),
        ({"tokenLife": "none"}, "known are deviation, failingPart, failingSeed"),
        ([], "[] is not of type"),
        (None, "null is not of type"),
        (b"{", "not JSON"),
        (b'{"getLag": NaN}', "not JSON"),
        (b"\xff", "not JSON"),
    ],
)
def test_a_mistake_changes_nothing(sandbox: Sandbox, changes: object, hint: str) -> None:
    """What is no choice is refused with a text that says what is, and all stays as it was."""
    body = changes if isinstance(changes, bytes) else json.dumps(changes).encode()
    status, answer = sandbox.wire("PUT", "/_sandbox/behaviour", body)

    assert status == 400
    assert hint in answer["message"]
    assert sandbox.control("GET", "behaviour") == serialize_behaviour(AS_RECORDED)


def test_a_mistake_spoils_the_choices_beside_it(sandbox: Sandbox) -> None:
    """Of several changes with one mistake none is made."""
    body = b'{"getLag": 5, "quota": "many"}'

    assert sandbox.wire("PUT", "/_sandbox/behaviour", body)[0] == 400
    assert sandbox.control("GET", "behaviour")["getLag"] == 0


def test_choices_add_up_and_can_be_taken_back(sandbox: Sandbox) -> None:
    """A change leaves the other choices alone; DELETE puts all of them back."""
    sandbox.behave(quota=3.0, jobNames="repeatable")
    both = sandbox.behave(getLag=1.5)

    assert (both["quota"], both["jobNames"], both["getLag"]) == (3, "repeatable", 1.5)
    assert sandbox.control("DELETE", "behaviour") == serialize_behaviour(AS_RECORDED)
    assert sandbox.control("GET", "behaviour") == serialize_behaviour(AS_RECORDED)


def test_a_whole_number_may_be_written_with_a_point(sandbox: Sandbox) -> None:
    """To JSON 1.0 is a whole number, and so it is to the sandbox."""
    assert str(sandbox.behave(quota=1.0, overQuota="queue")["quota"]) == "1"
    sandbox.create("a")
    sandbox.create("b")


def test_choices_outlive_a_sandbox(tmp_path: Path) -> None:
    """What was chosen holds for the next sandbox on the folder, unless it chooses otherwise."""
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


def test_changes_that_name_no_choice_start_nothing(tmp_path: Path) -> None:
    """A sandbox that is to begin with a mistake does not begin."""
    with pytest.raises(InvalidSettingError, match="known are"):
        start_sandbox(tmp_path, behaviour={"quotas": 1}).__enter__()


def test_two_sandboxes_on_one_store_behave_alike(tmp_path: Path) -> None:
    """What one of two servers is told holds for the other one from its next call on."""
    with (
        start_sandbox(tmp_path, speed=0) as url,
        start_sandbox(tmp_path, speed=0) as other_url,
        speaking_to(url, tmp_path) as one,
        speaking_to(other_url, tmp_path) as other,
    ):
        one.behave(quota=1)
        one.create("a")

        assert refused(lambda: other.create("b"))[0] == "ServiceQuotaExceededException"
        other.behave(quota=2)
        assert one.create("b")


def test_the_verb_takes_every_choice(tmp_path: Path) -> None:
    """Each flag of the verb sets its choice."""
    flags = ["--token-lifetime", "10m", "--token-mismatch", "conflict", "--quota", "4"]
    flags += ["--over-quota", "queue", "--get-lag", "1.5", "--list-lag", "2"]
    flags += ["--model-names", "unique", "--job-names", "repeatable"]
    with process(tmp_path, *flags) as (_, sandbox):
        told = sandbox.control("GET", "behaviour")
    with process(tmp_path, "--quota", "none") as (_, sandbox):
        later = sandbox.control("GET", "behaviour")

    assert told == serialize_behaviour(AS_RECORDED) | {
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
