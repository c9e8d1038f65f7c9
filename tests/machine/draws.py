"""What walks draw from: names, specs, faults, and the positions of the service's open questions."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from controller.sandbox.jobs.faults import Fault, FaultKind
from tests.machine.project import SPECS, TAGS

Policy = dict[str, Any]
"""What more a document says, by the names of its members."""
Edit = tuple[str, str, str, Policy]
"""A name, a spec's word, a state and the rest of a policy."""

NAMES = st.sampled_from([*("left", "middle", "right"), *(f"job-{number}" for number in range(9))])
STRANGERS = st.sampled_from(["right", "job-1", "job-2"])
STEMS = st.sampled_from(["one", "two", "deep/one", "deep/er/three"])
STATES = st.sampled_from([*["Submitted"] * 4, "Suspended", "Stopped"])
SPEC_WORDS = st.sampled_from(sorted(SPECS))
POLICIES: st.SearchStrategy[Policy] = st.fixed_dictionaries(
    {
        "retries": st.sampled_from([0, 1, 2]),
        "attempt": st.sampled_from([0, 0, 0, 1, 2]),
        "revises": st.booleans(),
        "stops": st.booleans(),
        "tags": st.sampled_from(sorted(TAGS)),
    }
)
WRITTEN = st.tuples(NAMES, SPEC_WORDS, STATES, POLICIES)
EDITS = st.none() | WRITTEN
"""What is edited at the last moment before a pass, so that it has something to do."""
OWNERS = st.sampled_from([*["acme-ml"] * 4, "other", ""])
GARBAGE = [b"", b"[]", b"{", b'{"jobs": {"left": 1}}', b"\xff\x00", b"null"]
SWITCHES = st.fixed_dictionaries(
    {
        "tokenLifetime": st.sampled_from(["forever", "10m", "none"]),
        "tokenMismatch": st.sampled_from(["old-job", "conflict"]),
        "quota": st.sampled_from([None, None, 2]),
        "overQuota": st.sampled_from(["refuse", "queue"]),
        "getLag": st.sampled_from([0, 0, 1, 60]),
        "listLag": st.sampled_from([0, 0, 1, 60]),
        "failingShare": st.sampled_from([0, 0, 0.3]),
        "failingWith": st.sampled_from(["internal", "access"]),
        "modelNames": st.sampled_from(["reusable", "unique"]),
    }
)
"""Every position of the service's open questions that keeps names unique."""
TAGGING = ("TagResource", "UntagResource", "ListTagsForResource")
FAULTS = st.builds(
    Fault,
    kind=st.sampled_from(sorted(set(FaultKind) - {FaultKind.DELAY, FaultKind.DELAY_BEFORE})),
    operation=st.sampled_from(
        [None, None, "Create", "Get", "List", "Stop", *TAGGING, "GetCallerIdentity"]
    ),
    nth=st.integers(1, 6),
    times=st.sampled_from([1, 3, None]),
)
SECONDS = st.sampled_from([1.0, 60.0, 700.0, 2000.0, 4500.0])
