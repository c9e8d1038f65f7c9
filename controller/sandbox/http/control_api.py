"""The sandbox's own endpoints below /_sandbox, which no simulated service has."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.sandbox.http.fault_orders import parse_fault
from controller.sandbox.jobs import settings, switches
from controller.sandbox.jobs.behaviour import RECORDED_BEHAVIOUR
from controller.sandbox.jobs.switches import InvalidSettingError, parse_json
from controller.sandbox.state import journal
from controller.sandbox.state.sim_clock import format_moment
from controller.sandbox.state.store import Store
from controller.version import __version__


def build_json_response(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON response in ASCII, which can represent any text of a request."""
    # The journal may hold lone surrogates, which only escapes can represent.
    return Response(json.dumps(content), status, dict(headers or {}), "application/json")


def build_routes(store: Store) -> list[Route]:
    """Return the routes of the sandbox's own endpoints."""
    control = _ControlApi(store)
    return [
        Route("/_sandbox/health", control.get_health, methods=["GET"]),
        Route("/_sandbox/calls", control.list_calls, methods=["GET"]),
        Route("/_sandbox/calls", control.clear_calls, methods=["DELETE"]),
        Route("/_sandbox/clock", control.get_clock, methods=["GET"]),
        Route("/_sandbox/clock", control.advance_clock, methods=["POST"]),
        Route("/_sandbox/behaviour", control.get_behaviour, methods=["GET"]),
        Route("/_sandbox/behaviour", control.update_behaviour, methods=["PUT"]),
        Route("/_sandbox/behaviour", control.reset_behaviour, methods=["DELETE"]),
        Route("/_sandbox/faults", control.list_faults, methods=["GET"]),
        Route("/_sandbox/faults", control.add_faults, methods=["POST"]),
        Route("/_sandbox/faults", control.clear_faults, methods=["DELETE"]),
    ]


class _ControlApi:
    """The handlers of the endpoints."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get_health(self, _request: Request) -> Response:
        """Return that this is a sandbox, its release and the simulated time."""
        return build_json_response(
            {"sandbox": True, "version": __version__, "now": self._format_now()}
        )

    async def list_calls(self, _request: Request) -> Response:
        """Return all calls to the simulated services, the oldest first."""
        with self._store.transaction() as rows:
            return build_json_response({"calls": journal.read(rows)})

    async def clear_calls(self, _request: Request) -> Response:
        """Clear the journal."""
        with self._store.transaction() as rows:
            journal.clear(rows)
        return build_json_response({})

    async def get_clock(self, _request: Request) -> Response:
        """Return the simulated time and its speed."""
        return build_json_response(
            {"now": self._format_now(), "speed": self._store.get_clock().speed}
        )

    async def advance_clock(self, request: Request) -> Response:
        """Advance the simulated clock by ``advance`` seconds; it never goes back."""
        try:
            seconds = json.loads(await request.body())["advance"]
        except (KeyError, TypeError, ValueError):
            seconds = None
        # An isinstance check would accept true, which is an int in Python.
        if type(seconds) not in {int, float} or not 0 <= seconds < 1e10:
            message = 'Send {"advance": seconds}, with seconds from 0 to 10,000,000,000.'
            return build_json_response({"message": message}, 400)
        with self._store.transaction():
            self._store.set_clock(self._store.get_clock().advance(seconds))
        return build_json_response({"now": self._format_now()})

    async def get_behaviour(self, _request: Request) -> Response:
        """Return all settings of the simulated service."""
        return build_json_response(
            switches.serialize_behaviour(settings.load_behaviour(self._store.rows))
        )

    async def update_behaviour(self, request: Request) -> Response:
        """Change the settings that are sent; if one is invalid, change none."""
        try:
            changes = parse_json(await request.body())
            with self._store.transaction() as rows:
                # Read and written in one transaction: another process may change other settings.
                wanted = switches.change_behaviour(settings.load_behaviour(rows), changes)
                settings.save_behaviour(rows, wanted, self._get_moment())
        except InvalidSettingError as unfit:
            return build_json_response({"message": str(unfit)}, 400)
        return build_json_response(switches.serialize_behaviour(wanted))

    async def reset_behaviour(self, _request: Request) -> Response:
        """Reset all settings to the recorded behaviour."""
        with self._store.transaction() as rows:
            settings.save_behaviour(rows, RECORDED_BEHAVIOUR, self._get_moment())
        return build_json_response(switches.serialize_behaviour(RECORDED_BEHAVIOUR))

    async def list_faults(self, _request: Request) -> Response:
        """Return all injected faults, with the counts of matching and of failed calls."""
        return build_json_response({"faults": settings.list_faults(self._store.rows)})

    async def add_faults(self, request: Request) -> Response:
        """Add one fault or a list of them; if one is invalid, add none."""
        try:
            content = parse_json(await request.body())
            items = content if isinstance(content, list) else [content]
            # All are parsed before any is stored, so that an invalid one adds none.
            wanted = [parse_fault(item) for item in items]
        except InvalidSettingError as unfit:
            return build_json_response({"message": str(unfit)}, 400)
        with self._store.transaction() as rows:
            settings.add_faults(rows, wanted)
            return build_json_response({"faults": settings.list_faults(rows)})

    async def clear_faults(self, _request: Request) -> Response:
        """Remove all injected faults."""
        with self._store.transaction() as rows:
            settings.clear_faults(rows)
        return build_json_response({"faults": []})

    def _get_moment(self) -> int:
        return self._store.get_clock().get_moment(time.time())

    def _format_now(self) -> str:
        return format_moment(self._get_moment())
