"""The stack of queue and policy, checked by cfn-lint and deployed on moto."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import botocore.session
import pytest
import yaml

from controller.adapters.aws.connection import Connection
from controller.adapters.aws.sqs import LONG_POLL_SECONDS, VISIBILITY_SECONDS, listen_to_queue
from controller.core.eventbridge import SOURCE
from controller.core.kinds.registry import KINDS
from tests.core.test_eventbridge import ARN, event
from tests.house.source import ROOT

TEMPLATE = ROOT / "deploy" / "cloudformation" / "events.yaml"
REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/BedrockCustomization"
TAGS = {"bedrock:ListTagsForResource", "bedrock:TagResource", "bedrock:UntagResource"}

# Moto leaves the queue's policy out: what concerns that one is read from the template.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS..SQS..QueuePolicy:UserWarning")


class Loader(yaml.SafeLoader):
    """Parses a template, with CloudFormation's own tags as plain values."""


Loader.add_multi_constructor("!", lambda loader, _tag, node: plain(loader, node))


def plain(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    """Return the value of a tagged node without its tag."""
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.ScalarNode)
    return loader.construct_scalar(node)


def resource(name: str) -> dict[str, Any]:
    """Return the properties of one of the template's resources."""
    template = yaml.load(TEMPLATE.read_text(encoding="utf-8"), Loader)  # noqa: S506 - a safe one
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


class Stack:
    """A stack on moto."""

    def __init__(
        self,
        endpoint: str,
        name: str = "bedrock-jobs",
        template: Path = TEMPLATE,
        **parameters: str,
    ) -> None:
        self.endpoint = endpoint
        self._clients: dict[str, Any] = {}
        self._session = botocore.session.Session()
        self._session.set_credentials("any", "body")
        formation = self.client("cloudformation")
        given = {"JobRoleArns": ROLE, "Name": name, **parameters}
        identifier = formation.create_stack(
            StackName=name,
            TemplateBody=template.read_text(encoding="utf-8"),
            Parameters=[{"ParameterKey": key, "ParameterValue": given[key]} for key in given],
            Capabilities=["CAPABILITY_IAM"],
        )["StackId"]
        (made,) = formation.describe_stacks(StackName=identifier)["Stacks"]
        assert made["StackStatus"] == "CREATE_COMPLETE"
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in made["Outputs"]}

    def client(self, service: str) -> Any:
        """Return a client of a service; creating one takes longer than most calls."""
        if service not in self._clients:
            made = self._session.create_client(service, REGION, endpoint_url=self.endpoint)
            self._clients[service] = made
        return self._clients[service]

    def attributes(self, output: str) -> dict[str, str]:
        """Return the attributes of a queue."""
        url = self.outputs[output]
        asked = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        found: dict[str, str] = asked["Attributes"]
        return found

    def statements(self, output: str = "PolicyArn") -> dict[str, dict[str, Any]]:
        """Return the statements of a policy by their names."""
        iam, arn = self.client("iam"), self.outputs[output]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
        document = answer["PolicyVersion"]["Document"]
        return {one["Sid"]: one for one in document["Statement"]}


@pytest.fixture(scope="session")
def stack(moto: str) -> Stack:
    """The stack on a moto server."""
    return Stack(moto)


def listed(value: Any) -> list[str]:
    """Return a single value or a list as a list."""
    return [value] if isinstance(value, str) else list(value)


def test_cfn_lint_finds_nothing() -> None:
    """The templates pass cfn-lint, including its informational rules."""
    lint = str(Path(sys.executable).with_name("cfn-lint"))
    templates = map(str, sorted(TEMPLATE.parent.glob("*.yaml")))
    command = [lint, "--include-checks", "I", "--template", *templates]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_an_event_reaches_the_daemon(stack: Stack) -> None:
    """A job's event goes through the rule to the queue and the daemon; others do not."""
    sent = [event(source="acme.other"), event()]
    stack.client("events").put_events(
        Entries=[
            {
                "Source": one["source"],
                "DetailType": one["detail-type"],
                "Detail": json.dumps(one["detail"]),
                "Resources": one["resources"],
            }
            for one in sent
        ]
    )
    heard: SimpleQueue[str] = SimpleQueue()
    connection = Connection(region=REGION, endpoint_url=stack.endpoint, any_credentials=True)
    with listen_to_queue(stack.outputs["QueueUrl"], connection, heard.put, wait=1):
        assert heard.get(timeout=60) == ARN
    assert heard.empty()


def test_the_rule_matches_known_events(stack: Stack) -> None:
    """The rule's pattern has each kind's event, and none that cannot be parsed."""
    (rule,) = stack.client("events").list_rules()["Rules"]

    assert json.loads(rule["EventPattern"]) == {
        "source": [SOURCE],
        "detail-type": [kind.event for kind in KINDS.values() if kind.event],
    }


def test_invalid_messages_are_moved(stack: Stack) -> None:
    """Messages that are never deleted go to a second queue, and stay there for longer."""
    events, poison = stack.attributes("QueueUrl"), stack.attributes("PoisonQueueUrl")
    redrive = json.loads(events["RedrivePolicy"])

    assert redrive["deadLetterTargetArn"] == poison["QueueArn"]
    assert int(redrive["maxReceiveCount"]) >= 3
    assert int(poison["MessageRetentionPeriod"]) > int(events["MessageRetentionPeriod"])
    assert int(events["VisibilityTimeout"]) == VISIBILITY_SECONDS
    assert int(events["ReceiveMessageWaitTimeSeconds"]) == LONG_POLL_SECONDS


def test_the_second_queue_accepts_redrives_only() -> None:
    """The second queue accepts redriven messages of the first only."""
    (source,) = resource("Poison")["RedriveAllowPolicy"]["sourceQueueArns"]

    assert resource("Poison")["RedriveAllowPolicy"]["redrivePermission"] == "byQueue"
    assert source.endswith(f":{resource('Events')['QueueName']}")


def test_only_the_rule_may_send() -> None:
    """The queue accepts messages of its rule only, and only over TLS."""
    access = resource("EventsAccess")
    allowed, denied = access["PolicyDocument"]["Statement"]

    assert access["Queues"] == ["Events"]
    assert (allowed["Effect"], allowed["Action"]) == ("Allow", "sqs:SendMessage")
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": "Changes.Arn"}}
    assert (denied["Effect"], denied["Principal"]) == ("Deny", "*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_policy_allows_what_is_called(stack: Stack) -> None:
    """The daemon may call every operation that it uses, and no other."""
    verbs = ("Create", "Get", "List", "Stop")
    called = {f"bedrock:{kind.get_operation(verb)}" for kind in KINDS.values() for verb in verbs}
    called |= TAGS | {"sqs:ReceiveMessage", "sqs:DeleteMessage", "iam:PassRole"}
    allowed = {action for one in stack.statements().values() for action in listed(one["Action"])}

    assert allowed == called


def test_the_policy_is_narrow(stack: Stack) -> None:
    """Only listing, which has no resource, is allowed on all; roles are passed to Bedrock only."""
    statements = stack.statements()
    wide = {name for name, one in statements.items() if "*" in listed(one["Resource"])}
    passing = statements["HandJobsTheirRole"]

    assert wide == {"ListJobs"}
    assert listed(passing["Resource"]) == [ROLE]
    assert passing["Condition"] == {
        "StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}
    }
    for name in ("LookAtAndStopJobs", "KeepTags", "SubmitJobs"):
        places = [one.split(":")[4:6] for one in listed(statements[name]["Resource"])]
        assert all(place[0] in {"123456789012", ""} for place in places)
        assert all(place[1].endswith("/*") for place in places)


def test_a_shard_has_its_own_stack(moto: str, stack: Stack) -> None:
    """Stacks with other names can coexist, and may assume the given roles."""
    other = "arn:aws:iam::999999999999:role/BedrockJobs"
    shard = Stack(moto, "bedrock-jobs-1", AssumedRoleArns=f"{other},{ROLE}")
    (assuming,) = shard.statements("PolicyElsewhereArn").values()

    assert shard.outputs["QueueUrl"].endswith("/bedrock-jobs-1-events")
    assert shard.outputs["QueueUrl"] != stack.outputs["QueueUrl"]
    assert "PolicyElsewhereArn" not in stack.outputs
    assert (assuming["Action"], assuming["Resource"]) == ("sts:AssumeRole", [other, ROLE])
