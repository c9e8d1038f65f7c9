from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.sandbox.support import Sandbox, refused, request_named

OTHER = "210987654321"


def credentials_of(sandbox: Sandbox, account: str = OTHER) -> dict[str, str]:
    """Return credentials for a role of an account, as a client gets them."""
    given = sandbox.sts().assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/team/Deploy", RoleSessionName="a-session"
    )["Credentials"]
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


def test_any_credentials_belong_to_the_sandbox_account(sandbox: Sandbox) -> None:
    """Every caller is a user of the sandbox's account."""
    shown = sandbox.sts().get_caller_identity()

    assert shown["Account"] == "123456789012"
    assert shown["Arn"] == "arn:aws:iam::123456789012:user/sandbox"


def test_an_assumed_role_is_another_account(sandbox: Sandbox) -> None:
    """Credentials of a role have its account, name and session."""
    shown = sandbox.sts(**credentials_of(sandbox)).get_caller_identity()

    assert shown["Account"] == OTHER
    assert shown["Arn"] == f"arn:aws:sts::{OTHER}:assumed-role/Deploy/a-session"
    assert shown["UserId"].endswith(":a-session")


def test_accounts_do_not_see_each_other(sandbox: Sandbox) -> None:
    """A job of one account is absent for another, and its name is free there."""
    other = sandbox.bedrock(**credentials_of(sandbox))
    arn = sandbox.bedrock().create_model_customization_job(**request_named("job"))["jobArn"]

    gone = refused(lambda: other.get_model_customization_job(jobIdentifier=arn))
    made = other.create_model_customization_job(**request_named("job"))["jobArn"]

    assert gone[0] == "ResourceNotFoundException"
    assert made.split(":")[4] == OTHER


def test_temporary_credentials_use_wall_time(sandbox: Sandbox) -> None:
    """They expire by the client's clock, not by the simulated one."""
    sandbox.advance(10_000_000)
    answer = sandbox.sts().assume_role(
        RoleArn=f"arn:aws:iam::{OTHER}:role/Deploy", RoleSessionName="test", DurationSeconds=900
    )
    left = answer["Credentials"]["Expiration"] - datetime.now(UTC)

    assert 800 < left.total_seconds() <= 900


@pytest.mark.parametrize(
    ("arn", "seconds"),
    [
        ("arn:aws:iam::210987654321:user/Someone", 900),
        ("arn:aws:iam::21:role/Deploy-of-nobody", 900),
        ("arn:aws:iam::210987654321:role/Deploy", 43201),
    ],
)
def test_only_roles_can_be_assumed(sandbox: Sandbox, arn: str, seconds: int) -> None:
    """Errors in a call to STS are returned in its own protocol."""
    code, _, status = refused(
        lambda: sandbox.sts().assume_role(
            RoleArn=arn, RoleSessionName="test", DurationSeconds=seconds
        )
    )

    assert (code, status) == ("ValidationError", 400)


def test_other_operations_are_rejected(sandbox: Sandbox) -> None:
    """STS supports two operations and rejects all others."""
    code, message, status = refused(lambda: sandbox.sts().get_session_token())

    assert (code, status) == ("InvalidAction", 400)
    assert "sandbox" in message
