"""The image: what it is built from, and which user runs in it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.source import ROOT, tracked

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
IGNORED = ROOT / "deploy" / "Dockerfile.dockerignore"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DIGEST = re.compile(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of the Dockerfile."""

    name: str
    rest: str


def steps() -> list[Step]:
    """Return the instructions, without comments and with continued lines joined."""
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    found = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [Step(name, rest) for name, rest in found]


def given(name: str) -> list[str]:
    """Return the arguments of all instructions with a name."""
    return [step.rest for step in steps() if step.name == name]


def lock(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Return version and hashes of each distribution in a lock."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.findall(
        r"^([a-z0-9.-]+)==(\S+) \\\n((?:    --hash=\S+(?: \\)?\n)+)", text, re.MULTILINE
    )
    return {
        entry[0]: (entry[1], frozenset(re.findall(r"sha256:[0-9a-f]{64}", entry[2])))
        for entry in entries
    }


@pytest.mark.parametrize("name", ["runtime", "build"])
def test_the_image_installs_what_was_tested(name: str) -> None:
    """The image's locks are subsets of the developers' lock: equal versions and hashes."""
    part, whole = lock(name), lock("dev")

    assert part
    assert {one: whole.get(one) for one in part} == part


def test_the_locks_have_all_requirements() -> None:
    """Each runtime and build dependency is locked; `make lock` updates the locks."""
    runtime = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
    build = [Requirement(line) for line in PROJECT["build-system"]["requires"]]

    assert {canonicalize_name(one.name) for one in runtime} <= set(lock("runtime"))
    assert {canonicalize_name(one.name) for one in build} <= set(lock("build"))
    assert not {"pytest", "moto", "mypy", "hatchling"} & set(lock("runtime"))


def test_nothing_is_installed_without_a_hash() -> None:
    """Every pip install requires hashes, or installs only the wheel that was just built."""
    installs = [
        part.strip() for rest in given("RUN") for part in rest.split("&&") if "pip install" in part
    ]

    assert len(installs) == 3
    assert all("--require-hashes" in one or "--no-deps --no-index" in one for one in installs)


def test_the_base_is_pinned() -> None:
    """Both stages start from one image, pinned by digest."""
    (base,) = [rest.partition("=")[2] for rest in given("ARG") if rest.startswith("PYTHON=")]

    assert DIGEST.fullmatch(base)
    assert [rest.split()[0] for rest in given("FROM")] == ["${PYTHON}", "${PYTHON}"]


def test_the_user_is_not_root() -> None:
    """The last stage runs as a numeric non-root user, and starts the command itself."""
    last = max(index for index, step in enumerate(steps()) if step.name == "FROM")
    users = [step.rest for step in steps()[last:] if step.name == "USER"]

    assert [int(number) > 0 for number in users[-1].split(":")] == [True, True]
    assert given("ENTRYPOINT") == ['["bedrock-jobs"]']
    assert given("ADD") == []


def test_copied_files_exist() -> None:
    """Each path that the build copies is tracked, and not ignored by the build."""
    names = {path.relative_to(ROOT).as_posix() for path in tracked()}
    allowed = [
        line[1:]
        for line in IGNORED.read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    ]
    sources = [
        source
        for rest in given("COPY")
        if not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]

    assert sorted(sources) == sorted(allowed)
    for source in sources:
        assert source in names or any(fnmatch(name, f"{source}/*") for name in names)


def test_the_image_has_git() -> None:
    """What `watch --repo` and `--write-back` run is installed, without recommended packages."""
    (packages,) = [
        part.split()
        for rest in given("RUN")
        for part in rest.split("&&")
        if "apt-get install" in part
    ]

    assert {"git", "openssh-client", "ca-certificates"} == set(packages[4:])
    assert "--no-install-recommends" in packages


def test_the_wheel_needs_no_other_file() -> None:
    """The files that pyproject.toml needs for the wheel are among those that are copied."""
    hatch = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*hatch["packages"], *hatch["force-include"], PROJECT["project"]["readme"]}
    needed |= set(PROJECT["project"]["license-files"])
    copied = {source for rest in given("COPY") for source in rest.split()[:-1]}

    assert needed <= copied
