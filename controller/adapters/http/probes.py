"""The daemon's own pages: /healthz, /readyz and /metrics, on loopback unless told otherwise."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from controller.adapters.http.server import RequestHandler, serve_requests

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PageSources:
    """What the pages show: probes that are asked anew each time, and the metrics."""

    alive: Callable[[], bool]
    ready: Callable[[], bool]
    registry: Collector


@contextmanager
def serve_pages(
    address: str, *, alive: Callable[[], bool], ready: Callable[[], bool], registry: Collector
) -> Iterator[str]:
    """While the context lasts the pages are served at an address, and their base URL is yielded.

    Raises AddressError; ``answering`` tells of addresses.
    """
    with serve_requests(
        address, partial(_ProbeHandler, PageSources(alive, ready, registry))
    ) as url:
        yield url


class _ProbeHandler(RequestHandler):
    """Answers GET and HEAD; every other method is refused."""

    allowed = "GET, HEAD"

    def __init__(self, pages: PageSources, *given: Any) -> None:
        self._pages = pages
        super().__init__(*given)

    def handle_get(self) -> None:
        """Answer with the page; a query is of no account."""
        pages = self._pages
        match self.path.partition("?")[0]:
            case "/healthz":
                self._answer_probe(pages.alive)
            case "/readyz":
                self._answer_probe(pages.ready)
            case "/metrics":
                self._answer_metrics(pages.registry)
            case _:
                self.answer(HTTPStatus.NOT_FOUND, b"there are /healthz, /readyz and /metrics\n")

    def _answer_probe(self, probe: Callable[[], bool]) -> None:
        try:
            well = probe()
        except Exception:
            _log.debug("a probe failed", exc_info=True)
            well = False
        if well:
            self.answer(HTTPStatus.OK, b"ok\n")
        else:
            self.answer(HTTPStatus.SERVICE_UNAVAILABLE, b"not now\n")

    def _answer_metrics(self, registry: Collector) -> None:
        try:
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
        except (TypeError, ValueError):
            # The library trips over a version that is no number.
            encode, kind = choose_encoder("")
        body, headers = encode(registry), [("Content-Type", kind)]
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            headers.append(("Content-Encoding", "gzip"))
        self.answer(HTTPStatus.OK, body, *headers)
