"""A policy edited in place: one value changes, and no other byte of the file does."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.authoring.policy_editor import EditError, FileEdit, set_policy
from controller.adapters.manifests.loader import load
from controller.core.kinds.registry import KINDS
from controller.core.model import (
    JobKey,
)
from controller.core.policy import Policy

KIND = next(iter(KINDS))
KEY = JobKey(KIND, "support-bot")
ARN = (
    "arn:aws:bedrock:us-east-1:123456789012:"
    "model-customization-job/amazon.nova-micro-v1:0:128k/abcdefghijkl"
)
OTHER = ARN.replace("abcdefghijkl", "lkjihgfedcba")
HEAD = f"apiVersion: bedrock-jobs/v1\nkind: {KIND}\nmetadata:\n  name: support-bot\n"
SPEC = (
    "spec:\n"
    "  roleArn: arn:aws:iam::123456789012:role/BedrockCustomization\n"
    "  baseModelIdentifier: amazon.nova-micro-v1:0:128k\n"
    "  trainingDataConfig: {s3Uri: s3://acme-training/train.jsonl}  # learned from\n"
    "  outputDataConfig: {s3Uri: s3://acme-training/output/}\n"
    "  hyperParameters:\n"
    "    learningRate: 0.00001\n"
)
AS_JSON = {
    "apiVersion": "bedrock-jobs/v1",
    "kind": KIND,
    "metadata": {"name": "support-bot"},
    "spec": {
        "roleArn": "arn:aws:iam::123456789012:role/BedrockCustomization",
        "baseModelIdentifier": "amazon.nova-micro-v1:0:128k",
        "trainingDataConfig": {"s3Uri": "s3://acme-training/train.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://acme-training/output/"},
    },
}


def file(folder: Path, text: str | bytes) -> Path:
    """Write a manifest's file."""
    path = folder / "support-bot.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def edited(folder: Path, text: str, member: str = "priority", value: int | str = 7) -> str:
    """Return a manifest's text after the edit."""
    path = file(folder, text)
    set_policy(path, KEY, member, value)
    return path.read_bytes().decode()


# What stands between head and spec, before the edit and after it.
STANDING = {
    "plain": ("policy:\n  priority: 1\n", "policy:\n  priority: 7\n"),
    "beside a comment": (
        "policy: # what may be done\n  priority:   1   # low\n",
        "policy: # what may be done\n  priority:   7   # low\n",
    ),
    "in braces": (
        "policy: {priority: 1, state: Suspended}\n",
        "policy: {priority: 7, state: Suspended}\n",
    ),
    "signed": ("policy: {priority: -12}\n", "policy: {priority: 7}\n"),
    "an alias": (
        "target: {region: us-east-1}\npolicy:\n  onFailure: {retries: &n 0}\n  priority: *n\n",
        "target: {region: us-east-1}\npolicy:\n  onFailure: {retries: &n 0}\n  priority: 7\n",
    ),
    "a key in quotes": ("'policy':\n  'priority': 1\n", "'policy':\n  'priority': 7\n"),
}
ABSENT = {
    "block": ("policy:\n  state: Suspended\n", "policy:\n  state: Suspended\n  priority: 7\n"),
    "wide block": (
        "policy:\n\n      # why\n      state: Suspended # so\n      # end\n\n",
        "policy:\n\n      # why\n      state: Suspended # so\n      priority: 7\n      # end\n\n",
    ),
    "nested last": (
        "policy:\n  onFailure:\n    retries: 0\n# of spec\n",
        "policy:\n  onFailure:\n    retries: 0\n  priority: 7\n# of spec\n",
    ),
    "braces": ("policy: {state: Suspended}\n", "policy: {state: Suspended, priority: 7}\n"),
    "no braces filled": ("policy: {}  # none\n", "policy: {priority: 7}  # none\n"),
    "braces, last comma": (
        "policy: {state: Suspended,}\n",
        "policy: {state: Suspended, priority: 7,}\n",
    ),
    "braces over lines": (
        "policy: {\n  state: Suspended # so\n}\n",
        "policy: {\n  state: Suspended, # so\n  priority: 7\n}\n",
    ),
    "braces over lines, last comma": (
        "policy: {\n  state: Suspended, # so\n}\n",
        "policy: {\n  state: Suspended, # so\n  priority: 7,\n}\n",
    ),
    "braces with JSON's keys": (
        'policy: {"state": "Suspended"}\n',
        'policy: {"state": "Suspended", "priority": 7}\n',
    ),
    "no policy": ("", "policy:\n  priority: 7\n"),
    "no policy, spec explained": (
        "\n# What is sent\n# to the service.\n",
        "\npolicy:\n  priority: 7\n# What is sent\n# to the service.\n",
    ),
    "an anchor that nobody names": (
        "policy: &p\n  state: Suspended\n",
        "policy: &p\n  state: Suspended\n  priority: 7\n",
    ),
}


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(("before", "after"), [*STANDING.values(), *ABSENT.values()])
def test_only_the_value_changes(tmp_path: Path, before: str, after: str, ends: str) -> None:
    """Whatever the layout, what was asked for is set where it belongs and all else stays."""
    text = (HEAD + before + SPEC).replace("\n", ends)

    assert edited(tmp_path, text) == (HEAD + after + SPEC).replace("\n", ends)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("adopt: null", f"adopt: {ARN}"),
        ("adopt: ~ # none", f"adopt: {ARN} # none"),
        (f'adopt: "{OTHER}"', f'adopt: "{ARN}"'),
        (f"adopt: '{OTHER}'", f"adopt: '{ARN}'"),
        (f"adopt: {OTHER} # it", f"adopt: {ARN} # it"),
        (f"adopt: >-\n    {OTHER}\n\n", f"adopt: {ARN}\n\n"),
    ],
)
def test_text_keeps_its_quotes(tmp_path: Path, before: str, after: str) -> None:
    """A text stands in the quotes of the one that it replaces, and is read back as it is."""
    text = f"{HEAD}policy:\n  {before}\n{SPEC}"

    assert edited(tmp_path, text, "adopt", ARN) == f"{HEAD}policy:\n  {after}\n{SPEC}"


def test_empty_value_is_filled(tmp_path: Path) -> None:
    """A key whose value was left out gets one."""
    assert edited(tmp_path, f"{HEAD}policy: {{adopt: }}\n{SPEC}", "adopt", ARN) == (
        f'{HEAD}policy: {{adopt: "{ARN}" }}\n{SPEC}'
    )


@pytest.mark.parametrize(
    "policy", [None, {}, {"adopt": None}, {"adopt": f"{ARN}0"}, {"priority": 1}]
)
@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_stays_json(
    tmp_path: Path, indent: int | str | None, policy: dict[str, Any] | None
) -> None:
    """A manifest written as JSON is still JSON afterwards, with members on lines of their own."""
    document = AS_JSON if policy is None else {**AS_JSON, "policy": policy}
    text = edited(tmp_path, json.dumps(document, indent=indent), "adopt", ARN)

    after = json.loads(text)

    assert after == {**AS_JSON, "policy": {**(policy or {}), "adopt": ARN}}
    assert indent is None or '}, "policy"' not in text


def test_last_line_stays_unended(tmp_path: Path) -> None:
    """A file that ends without a line break still does, and a byte order mark stays."""
    text = f"\ufeff{HEAD}{SPEC}policy:\n  state: Suspended"

    assert edited(tmp_path, text) == f"{text}\n  priority: 7"


def test_one_of_several_documents_is_meant(tmp_path: Path) -> None:
    """Of a file's documents the one of that name is edited, whatever is wrong with another."""
    other = HEAD.replace("support-bot", "other") + "policy:\n  priority: 1\n" + SPEC
    broken = HEAD.replace("support-bot", "third")
    text = f"# first\n{other}---\n{HEAD}{SPEC}...\n---\n{broken}"

    after = edited(tmp_path, text)

    assert after == text.replace(f"{HEAD}{SPEC}", f"{HEAD}policy:\n  priority: 7\n{SPEC}")


def test_folders_policy_is_left_alone(tmp_path: Path) -> None:
    """A manifest whose policy is its folder's gets one of its own, with the one key."""
    (tmp_path / "_defaults.yaml").write_text("policy: {priority: 3, state: Suspended}\n")

    assert edited(tmp_path, HEAD + SPEC) == f"{HEAD}policy:\n  priority: 7\n{SPEC}"
    (manifest,) = load([tmp_path]).manifests
    assert manifest.policy == Policy(priority=7, state=manifest.policy.state.SUSPENDED)


def test_what_is_set_already_is_not_written(tmp_path: Path) -> None:
    """Setting a value that stands there already changes nothing."""
    path = file(tmp_path, f"{HEAD}policy: {{priority: 0x7}}\n{SPEC}")
    before = path.stat()

    edit = set_policy(path, KEY, "priority", 7)

    after = path.stat()
    assert not edit.is_change
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_dry_run_shows_the_lines(tmp_path: Path) -> None:
    """A dry run tells which lines would give way to which, and writes nothing."""
    path = file(tmp_path, f"{HEAD}policy:\n  priority: 1 # low\n{SPEC}")
    before = path.read_bytes()

    edit = set_policy(path, KEY, "priority", 7, dry_run=True)

    assert edit == FileEdit(path, 6, ("  priority: 1 # low",), ("  priority: 7 # low",))
    assert path.read_bytes() == before


def test_permissions_are_kept(tmp_path: Path) -> None:
    """The file keeps its permissions, and nothing is left beside it."""
    path = file(tmp_path, HEAD + SPEC)
    path.chmod(0o640)

    set_policy(path, KEY, "priority", 7)

    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_link_within_the_tree_stays_a_link(tmp_path: Path) -> None:
    """Through a link the file itself is edited."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "shared").mkdir()
    path = file(tmp_path / "shared", HEAD + SPEC)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)

    set_policy(link, KEY, "priority", 7)

    assert link.is_symlink()
    assert "priority: 7" in path.read_text()


def test_two_editors_at_once_both_succeed(tmp_path: Path) -> None:
    """Edits of one file wait for each other, so that none is lost."""
    names = [f"job-{number}" for number in range(8)]
    documents = [HEAD.replace("support-bot", name) + SPEC for name in names]
    path = file(tmp_path, "---\n".join(documents))
    threads = [
        threading.Thread(target=set_policy, args=(path, JobKey(KIND, name), "priority", 7))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert path.read_text().count("priority: 7") == len(names)


REFUSED = {
    "alias": ("  labels: &p {priority: 1}\npolicy: *p\n", "alias"),
    "shared": ("policy: &p {priority: 1}\ntarget: {}\n", "shared"),
    "merge key in policy": ("policy:\n  <<: {priority: 1}\n", "merge key"),
    "merge key in braces": ("policy: {<<: {priority: 1}}\n", "merge key"),
    "merge key of the root": ("<<: {policy: {priority: 1}}\n", "merge key"),
    "anchored value": ("policy:\n  priority: &n 1\n", "tag or an anchor"),
    "tagged value": ("policy:\n  priority: !!int 1\n", "tag or an anchor"),
    "question mark": ("policy:\n  ? state\n  : Suspended\n", "before the key"),
    "block with a comment": ("policy:\n  adopt: >- # none\n    arn:x\n", "BJ"),
    "broken": ("policy: {priority: 1\n", "BJ"),
    "unknown key": ("policy: {prio: 1}\n", "BJ"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_is_not_safe_is_refused(tmp_path: Path, case: str) -> None:
    """What cannot be edited safely is left alone, with the place and what to write by hand."""
    policy, why = REFUSED[case]
    text = HEAD + policy + SPEC
    if case == "shared":
        text = policy + HEAD.replace("support-bot\n", "support-bot\n  labels: *p\n") + SPEC
    path = file(tmp_path, text)
    before = path.read_bytes()

    with pytest.raises(EditError, match=why) as told:
        set_policy(path, KEY, "priority", 7)

    assert path.read_bytes() == before
    assert f"{path}:" in str(told.value)
    assert f"set policy.priority of {KIND}/support-bot to 7 by hand" in str(told.value)


def test_value_that_the_schema_refuses_is_told(tmp_path: Path) -> None:
    """A value that the manifest cannot have is told as such, and nothing is written."""
    path = file(tmp_path, HEAD + SPEC)

    with pytest.raises(EditError, match=r"policy\.adopt cannot be no-arn: BJ\d+ .*ARN"):
        set_policy(path, KEY, "adopt", "no-arn")

    assert path.read_text() == HEAD + SPEC


@pytest.mark.parametrize("text", [HEAD.replace("support-bot", "other") + SPEC, "", b"\xff"])
def test_manifest_that_is_not_there_is_told(tmp_path: Path, text: str | bytes) -> None:
    """A file without that manifest, or without any, is told as such."""
    with pytest.raises(EditError, match=r"0 times|BJ"):
        set_policy(file(tmp_path, text), KEY, "priority", 7)


def test_missing_file_is_told(tmp_path: Path) -> None:
    """A file that is not there is no crash."""
    with pytest.raises(EditError, match="cannot be read"):
        set_policy(tmp_path / "gone.yaml", KEY, "priority", 7)


def test_link_out_of_the_tree_is_refused(tmp_path: Path) -> None:
    """A file outside the tree of its manifests is somebody else's."""
    (tmp_path / "tree").mkdir()
    link = tmp_path / "tree" / "link.yaml"
    link.symlink_to(file(tmp_path, HEAD + SPEC))

    with pytest.raises(EditError, match="out of the tree"):
        set_policy(link, KEY, "priority", 7)


COMMENT = st.sampled_from(["", " # so", "   # {a: 1, b"])
GAP = st.lists(st.sampled_from(["\n", "# note: {\n", "  # note,\n", "\n\n"]), max_size=2).map(
    "".join
)
MEMBERS: dict[str, list[str]] = {
    "state": ["Suspended", '"Suspended"', "'Submitted'"],
    "onDelete": ["Retain", '"Stop"'],
    "priority": ["1", "-3", "0x10"],
    "adopt": ["null", "~", "", f"'{ARN}'"],
    "onFailure": ["{retries: 0}", '{"retries": 0}', "{}", "\n      retries: 0"],
}


@st.composite
def layouts(draw: st.DrawFn) -> str:
    """Return a manifest's text in some layout, with some policy or none."""
    chosen = draw(st.lists(st.sampled_from(list(MEMBERS)), unique=True))
    pairs = [(name, draw(st.sampled_from(MEMBERS[name]))) for name in chosen]
    if draw(st.booleans()):
        flow = [(name, value) for name, value in pairs if "\n" not in value]
        joint = draw(st.sampled_from([", ", ",\n    ", " ,  "]))
        inner = joint.join(f"{name}: {value}" for name, value in flow)
        end = draw(st.sampled_from(["", " ", ",", "\n  ", ", # x\n  "])) if flow else ""
        policy = f"policy: {{{inner}{end}}}{draw(COMMENT)}\n"
    else:
        lines = [f"    {name}: {value}{draw(COMMENT)}\n{draw(GAP)}" for name, value in pairs]
        policy = f"policy:{draw(COMMENT)}\n{''.join(lines)}" if pairs else ""
    parts = [HEAD, SPEC, policy + draw(GAP)]
    text = "".join(draw(st.permutations(parts)))
    text = text if draw(st.booleans()) else text.removesuffix("\n")
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def values(path: Path) -> dict[str, Any]:
    """Return all that a file's one manifest says."""
    (manifest,) = load([path]).manifests
    assert manifest.problems == ()
    policy = {name: getattr(manifest.policy, name) for name in Policy.__dataclass_fields__}
    return {"spec": manifest.spec, "labels": manifest.labels, **policy}


@settings(max_examples=150, deadline=None)
@given(layout=layouts(), wish=st.sampled_from([("priority", 7), ("adopt", ARN)]))
def test_every_layout_keeps_all_else(
    tmp_path_factory: pytest.TempPathFactory, layout: str, wish: tuple[str, int | str]
) -> None:
    """In any layout one value changes; every line that stays is byte for byte what it was."""
    member, value = wish
    path = file(tmp_path_factory.getbasetemp(), layout)
    before = values(path)

    edit = set_policy(path, KEY, member, value)

    assert values(path) == {**before, member: value}
    after = path.read_bytes().decode()
    old, new = layout.splitlines(keepends=True), after.splitlines(keepends=True)
    gone, come = len(edit.removed), len(edit.added)
    head = edit.line - 1
    assert "".join(new).startswith("".join(old[:head]))
    assert old[head + gone :] == new[head + come :]
    assert come - gone in {0, 1, 2}
    assert after.count("#") == layout.count("#")
    assert layout.endswith("\n") == after.endswith("\n")
