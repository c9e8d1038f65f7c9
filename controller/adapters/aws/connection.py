"""How to reach AWS: a value that knows nothing of botocore, and costs no import of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.adapters.aws.botocore_hooks import RequestCallback


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach AWS, as the options of the AWS CLI say; times are in seconds.

    ``any_credentials`` signs with made-up ones, for a sandbox that lets anybody in; the machine's
    profiles and proxies are then left out of it. ``told`` hears of every request.
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
    told: RequestCallback | None = None
