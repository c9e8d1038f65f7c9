"""The addresses that the daemon listens on: its own endpoints, and webhooks of a forge."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import click

from controller.adapters.http.probes import serve_pages
from controller.adapters.http.server import AddressError, parse_address
from controller.adapters.http.webhook_signatures import SecretError, read_secrets
from controller.adapters.http.webhooks import WebhookReceiver, receive_webhooks
from controller.adapters.metrics.prometheus import Metrics
from controller.daemon.loop import Daemon

_log = logging.getLogger(__name__)

# The interface that has the address may still be starting.
_TRIES, _RETRY_SECONDS = 10, 0.5


def check_addresses(given: Mapping[str, Any]) -> None:
    """Raise a usage error for addresses that cannot be used, and for webhooks without a secret."""
    for option in ("listen", "webhook"):
        try:
            # An empty address serves nothing; any valid one stands in for it here.
            parse_address(given[option] or "0")
        except AddressError as error:
            raise click.UsageError(f"--{option}: {error}") from error
    if not given["webhook"]:
        if given["webhook_secret_file"] is not None:
            raise click.UsageError(
                "--webhook-secret-file needs --webhook: add that too, or remove it"
            )
        return
    if not given["repo"]:
        raise click.UsageError(
            "--webhook needs --repo: without it there is nothing to pull, and changed files are "
            "noticed at once"
        )
    try:
        _read_secrets(given)
    except SecretError as error:
        raise click.UsageError(f"--webhook: {error}") from error


def start_serving(stack: ExitStack, address: str, daemon: Daemon, metrics: Metrics) -> bool:
    """Serve the endpoints if the address is available, and return whether that succeeded."""
    try:
        _start_server(stack, address, daemon, metrics)
    except AddressError as error:
        _log.warning("not serving", extra={"why": str(error)})
        return False
    return True


def start_serving_with_retries(
    stack: ExitStack, address: str, daemon: Daemon, metrics: Metrics
) -> None:
    """Serve the endpoints, retrying while the address comes up; raises a usage error."""
    for left in reversed(range(_TRIES)):
        try:
            _start_server(stack, address, daemon, metrics)
        except AddressError as error:
            if not left:
                raise click.UsageError(f"--listen: {error}") from error
            daemon.pause(_RETRY_SECONDS)
        else:
            return


def _start_server(stack: ExitStack, address: str, daemon: Daemon, metrics: Metrics) -> None:
    if address:
        pages = serve_pages(address, alive=daemon.is_alive, ready=daemon.is_ready, registry=metrics)
        _log.info("serving", extra={"url": stack.enter_context(pages)})


def serve_webhooks(
    stack: ExitStack,
    given: Mapping[str, Any],
    branch: Callable[[], str],
    heard: Callable[[], None],
) -> None:
    """Receive webhooks if an address is set; ``heard`` is called for each push to the branch."""
    if not given["webhook"]:
        return
    try:
        url = stack.enter_context(
            receive_webhooks(
                given["webhook"], WebhookReceiver(lambda: _read_secrets(given), branch, heard)
            )
        )
    except AddressError as error:
        raise click.UsageError(f"--webhook: {error}") from error
    _log.info("taking webhooks", extra={"url": url})


def _read_secrets(given: Mapping[str, Any]) -> Sequence[str]:
    """Read the secrets anew each time, so that a replaced file takes effect at once."""
    return read_secrets(os.environ, given["webhook_secret_file"])
