"""The sandbox's own endpoints: they are not part of any service that it simulates."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.sandbox.http.fault_orders import fault_of
from controller.sandbox.jobs import settings, switches
from controller.sandbox.jobs.behaviour import AS_RECORDED
from controller.sandbox.jobs.switches import UnfitError, content_of
from controller.sandbox.state import journal
from controller.sandbox.state.sim_clock import text_of
from controller.sandbox.state.store import Store
from controller.version import __version__


def answered(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer in ASCII, which can show any text that a request may hold."""
    return Response(json.dumps(content), status, dict(headers or {}), "application/json")


def routes(store: Store) -> list[Route]:
    """Return the routes of the sandbox's own endpoints."""
    control = _Control(store)
    return [
        Route("/_sandbox/health", control.health, methods=["GET"]),
        Route("/_sandbox/calls", control.calls, methods=["GET"]),
        Route("/_sandbox/calls", control.forget, methods=["DELETE"]),
        Route("/_sandbox/clock", control.clock, methods=["GET"]),
        Route("/_sandbox/clock", control.advance, methods=["POST"]),
        Route("/_sandbox/behaviour", control.behaviour, methods=["GET"]),
        Route("/_sandbox/behaviour", control.behave, methods=["PUT"]),
        Route("/_sandbox/behaviour", control.behave_as_recorded, methods=["DELETE"]),
        Route("/_sandbox/faults", control.faults, methods=["GET"]),
        Route("/_sandbox/faults", control.order, methods=["POST"]),
        Route("/_sandbox/faults", control.cancel, methods=["DELETE"]),
    ]


class _Control:
    """What each of the endpoints does with the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def health(self, _request: Request) -> Response:
        """Health says that this is a sandbox, and which release of it."""
        return answered({"sandbox": True, "version": __version__, "now": self._now()})

    async def calls(self, _request: Request) -> Response:
        """The journal holds every call to the simulated services, the oldest first."""
        with self._store.transaction() as rows:
            return answered({"calls": journal.read(rows)})

    async def forget(self, _request: Request) -> Response:
        """The journal starts anew."""
        with self._store.transaction() as rows:
            journal.clear(rows)
        return answered({})

    async def clock(self, _request: Request) -> Response:
        """The simulated time and its speed."""
        return answered({"now": self._now(), "speed": self._store.clock().speed})

    async def advance(self, request: Request) -> Response:
        """The simulated clock moves forward by ``advance`` seconds; it never goes back."""
        try:
            seconds = json.loads(await request.body())["advance"]
        except (KeyError, TypeError, ValueError):
            seconds = None
        if type(seconds) not in {int, float} or not 0 <= seconds < 1e10:
            message = 'Send {"advance": seconds}, with seconds from 0 to 10,000,000,000.'
            return answered({"message": message}, 400)
        with self._store.transaction():
            self._store.set_clock(self._store.clock().advanced(seconds))
        return answered({"now": self._now()})

    async def behaviour(self, _request: Request) -> Response:
        """Every choice of the service, as it stands."""
        return answered(switches.shown(settings.behaviour(self._store.rows)))

    async def behave(self, request: Request) -> Response:
        """The choices that are named change, the others stay; with a mistake, none does."""
        try:
            changes = content_of(await request.body())
            with self._store.transaction() as rows:
                wanted = switches.changed(settings.behaviour(rows), changes)
                settings.behave(rows, wanted, self._moment())
        except UnfitError as unfit:
            return answered({"message": str(unfit)}, 400)
        return answered(switches.shown(wanted))

    async def behave_as_recorded(self, _request: Request) -> Response:
        """Every choice is again as it was at first."""
        with self._store.transaction() as rows:
            settings.behave(rows, AS_RECORDED, self._moment())
        return answered(switches.shown(AS_RECORDED))

    async def faults(self, _request: Request) -> Response:
        """Every order, with how many matching calls it saw and how many of them went wrong."""
        return answered({"faults": settings.orders(self._store.rows)})

    async def order(self, request: Request) -> Response:
        """One order or a list of them is added; with a mistake in any, none is."""
        try:
            content = content_of(await request.body())
            asked = content if isinstance(content, list) else [content]
            wanted = [fault_of(order) for order in asked]
        except UnfitError as unfit:
            return answered({"message": str(unfit)}, 400)
        with self._store.transaction() as rows:
            settings.order(rows, wanted)
            return answered({"faults": settings.orders(rows)})

    async def cancel(self, _request: Request) -> Response:
        """Every order is taken back."""
        with self._store.transaction() as rows:
            settings.cancel(rows)
        return answered({"faults": []})

    def _moment(self) -> int:
        return self._store.clock().moment(time.time())

    def _now(self) -> str:
        return text_of(self._moment())
