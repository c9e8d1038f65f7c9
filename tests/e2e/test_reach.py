"""Credentials, regions and endpoints that are wrong: one clear line, exit 1, nothing lost."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Ran, call, environment
from tests.support.lossy import GET, LIST, STS, Service, between, refusal, sts_refusal
from tests.support.project import Project, project


@pytest.fixture
def service(tree: Project) -> Iterator[Service]:
    """A service in front of the tree's sandbox that can fail."""
    with between(tree.sandbox.url) as made:
        yield made


def reconciled(tree: Project, *arguments: str, **env: str) -> Ran:
    """Run a pass with an environment that names no endpoint unless it is told to."""
    given = environment(tree.folder, **env)
    return call(tree.folder, "reconcile", *arguments, env=given)


def told_once(ran: Ran, code: str, remedy: str) -> None:
    """Hold what was said to the form: exit 1, one line with the cause and the remedy."""
    assert ran.code == 1
    assert "Traceback" not in ran.err
    (line,) = [line for line in ran.said if line.startswith("bedrock-jobs: ")]
    assert line.startswith(f"bedrock-jobs: {code}: ")
    assert remedy in line


@pytest.fixture
def closed_port() -> Iterator[str]:
    """An endpoint that nobody listens on, nor can."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


CASES: dict[str, tuple[dict[str, str], str, str]] = {
    "no credentials": (
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        "NoCredentials",
        "AWS_PROFILE",
    ),
    "half of the credentials": ({"AWS_SECRET_ACCESS_KEY": ""}, "NoCredentials", "AWS_PROFILE"),
    "no region": ({"AWS_REGION": ""}, "NoRegion", "--region"),
    "no such profile": ({"AWS_PROFILE": "nobody"}, "ProfileNotFound", "--profile"),
    "no endpoint but a word": ({"AWS_ENDPOINT_URL": "here"}, "ClientError", "configuration"),
}


@pytest.mark.parametrize("case", CASES)
def test_nowhere_to_go(tree: Project, case: str) -> None:
    """What is missing to make a call is told once for all jobs, with what to do."""
    env, code, remedy = CASES[case]
    for name in ("one", "two", "three", "four"):
        tree.add(name)
    ran = reconciled(tree, **{"AWS_ENDPOINT_URL": tree.sandbox.url, **env})
    told_once(ran, code, remedy)
    assert "and 1 more" in ran.err
    assert tree.sandbox.list_calls() == []


def test_refusing_endpoint(tree: Project, closed_port: str) -> None:
    """Nobody listens: the endpoint is named, and where to look."""
    tree.add("support-bot")
    told_once(reconciled(tree, "--endpoint-url", closed_port), "EndpointUnreachable", closed_port)


def test_endpoint_without_tls(tree: Project) -> None:
    """HTTPS to a server that does not speak it is a failure of TLS."""
    tree.add("support-bot")
    url = tree.sandbox.url.replace("http:", "https:")
    told_once(reconciled(tree, "--endpoint-url", url), "TlsFailure", "--ca-bundle")


def test_missing_ca_bundle(tree: Project) -> None:
    """A --ca-bundle that is not there is wrong usage, told before any call."""
    tree.add("support-bot")
    url = tree.sandbox.url.replace("http:", "https:")
    ran = reconciled(tree, "--endpoint-url", url, "--ca-bundle", "absent.pem")
    assert ran.code == 64
    assert "--ca-bundle" in ran.err
    assert "absent.pem" in ran.err


def test_expired_credentials(tree: Project, service: Service) -> None:
    """STS says that they expired: its words reach the user, and one call is all it takes."""
    for number in range(5):
        tree.add(f"job-{number}")
    service.break_down(STS, sts_refusal("ExpiredToken", "The security token has expired"))
    ran = reconciled(tree, AWS_ENDPOINT_URL=service.url)
    told_once(ran, "ExpiredToken", "The security token has expired")
    assert tree.calls() == []


def test_credentials_that_expire_on_the_way(tree: Project, service: Service) -> None:
    """Bedrock says it: no job is taken for absent, and none is submitted."""
    tree.add("support-bot")
    service.break_down(GET, refusal("ExpiredTokenException", 403))
    ran = reconciled(tree, AWS_ENDPOINT_URL=service.url)
    told_once(ran, "ExpiredTokenException", "a text of the service's own")
    assert tree.changes() == []


@pytest.mark.parametrize("count", [1, 12], ids=["one by one", "by listing"])
def test_failed_look_is_not_absence(tree: Project, service: Service, count: int) -> None:
    """When looking up fails, nothing is submitted and what was recorded stays."""
    for number in range(count):
        tree.add(f"job-{number:02}")
    tree.call("reconcile")
    before = {name: tree.entry(name)["jobArn"] for name in ("job-00",)}
    for call_broken in (GET, LIST):
        service.break_down(call_broken, refusal("InternalServerException", 500))
    tree.hush()
    ran = reconciled(tree, AWS_ENDPOINT_URL=service.url)
    told_once(ran, "InternalServerException", "a text of the service's own")
    assert tree.changes() == []
    assert {name: tree.entry(name)["jobArn"] for name in before} == before
    service.mend()
    assert reconciled(tree, AWS_ENDPOINT_URL=service.url).code == 0
    assert tree.changes() == []


def test_wait_gives_up_on_denied_credentials(tree: Project, service: Service) -> None:
    """Waiting does not mend credentials: the wait ends at once."""
    tree.add("support-bot")
    service.break_down(STS, sts_refusal("InvalidClientTokenId", "It is not valid"))
    ran = reconciled(tree, "--wait", "--timeout", "30", AWS_ENDPOINT_URL=service.url)
    told_once(ran, "InvalidClientTokenId", "It is not valid")


def test_wait_outlives_an_outage(tmp_path: Path) -> None:
    """A service that is away for a while ends no wait: the next look finds it again."""
    with project(tmp_path / "project", speed=36_000) as tree, between(tree.sandbox.url) as service:
        tree.add("support-bot")
        service.break_down(STS, refusal("ServiceUnavailable", 503), times=3)
        ran = reconciled(tree, "--wait", "--every", "0.05", AWS_ENDPOINT_URL=service.url)
        assert ran.code == 0, ran.err
        assert "support-bot: Unknown" in ran.said
        assert tree.entry("support-bot")["phase"] == "Completed"


def test_outage_leaves_ended_jobs_alone(tree: Project, closed_port: str) -> None:
    """A full pass that reaches nobody rewrites no sidecar of a job that has ended."""
    tree.add("support-bot")
    tree.settle()
    before = tree.files()
    assert reconciled(tree, "--full", "--endpoint-url", closed_port).code == 1
    assert tree.files() == before


def test_no_signature_at_all(tree: Project) -> None:
    """--no-sign-request needs no credentials; the service decides what to make of it."""
    tree.add("support-bot")
    env = environment(tree.folder, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    options = ("--no-sign-request", "--endpoint-url", tree.sandbox.url)
    assert call(tree.folder, "reconcile", *options, env=env).code == 0
    assert [entry["members"]["jobName"] for entry in tree.calls("Create")] == ["support-bot"]


def test_region_of_a_profile(tree: Project, tmp_path: Path) -> None:
    """A profile's region is used as everywhere, and the option goes before it."""
    config = tmp_path / "config"
    config.write_text("[profile ml]\nregion = eu-central-1\n")
    tree.add("support-bot")
    keys = tmp_path / "credentials"
    keys.write_text("[ml]\naws_access_key_id = any\naws_secret_access_key = any\n")
    files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(keys)}
    env = environment(tree.folder, AWS_REGION="", **files)
    options = ("--profile", "ml", "--endpoint-url", tree.sandbox.url)
    assert call(tree.folder, "plan", *options, env=env).code == 0
    call(tree.folder, "plan", *options, "--region", "eu-west-3", env=env)
    assert [entry["region"] for entry in tree.calls("Get")] == ["eu-central-1", "eu-west-3"]
