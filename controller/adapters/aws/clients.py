"""botocore's sessions and clients: one of each per role, region and service.

They are shared by threads. Roles are assumed here, regions and credentials found as everywhere.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import NoCredentialsError

from controller.adapters.aws.botocore_hooks import LostResponses, report_requests
from controller.adapters.aws.connection import Connection
from controller.adapters.aws.errors import translate_error
from controller.adapters.aws.service_models import get_model_loader
from controller.adapters.aws.timestamps import install_time_parser
from controller.adapters.aws.wire_answers import install_response_checks
from controller.core.call_errors import make_failure
from controller.core.model import Target
from controller.ports import CloudError
from controller.version import __version__

if TYPE_CHECKING:
    from botocore.client import BaseClient

Answer = TypeVar("Answer")

_ATTEMPTS = 3
_NO_PROFILE = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
"""Botocore's session variables (option, environment, default, conversion) that name nobody."""


class ClientCache:
    """The clients of one connection, made when they are first asked for.

    ``lost`` remembers the answers that none of them got.
    """

    def __init__(self, connection: Connection) -> None:
        self.lost = LostResponses()
        self._connection = connection
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str, str | None], BaseClient] = {}
        self._sessions: dict[str | None, botocore.session.Session] = {}

    def get_client(self, service: str, target: Target) -> BaseClient:
        """Return the client of a service for a target; raises CloudError."""
        region = self.get_region(target)
        place = (service, region, target.assume_role_arn)
        with self._lock:
            if place not in self._clients:
                self._clients[place] = map_botocore_errors(
                    lambda: self._create_client(self._get_session(target), service, region),
                    reading=True,
                )
            return self._clients[place]

    def get_region(self, target: Target) -> str:
        """Return the region that a target lies in; raises CloudError when none is known."""
        region = target.region or self._connection.region or self._configured_region
        if not region:
            raise CloudError(
                make_failure(
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
        session = map_botocore_errors(lambda: self._get_session(Target()), reading=True)
        region: str | None = os.environ.get("AWS_REGION") or session.get_config_variable("region")
        return region

    def forget(self, target: Target) -> None:
        """Make everything anew next time: credentials may have come, or been renewed, by then."""
        role = target.assume_role_arn
        with self._lock:
            self._sessions.pop(role, None)
            for place in [place for place in self._clients if place[2] == role]:
                self._clients.pop(place).close()

    def _create_client(
        self, session: botocore.session.Session, service: str, region: str, **given: Any
    ) -> BaseClient:
        connection = self._connection
        verify = connection.ca_bundle if connection.verify_ssl else False
        # Its stubs have an overload for each service's name, and none for any name.
        clients: Any = boto3.Session(botocore_session=session)
        client: BaseClient = clients.client(
            service,
            region_name=region,
            endpoint_url=connection.endpoint_url,
            verify=str(verify) if isinstance(verify, Path) else verify,
            config=self._build_config(session.get_config_variable("user_agent_appid")),
            **given,
        )
        return client

    def _build_config(self, app_id: str | None) -> Config:
        connection = self._connection
        app = f" app/{app_id}" if app_id else ""
        return Config(
            signature_version=None if connection.sign else UNSIGNED,
            read_timeout=connection.read_timeout or None,
            connect_timeout=connection.connect_timeout or None,
            max_pool_connections=connection.width,
            proxies={} if connection.any_credentials else None,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            # Botocore's own is composed anew for each request, a tenth of what a call takes.
            user_agent=f"bedrock-jobs/{__version__} Boto3/{boto3.__version__}{app}",
        )

    def _get_session(self, target: Target) -> botocore.session.Session:
        role = target.assume_role_arn
        with self._lock:
            if role not in self._sessions:
                session = self._create_session()
                if role is not None:
                    provider = _AssumedRoleProvider(
                        self._create_role_fetcher(role, self.get_region(target))
                    )
                    session.register_component(
                        "credential_provider", CredentialResolver([provider])
                    )
                elif self._connection.any_credentials:
                    session.set_credentials("sandbox", "sandbox")
                self._sessions[role] = session
            return self._sessions[role]

    def _create_session(self) -> botocore.session.Session:
        connection = self._connection
        session = (
            botocore.session.Session(session_vars=_NO_PROFILE)
            if connection.any_credentials
            else botocore.session.Session(profile=connection.profile)
        )
        session.register_component(
            "data_loader", get_model_loader(session.get_config_variable("data_path"))
        )
        install_response_checks(session)
        install_time_parser(session)
        self.lost.watch(session)
        if connection.told is not None:
            report_requests(session, connection.told)
        return session

    def _create_role_fetcher(self, role: str, region: str) -> AssumeRoleCredentialFetcher:
        source = self._get_session(Target())
        credentials = source.get_credentials()
        if credentials is None:
            raise NoCredentialsError

        def create_sts_client(service: str, **given: Any) -> BaseClient:
            return self._create_client(source, service, region, **given)

        return AssumeRoleCredentialFetcher(
            client_creator=create_sts_client,
            source_credentials=credentials,
            role_arn=role,
            extra_args={"RoleSessionName": "bedrock-jobs"},
        )


class _AssumedRoleProvider(CredentialProvider):
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


def map_botocore_errors(call: Callable[[], Answer], *, reading: bool) -> Answer:
    """Return what a call returns; what botocore raises becomes a CloudError."""
    try:
        return call()
    except Exception as error:
        found = translate_error(error, reading=reading)
        if found is None:
            raise
        raise CloudError(found) from error
