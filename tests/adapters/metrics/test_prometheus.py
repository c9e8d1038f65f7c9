from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.openmetrics import exposition
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from controller.adapters.git.sync_thread import SyncResult, SyncTask
from controller.adapters.metrics.prometheus import (
    MAX_EXTRA_VALUES,
    OTHER,
    PREFIX,
    LabelValues,
    Metrics,
)
from controller.core.kinds.registry import KINDS
from controller.telemetry import Meter, PassResult, Wake
from tests.house.source import ROOT

(KIND,) = KINDS.values()
NOW = 1_800_000_000.0
NAMES = {
    "reconcile_total": {"result"},
    "reconcile_duration_seconds": set(),
    "jobs": {"phase"},
    "manifests": {"valid"},
    "jobs_submitted_total": set(),
    "submit_ambiguous_total": set(),
    "aws_requests_total": {"operation", "code"},
    "aws_request_duration_seconds": {"operation"},
    "queue_depth": set(),
    "git_stale_locks": set(),
    "queue_age_seconds": set(),
    "sidecar_writes_total": set(),
    "events_total": {"source"},
    "syncs_total": {"errand", "outcome"},
    "last_successful_pass_timestamp_seconds": set(),
    "ready": set(),
    "shard": {"index", "count"},
    "build_info": {"version", "python"},
}
CONSTANT = (f"{PREFIX}_shard", f"{PREFIX}_build_info")
PAGE = ROOT / "docs" / "reference" / "metrics.md"


def made(shard: tuple[int, int] = (0, 1)) -> Metrics:
    """Return metrics at a moment that stands still."""
    return Metrics(KINDS, lambda: NOW, shard)


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return what Prometheus reads: value by name, less the prefix, and labels."""
    families = read_text(generate_latest(metrics).decode())
    return {
        (sample.name.removeprefix(f"{PREFIX}_"), frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """Return the value of one series; it must be there."""
    return samples(metrics)[name, frozenset(labels.items())]


def values(metrics: Metrics, name: str, label: str) -> Mapping[str, float]:
    """Return the values of a family by one of its labels."""
    found = samples(metrics).items()
    return {dict(labels)[label]: number for (one, labels), number in found if one == name}


def test_everything_is_at_zero_from_the_start() -> None:
    """Each of our series is there before anything happened, at 0 but for what is constant."""
    ours = [
        sample
        for family in read_text(generate_latest(made()).decode())
        for sample in family.samples
        if sample.name.startswith(PREFIX)
    ]

    assert {sample.name for sample in ours if sample.value} == set(CONSTANT)
    for name, labels in NAMES.items():
        shown = [one for one in ours if re.fullmatch(rf"{PREFIX}_{name}(_count)?", one.name)]
        assert shown, name
        assert {frozenset(one.labels) for one in shown} == {frozenset(labels)}


def test_known_words_have_their_series() -> None:
    """Every phase, result, source and operation that can be known beforehand has a series."""
    metrics = made()
    operations = values(metrics, "aws_requests_total", "operation")

    assert (
        KIND.active | KIND.terminal | {"Queued", "Stalled"}
        <= values(metrics, "jobs", "phase").keys()
    )
    assert values(metrics, "reconcile_total", "result").keys() == set(PassResult)
    assert values(metrics, "events_total", "source").keys() == set(Wake)
    assert {
        KIND.get_operation(verb) for verb in ("Create", "Get", "List", "Stop")
    } <= operations.keys()
    assert {"GetCallerIdentity", "TagResource", "ReceiveMessage"} <= operations.keys()


def test_work_is_counted() -> None:
    """What a meter is told shows in the series that is meant for it."""
    metrics = made((2, 5))
    meter: Meter = metrics

    meter.count_submits(3)
    meter.count_ambiguous(1)
    meter.count_writes(4)
    meter.set_queue_depth(7, 1.5)
    meter.count_event(Wake.FILES)
    meter.count_request(KIND.get_operation("Get"), "ThrottlingException", 0.2)

    assert value(metrics, "jobs_submitted_total") == 3
    assert value(metrics, "submit_ambiguous_total") == 1
    assert value(metrics, "sidecar_writes_total") == 4
    assert (value(metrics, "queue_depth"), value(metrics, "queue_age_seconds")) == (7, 1.5)
    assert value(metrics, "events_total", source="files") == 1
    refused = {"operation": KIND.get_operation("Get"), "code": "ThrottlingException"}
    assert value(metrics, "aws_requests_total", **refused) == 1
    assert value(
        metrics, "aws_request_duration_seconds_bucket", operation=refused["operation"], le="0.25"
    )
    assert value(metrics, "shard", index="2", count="5") == 1


@pytest.mark.parametrize("result", PassResult)
def test_passes_are_counted_by_result(result: PassResult) -> None:
    """Every pass is counted with its time; one over some jobs moves no time of success."""
    metrics = made()

    metrics.count_pass(0.3, result)

    assert value(metrics, "reconcile_total", result=result) == 1
    assert value(metrics, "reconcile_duration_seconds_count") == 1
    assert value(metrics, "last_successful_pass_timestamp_seconds") == 0


def test_the_time_of_success_is_that_of_all_that_was_due() -> None:
    """Once nothing that was due is left, the moment is kept."""
    metrics = made()

    metrics.record_caught_up()

    assert value(metrics, "last_successful_pass_timestamp_seconds") == NOW


def test_jobs_and_manifests_are_replaced() -> None:
    """A count takes the place of the last one: a phase that nobody is in any more falls to 0."""
    metrics = made()
    metrics.set_job_counts({"InProgress": 2, "Queued": 1}, 3, 0)

    metrics.set_job_counts({"Completed": 2, "Pending": 1}, 2, 4)

    phases = values(metrics, "jobs", "phase")
    assert {phase: count for phase, count in phases.items() if count} == {
        "Completed": 2,
        "Pending": 1,
    }
    assert values(metrics, "manifests", "valid") == {"true": 2, "false": 4}


def test_phases_that_nobody_knows_are_counted_together() -> None:
    """Status words of another day share one series, so that no answer can add more of them."""
    metrics = made()
    before = samples(metrics).keys()

    metrics.set_job_counts({"Rescheduled": 2, "Paused": 1}, 3, 0)

    assert samples(metrics).keys() == before
    assert value(metrics, "jobs", phase=OTHER) == 3


def test_codes_are_bounded() -> None:
    """However many codes a service invents, the series stay few and none is lost."""
    metrics = made()

    for number in range(10 * MAX_EXTRA_VALUES):
        metrics.count_request(f"Operation{number}", f"Code{number}", 0.1)

    shown = values(metrics, "aws_requests_total", "code")
    assert OTHER in shown
    assert len(shown) <= MAX_EXTRA_VALUES + 2
    counted = sum(
        number for (name, _), number in samples(metrics).items() if name == "aws_requests_total"
    )
    assert counted == 10 * MAX_EXTRA_VALUES


def test_words_keep_their_value() -> None:
    """A word that got a value of its own keeps it after the room is full."""
    words = LabelValues(["OK"], room=1)

    assert [words.get_label(word) for word in ("Slow", "Away", "OK", "Slow")] == [
        "Slow",
        OTHER,
        "OK",
        "Slow",
    ]


def test_readiness_is_asked_at_each_scrape() -> None:
    """The gauge says what its probe says now."""
    metrics, answers = made(), iter([True, False])

    metrics.set_ready_probe(lambda: next(answers))

    assert [value(metrics, "ready"), value(metrics, "ready")] == [1, 0]


def test_pulls_and_write_backs_are_counted() -> None:
    """Each by how it went; all six are there from the start."""
    metrics = made()

    metrics.count_sync(SyncTask.PULL, SyncResult.FAILED)
    metrics.count_sync(SyncTask.PULL, SyncResult.FAILED)
    metrics.count_sync(SyncTask.WRITE_BACK, SyncResult.CHANGED)

    assert value(metrics, "syncs_total", errand="pull", outcome="failed") == 2
    assert value(metrics, "syncs_total", errand="write-back", outcome="changed") == 1
    assert value(metrics, "syncs_total", errand="pull", outcome="unchanged") == 0


def test_registries_are_their_own() -> None:
    """Two of them in one process share nothing."""
    one, other = made(), made()

    one.count_submits(1)

    assert value(other, "jobs_submitted_total") == 0


def test_openmetrics_is_understood() -> None:
    """The same metrics read as OpenMetrics by its strict parser, without times of birth."""
    write: Any = exposition.generate_latest
    read: Any = read_openmetrics
    text = write(made()).decode()

    families = list(read(text))

    assert {f"{PREFIX}_jobs", f"{PREFIX}_reconcile"} <= {family.name for family in families}
    assert "_created" not in text


def test_the_page_lists_every_metric() -> None:
    """The reference has a row for each of our metrics: name, type, labels and meaning."""
    rows = []
    for family in made().collect():
        if not family.name.startswith(PREFIX):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = sorted(NAMES[name.removeprefix(f"{PREFIX}_")])
        shown = ", ".join(f"`{label}`" for label in labels)
        rows.append(f"| `{name}` | {family.type} | {shown} | {family.documentation} |")

    page = PAGE.read_text(encoding="utf-8").splitlines()

    assert len(rows) == len(NAMES)
    assert [line for line in page if line.startswith(f"| `{PREFIX}")] == rows
