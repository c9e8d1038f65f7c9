"""The cloud that is AWS: botocore's clients behind the Cloud port.

Clients are made once per region and role and shared by threads. Every error leaves here as a
CloudError with the service's own code and message; nothing above knows botocore.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from controller.adapters.aws.clients import ClientCache, map_botocore_errors
from controller.adapters.aws.connection import Connection
from controller.adapters.aws.errors import make_not_understood
from controller.adapters.aws.timestamps import format_time
from controller.adapters.aws.wire_answers import read_wire_members
from controller.adapters.schemas.shipped_schemas import load_schema
from controller.core.call_errors import make_failure
from controller.core.jobs import answers
from controller.core.kinds.kind import Kind
from controller.core.model import Disposition, JobSummary, LiveJob, Place, Target
from controller.ports import CloudError, ListingTooLongError

if TYPE_CHECKING:
    from botocore.client import BaseClient

_log = logging.getLogger(__name__)

PAGE_SIZE = 1000
MAX_EMPTY_PAGES = 100
"""So many pages in a row may show no further job: the service may answer some that are empty."""


class Bedrock:
    """The Cloud port over AWS's own API, for every account and region that targets name."""

    def __init__(self, connection: Connection) -> None:
        self._clients = ClientCache(connection)
        self._lock = threading.Lock()
        self._asking: dict[str | None, threading.Lock] = {}
        self._accounts: dict[str | None, str] = {}

    def get_place(self, target: Target) -> Place:
        """Return where the target's credentials act; one call per role, its answer kept."""
        region, role = self._clients.get_region(target), target.assume_role_arn
        # One role that is slow to be assumed keeps none waiting but those who ask for it.
        with self._lock:
            asking = self._asking.setdefault(role, threading.Lock())
        with asking:
            account = self._accounts.get(role) or self._fetch_account(target)
            self._accounts[role] = account
            return Place(account, region)

    def forget(self, target: Target) -> None:
        """Find a target's credentials, and whose they are, anew when they are next needed."""
        self._clients.forget(target)
        with self._lock:
            self._accounts.pop(target.assume_role_arn, None)

    def prepare(self, target: Target) -> None:
        """Make what the first call to a target would have to make; raises CloudError."""
        self.get_place(target)
        self._clients.get_client("bedrock", target)

    def get(self, kind: Kind, target: Target, identifier: str) -> LiveJob | None:
        """Return a job by name or ARN, or None when the service says that there is none."""
        try:
            answer = self._call(
                target,
                kind.get_operation("Get"),
                {kind.identifier_member: identifier},
                reading=True,
            )
        except CloudError as error:
            if error.failure.disposition is Disposition.ABSENT:
                return None
            raise
        declared = load_schema(kind.name)["properties"]["spec"]["properties"]
        members = read_wire_members(answer, declared)
        fault = answers.find_fault_in_job(kind, self._get_known_place(target), identifier, members)
        _raise_for_fault(kind.get_operation("Get"), fault, reading=True)
        return LiveJob(
            arn=members[kind.arn_member],
            name=members[kind.name_member],
            status=members[kind.status_member],
            token=members.get(kind.token_member) if kind.echoes_token else None,
            members=members,
        )

    def list_jobs(
        self, kind: Kind, target: Target, *, status: str | None = None, most: int | None = None
    ) -> tuple[JobSummary, ...]:
        """Return every job's summary, newest first: all pages, or an error, never a part.

        Raises ListingTooLongError when there are more than ``most`` pages, without asking for
        the next one.
        """
        listed: dict[str, JobSummary] = {}
        fruitless = 0
        for number, page in enumerate(self._list_pages(kind, target, status), 1):
            if number == most and page.get("nextToken"):
                raise ListingTooLongError(
                    f"{kind.get_operation('List')} has more than {most} pages"
                )
            known = len(listed)
            for summary in self._read_summaries(kind, target, page):
                listed.setdefault(summary.arn, summary)
            fruitless = 0 if len(listed) > known else fruitless + 1
            if fruitless > MAX_EMPTY_PAGES:
                raise _make_repeated_pages_error()
        return tuple(listed.values())

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Submit a request under a token and return the job's ARN."""
        members = {**request, kind.token_member: token}
        operation = kind.get_operation("Create")
        arn = self._call(target, operation, members, reading=False).get(kind.arn_member)
        fault = answers.find_fault_in_arn(kind, self._get_known_place(target), arn)
        _raise_for_fault(operation, fault, reading=False)
        return str(arn)

    def stop(self, kind: Kind, target: Target, arn: str) -> None:
        """Ask the service to stop a job."""
        self._call(target, kind.get_operation("Stop"), {kind.identifier_member: arn}, reading=False)

    def get_tags(self, target: Target, arn: str) -> Mapping[str, str]:
        """Return all tags of a job or of what it made, the service's own (``aws:``) included."""
        operation = "ListTagsForResource"
        tags = self._call(target, operation, {"resourceARN": arn}, reading=True).get("tags")
        _raise_for_fault(operation, answers.find_fault_in_tags(tags), reading=True)
        return {tag["key"]: tag["value"] for tag in tags or ()}

    def add_tags(self, target: Target, arn: str, tags: Mapping[str, str]) -> None:
        """Give a resource tags, all of them or none; a key that it has gets the new value."""
        listed = [{"key": key, "value": tags[key]} for key in sorted(tags)]
        members = {"resourceARN": arn, "tags": listed}
        self._call(target, "TagResource", members, reading=False)

    def remove_tags(self, target: Target, arn: str, keys: Collection[str]) -> None:
        """Take tags from a resource; keys that it does not have are no error."""
        members = {"resourceARN": arn, "tagKeys": sorted(keys)}
        self._call(target, "UntagResource", members, reading=False)

    def _list_pages(
        self, kind: Kind, target: Target, status: str | None
    ) -> Iterator[dict[str, Any]]:
        members: dict[str, Any] = {"maxResults": PAGE_SIZE}
        if status is not None:
            members[f"{kind.status_member}Equals"] = status
        seen: set[str] = set()
        while True:
            operation = kind.get_operation("List")
            page = self._call(target, operation, members, reading=True)
            _raise_for_fault(operation, answers.find_fault_in_page(kind, page), reading=True)
            yield page
            following = page.get("nextToken")
            if not following:
                return
            if following in seen:
                raise _make_repeated_pages_error()
            seen.add(following)
            members = {**members, "nextToken": following}

    def _read_summaries(
        self, kind: Kind, target: Target, page: Mapping[str, Any]
    ) -> list[JobSummary]:
        items, place = _convert_to_json(page[kind.summaries_member]), self._get_known_place(target)
        for item in items:
            fault = answers.find_fault_in_summary(kind, place, item)
            _raise_for_fault(kind.get_operation("List"), fault, reading=True)
        return [_make_summary(kind, item) for item in items]

    def _get_known_place(self, target: Target) -> Place:
        """Return where a target's answers must be about, its account only once it is known."""
        account = self._accounts.get(target.assume_role_arn, "")
        return Place(account, self._clients.get_region(target))

    def _fetch_account(self, target: Target) -> str:
        try:
            client = self._clients.get_client("sts", target)
            answer = _call_operation(client, "GetCallerIdentity", {}, reading=True)
        except CloudError as error:
            self._clients.forget(target)
            raise _add_remedy(error, target) from error
        account = answer.get("Account")
        _raise_for_fault("GetCallerIdentity", answers.find_fault_in_account(account), reading=True)
        return str(account)

    def _call(
        self, target: Target, operation: str, members: Mapping[str, Any], *, reading: bool
    ) -> dict[str, Any]:
        client = self._clients.get_client("bedrock", target)
        if reading:
            return _call_operation(client, operation, members, reading=True)
        with self._clients.lost.track_losses():
            return _call_operation(client, operation, members, reading=False)


def _add_remedy(error: CloudError, target: Target) -> CloudError:
    """Return the error of a role that may not be assumed with what to do about it."""
    found, role = error.failure, target.assume_role_arn
    if role is None or found.disposition is not Disposition.DENIED:
        return error
    remedy = f"let {role} trust who asks, or correct target.assumeRoleArn"
    return CloudError(replace(found, message=f"{found.message}; {remedy}"))


def _call_operation(
    client: BaseClient, operation: str, members: Mapping[str, Any], *, reading: bool
) -> dict[str, Any]:
    call: Callable[..., dict[str, Any]] = getattr(client, xform_name(operation))
    began = perf_counter()
    code = "ok"
    try:
        return map_botocore_errors(lambda: call(**members), reading=reading)
    except CloudError as error:
        code = error.failure.code
        raise
    finally:
        # Never the members: they are the spec.
        told = {"operation": operation, "region": client.meta.region_name, "code": code}
        spent = round((perf_counter() - began) * 1000)
        _log.debug("call", extra={**told, "milliseconds": spent})


def _raise_for_fault(operation: str, fault: str | None, *, reading: bool) -> None:
    """Raise CloudError where an answer does not count."""
    if fault is not None:
        raise CloudError(
            make_not_understood(f"{operation} is not answered: {fault}", reading=reading)
        )


def _make_repeated_pages_error() -> CloudError:
    text = "the service began to repeat pages of the listing; run again"
    return CloudError(make_failure("PageRepeated", text, reading=True))


def _make_summary(kind: Kind, members: Mapping[str, Any]) -> JobSummary:
    return JobSummary(
        arn=members[kind.arn_member],
        name=members[kind.listed_name_member or kind.name_member],
        status=members[kind.status_member],
        modified=members.get(kind.modified_member),
        members=members,
    )


def _convert_to_json(value: Any) -> Any:
    """Return an answer as JSON has it: times in RFC 3339, botocore's own metadata left out."""
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, dict):
        return {
            name: _convert_to_json(member)
            for name, member in value.items()
            if name != "ResponseMetadata"
        }
    if isinstance(value, list):
        return [_convert_to_json(item) for item in value]
    return value
