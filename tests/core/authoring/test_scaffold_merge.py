"""What becomes of a file of the scaffold, by what is there already."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.authoring.scaffold_merge import (
    FileOutcome,
    FileOwnership,
    ScaffoldFile,
    derive_owner,
    format_plain_scalar,
    merge_file,
    select_files,
)

OURS = ScaffoldFile("schemas/a.json", "{}\n")
RULES = ScaffoldFile(".gitignore", "# Why.\n.state/\n.*.tmp\n", FileOwnership.SHARED)
THEIRS = ScaffoldFile(".hooks.yaml", "# How.\n- id: ours\n", FileOwnership.THEIRS, "id: ours")
SETTINGS = ScaffoldFile("settings.json", '{"a": {"b": 1}, "c": ["d"]}\n', FileOwnership.THEIRS)


@pytest.mark.parametrize("piece", [OURS, RULES, THEIRS, SETTINGS], ids=lambda piece: piece.path)
def test_what_is_not_there_is_created_once(piece: ScaffoldFile) -> None:
    """A missing file gets the whole text, and is current from then on, even by force."""
    made = merge_file(piece, None)

    assert (made.fate, made.text) == (FileOutcome.CREATED, piece.text)
    for force in (False, True):
        assert merge_file(piece, piece.text, force=force).fate is FileOutcome.CURRENT


def test_line_ends_are_no_difference() -> None:
    """A file that git checked out with other line ends is current."""
    assert merge_file(THEIRS, THEIRS.text.replace("\n", "\r\n")).fate is FileOutcome.CURRENT


def test_what_differs_is_kept_unless_forced() -> None:
    """A file of ours that differs keeps its text, and the way to replace it is named."""
    kept, replaced = merge_file(OURS, "mine\n"), merge_file(OURS, "mine\n", force=True)

    assert (kept.fate, kept.text) == (FileOutcome.KEPT, None)
    assert "--force" in kept.note
    assert (replaced.fate, replaced.text) == (FileOutcome.REPLACED, OURS.text)


@pytest.mark.parametrize(
    ("found", "after"),
    [
        ("", "# Why.\n.state/\n.*.tmp\n"),
        ("mine\n", "mine\n\n# Why.\n.state/\n.*.tmp\n"),
        ("mine", "mine\n\n# Why.\n.state/\n.*.tmp\n"),
        ("mine\n\n", "mine\n\n# Why.\n.state/\n.*.tmp\n"),
        ("mine\r\n", "mine\r\n\r\n# Why.\r\n.state/\r\n.*.tmp\r\n"),
        (".state/\nmine\n", ".state/\nmine\n\n# Why.\n.*.tmp\n"),
        ("# Why.\n.state/\n", "# Why.\n.state/\n\n.*.tmp\n"),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_shared_files_get_what_they_lack(found: str, after: str, force: bool) -> None:
    """Lines are added at the end, none twice, and nothing that was there goes away."""
    made = merge_file(RULES, found, force=force)

    assert (made.fate, made.text) == (FileOutcome.EXTENDED, after)
    assert merge_file(RULES, after).fate is FileOutcome.CURRENT


@given(st.text(st.sampled_from(list("#.*tmp/ \t\r\n\f\u2028a")) | st.characters(), max_size=40))
@settings(deadline=None, max_examples=300)
def test_nothing_is_lost_and_nothing_comes_twice(found: str) -> None:
    """Whatever a shared file holds stands there still, and a second run adds nothing."""
    made = merge_file(RULES, found)
    after = found if made.text is None else made.text

    assert after.startswith(found)
    assert merge_file(RULES, after).fate is FileOutcome.CURRENT
    assert {".state/", ".*.tmp"} <= {line.strip() for line in after.splitlines()}


def test_a_rule_of_ones_own_is_respected() -> None:
    """A subject that has a rule already, with other words behind it, gets no second one."""
    piece = ScaffoldFile(".gitattributes", "*.status.json text -merge\n", FileOwnership.SHARED)

    assert merge_file(piece, "*.status.json -text\n").fate is FileOutcome.CURRENT
    assert merge_file(piece, "#*.status.json -text\n").fate is FileOutcome.EXTENDED


def test_comments_alone_are_no_reason_to_touch_a_file() -> None:
    """Where there is no rule to add, a file that exists stays as it is."""
    assert (
        merge_file(ScaffoldFile("CODEOWNERS", "#/a @b\n", FileOwnership.SHARED), "* @c\n").fate
        is FileOutcome.CURRENT
    )


@pytest.mark.parametrize("force", [False, True])
def test_files_of_theirs_are_never_replaced(force: bool) -> None:
    """What such a file lacks is told in its own words, and nothing is written."""
    kept = merge_file(THEIRS, "- id: other\n", force=force)

    assert (kept.fate, kept.text, kept.lines) == (FileOutcome.KEPT, None, ("- id: ours",))
    assert merge_file(THEIRS, "- id: other\n- id: ours\n", force=force).fate is FileOutcome.CURRENT


@pytest.mark.parametrize(
    ("found", "fate"),
    [
        ('{"c": ["x", "d"], "a": {"b": 1, "z": 2}}', FileOutcome.CURRENT),
        ('{"a": {"b": 1}}', FileOutcome.KEPT),
        ('{"a": {"b": 2}, "c": ["d"]}', FileOutcome.KEPT),
        ('{"a": {"b": 1}, "c": []}', FileOutcome.KEPT),
        ("// a comment\n{}", FileOutcome.KEPT),
        ("[]", FileOutcome.KEPT),
    ],
)
def test_settings_are_compared_by_meaning(found: str, fate: FileOutcome) -> None:
    """Settings that hold ours among others are current; what cannot be read is left alone."""
    assert merge_file(SETTINGS, found).fate is fate


@pytest.mark.parametrize(
    ("remote", "owner"),
    [
        ("git@git.example.com:acme/fleet.git", "acme-fleet"),
        ("https://user:word@git.example.com:8443/acme/ml/Fleet.git/", "acme-ml-fleet"),
        ("ssh://git@git.example.com/acme/fleet", "acme-fleet"),
        ("../elsewhere/fleet.git", "my-folder"),
        ("", "my-folder"),
    ],
)
def test_the_owner_follows_from_the_remote(remote: str, owner: str) -> None:
    """The remote's path names the fleet, never its user or host; without one the folder does."""
    assert derive_owner(remote, "My Folder") == owner


def test_there_is_always_an_owner() -> None:
    """A folder without a letter in its name still gives one."""
    assert derive_owner("", "---") == "bedrock-jobs"


@pytest.mark.parametrize("text", ["acme", "a b", "true", "123", "a: b", "#a", "[a]", 'a"b', "*a"])
def test_scalars_mean_themselves(text: str) -> None:
    """Whatever a reader of YAML makes of it, it is that text."""
    assert yaml.safe_load(f"[{format_plain_scalar(text)}]") == [text]


def test_a_part_can_be_chosen() -> None:
    """A path chooses a file or all below a folder, never a name that begins alike."""
    pieces = [ScaffoldFile(path, "") for path in ("a/b", "a/c/d", "ab", "a.b")]

    assert [one.path for one in select_files(pieces, ["./a/"])] == ["a/b", "a/c/d"]
    assert [one.path for one in select_files(pieces, ["ab", "a/b"])] == ["a/b", "ab"]
    assert len(select_files(pieces, [])) == 4
