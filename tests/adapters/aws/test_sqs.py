"""Events from an SQS queue, with moto's server as SQS."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

import botocore.session
import pytest

from controller.adapters.aws.connection import Connection
from controller.adapters.aws.sqs import SqsQueue, listen_to_queue, parse_queue_url
from tests.core.test_eventbridge import ACCOUNT, ARN, event

PATIENCE = 60.0
REGION = "us-east-1"
ANYBODY = Connection(region=REGION, any_credentials=True)
SECRET = "sesame-4711"  # noqa: S105 - a text that no log may hold


@dataclass(slots=True)
class Inbox:
    """A queue with a dead-letter queue behind it, and what was heard from it."""

    client: Any
    url: str
    dead: str
    heard: SimpleQueue[str] = field(default_factory=SimpleQueue)

    def send(self, *bodies: Any) -> None:
        """Put messages into the queue; what is no text goes as JSON."""
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self.client.send_message(QueueUrl=self.url, MessageBody=text)

    def next(self) -> str:
        """Return the next ARN that was heard, when there is one."""
        return self.heard.get(timeout=PATIENCE)

    def left(self, attribute: str = "") -> int:
        """Return how many messages the queue holds, visible or not, or only one sort of them."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        found: dict[str, str] = counts["Attributes"]
        return sum(int(found[name]) for name in names if attribute in ("", name))


@pytest.fixture
def inbox(moto: str, request: pytest.FixtureRequest) -> Iterator[Inbox]:
    """A queue of the test's own."""
    session = botocore.session.Session()
    session.set_credentials("any", "body")
    client: Any = session.create_client("sqs", region_name=REGION, endpoint_url=moto)
    name = str(abs(hash(request.node.name)))
    dead = client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    policy = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-dead"}
    attributes = {"RedrivePolicy": json.dumps({**policy, "maxReceiveCount": 2})}
    url = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    yield Inbox(client, url, dead)
    client.close()


class Lines(logging.Handler):
    """What the adapter logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.records.append(record)

    @property
    def texts(self) -> list[str]:
        """The lines without what they tell besides."""
        return [record.getMessage() for record in self.records]


@pytest.fixture
def log() -> Iterator[Lines]:
    """The adapter's log, at its most talkative."""
    lines, logger = Lines(), logging.getLogger("controller.adapters.aws.sqs")
    logger.addHandler(lines)
    logger.setLevel(logging.DEBUG)
    yield lines
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(lines)


def job(number: int) -> str:
    """Return the ARN of one of many jobs."""
    return ARN.replace("3d5ovm5kr3yt", f"{number:012}")


def told(number: int) -> dict[str, Any]:
    """Return the event of one of many jobs."""
    return event(detail={"jobArn": job(number), "jobStatus": "Completed"})


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold before patience ends; each look takes a round trip."""
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        if holds():
            return True
    return False


def test_a_changed_job_is_heard_and_its_message_deleted(inbox: Inbox) -> None:
    """An event that waits and one that comes later are heard, and leave the queue."""
    inbox.send(told(1))
    with listen_to_queue(inbox.url, ANYBODY, inbox.heard.put, wait=1):
        assert inbox.next() == job(1)
        inbox.send(told(2))
        assert inbox.next() == job(2)
        assert eventually(lambda: inbox.left() == 0)


def test_many_events_are_heard_in_batches(inbox: Inbox) -> None:
    """More events than a batch takes are all heard, twice sent ones twice, in any order."""
    inbox.send(*(told(number) for number in range(12)), *(told(number) for number in range(11)))
    with listen_to_queue(inbox.url, ANYBODY, inbox.heard.put, wait=1):
        heard = [inbox.next() for _ in range(23)]
        assert eventually(lambda: inbox.left() == 0)
    assert sorted(heard) == sorted(job(number) for number in [*range(12), *range(11)])


def test_poison_survives_and_is_told_once(inbox: Inbox, log: Lines) -> None:
    """What is not understood stays in the queue, and its body reaches no log."""
    inbox.send(SECRET, event(source=SECRET), event(account="999999999999"), {"detail": SECRET})
    inbox.send(told(7))
    with listen_to_queue(inbox.url, ANYBODY, inbox.heard.put, wait=1):
        assert inbox.next() == job(7)
        assert eventually(lambda: inbox.left() == 4)
    assert inbox.heard.empty()
    assert log.texts == ["event not understood"] * 4
    assert len({vars(one)["id"] for one in log.records}) == 4
    assert SECRET not in "".join(str(vars(one)) for one in log.records)


def test_poison_that_comes_again_is_not_told_again(inbox: Inbox, log: Lines) -> None:
    """Received often enough, poison goes where the redrive policy says, after one line of log."""
    inbox.send(SECRET)
    with listen_to_queue(inbox.url, ANYBODY, inbox.heard.put, wait=1, hidden=0):
        dead = Inbox(inbox.client, inbox.dead, "")
        assert eventually(lambda: dead.left() == 1)
    assert log.texts == ["event not understood"]


def test_errors_are_told_once_and_end(inbox: Inbox, log: Lines) -> None:
    """A queue that is not there yet is told of once, and heard once it is there."""
    absent = f"{inbox.url}-later"
    with listen_to_queue(absent, ANYBODY, inbox.heard.put, wait=1, pause=0.01):
        assert eventually(lambda: bool(log.records))
        late = Inbox(inbox.client, absent, "")
        late.client.create_queue(QueueName=absent.rpartition("/")[2])
        late.send(told(3))
        assert inbox.next() == job(3)
        assert eventually(lambda: len(log.records) > 1)
    lines = [(one.getMessage(), vars(one).get("code")) for one in log.records]
    assert lines == [
        ("events not heard", "AWS.SimpleQueueService.NonExistentQueue"),
        ("events heard again", None),
    ]


def test_nothing_is_heard_after_the_end(inbox: Inbox) -> None:
    """The context is left at once although a poll is under way, and what comes later waits."""
    with listen_to_queue(inbox.url, ANYBODY, inbox.heard.put, wait=20):
        inbox.send(told(1))
        assert inbox.next() == job(1)
        assert eventually(lambda: inbox.left() == 0)
        began = monotonic()
    assert monotonic() - began < 1
    inbox.send(told(2))
    with pytest.raises(Empty):
        inbox.heard.get_nowait()
    assert eventually(lambda: not [one for one in threading.enumerate() if one.name == "events"])
    assert inbox.heard.empty()
    assert inbox.left() == 1


def test_what_is_being_heard_is_finished_at_the_end(inbox: Inbox) -> None:
    """A message in hand when the context is left is deleted before it is over."""
    began, may_go = threading.Event(), threading.Event()

    def slow(arn: str) -> None:
        began.set()
        may_go.wait(PATIENCE)
        inbox.heard.put(arn)

    inbox.send(told(1))
    with listen_to_queue(inbox.url, ANYBODY, slow, wait=1):
        assert began.wait(PATIENCE)
        threading.Timer(0.1, may_go.set).start()
    assert inbox.next() == job(1)
    assert inbox.left() == 0


def test_what_could_not_be_heard_comes_again(inbox: Inbox, log: Lines) -> None:
    """A defect of whoever hears ends neither the listening nor the message."""
    defects = [LookupError("broken")]

    def heard(arn: str) -> None:
        if defects:
            raise defects.pop()
        inbox.heard.put(arn)

    inbox.send(told(1))
    with listen_to_queue(inbox.url, ANYBODY, heard, wait=1, hidden=0, pause=0.01):
        assert inbox.next() == job(1)
        assert eventually(lambda: log.texts == ["events not heard", "events heard again"])
    assert inbox.left() == 0


@pytest.mark.parametrize(
    ("url", "region", "endpoint"),
    [
        (f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/jobs", "eu-west-1", None),
        (f"https://sqs.cn-north-1.amazonaws.com.cn/{ACCOUNT}/jobs", "cn-north-1", None),
        (f"https://sqs.us-gov-west-1.amazonaws.com/{ACCOUNT}/jobs", "us-gov-west-1", None),
        (
            f"https://sqs-fips.us-east-2.amazonaws.com/{ACCOUNT}/jobs",
            "us-east-2",
            "https://sqs-fips.us-east-2.amazonaws.com",
        ),
        (
            f"https://vpce-0a1b.sqs.us-west-2.vpce.amazonaws.com/{ACCOUNT}/jobs",
            "us-west-2",
            "https://vpce-0a1b.sqs.us-west-2.vpce.amazonaws.com",
        ),
        (f"http://localhost:9324/{ACCOUNT}/jobs", None, "http://localhost:9324"),
    ],
)
def test_a_queue_is_called_where_its_url_says(
    url: str, region: str | None, endpoint: str | None
) -> None:
    """The URL's host tells the region, and the endpoint unless it is AWS's usual one."""
    assert parse_queue_url(url) == SqsQueue(url, "jobs", region, endpoint)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "jobs",
        f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs",
        "https://sqs.us-east-1.amazonaws.com/jobs",
        f"ftp://sqs.us-east-1.amazonaws.com/{ACCOUNT}/jobs",
        f"https:///{ACCOUNT}/jobs",
        f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/no spaces",
        f"https://[oops/{ACCOUNT}/jobs",
    ],
)
def test_what_is_no_queue_is_told_at_once(url: str) -> None:
    """A URL of anything else is refused before anything is called, with the form of a right one."""
    with (
        pytest.raises(ValueError, match=r"(?s)is not the URL of an SQS queue.*https://sqs[.]"),
        listen_to_queue(url, ANYBODY, print),
    ):
        pass


def test_a_region_that_nobody_knows_is_told(
    inbox: Inbox, log: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither URL nor options nor configuration name a region, the log says what to do."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    nowhere = Connection(any_credentials=True)
    with listen_to_queue(inbox.url, nowhere, inbox.heard.put, wait=1, pause=0.01):
        assert eventually(lambda: bool(log.records))
    assert vars(log.records[0])["code"] == "NoRegion"
