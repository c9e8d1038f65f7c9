"""The cloud that is AWS: botocore's clients behind the Cloud port.

Clients are made once per region and role and shared by threads. Every error leaves here as a
CloudError with the service's own code and message; nothing above knows botocore.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import botocore.session
from botocore import UNSIGNED, xform_name
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import NoCredentialsError

from controller.adapters.aws_errors import failure_of, unreadable
from controller.core.errors import failure
from controller.core.kind import Kind
from controller.core.model import Disposition, Live, Place, Summary, Target
from controller.ports import CloudError, ListingTooLongError
from controller.version import __version__

if TYPE_CHECKING:
    from botocore.client import BaseClient

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)

PAGE = 1000
_ATTEMPTS = 3
_NOBODY = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
"""Botocore's session variables (option, environment, default, conversion) that name nobody."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach AWS, as the options of the AWS CLI say; times are in seconds.

    ``any_credentials`` signs with made-up ones, for a sandbox that lets anybody in; the machine's
    profiles and proxies are then left out of it.
    """

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    ca_bundle: Path | None = None
    verify_ssl: bool = True
    sign: bool = True
    any_credentials: bool = False
    read_timeout: int = 60
    connect_timeout: int = 60
    width: int = 16


class Bedrock:
    """The Cloud port over AWS's own API, for every account and region that targets name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str, str | None], BaseClient] = {}
        self._sessions: dict[str | None, botocore.session.Session] = {}
        self._accounts: dict[str | None, str] = {}

    def place(self, target: Target) -> Place:
        """Return where the target's credentials act; one call per role, its answer kept."""
        region = self._region(target)
        with self._lock:
            if target.assume_role_arn not in self._accounts:
                self._accounts[target.assume_role_arn] = self._account(target)
            return Place(self._accounts[target.assume_role_arn], region)

    def get(self, kind: Kind, target: Target, identifier: str) -> Live | None:
        """Return a job by name or ARN, or None when the service says that there is none."""
        try:
            answer = self._call(
                target, kind.operation("Get"), {kind.identifier_member: identifier}, reading=True
            )
        except CloudError as error:
            if error.failure.disposition is Disposition.ABSENT:
                return None
            raise
        members = _plain(answer)
        return Live(
            arn=str(members.get(kind.arn_member, "")),
            name=str(members.get(kind.name_member, "")),
            status=str(members.get(kind.status_member, "")),
            token=members.get(kind.token_member) if kind.echoes_token else None,
            members=members,
        )

    def listing(
        self, kind: Kind, target: Target, *, status: str | None = None, most: int | None = None
    ) -> tuple[Summary, ...]:
        """Return every job's summary, newest first: all pages, or an error, never a part.

        Raises ListingTooLongError when there are more than ``most`` pages, without asking for
        the next one.
        """
        listed: list[Summary] = []
        for number, page in enumerate(self._pages(kind, target, status), 1):
            if number == most and page.get("nextToken"):
                raise ListingTooLongError(f"{kind.operation('List')} has more than {most} pages")
            listed += [_summary(kind, _plain(item)) for item in page[kind.summaries_member]]
        return tuple(listed)

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Submit a request under a token and return the job's ARN."""
        members = {**request, kind.token_member: token}
        operation = kind.operation("Create")
        arn = self._call(target, operation, members, reading=False).get(kind.arn_member)
        if not arn:
            raise CloudError(unreadable(f"{operation} answered without {kind.arn_member}"))
        return str(arn)

    def stop(self, kind: Kind, target: Target, arn: str) -> None:
        """Ask the service to stop a job."""
        self._call(target, kind.operation("Stop"), {kind.identifier_member: arn}, reading=False)

    def _pages(self, kind: Kind, target: Target, status: str | None) -> Iterator[dict[str, Any]]:
        members: dict[str, Any] = {"maxResults": PAGE}
        if status is not None:
            members[f"{kind.status_member}Equals"] = status
        seen: set[str] = set()
        while True:
            operation = kind.operation("List")
            page = self._call(target, operation, members, reading=True)
            if kind.summaries_member not in page:
                text = f"{operation} answered without {kind.summaries_member}"
                raise CloudError(unreadable(text, reading=True))
            yield page
            following = page.get("nextToken")
            if not following:
                return
            if following in seen:
                text = "the service began to repeat pages of the listing; run again"
                raise CloudError(failure("PageRepeated", text, reading=True))
            seen.add(following)
            members = {**members, "nextToken": following}

    def _account(self, target: Target) -> str:
        try:
            client = self._client("sts", target)
            answer = _called(client, "GetCallerIdentity", {}, reading=True)
        except CloudError:
            self._forget(target)
            raise
        return str(answer.get("Account", ""))

    def _forget(self, target: Target) -> None:
        """Make everything anew next time: credentials may have come, or been renewed, by then."""
        role = target.assume_role_arn
        self._sessions.pop(role, None)
        for place in [place for place in self._clients if place[2] == role]:
            self._clients.pop(place).close()

    def _call(
        self, target: Target, operation: str, members: Mapping[str, Any], *, reading: bool
    ) -> dict[str, Any]:
        return _called(self._client("bedrock", target), operation, members, reading=reading)

    def _region(self, target: Target) -> str:
        region = target.region or self._connection.region or self._configured_region
        if not region:
            raise CloudError(
                failure(
                    "NoRegion",
                    "no region is given: set target.region in the manifest or in "
                    "bedrock-jobs.yaml, --region, or AWS_REGION",
                    reading=True,
                )
            )
        return region

    @cached_property
    def _configured_region(self) -> str | None:
        # botocore itself reads AWS_DEFAULT_REGION alone; the AWS CLI puts AWS_REGION before it.
        session = _guarded(lambda: self._session(Target()), reading=True)
        region: str | None = os.environ.get("AWS_REGION") or session.get_config_variable("region")
        return region

    def _client(self, service: str, target: Target) -> BaseClient:
        region = self._region(target)
        place = (service, region, target.assume_role_arn)
        with self._lock:
            if place not in self._clients:
                self._clients[place] = _guarded(
                    lambda: self._made(self._session(target), service, region), reading=True
                )
            return self._clients[place]

    def _made(
        self, session: botocore.session.Session, service: str, region: str, **given: Any
    ) -> BaseClient:
        connection = self._connection
        verify = connection.ca_bundle if connection.verify_ssl else False
        return session.create_client(
            service,
            region_name=region,
            endpoint_url=connection.endpoint_url,
            verify=str(verify) if isinstance(verify, Path) else verify,
            config=self._config,
            **given,
        )

    @cached_property
    def _config(self) -> Config:
        connection = self._connection
        return Config(
            signature_version=None if connection.sign else UNSIGNED,
            read_timeout=connection.read_timeout or None,
            connect_timeout=connection.connect_timeout or None,
            max_pool_connections=connection.width,
            proxies={} if connection.any_credentials else None,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            user_agent_extra=f"bedrock-jobs/{__version__}",
        )

    def _session(self, target: Target) -> botocore.session.Session:
        role = target.assume_role_arn
        with self._lock:
            if role not in self._sessions:
                session = self._new_session()
                if role is not None:
                    provider = _Assumed(self._fetcher(role, self._region(target)))
                    session.register_component(
                        "credential_provider", CredentialResolver([provider])
                    )
                elif self._connection.any_credentials:
                    session.set_credentials("sandbox", "sandbox")
                self._sessions[role] = session
            return self._sessions[role]

    def _new_session(self) -> botocore.session.Session:
        if self._connection.any_credentials:
            return botocore.session.Session(session_vars=_NOBODY)
        return botocore.session.Session(profile=self._connection.profile)

    def _fetcher(self, role: str, region: str) -> AssumeRoleCredentialFetcher:
        source = self._session(Target())
        credentials = source.get_credentials()
        if credentials is None:
            raise NoCredentialsError

        def sts(service: str, **given: Any) -> BaseClient:
            return self._made(source, service, region, **given)

        return AssumeRoleCredentialFetcher(
            client_creator=sts,
            source_credentials=credentials,
            role_arn=role,
            extra_args={"RoleSessionName": "bedrock-jobs"},
        )


class _Assumed(CredentialProvider):
    """Credentials of an assumed role, which botocore refreshes before they expire."""

    METHOD = "bedrock-jobs-assume-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> DeferredRefreshableCredentials:
        """Return credentials that are fetched when they are first used."""
        return DeferredRefreshableCredentials(
            method=self.METHOD, refresh_using=self._fetcher.fetch_credentials
        )


def _called(
    client: BaseClient, operation: str, members: Mapping[str, Any], *, reading: bool
) -> dict[str, Any]:
    call: Callable[..., dict[str, Any]] = getattr(client, xform_name(operation))
    began = perf_counter()
    code = "ok"
    try:
        return _guarded(lambda: call(**members), reading=reading)
    except CloudError as error:
        code = error.failure.code
        raise
    finally:
        # Never the members: they are the spec.
        told = {"operation": operation, "region": client.meta.region_name, "code": code}
        spent = round((perf_counter() - began) * 1000)
        _log.debug("call", extra={**told, "milliseconds": spent})


def _guarded(call: Callable[[], Answer], *, reading: bool) -> Answer:
    try:
        return call()
    except Exception as error:
        found = failure_of(error, reading=reading)
        if found is None:
            raise
        raise CloudError(found) from error


def _summary(kind: Kind, members: Mapping[str, Any]) -> Summary:
    return Summary(
        arn=str(members.get(kind.arn_member, "")),
        name=str(members.get(kind.listed_name_member or kind.name_member, "")),
        status=str(members.get(kind.status_member, "")),
        modified=members.get(kind.modified_member),
        members=members,
    )


def _plain(value: Any) -> Any:
    """Return an answer as JSON has it: times in RFC 3339, botocore's own metadata left out."""
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, dict):
        return {
            name: _plain(member) for name, member in value.items() if name != "ResponseMetadata"
        }
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _time(moment: datetime) -> str:
    """The service answers in milliseconds; finer times keep what they have."""
    finest = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=finest) + "Z"
