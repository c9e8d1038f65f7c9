"""Files written to cost a reader as much as they can, each for another reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.fuzz.inputs import FLEET, MANIFEST, SIDECAR
from tests.fuzz.targets import MEBIBYTE

LINE = 100


def filled(unit: bytes, before: bytes = b"", behind: bytes = b"", size: int = MEBIBYTE) -> bytes:
    """Return as many units as a size allows, between a beginning and an end."""
    return before + unit * ((size - len(before) - len(behind)) // len(unit)) + behind


def numbered(line: str, size: int = MEBIBYTE) -> bytes:
    """Return lines that count, up to a size."""
    count = size // (len(line) + 5)
    return "".join(line.format(number) for number in range(count)).encode()


def laughing(levels: int, width: int) -> bytes:
    """Return aliases that name aliases, each level so many times the one before."""
    lines = ["a0: &a0 [lol]"]
    for level in range(1, levels):
        inner = ", ".join([f"*a{level - 1}"] * width)
        lines.append(f"a{level}: &a{level} [{inner}]")
    return "\n".join(lines).encode()


def indented(levels: int) -> bytes:
    """Return mappings in mappings, each a space further in."""
    return "\n".join(f"{' ' * level}a:" for level in range(levels)).encode()


NESTED = (b"[" * 50 + b"]" * 50 + b",").ljust(LINE + 2, b"\n")
YAML: Mapping[str, bytes] = {
    "aliases of aliases": laughing(12, 10),
    "aliases in a chain": laughing(900, 1),
    "aliases beyond counting": filled(b"*a,", b"a: &a x\nb: [", b"]"),
    "aliases on lines": filled(b"- *a\n", b"- &a x\n"),
    "anchors": numbered("- &a{} x\n"),
    "anchors below 200 kB": numbered("- &a{} x\n", 199_000),
    "merges of merges": b"a: &a {x: 1}\n" + filled(b"<<: *a\n"),
    "merge of many": b"a: &a {%s}\n" % numbered("k{}: 1,", 90_000) + b"<<: [" + b"*a," * 900 + b"]",
    "brackets": filled(b"["),
    "braces": filled(b"{"),
    "brackets closed": filled(b"[", size=MEBIBYTE // 2) + filled(b"]", size=MEBIBYTE // 2),
    "brackets fifty deep": filled(NESTED, b"a: [", b"]"),
    "brackets fifty deep below 200 kB": filled(NESTED, b"a: [", b"]", 199_000),
    "dashes": filled(b"- "),
    "dashes thirty deep": filled(b"- " * 30 + b"a\n"),
    "dashes thirty deep below 200 kB": filled(b"- " * 30 + b"a\n", size=199_000),
    "question marks": filled(b"? "),
    "question marks thirty deep": filled(b"? " * 30 + b"a\n"),
    "keys in keys": filled(b"{a: "),
    "indentation": indented(1_400),
    "list": filled(b"1,", b"[", b"]"),
    "list below 200 kB": filled(b"1,", b"[", b"]", 199_000),
    "list of pairs": filled(b"a: b," + b" " * 5, b"[", b"]"),
    "list of pairs below 200 kB": filled(b"a:,", b"[", b"]", 199_000),
    "list of maps": filled(b"{},", b"[", b"]"),
    "list on lines": filled(b"-\n"),
    "list on lines below 200 kB": filled(b"-\n", size=199_000),
    "list on carriage returns": filled(b"- a\r"),
    "list of nothing on carriage returns": filled(b"-\r"),
    "keys": numbered("k{}: 1\n"),
    "keys on carriage returns": numbered("k{}: 1\r"),
    "keys below 200 kB": numbered("k{}: 1\n", 199_000),
    "keys in spec": MANIFEST + numbered("  k{}: 1\n", 190_000),
    "keys nearly right in spec": MANIFEST + numbered("  hyperParameters{}: 1\n", 190_000),
    "keys in spec on carriage returns": MANIFEST + numbered("  k{}: 1\r"),
    "hyper parameters": MANIFEST.replace(
        b"{epochCount", b"{" + numbered("k{}: 1, ", 190_000) + b"epochCount"
    ),
    "tags": MANIFEST.replace(
        b"jobTags: [", b"jobTags: [" + filled(b"{key: a, value: b},", size=190_000)
    ),
    "labels": MANIFEST.replace(b"{team: s", b"{" + numbered("k{}: 1, ", 190_000) + b"team: s"),
    "same key": filled(b"a: 1\n", size=199_000),
    "same key in spec": MANIFEST + filled(b"  roleArn: 1\n", size=190_000),
    "long key": filled(b"k") + b": 1",
    "long key in question": b"? " + filled(b"k", size=MEBIBYTE - 9) + b"\n: 1",
    "long quoted key in spec": MANIFEST + b'  ? "' + filled(b"k", size=900_000) + b'"\n  : 1\n',
    "keys of a thousand letters": MANIFEST
    + b"".join(b"  %06d%s: 1\n" % (number, b"k" * 990) for number in range(900)),
    "plain scalar": filled(b"a"),
    "plain scalar on lines": filled(b"a\n"),
    "plain scalar of words": filled(b"a "),
    "quoted scalar": filled(b"a", b'"', b'"'),
    "quoted scalar on lines": filled(b"\n", b'"', b'"'),
    "quoted scalar left open": filled(b"a\n", b'a: "'),
    "escapes": filled(b"\\x41", b'a: "', b'"'),
    "surrogates": filled(b"\\ud800", b'a: "', b'"'),
    "surrogates of bytes": MANIFEST.replace(b"support-bot", b"\xed\xa0\x80"),
    "surrogate as a name": MANIFEST.replace(b"name: support-bot", b'name: "\\ud800"'),
    "block scalar": filled(b" a\n", b"a: |\n"),
    "folded scalar": filled(b" a\n\n", b"a: >\n"),
    "long name": MANIFEST.replace(b"support-bot", filled(b"a", size=900_000)),
    "long name of dashes": MANIFEST.replace(b"support-bot", filled(b"a-", size=900_000) + b"!"),
    "long kind": MANIFEST.replace(b"kind: Model", b"kind: " + filled(b"M", size=900_000)),
    "long version": MANIFEST.replace(b"bedrock-jobs/v1", filled(b"v", size=900_000)),
    "long role": MANIFEST.replace(b"arn:aws:iam", b"arn:" + filled(b"aws:", size=900_000)),
    "long enumerated": MANIFEST.replace(b"FINE_TUNING", filled(b"FINE_", size=900_000)),
    "digits": MANIFEST.replace(b"priority: 1", b"priority: " + filled(b"9", size=900_000)),
    "digits as a list": filled(b"9", b"[", b"]"),
    "digits of base sixteen": MANIFEST.replace(b"priority: 1", b"priority: 0x" + b"f" * 900_000),
    "digits of base eight": MANIFEST.replace(b"priority: 1", b"priority: 0o" + b"7" * 900_000),
    "digits five thousand": MANIFEST.replace(b"priority: 1", b"priority: " + b"9" * 5_000),
    "fraction": MANIFEST.replace(b"priority: 1", b"priority: ." + b"3" * 900_000),
    "exponent": MANIFEST.replace(b"priority: 1", b"priority: 1e" + b"9" * 5_000),
    "exponent of a million": MANIFEST.replace(b"priority: 1", b"priority: 1e1000000"),
    "exponent large": MANIFEST.replace(b"priority: 1", b"priority: 1e999999999"),
    "exponent below": MANIFEST.replace(b"priority: 1", b"priority: 1e-999999999"),
    "NULs": filled(b"\0"),
    "NUL inside": MANIFEST.replace(b"support-bot", b"support\0bot"),
    "control characters": filled(b"\x01\n"),
    "byte order marks": filled("\ufeff".encode()),
    "separators of lines": filled("- a\u2028".encode()),
    "next lines": filled("-\u0085".encode()),
    "no UTF-8": filled(b"\xff"),
    "UTF-16": MANIFEST.decode().encode("utf-16"),
    "letters of four bytes": filled("a: \U0001f600\n".encode()),
    "comments": filled(b"#\n"),
    "one comment": filled(b"#"),
    "spaces": filled(b" "),
    "tabs": filled(b"\t"),
    "line feeds": filled(b"\n"),
    "carriage returns": filled(b"\r"),
    "colons": filled(b":"),
    "colons and spaces": filled(b": "),
    "exclamation marks": filled(b"!"),
    "long tag": filled(b"a", b"!", b" b"),
    "tags on lines": filled(b"- !!str a\n", size=199_000),
    "directives": filled(b"%TAG !a! !b\n"),
    "different directives": numbered("%TAG !{}! !b\n") + b"--- a\n",
    "documents": filled(b"--- a\n"),
    "documents empty": filled(b"---\n"),
    "documents broken": filled(b"--- [\n", size=199_000),
    "documents broken by turns": filled(b"--- [\n--- a\n", size=199_000),
    "documents broken, long behind": b"--- [\n" * 20 + filled(b"- aaaaaaaa\n", size=900_000),
    "documents alike": filled(b"---\n" + MANIFEST, size=199_000),
    "documents alike, a mebibyte": filled(b"---\n" + MANIFEST),
    "documents with nothing but a header": filled(
        b"---\napiVersion: bedrock-jobs/v1\nkind: ModelCustomizationJob\n", size=199_000
    ),
    "documents with nothing but a kind": filled(
        b"---\nkind: ModelCustomizationJob\n", size=MEBIBYTE
    ),
    "larger than may be": filled(b"#", size=MEBIBYTE + 1),
    "much larger than may be": filled(b"- a\n", size=20 * MEBIBYTE),
}
FLEETS: Mapping[str, bytes] = {
    "unknown keys": FLEET + numbered("k{}: 1\n", 190_000),
    "unknown keys, nearly right": FLEET + numbered("owner{}: 1\n", 190_000),
    "prefixes": FLEET.replace(b"[s3://acme-*/]", filled(b"s3://*a*/,", b"[", b"]", 190_000)),
    "stars": FLEET.replace(b"s3://acme-*/", b"s3://" + b"*" * 5_000 + b"/"),
    "stars and letters": FLEET.replace(b"s3://acme-*/", b"s3://" + b"*a" * 400_000 + b"/"),
    "stars and questions": FLEET.replace(b"s3://acme-*/", b"s3://" + b"*?" * 2_000 + b"b/"),
    "brackets in a pattern": FLEET.replace(b"s3://acme-*/", b'"' + b"[" * 900_000 + b'"'),
    "accounts": FLEET.replace(b'["123456789012"]', numbered('"{}",', 180_000).join([b"[", b"]"])),
}
ENTRY = b'{"kind": "ModelCustomizationJob", "phase": "InProgress"}'
JSON: Mapping[str, bytes] = {
    "brackets": filled(b"["),
    "braces": filled(b'{"a":'),
    "deep in an entry": SIDECAR.replace(b'"history": []', b'"history": ' + b"[" * 900 + b"]" * 900),
    "deep beyond recursion": SIDECAR.replace(b"[]", b"[" * 90_000 + b"]" * 90_000),
    "list": filled(b"1,", b"[", b"1]"),
    "lists in an entry": SIDECAR.replace(b"[]", filled(b"[],", b"[", b"1]", 900_000)),
    "maps in an entry": SIDECAR.replace(b"[]", filled(b'{"a":1},', b"[", b"1]", 900_000)),
    "long text": SIDECAR.replace(b'"arn"', filled(b"a", b'"', b'"', 900_000)),
    "long key": SIDECAR.replace(b'"history"', filled(b"a", b'"', b'"', 900_000)),
    "keys": b'{"jobs": {' + numbered('"k{}": 1,') + b'"a": 1}}',
    "entries": b'{"jobs": {' + numbered('"k{}": {{}},') + b'"a": 1}}',
    "entries of a kind": b'{"jobs": {' + numbered(f'"k{{}}": {{{ENTRY.decode()}}},') + b'"a": 1}}',
    "digits": SIDECAR.replace(b'"attempt": 0', b'"attempt": ' + b"9" * 900_000),
    "digits five thousand": SIDECAR.replace(b'"attempt": 0', b'"attempt": ' + b"9" * 5_000),
    "exponent": SIDECAR.replace(b'"attempt": 0', b'"attempt": 1e999999'),
    "no number": SIDECAR.replace(b'"attempt": 0', b'"attempt": NaN, "more": -Infinity'),
    "surrogates": SIDECAR.replace(b'"arn"', filled(b"\\ud800", b'"', b'"', 900_000)),
    "surrogate as a name": SIDECAR.replace(b'"support-bot"', b'"\\udc00"'),
    "NULs": filled(b"\0"),
    "NUL as a name": SIDECAR.replace(b'"support-bot"', b'"\\u0000"'),
    "no UTF-8": filled(b"\xff"),
    "UTF-16": SIDECAR.decode().encode("utf-16"),
    "UTF-32": SIDECAR.decode().encode("utf-32"),
    "byte order mark": b"\xef\xbb\xbf" + SIDECAR,
    "spaces": filled(b" "),
    "lists in 16 MiB": filled(b"[],", b'{"jobs": {"a": {"b": [', b"1]}}}", 16 * MEBIBYTE - 1),
    "maps in 16 MiB": filled(b'{"a":1},', b'{"jobs": {"a": {"b": [', b"1]}}}", 16 * MEBIBYTE - 1),
    "lists outside jobs in 16 MiB": filled(b"[],", b"[", b"1]", 16 * MEBIBYTE - 1),
    "text in 16 MiB": filled(b"a", b'{"jobs": {"a": {"b": "', b'"}}}', 16 * MEBIBYTE - 1),
    "wide text in 16 MiB": '{"jobs": {"a": {"b": "\U0001f600'.encode()
    + filled(b"a", b"", b'"}}}', 16 * MEBIBYTE - 100),
    "digits in 16 MiB": filled(b"9", b"[", b"]", 16 * MEBIBYTE - 1),
    "lists deep in 8 MiB": filled(
        b"[],", b'{"jobs":{"a":{"b":' + b"[" * 60, b"1" + b"]" * 60 + b"}}}", 840_000
    ),
    "text in 8 MiB": filled(b"a", b'{"jobs": {"a": {"b": "', b'"}}}', 8 * MEBIBYTE - 1),
    "wide text in 8 MiB": '{"jobs": {"a": {"b": "\U0001f600'.encode()
    + filled(b"a", b"", b'"}}}', 8 * MEBIBYTE - 100),
    "maps in 1 MiB": filled(b'{"a":1},', b'{"jobs": {"a": {"b": [', b"1]}}}"),
    "twenty MiB": filled(b" ", b"{", b"}", 20 * MEBIBYTE),
}


def hostile(target: str) -> Iterator[tuple[str, bytes]]:
    """Yield the names and bytes of what a target must stand.

    All YAML has one reader, so that a third of what it must stand is enough behind the first.
    """
    if target == "sidecar":
        yield from JSON.items()
        return
    if target == "manifest":
        yield from YAML.items()
        return
    yield from list(YAML.items())[::3]
    if target == "fleet":
        yield from FLEETS.items()


NAMELESS = MANIFEST.replace(b"name: support-bot, ", b"")
"""Defaults that leave nothing to say but a name."""
NAMED: Mapping[str, bytes] = {
    "as many as fit": numbered("---\nmetadata: {{name: a{}}}\n", 900_000),
    "twins": filled(b"---\nmetadata: {name: a}\n", size=900_000),
}
"""Files of manifests that have nothing but a name."""
