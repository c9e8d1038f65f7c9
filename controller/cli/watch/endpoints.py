"""The addresses that the daemon answers on: its pages, and the webhooks of a forge."""

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

# Whose interface has the address may be about to begin.
_TRIES, _RETRY_SECONDS = 10, 0.5


def check_addresses(given: Mapping[str, Any]) -> None:
    """Raise click's usage error for addresses that cannot be meant, and hooks without a secret."""
    for option in ("listen", "webhook"):
        try:
            parse_address(given[option] or "0")
        except AddressError as error:
            raise click.UsageError(f"--{option}: {error}") from error
    if not given["webhook"]:
        if given["webhook_secret_file"] is not None:
            raise click.UsageError(
                "--webhook-secret-file goes with --webhook: give that too, or leave it out"
            )
        return
    if not given["repo"]:
        raise click.UsageError(
            "--webhook goes with --repo: without it there is nothing to pull, and files that "
            "change are noticed at once"
        )
    try:
        _read_secrets(given)
    except SecretError as error:
        raise click.UsageError(f"--webhook: {error}") from error


def start_serving(stack: ExitStack, address: str, daemon: Daemon, metrics: Metrics) -> bool:
    """Serve the pages if that can be now, and return whether nothing is left to serve."""
    try:
        _start_server(stack, address, daemon, metrics)
    except AddressError as error:
        _log.warning("not serving", extra={"why": str(error)})
        return False
    return True


def start_serving_with_retries(
    stack: ExitStack, address: str, daemon: Daemon, metrics: Metrics
) -> None:
    """Serve the pages at an address that may only just come up; raises click's usage error."""
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
    """Take webhooks, if they are asked for; ``heard`` is called for each that tells of a branch."""
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
    """Read them anew each time: a file that is replaced takes effect at once."""
    return read_secrets(os.environ, given["webhook_secret_file"])
