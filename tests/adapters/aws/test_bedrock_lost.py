from __future__ import annotations

import pytest

from controller.adapters.aws.bedrock import Bedrock
from controller.adapters.aws.connection import Connection
from controller.core.kinds.registry import KINDS
from controller.core.model import CallFailure, Target
from controller.ports import CloudError
from tests.sandbox.support import Sandbox, request_named

(KIND,) = KINDS.values()
HERE = Target(region="us-east-1")
CREATE, GET = KIND.get_operation("Create"), KIND.get_operation("Get")


def failed_create(sandbox: Sandbox) -> CallFailure:
    """Return the failure that a Create ends in."""
    cloud = Bedrock(Connection(endpoint_url=sandbox.url, any_credentials=True))
    with pytest.raises(CloudError) as caught:
        cloud.create(KIND, HERE, dict(request_named("support-bot")), "token")
    return caught.value.failure


@pytest.mark.parametrize("lost", ["reset-after", "server-error"])
def test_a_lost_answer_is_remembered(sandbox: Sandbox, lost: str) -> None:
    """A Create that is throttled when it is sent again may have made a job the first time."""
    sandbox.inject_fault(lost, CREATE)
    sandbox.inject_fault("throttle", CREATE, nth=2 if lost == "reset-after" else 1, times=None)

    found = failed_create(sandbox)

    assert (found.code, found.ambiguous) == ("ThrottlingException", True)


def test_what_was_always_answered_is_certain(sandbox: Sandbox) -> None:
    """A Create that was throttled each time made no job, whatever was lost of another call."""
    sandbox.inject_fault("reset-after", GET)
    sandbox.inject_fault("throttle", CREATE, times=None)
    cloud = Bedrock(Connection(endpoint_url=sandbox.url, any_credentials=True))
    cloud.get(KIND, HERE, "support-bot")

    with pytest.raises(CloudError) as caught:
        cloud.create(KIND, HERE, dict(request_named("support-bot")), "token")

    assert not caught.value.failure.ambiguous
