"""--sandbox works whatever the machine's AWS set-up is, and never leaves the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import call, environment
from tests.support.manifests import OTHER_ACCOUNT, manifest, write

DEAD = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    "env",
    [
        {"AWS_PROFILE": "nobody"},
        {"AWS_DEFAULT_PROFILE": "nobody"},
        {"http_proxy": DEAD, "HTTP_PROXY": DEAD},
        {"AWS_ENDPOINT_URL": DEAD},
        {"AWS_ENDPOINT_URL_BEDROCK": DEAD},
        {"AWS_CA_BUNDLE": "/nonexistent.pem"},
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_REGION": ""},
        {"AWS_ACCESS_KEY_ID": "half", "AWS_SECRET_ACCESS_KEY": ""},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
    ],
    ids=lambda env: "-".join(env),
)
def test_sandbox_needs_nothing_of_aws(tmp_path: Path, env: dict[str, str]) -> None:
    """Profiles, proxies, endpoints and missing credentials of the environment do not matter."""
    write(tmp_path / "jobs" / "support-bot.yaml", manifest("support-bot"))
    ran = call(tmp_path, "reconcile", "--sandbox", env=environment(tmp_path, **env))
    assert ran.code == 0, ran.err
    assert "InProgress" in ran.out


def test_roles_lead_to_their_accounts(tmp_path: Path) -> None:
    """A target with a role acts in the role's account, as in AWS."""
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/BedrockJobs"
    target = {"accountId": OTHER_ACCOUNT, "assumeRoleArn": role}
    write(tmp_path / "jobs" / "a.yaml", manifest("a", target=target))
    ran = call(tmp_path, "plan", "--sandbox", "--output", "json", env=environment(tmp_path))
    assert ran.code == 0, ran.err
    (action,) = ran.data["actions"]
    assert action["target"]["accountId"] == OTHER_ACCOUNT


@pytest.mark.parametrize("verb", ["validate", "plan", "reconcile", "status"])
def test_every_verb_on_jobs_takes_it_and_says_so(tmp_path: Path, verb: str) -> None:
    """Whoever works in the sandbox may write --sandbox everywhere, and is told each time."""
    write(tmp_path / "jobs" / "support-bot.yaml", manifest("support-bot"))
    ran = call(tmp_path, verb, "--sandbox", env=environment(tmp_path))
    assert ran.code == 0, ran.err
    assert "(sandbox: nothing here is real)" in ran.out + ran.err
