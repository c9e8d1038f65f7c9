"""The daemon's metrics, in Prometheus' formats, in a registry of their own.

Every series whose labels are known beforehand is there at 0 from the start, so that the first
increase of any is seen as one. Labels are bounded: each takes at most ``ROOM`` words from outside.
"""

from __future__ import annotations

import platform
import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.metrics_core import Metric

from controller.adapters.git.sync_thread import SyncResult, SyncTask
from controller.core.kinds.kind import Kind
from controller.core.model import SUBMITTING
from controller.core.status.conditions import PENDING, QUEUED, STALLED, SUSPENDED, UNKNOWN
from controller.telemetry import OK, PassResult, Wake
from controller.version import __version__

PREFIX = "bedrock_jobs"
OTHER = "Other"
MAX_EXTRA_VALUES = 32

_PHASES = (PENDING, SUSPENDED, QUEUED, SUBMITTING, STALLED, UNKNOWN)
_TAGGING = ("ListTagsForResource", "TagResource", "UntagResource")
_IDENTITY = ("GetCallerIdentity", "AssumeRole")
_EVENTS = ("ReceiveMessage", "DeleteMessageBatch")
_PASS_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_REQUEST_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class LabelValues:
    """The values of a label: those known beforehand, and the first few others that come.

    What comes after them counts as ``Other``: a service or a proxy may answer with any text.
    """

    def __init__(self, known: Iterable[str], room: int = 0) -> None:
        self.known = tuple(dict.fromkeys((*known, OTHER)))
        self._taken = set(self.known)
        self._most = len(self.known) + room
        self._lock = threading.Lock()

    def get_label(self, word: str) -> str:
        """Return the value to count a word under."""
        with self._lock:
            if word not in self._taken and len(self._taken) < self._most:
                self._taken.add(word)
            return word if word in self._taken else OTHER


class Metrics:
    """The Meter whose counts Prometheus reads; a Collector for ``adapters.http``.

    ``shard`` is index and count. ``now`` is the time in seconds since 1970.
    """

    def __init__(
        self, kinds: Mapping[str, Kind], now: Callable[[], float], shard: tuple[int, int] = (0, 1)
    ) -> None:
        self._now = now
        self._registry = CollectorRegistry()
        self._phases = LabelValues((*_PHASES, *_list_statuses(kinds)))
        self._results = LabelValues(PassResult)
        self._wakes = LabelValues(Wake)
        self._errands, self._outcomes = LabelValues(SyncTask), LabelValues(SyncResult)
        self._operations = LabelValues(_list_operations(kinds), MAX_EXTRA_VALUES)
        self._codes = LabelValues((OK,), MAX_EXTRA_VALUES)
        self._create_pass_metrics()
        self._create_job_metrics()
        self._create_request_metrics()
        self._create_process_metrics(shard)

    def collect(self) -> Iterator[Metric]:
        """Yield every family, less the times of birth that the library gives each series."""
        for family in self._registry.collect():
            family.samples = [one for one in family.samples if not one.name.endswith("_created")]
            yield family

    def set_ready_probe(self, probe: Callable[[], bool]) -> None:
        """Show what a probe says, asked at each scrape; until then it is 0."""
        self._ready.set_function(lambda: float(probe()))

    def count_pass(self, seconds: float, result: str) -> None:
        """Count a pass that took so long, over all jobs or some."""
        self._passes.labels(self._results.get_label(result)).inc()
        self._pass_seconds.observe(seconds)

    def record_caught_up(self) -> None:
        """Keep the present as the time at which all that was due had been done well."""
        self._last_success.set(self._now())

    def set_job_counts(self, phases: Mapping[str, int], valid: int, invalid: int) -> None:
        """Take the present number of jobs by phase and of manifests, in place of the last ones."""
        found: Tally[str] = Tally()
        for phase, number in phases.items():
            found[self._phases.get_label(phase)] += number
        for phase in self._phases.known:
            self._jobs.labels(phase).set(found[phase])
        self._manifests.labels("true").set(valid)
        self._manifests.labels("false").set(invalid)

    def set_queue_depth(self, depth: int, oldest_seconds: float) -> None:
        """Take how many keys are due, and for how long the first of them has been."""
        self._depth.set(depth)
        self._age.set(oldest_seconds)

    def set_stale_locks(self, number: int) -> None:
        """Take how many locks git left behind in the tree."""
        self._stale_locks.set(number)

    def count_event(self, kind: str) -> None:
        """Count one thing that woke the daemon."""
        self._events.labels(self._wakes.get_label(kind)).inc()

    def count_submits(self, number: int) -> None:
        """Count so many Creates that were answered with a job's ARN."""
        self._submits.inc(number)

    def count_ambiguous(self, number: int) -> None:
        """Count so many Creates whose answers were lost."""
        self._ambiguous.inc(number)

    def count_writes(self, number: int) -> None:
        """Count so many writes that changed a sidecar's bytes."""
        self._writes.inc(number)

    def count_sync(self, errand: str, outcome: str) -> None:
        """Count a pull or a write-back, by how it went."""
        self._syncs.labels(self._errands.get_label(errand), self._outcomes.get_label(outcome)).inc()

    def count_request(self, operation: str, code: str, seconds: float) -> None:
        """Count one request on the wire."""
        name = self._operations.get_label(operation)
        self._requests.labels(name, self._codes.get_label(code)).inc()
        self._request_seconds.labels(name).observe(seconds)

    def _create_pass_metrics(self) -> None:
        self._passes = self._create_counter("reconcile", "Passes that ended, by how.", "result")
        self._pass_seconds = Histogram(
            f"{PREFIX}_reconcile_duration_seconds",
            "How long passes took.",
            registry=self._registry,
            buckets=_PASS_SECONDS,
        )
        self._last_success = self._create_gauge(
            "last_successful_pass_timestamp_seconds",
            "When all that was due had last been done well, in seconds since 1970; 0 before.",
        )
        self._ready = self._create_gauge("ready", "1 while /readyz answers 200, else 0.")
        self._depth = self._create_gauge("queue_depth", "Keys that are due and wait for a worker.")
        self._stale_locks = self._create_gauge(
            "git_stale_locks", "Locks that git left behind: only files that equal HEAD count."
        )
        self._age = self._create_gauge(
            "queue_age_seconds", "How long the first of them has been due."
        )
        self._events = self._create_counter(
            "events", "What woke the daemon between its timers.", "source"
        )
        self._syncs = self._create_counter(
            "syncs", "Pulls and write-backs, by how they went.", "errand", "outcome"
        )
        for errand, outcome in product(SyncTask, SyncResult):
            self._syncs.labels(errand, outcome)
        for result in PassResult:
            self._passes.labels(result)
        for wake in Wake:
            self._events.labels(wake)

    def _create_job_metrics(self) -> None:
        self._jobs = self._create_gauge("jobs", "Jobs of this shard, by phase.", "phase")
        self._manifests = self._create_gauge(
            "manifests", "Manifests, by whether they are valid.", "valid"
        )
        self._submits = self._create_counter("jobs_submitted", "Creates answered with a job's ARN.")
        self._ambiguous = self._create_counter(
            "submit_ambiguous", "Creates that may have made a job although no answer came."
        )
        self._writes = self._create_counter(
            "sidecar_writes", "Writes that changed a sidecar's bytes."
        )
        self.set_job_counts({}, 0, 0)

    def _create_request_metrics(self) -> None:
        self._requests = self._create_counter(
            "aws_requests",
            "Requests on the wire, retries included, by what answered them.",
            "operation",
            "code",
        )
        self._request_seconds = Histogram(
            f"{PREFIX}_aws_request_duration_seconds",
            "How long the answers to requests took.",
            ("operation",),
            registry=self._registry,
            buckets=_REQUEST_SECONDS,
        )
        for operation in self._operations.known:
            if operation != OTHER:
                self._requests.labels(operation, OK)
                self._request_seconds.labels(operation)

    def _create_process_metrics(self, shard: tuple[int, int]) -> None:
        ours = self._create_gauge(
            "shard", "1, for this process's part of the jobs.", "index", "count"
        )
        ours.labels(*map(str, shard)).set(1)
        built = self._create_gauge("build_info", "1, for what is running.", "version", "python")
        built.labels(__version__, platform.python_version()).set(1)
        ProcessCollector(registry=self._registry)

    def _create_counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", meaning, labels, registry=self._registry)

    def _create_gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", meaning, labels, registry=self._registry)


def _list_statuses(kinds: Mapping[str, Kind]) -> Iterator[str]:
    return chain.from_iterable(sorted(kind.active | kind.terminal) for kind in kinds.values())


def _list_operations(kinds: Mapping[str, Kind]) -> Iterator[str]:
    for kind in kinds.values():
        for verb in ("Create", "Get", "List", *(("Stop",) if kind.stoppable else ())):
            yield kind.get_operation(verb)
    yield from (*_TAGGING, *_IDENTITY, *_EVENTS)
