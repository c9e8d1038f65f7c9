"""Ports that report to a meter what goes through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.core.model import JobKey, Source, Target
from controller.core.planning.orphaned_entries import StrayEntry
from controller.port_wrappers import Answer, CloudWrapper, Invoke, LedgerWrapper
from controller.ports import Cloud, CloudError, Ledger, LedgerError, StatusEntry
from controller.telemetry import Meter


class MeteredCloud(CloudWrapper):
    """A Cloud that counts the Creates that were answered, and those with an unknown outcome."""

    def __init__(self, cloud: Cloud, meter: Meter) -> None:
        super().__init__(cloud)
        self._meter = meter

    def call(self, operation: str, target: Target, invoke: Invoke[Answer]) -> Answer:
        """Call the service; count a Create."""
        if operation != "create":
            return super().call(operation, target, invoke)
        try:
            answer = invoke()
        except CloudError as error:
            self._meter.count_ambiguous(int(error.failure.ambiguous))
            raise
        self._meter.count_submits(1)
        return answer


class MeteredLedger(LedgerWrapper):
    """A Ledger that counts the writes that changed a sidecar."""

    def __init__(self, ledger: Ledger, meter: Meter) -> None:
        super().__init__(ledger)
        self._meter = meter

    def write(self, source: Source, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Write a job's entry; count it if any byte changed."""
        return self._count_write(super().write(source, key, entry))

    def write_all(self, entries: Sequence[StatusEntry]) -> Sequence[bool | LedgerError]:
        """Write many entries; count those that changed a byte."""
        results = super().write_all(entries)
        self._meter.count_writes(sum(result is True for result in results))
        return results

    def remove(self, stray: StrayEntry, entry: Mapping[str, Any]) -> bool:
        """Remove an entry; count it if it was removed."""
        return self._count_write(super().remove(stray, entry))

    def _count_write(self, changed: bool) -> bool:
        self._meter.count_writes(int(changed))
        return changed
