"""The services' models are found and read as botocore's own loader does it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader

from controller.adapters.aws.service_models import get_model_loader

SERVICES = ("bedrock", "sts", "sqs", "sso-oidc")
TYPES = ("service-2", "endpoint-rule-set-1", "paginators-1", "waiters-2")


@pytest.mark.parametrize("name", ["endpoints", "partitions", "sdk-default-configuration"])
def test_same_data(tmp_path: Path, name: str) -> None:
    """What no single service owns is read to the same values, from the same file."""
    ours, theirs = _fresh(tmp_path), Loader()
    assert ours.load_data_with_path(name) == theirs.load_data_with_path(name)


@pytest.mark.parametrize("service", SERVICES)
def test_same_models(tmp_path: Path, service: str) -> None:
    """Each model of a service is the one that botocore loads, or missing as it is there."""
    ours, theirs = _fresh(tmp_path), Loader()
    for kind in TYPES:
        assert _loaded(ours, service, kind) == _loaded(theirs, service, kind)


def test_unknown_service(tmp_path: Path) -> None:
    """A service that no folder has a model of is told by botocore's own error."""
    with pytest.raises(DataNotFoundError):
        _fresh(tmp_path).load_service_model("no-such-service", "service-2")


def test_own_folder(tmp_path: Path) -> None:
    """A model in a folder that the user names is found, and comes before botocore's."""
    for service in ("bedrock", "own"):
        folder = tmp_path / service / "2999-01-01"
        folder.mkdir(parents=True)
        (folder / "service-2.json").write_text(json.dumps({"metadata": {"id": service}}))
    (tmp_path / "empty").mkdir()
    found = get_model_loader(str(tmp_path))
    for service in ("bedrock", "own"):
        assert found.load_service_model(service, "service-2")["metadata"] == {"id": service}
    with pytest.raises(DataNotFoundError):
        found.load_service_model("empty", "service-2")
    assert _loaded(found, "sts", "service-2") == _loaded(Loader(), "sts", "service-2")


def _fresh(folder: Path) -> Loader:
    """Return a loader that no client has written its notes into yet, as botocore's clients do."""
    return get_model_loader(str(folder))


def _loaded(loader: Loader, service: str, kind: str) -> object:
    """Return a model's members in their order, or None where there is no such model."""
    try:
        return json.dumps(loader.load_service_model(service, kind))
    except DataNotFoundError:
        return None
