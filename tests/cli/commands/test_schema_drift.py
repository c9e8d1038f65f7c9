"""`schema --check` with a botocore that is newer or older than the schemas, or differs in form."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore
import pytest

from tests.house.source import ROOT
from tests.support.commands import environment, run

MODEL = Path(botocore.__file__).parent / "data" / "bedrock" / "2023-04-20" / "service-2.json.gz"
CREATE = "CreateModelCustomizationJobRequest"


def checked(folder: Path, edit: Callable[[dict[str, Any]], object]) -> tuple[int, str, str]:
    """Check the shipped schemas against an edited model, in a separate process."""
    model = json.loads(gzip.decompress(MODEL.read_bytes()))
    edit(model["shapes"])
    path = folder / "models" / "bedrock" / "2023-04-20" / "service-2.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(model))
    env = environment(folder, AWS_DATA_PATH=str(folder / "models"))
    ran = run(folder, "schema", "--check", "--output-dir", str(ROOT / "schemas"), env=env)
    return ran.code, ran.out, ran.err


def newer(shapes: dict[str, Any]) -> None:
    """Add a value and a member."""
    shapes["CustomizationType"]["enum"].append("DREAMING")
    shapes[CREATE]["members"]["dreams"] = {"shape": "JobName"}


def older(shapes: dict[str, Any]) -> None:
    """Remove a member."""
    del shapes[CREATE]["members"]["vpcConfig"]


def test_newer_model_is_named_with_what_it_has(tmp_path: Path) -> None:
    """Members that only the installed botocore has are listed, and it is called newer."""
    code, out, err = checked(tmp_path, newer)

    first = out.splitlines()[0]
    assert code == 1
    assert first.startswith("botocore ")
    assert first.endswith("which lacks spec.customizationType: DREAMING, spec.dreams")
    assert "Traceback" not in err


def test_older_model_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    """Members that only the files have are listed, and they are called newer."""
    code, out, err = checked(tmp_path, older)

    assert code == 1
    assert "schema.json is newer than botocore " in out.splitlines()[0]
    assert "spec.vpcConfig" in out.splitlines()[0]
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "edit",
    [
        lambda shapes: shapes.pop(CREATE),
        lambda shapes: shapes["CustomizationType"].update(type="riddle"),
        lambda shapes: shapes["CustomizationType"].update(enum=7),
        lambda shapes: shapes["JobName"].update(pattern="(?<=a)b"),
    ],
    ids=["no shape", "unknown type", "no list", "unknown pattern"],
)
def test_model_of_another_form_is_one_line(
    tmp_path: Path, edit: Callable[[dict[str, Any]], object]
) -> None:
    """A model that cannot be converted to schemas is one line with what to do."""
    code, out, err = checked(tmp_path, edit)

    assert code == 1
    assert "Traceback" not in out + err
