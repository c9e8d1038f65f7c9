"""Fixtures of what is no part of the sandbox, such as SQS: moto serves it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from moto.server import ThreadedMotoServer


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The URL of a moto server."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def queue(moto: str) -> Iterator[tuple[Any, str]]:
    """A client of SQS, and the URL of an empty queue."""
    session = botocore.session.Session()
    session.set_credentials("any", "body")
    client: Any = session.create_client("sqs", "us-east-1", endpoint_url=moto)
    url = client.create_queue(QueueName="events")["QueueUrl"]
    yield client, url
    client.delete_queue(QueueUrl=url)
    client.close()
