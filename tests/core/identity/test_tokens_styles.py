"""However its YAML is written, a manifest is the same job.

Each file of the folder writes the design's example in another style: a new style is a new file.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.adapters.manifests.loader import load
from controller.core.identity import tokens
from controller.core.kinds.registry import KINDS
from controller.core.model import Manifest

PUBLISHED = "bj1-d3d3f2d9-255231391ff06b197279a35d8a905e0c8f1976b1c97f6a6fdddef81da8ce1ff3"
DATA = Path(__file__).parents[2] / "data" / "identity"
EXAMPLE = Path(__file__).parents[3] / "jobs" / "support-bot.yaml"
STYLES = sorted((DATA / "styles").glob("*.yaml"))


def read(path: Path) -> Manifest:
    """Return the only manifest of a file, which must have no problem."""
    tree = load([path])
    assert tree.problems == ()
    [manifest] = tree.manifests
    return manifest


def token_of(manifest: Manifest, owner: str = "acme-ml") -> str:
    """Return the token under which a manifest is submitted."""
    assert manifest.spec is not None
    kind = KINDS[manifest.key.kind]
    return tokens.derive_submission(kind, manifest.spec, manifest.key.name, owner).token


@pytest.mark.parametrize("path", [*STYLES, EXAMPLE], ids=lambda path: path.stem)
def test_every_style_is_one_job(path: Path) -> None:
    """Style, key order, line endings, quotes, aliases and tags do not change the token."""
    assert token_of(read(path)) == PUBLISHED


@pytest.mark.parametrize("line", [b"\r\n", b"\xef\xbb\xbf"], ids=["CRLF", "BOM"])
def test_bytes_that_editors_change_are_there(line: bytes) -> None:
    """The folder has a file with CRLF and one with a BOM, whatever git or an editor did."""
    assert any(line in path.read_bytes() for path in STYLES)


@pytest.mark.parametrize("written", ["1e-5", "0.000010", "'0.00001 '", "1.0E-5"])
def test_another_text_of_one_number_is_another_job(tmp_path: Path, written: str) -> None:
    """Another text of a number is another request, because values are sent as written."""
    text = (DATA / "styles" / "block.yaml").read_text(encoding="utf-8")
    other = tmp_path / "other.yaml"
    other.write_text(text.replace("0.00001", written), encoding="utf-8")

    assert token_of(read(other)) != PUBLISHED
