"""The checks of the demonstrations object to damage done on purpose."""

from __future__ import annotations

import pytest

from tests.daemon.trees import check_jobs, check_sidecars, data_of, entries, plant
from tests.sandbox.support import request_named
from tests.support.project import Project

EDITIONS = [(0, 0), (1, 0)]


@pytest.fixture
def done(tree: Project) -> Project:
    """A project whose two jobs run and are recorded."""
    plant(tree.jobs, EDITIONS)
    assert tree.call("reconcile").code == 0
    return tree


def test_correct_tree_passes(done: Project) -> None:
    """A tree with one job and one sidecar per edition passes."""
    assert check_jobs(done, EDITIONS) == 0
    check_sidecars(done.jobs, EDITIONS)


def test_a_duplicate_job_is_reported(done: Project) -> None:
    """A second job of the same training data is reported."""
    done.bystand(request_named("again", trainingDataConfig={"s3Uri": data_of((0, 0))}))

    with pytest.raises(AssertionError):
        check_jobs(done, EDITIONS)


def test_an_unwanted_job_is_reported(done: Project) -> None:
    """A job of training data that no manifest named is reported."""
    with pytest.raises(AssertionError):
        check_jobs(done, EDITIONS[:1])

    check_jobs(done, EDITIONS[:1], EDITIONS)


def test_a_missing_job_is_reported(done: Project) -> None:
    """A manifest without a job, and one without an entry, are reported."""
    with pytest.raises(AssertionError):
        check_jobs(done, [*EDITIONS, (2, 0)])
    with pytest.raises(AssertionError):
        check_sidecars(done.jobs, [*EDITIONS, (2, 0)])


def test_a_torn_sidecar_is_reported(done: Project) -> None:
    """A truncated sidecar is reported."""
    path = next(done.jobs.glob("*.status.json"))
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(ValueError, match=r"delimiter|Expecting"):
        entries(done.jobs)
