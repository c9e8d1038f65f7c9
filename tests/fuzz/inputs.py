"""Bytes that might be left where a manifest, a sidecar or a fleet file belongs."""

from __future__ import annotations

from hypothesis import strategies as st

MANIFEST = b"""\
apiVersion: bedrock-jobs/v1
kind: ModelCustomizationJob
metadata: {name: support-bot, labels: {team: support}}
target: {region: us-east-1, accountId: "123456789012"}
policy: {state: Submitted, priority: 1}
spec:
  roleArn: arn:aws:iam::123456789012:role/BedrockCustomization
  baseModelIdentifier: amazon.nova-micro-v1:0:128k
  customizationType: FINE_TUNING
  trainingDataConfig: {s3Uri: s3://acme-training/support/train.jsonl}
  outputDataConfig: {s3Uri: s3://acme-training/support/output/}
  hyperParameters: {epochCount: 2, learningRate: 0.00001}
  jobTags: [{key: team, value: support}]
"""
FLEET = b"""\
owner: acme-ml
target: {region: us-east-1, accountId: "123456789012"}
limits: {maxSubmits: 50, maxActive: 2}
allow: {accounts: ["123456789012"], regions: [us-east-1], s3Prefixes: [s3://acme-*/]}
require: {tags: [team], kms: false}
"""
SIDECAR = b"""\
{"apiVersion": "bedrock-jobs/v1", "kind": "Status", "jobs": {"support-bot": {
  "kind": "ModelCustomizationJob", "phase": "InProgress", "digest": "00", "token": "bj1-0-0",
  "attempt": 0, "jobArn": "arn", "target": {"accountId": "123456789012", "region": "us-east-1"},
  "conditions": [{"type": "Synced", "status": "True", "reason": "InProgress", "message": ""}],
  "live": {"status": "InProgress", "jobName": "support-bot", "jobArn": "arn"}, "history": []}}}
"""
_SHARDS = st.sampled_from(
    [
        *(b"\x00", b"\t", b"\r", b"\xff\xfe", "\ufeff".encode(), "\u2028".encode(), b"\n---\n"),
        *(b"&a ", b"*a", b"<<: ", b"!!python/object:os.system ", b"!!binary ", b"? ", b"- ", b": "),
        *(
            b"[",
            b"]",
            b"{",
            b"}",
            b'"',
            b"'",
            b"|\n",
            b">-\n",
            b"#",
            b"~",
            b"null",
            b".inf",
            b"1e999",
        ),
        *(
            b"[" * 80,
            b"a" * 5000,
            b"  " * 40,
            b"9" * 40,
            b"\\ud800",
            b"...\n",
            b"%YAML 1.1\n",
            b"@",
        ),
    ]
)


@st.composite
def spoilt(draw: st.DrawFn, sound: bytes) -> bytes:
    """Return sound bytes in which pieces are cut, doubled, or replaced by shards of YAML."""
    made = bytearray(sound)
    for _ in range(draw(st.integers(1, 6))):
        begin = draw(st.integers(0, len(made)))
        end = draw(st.integers(begin, min(len(made), begin + draw(st.sampled_from([0, 1, 8, 60])))))
        piece = draw(st.one_of(_SHARDS, st.binary(max_size=6), st.just(bytes(made[begin:end]) * 2)))
        made[begin:end] = piece
    return bytes(made)


def anything(sound: bytes) -> st.SearchStrategy[bytes]:
    """Return any bytes at all, more often those that nearly are what they should be."""
    return st.one_of(spoilt(sound), spoilt(sound), st.binary(max_size=300))
