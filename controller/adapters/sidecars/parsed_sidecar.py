"""What one state of a sidecar says, kept between passes while the file does not change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.adapters.host.file_stamp import FileStamp
from controller.adapters.sidecars.unreadable import ReadFailure
from controller.core.model import JobKey, JobRecord


@dataclass(frozen=True, slots=True)
class ParsedSidecar:
    """A sidecar's entries as understood, and ``raw`` as the file has them.

    ``misshapen`` are the keys of entries that have another form than ours.
    """

    stamp: FileStamp
    entries: tuple[tuple[JobKey, JobRecord], ...]
    raw: Mapping[str, Any]
    misshapen: frozenset[str]
    trouble: ReadFailure | None
