"""Nothing is changed with credentials that are shown to be the wrong ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.support import request_named
from tests.support.lossy import CREATE, SLOW, STS, Answer, between, refusal, sts_refusal
from tests.support.manifests import OTHER_ACCOUNT
from tests.support.project import Project

DENIED = "310987654321"
THROTTLED = "410987654321"
FULL = "510987654321"


def in_target(tree: Project) -> None:
    """Declare another account in the manifest."""
    tree.add("strayed", target={"accountId": OTHER_ACCOUNT})


def in_fleet(tree: Project) -> None:
    """Declare another account in the fleet's file."""
    tree.add("strayed")
    tree.fleet(target={"accountId": OTHER_ACCOUNT})


def in_sidecar(tree: Project) -> None:
    """Record another account in the sidecar of a job that runs."""
    tree.add("strayed")
    tree.call("reconcile")
    path = tree.jobs / "strayed.status.json"
    document = json.loads(path.read_text())
    document["jobs"]["strayed"]["target"]["accountId"] = OTHER_ACCOUNT
    path.write_text(json.dumps(document))


def region_in_sidecar(tree: Project) -> None:
    """Record the job in one region, and come back with credentials in another."""
    tree.add("strayed", target={"region": "us-west-2"})
    tree.call("reconcile")
    tree.add("strayed")


each_way = pytest.mark.parametrize(
    "go_astray", [in_target, in_fleet, in_sidecar, region_in_sidecar]
)


@each_way
@pytest.mark.parametrize("part", [("jobs/innocent.yaml",), ("-l", "team=x")], ids=["path", "-l"])
def test_wrong_target_of_another_submits_nothing(
    tree: Project, go_astray: Callable[[Project], None], part: tuple[str, ...]
) -> None:
    """A pass over a part knows the wrong credentials as a pass over the whole tree does."""
    go_astray(tree)
    tree.add("innocent", labels={"team": "x"})
    tree.hush()

    ran = tree.call("reconcile", *part)

    assert (ran.code, tree.changes()) == (5, [])


@each_way
def test_wrong_target_changes_nothing(tree: Project, go_astray: Callable[[Project], None]) -> None:
    """Exit 5, and no call that changes anything: not for an innocent neighbour either."""
    go_astray(tree)
    tree.add("innocent")
    tree.hush()
    before = tree.sidecars().get("jobs/strayed.status.json")
    ran = tree.call("reconcile")
    assert ran.code == 5
    assert tree.changes() == []
    assert "WrongTarget" in ran.err
    assert "use credentials of that" in ran.err
    assert "Traceback" not in ran.err
    plan = tree.call("plan", "--output", "json")
    assert plan.code == 5
    assert {action["verb"] for action in plan.data["actions"]} == {"HOLD"}
    if before is not None:
        recorded = json.loads(before)["jobs"]["strayed"]
        kept = {name: tree.entry("strayed")[name] for name in ("jobArn", "target", "digest")}
        assert kept == {name: recorded[name] for name in kept}


def test_right_role_is_served_beside_a_wrong_one(tree: Project) -> None:
    """Jobs of other credentials go on: only those shown to be wrong are put aside."""
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/BedrockJobs"
    tree.add("strayed", target={"accountId": OTHER_ACCOUNT})
    tree.add("elsewhere", target={"accountId": OTHER_ACCOUNT, "assumeRoleArn": role})
    ran = tree.call("reconcile")
    assert ran.code == 5
    (created,) = tree.calls("Create")
    assert (created["account"], created["members"]["jobName"]) == (OTHER_ACCOUNT, "elsewhere")


def test_wrong_target_stops_no_job(tree: Project) -> None:
    """Nor is a running job stopped with the wrong credentials."""
    tree.add("running")
    tree.call("reconcile")
    tree.add("running", policy={"state": "Stopped"})
    tree.add("strayed", target={"accountId": OTHER_ACCOUNT})
    tree.hush()
    assert tree.call("reconcile").code == 5
    assert tree.changes() == []


@pytest.mark.parametrize(
    "rule", [{"regions": ["eu-west-1"]}, {"accounts": [OTHER_ACCOUNT]}], ids=["region", "account"]
)
def test_environment_cannot_widen_the_fleet(tree: Project, rule: dict[str, list[str]]) -> None:
    """A target that only the environment fills is held against the fleet's rules all the same."""
    tree.fleet(allow=rule)
    tree.add("support-bot")
    tree.hush()
    ran = tree.call("reconcile")
    assert ran.code == 4
    assert tree.calls() == []
    entry = tree.entry("support-bot")
    assert entry["conditions"][0]["reason"] == "Invalid"
    assert f"allow.{next(iter(rule))}" in entry["conditions"][0]["message"]
    assert f"allow.{next(iter(rule))}" in ran.err


def test_allowed_neighbour_is_served(tree: Project) -> None:
    """A manifest in an allowed region is submitted beside one that is held."""
    tree.fleet(allow={"regions": ["eu-west-1"]})
    tree.add("held")
    tree.add("served", target={"region": "eu-west-1"})
    assert tree.call("reconcile").code == 4
    (created,) = tree.calls("Create")
    assert (created["region"], created["members"]["jobName"]) == ("eu-west-1", "served")


def test_broken_fleet_file_stops_everything(tree: Project) -> None:
    """When nobody knows the fleet's rules, nothing is looked up and nothing is sent."""
    (tree.folder / "bedrock-jobs.yaml").write_text("ownr: acme\n")
    tree.add("support-bot")
    ran = tree.call("reconcile")
    assert ran.code == 4
    assert "bedrock-jobs.yaml:1" in ran.err
    assert tree.sandbox.list_calls() == []


def role_in(account: str) -> str:
    """Return the role that jobs of an account are run by."""
    return f"arn:aws:iam::{account}:role/BedrockJobs"


def add_in(tree: Project, account: str, *names: str, **target: str) -> None:
    """Write manifests for an account, reached by its role."""
    for name in names:
        tree.add(name, target={"assumeRoleArn": role_in(account), **target})


def created_in(tree: Project, account: str) -> list[str]:
    """Return the names of the jobs that were submitted in an account, in order."""
    calls = [one for one in tree.calls("Create") if one["account"] == account]
    return [one["members"]["jobName"] for one in calls if one["code"] is None]


def bystand_in(tree: Project, account: str, name: str) -> None:
    """Let somebody else have a job in an account."""
    given = tree.sandbox.sts().assume_role(RoleArn=role_in(account), RoleSessionName="somebody")
    keys = given["Credentials"]
    client = tree.sandbox.bedrock(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    client.create_model_customization_job(**request_named(name))


def test_every_target_fares_by_itself(tree: Project) -> None:
    """One account denied, one throttled for ever, one full: the fourth is served in that pass."""
    tree.sandbox.change_settings(quota=2)
    for name in ("theirs-0", "theirs-1"):
        bystand_in(tree, FULL, name)
    add_in(tree, DENIED, "denied")
    add_in(tree, THROTTLED, "throttled")
    add_in(tree, FULL, "full-0", "full-1", "full-2")
    add_in(tree, OTHER_ACCOUNT, "fine-0", "fine-1")
    with between(tree.sandbox.url) as service:
        refused = sts_refusal("AccessDenied", "not authorized to perform: sts:AssumeRole")
        service.break_down(STS, refused, holding=DENIED)
        throttling = refusal("ThrottlingException", 429, "Rate exceeded")
        service.break_down(CREATE, throttling, signed=f"ASIA{THROTTLED}")
        ran = tree.call("reconcile", "--endpoint-url", service.url)

    assert ran.code == 1
    assert created_in(tree, OTHER_ACCOUNT) == ["fine-0", "fine-1"]
    reasons = {path.stem: told(tree, path.stem)["reason"] for path in tree.jobs.glob("*.yaml")}
    assert reasons == {
        "denied": "ObservationFailed",
        "throttled": "NotSubmitted",
        **dict.fromkeys(("full-0", "full-1", "full-2"), "Queued"),
        **dict.fromkeys(("fine-0", "fine-1"), "InProgress"),
    }
    assert "sts:AssumeRole" in told(tree, "denied")["message"]
    assert f"let {role_in(DENIED)} trust" in told(tree, "denied")["message"]
    assert "Rate exceeded" in told(tree, "throttled")["message"]
    refusals = [one for one in tree.calls("Create") if one["account"] == FULL and one["code"]]
    assert len(refusals) == 1


def told(tree: Project, name: str) -> dict[str, Any]:
    """Return the condition that says how a job stands to its manifest."""
    found: dict[str, Any] = tree.entry(name)["conditions"][0]
    return found


def test_slow_account_holds_up_no_other(tree: Project) -> None:
    """All of one account is submitted while another still answers its first calls."""
    slow, quick = [f"a-{number}" for number in range(4)], [f"b-{number}" for number in range(4)]
    add_in(tree, THROTTLED, *slow)
    add_in(tree, OTHER_ACCOUNT, *quick)
    with between(tree.sandbox.url) as service:
        service.break_down(CREATE, SLOW, signed=f"ASIA{THROTTLED}")
        assert tree.call("reconcile", "--endpoint-url", service.url).code == 0

    order = [one["members"]["jobName"] for one in tree.calls("Create")]
    assert sorted(order) == sorted((*slow, *quick))
    assert set(order[: order.index(slow[-1])]) >= set(quick)


def test_every_account_has_its_own_quota(tree: Project) -> None:
    """What is full in one account takes no room in another, nor in another region."""
    tree.sandbox.change_settings(quota=1)
    add_in(tree, OTHER_ACCOUNT, "a-0", "a-1")
    add_in(tree, OTHER_ACCOUNT, "west", region="us-west-2")
    add_in(tree, FULL, "b-0", "b-1")
    assert tree.call("reconcile").code == 0

    assert sorted(created_in(tree, OTHER_ACCOUNT)) == ["a-0", "west"]
    assert created_in(tree, FULL) == ["b-0"]
    assert told(tree, "a-1")["reason"] == told(tree, "b-1")["reason"] == "Queued"


def test_account_is_guarded_for_each_role(tree: Project) -> None:
    """A role that leads to another account than declared is used for nothing; others go on."""
    add_in(tree, OTHER_ACCOUNT, "strayed", accountId=FULL)
    add_in(tree, OTHER_ACCOUNT, "beside")
    add_in(tree, FULL, "served", accountId=FULL)
    tree.add("own")
    ran = tree.call("reconcile")

    assert ran.code == 5
    assert told(tree, "strayed")["reason"] == told(tree, "beside")["reason"] == "WrongTarget"
    assert created_in(tree, OTHER_ACCOUNT) == []
    assert created_in(tree, FULL) == ["served"]
    assert told(tree, "own")["reason"] == "InProgress"


def soon_over(account: str) -> Answer:
    """Return credentials of an account's role as STS does, of which five minutes are left."""
    over = datetime.now(UTC) + timedelta(minutes=5)
    fields = {
        "AccessKeyId": f"ASIA{account}AAAA",
        "SecretAccessKey": "any",
        "SessionToken": "any",
        "Expiration": f"{over:%Y-%m-%dT%H:%M:%SZ}",
    }
    keys = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    user = "<AssumedRoleUser><AssumedRoleId>a:b</AssumedRoleId><Arn>arn</Arn></AssumedRoleUser>"
    result = f"<AssumeRoleResult><Credentials>{keys}</Credentials>{user}</AssumeRoleResult>"
    body = f"<AssumeRoleResponse>{result}</AssumeRoleResponse>"
    return Answer(200, body, {"content-type": "text/xml"})


def test_credentials_of_a_role_are_refreshed(tree: Project) -> None:
    """Credentials that are about to expire are replaced in the middle of a pass."""
    add_in(tree, OTHER_ACCOUNT, "support-bot")
    with between(tree.sandbox.url) as service:
        service.break_down(STS, soon_over(OTHER_ACCOUNT), holding="Action=AssumeRole", times=1)
        assert tree.call("reconcile", "--endpoint-url", service.url).code == 0

    renewed = [one["operation"] for one in tree.calls(service="sts")]
    assert renewed.count("AssumeRole") == 1
    assert created_in(tree, OTHER_ACCOUNT) == ["support-bot"]
    assert told(tree, "support-bot")["reason"] == "InProgress"
