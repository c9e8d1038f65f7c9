from __future__ import annotations

import http.client
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.http.webhook_signatures import (
    KEY_VARIABLE,
    SIGNATURE_HEADER,
    SecretError,
    read_secrets,
    sign_hex,
    sign_standard,
)
from controller.adapters.http.webhooks import (
    MAX_BODY_BYTES,
    WebhookReceiver,
    explain_ignored,
    receive_webhooks,
)

SECRET = "It's a Secret to Everybody"  # noqa: S105 - from GitHub's own example
KEYED = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DEADLINE = 60.0
PUSH = b'{"ref": "refs/heads/main", "after": "seed-body"}'
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(("ref", "event_name")), inner),
)
NAMES = (
    "X-Hub-Signature-256",
    "X-Hub-Signature",
    "X-Gitlab-Token",
    "webhook-signature",
    "webhook-id",
    SIGNATURE_HEADER,
    "X-GitHub-Event",
    "X-Gitlab-Event",
    "Content-Type",
)
GITHUB = {"X-GitHub-Event": "push", "X-Hub-Signature-256": sign_hex(SECRET, PUSH)}
GITLAB = {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SECRET}
STANDARD = {
    "X-Gitlab-Event": "Push Hook",
    "webhook-id": "msg_1",
    "webhook-timestamp": "1614265330",
    "webhook-signature": sign_standard(KEYED, "msg_1", "1614265330", PUSH),
}
OURS = {SIGNATURE_HEADER: sign_hex(SECRET, PUSH)}


@dataclass
class Taken:
    """A receiver of hooks: its URL, the secrets it knows, and how many hooks it took."""

    url: str = ""
    secrets: tuple[str, ...] = ("another secret of old", SECRET, KEYED)
    branch: str = "main"
    heard: list[None] = field(default_factory=list)

    def known(self) -> tuple[str, ...]:
        """Return the secrets; there may be none."""
        if not self.secrets:
            raise SecretError("webhooks need a secret")
        return self.secrets

    def post(
        self, headers: dict[str, str], body: bytes = PUSH, method: str = "POST", path: str = ""
    ) -> tuple[int, str]:
        """Send a request, and return what answers it."""
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=DEADLINE)
        with closing(connection):
            connection.request(method, path or place.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode().strip()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Taken]:
    """A receiver on a free port of loopback."""
    one = Taken()
    hooks = WebhookReceiver(lambda: one.known(), lambda: one.branch, lambda: one.heard.append(None))
    with receive_webhooks("0", hooks) as one.url:
        yield one


@pytest.fixture
def taken(receiver: Taken) -> Taken:
    """The receiver, as it is at first."""
    receiver.secrets, receiver.heard = Taken().secrets, []
    assert receiver.post(GITHUB)[0] == 202
    receiver.heard.clear()
    return receiver


def test_signatures_are_those_that_forges_publish() -> None:
    """GitHub's and Standard Webhooks' own examples come out as they print them."""
    body = b'{"test": 2432232314}'
    known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    assert sign_hex(SECRET, b"Hello, World!") == (
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    )
    assert sign_standard(KEYED, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body) == known


@pytest.mark.parametrize(
    "headers",
    [
        GITHUB,
        {"X-Gitea-Event": "push", "X-Hub-Signature-256": GITHUB["X-Hub-Signature-256"]},
        {"x-github-event": "push", "x-hub-signature-256": GITHUB["X-Hub-Signature-256"].upper()},
        {"X-Event-Key": "repo:push", "X-Hub-Signature": GITHUB["X-Hub-Signature-256"]},
        GITLAB,
        {**GITLAB, "X-Gitlab-Token": "unknown here", **STANDARD},
        STANDARD,
        {**STANDARD, "webhook-signature": f"v1,old {STANDARD['webhook-signature']}"},
        OURS,
    ],
)
def test_an_authentic_push_is_heard(taken: Taken, headers: dict[str, str]) -> None:
    """In each form that forges sign in, and with any of the secrets."""
    assert taken.post(headers)[0] == 202
    assert len(taken.heard) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-GitHub-Event": "push"}, 401),
        ({"X-Gitlab-Token": ""}, 401),
        ({**GITHUB, "X-Hub-Signature-256": sign_hex("a wrong secret here", PUSH)}, 403),
        ({**GITHUB, "X-Hub-Signature-256": sign_hex(SECRET, b"another body")}, 403),
        ({**GITHUB, "X-Hub-Signature-256": GITHUB["X-Hub-Signature-256"][:-1]}, 403),
        ({**GITHUB, "X-Hub-Signature-256": GITHUB["X-Hub-Signature-256"][7:]}, 403),
        ({"X-Hub-Signature": "sha1=0d5b3b2b3e1d1dd4c2f6c1ad5f0d1b5b8f0b1b5d"}, 403),
        ({"X-Hub-Signature-256": "sha256="}, 403),
        ({"X-Hub-Signature-256": "sha256=\xe9"}, 403),
        ({"X-Gitlab-Token": SECRET[:-1]}, 403),
        ({"X-Gitlab-Token": SECRET.lower()}, 403),
        ({**STANDARD, "webhook-timestamp": "1614265331"}, 403),
        ({**STANDARD, "webhook-id": "msg_2"}, 403),
        ({"webhook-signature": "v1,"}, 403),
        ({SIGNATURE_HEADER: SECRET}, 403),
    ],
)
def test_what_is_not_authentic_is_refused(
    taken: Taken, headers: dict[str, str], status: int
) -> None:
    """Without a signature it is 401, with a wrong one 403, and nothing is heard."""
    assert taken.post(headers)[0] == status
    assert taken.heard == []


@pytest.mark.parametrize("secret", ["whsec_", "whsec_no base64!", "whsec_\xe9", "plain text"])
def test_a_secret_of_another_form_makes_no_standard_signature(secret: str) -> None:
    """An empty key or text that is no key signs nothing, so that nothing matches it."""
    assert sign_standard(secret, "msg_1", "0", b"") == ""


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("0123456789abcdef", ("0123456789abcdef",)),
        (
            "\n 0123456789abcdef \r\n\nanother of sixteen\n",
            ("0123456789abcdef", "another of sixteen"),
        ),
    ],
)
def test_secrets_are_read_from_a_file_or_the_environment(
    tmp_path: Path, text: str, secrets: tuple[str, ...]
) -> None:
    """Each line is one, whatever stands around it; a file that is named comes first."""
    file = tmp_path / "secret"
    file.write_text(text)

    assert read_secrets({KEY_VARIABLE: text}, None) == secrets
    assert read_secrets({KEY_VARIABLE: "one of the environment"}, file) == secrets


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"seed-short\n", b"0123456789abcdef\nx\n", b"\xff", None]
)
def test_a_secret_that_is_none_is_told(tmp_path: Path, content: bytes | None) -> None:
    """One that is missing, short or no text is refused, and never shown."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SecretError, match="secret") as raised:
        read_secrets({}, file)
    assert "seed-short" not in str(raised.value)


def told(**members: object) -> bytes:
    """Return a hook's body."""
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    ("headers", "body", "heard"),
    [
        ({"X-GitHub-Event": "ping"}, told(zen="Keep it logically awesome."), 0),
        ({"X-GitHub-Event": "issues"}, told(ref="refs/heads/main"), 0),
        ({"X-GitHub-Event": "push"}, told(ref="refs/heads/other"), 0),
        ({"X-GitHub-Event": "push"}, told(ref="refs/tags/main"), 0),
        ({"X-GitHub-Event": "push"}, told(ref="refs/heads/main", deleted=True), 1),
        ({"X-Gitlab-Event": "Merge Request Hook"}, told(ref="refs/heads/main"), 0),
        ({"X-Gitlab-Event": "System Hook"}, told(event_name="user_create"), 0),
        ({"X-Gitlab-Event": "System Hook"}, told(event_name="push", ref="refs/heads/main"), 1),
        ({"X-Gitlab-Event": "Push Hook"}, told(ref=["main"]), 1),
        ({}, b"", 1),
        ({}, b"not json \xff", 1),
        ({}, b"[" * 100_000, 1),
        ({}, told(ref="main"), 1),
        ({}, told(ref="release"), 0),
    ],
)
def test_what_does_not_concern_the_branch_is_ignored(
    taken: Taken, headers: dict[str, str], body: bytes, heard: int
) -> None:
    """Other events and other branches are answered with 202 and left; what is unclear is heard."""
    status, words = taken.post({**headers, SIGNATURE_HEADER: sign_hex(SECRET, body)}, body)

    assert (status, len(taken.heard)) == (202, heard)
    assert words.startswith("ignored") is not bool(heard)


@pytest.mark.parametrize(("ref", "heard"), [("refs/heads/main", 1), ("refs/heads/other", 0)])
def test_a_form_is_read_like_json(taken: Taken, ref: str, heard: int) -> None:
    """GitHub's other content type holds the same text, urlencoded."""
    body = urlencode({"payload": json.dumps({"ref": ref})}).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded", "X-GitHub-Event": "push"}

    taken.post({**form, "X-Hub-Signature-256": sign_hex(SECRET, body)}, body)

    assert len(taken.heard) == heard


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "BREW"])
def test_other_methods_are_refused(taken: Taken, method: str) -> None:
    """A hook is posted; whoever looks at the address in a browser is told so."""
    assert taken.post(OURS, b"", method)[0] == 405
    assert taken.heard == []


def test_other_paths_are_not_found(taken: Taken) -> None:
    """There is one path, and its answer says which."""
    assert taken.post(OURS, path="/") == (404, "hooks are posted to /hooks")
    assert taken.post(OURS, path="/hooks?source=x")[0] == 202


@pytest.mark.parametrize(
    ("length", "status"),
    [
        (str(MAX_BODY_BYTES + 1), 413),
        ("9" * 5000, 413),
        ("-1", 400),
        ("x", 400),
        ("²", 400),
        (None, 411),
    ],
)
def test_what_has_no_fit_length_is_refused(taken: Taken, length: str | None, status: int) -> None:
    """A hook that is too large, or does not say how large it is, is not read."""
    stated = "" if length is None else f"Content-Length: {length}\r\n"
    assert raw(taken, f"{stated}\r\n".encode("latin-1")).startswith(f"HTTP/1.0 {status} ".encode())


def test_half_a_hook_is_refused(taken: Taken) -> None:
    """A body that ends before its length is no hook, whatever its signature."""
    signed = f"{SIGNATURE_HEADER}: {sign_hex(SECRET, b'{}')}\r\nContent-Length: 5\r\n\r\n"
    assert raw(taken, signed.encode() + b"{}").startswith(b"HTTP/1.0 400 ")
    assert taken.heard == []


def test_refusals_are_told_once_without_secrets(
    taken: Taken, caplog: pytest.LogCaptureFixture
) -> None:
    """A scanner cannot fill the log, and neither bodies nor signatures are ever in it."""
    caplog.set_level(logging.DEBUG, logger="controller")
    bad = {"X-Gitlab-Token": "a guess of somebody"}
    for _ in range(5):
        taken.post(bad)
    taken.post(GITHUB)
    taken.post(bad)

    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["webhook refused", "webhook", "webhook refused"]
    everything = str([vars(record) for record in caplog.records])
    assert [word for word in ("guess", SECRET, "seed-body", "sha256=") if word in everything] == []


def test_without_a_secret_nothing_is_taken(taken: Taken) -> None:
    """When the secret's file has gone, hooks are turned away until it is back."""
    taken.secrets = ()
    assert taken.post(GITHUB)[0] == 503
    taken.secrets = (SECRET,)
    assert taken.post(GITHUB)[0] == 202
    assert len(taken.heard) == 1


@given(
    headers=st.dictionaries(st.sampled_from(NAMES), st.text(max_size=40)),
    body=st.binary(max_size=200) | JSON.map(lambda told: json.dumps(told).encode()),
)
@settings(max_examples=300, deadline=None)
def test_whatever_comes_is_answered_and_heard_only_if_signed(
    headers: dict[str, str], body: bytes
) -> None:
    """No header or body makes a receiver stumble, and none is heard that no secret signed."""
    heard: list[None] = []
    hooks = WebhookReceiver(lambda: (SECRET, KEYED), lambda: "main", lambda: heard.append(None))

    status, words = hooks.answer(headers, body)

    assert (status in {401, 403}, heard) == (True, [])
    assert words
    explain_ignored(headers, body, "main")


def raw(taken: Taken, rest: bytes) -> bytes:
    """Send a request as it is and half-close, and return the answer."""
    place = urlsplit(taken.url)
    with socket.create_connection((str(place.hostname), int(place.port or 0)), DEADLINE) as line:
        line.sendall(b"POST /hooks HTTP/1.1\r\n" + rest)
        line.shutdown(socket.SHUT_WR)
        return line.recv(1000)
