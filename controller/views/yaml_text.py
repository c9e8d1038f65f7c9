"""Plain data as YAML, whose texts are quoted so that escapes can replace characters."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.emitter import ScalarAnalysis


def format_yaml(data: Any, *, unicode: bool) -> str:
    """Return data as YAML; without ``unicode`` all of it is ASCII."""
    # An unlimited width puts no part of a text at the start of a line.
    text: str = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=unicode, width=float("inf")
    )
    return text


class _Dumper(yaml.SafeDumper):
    """Double-quotes texts that may need escapes, and never puts a text on a line of its own.

    A log line that begins with a text from outside could be a command to the log's reader.
    """

    def analyze_scalar(self, scalar: str) -> ScalarAnalysis:
        """Return the styles of a scalar: only double quotes unless it is harmless."""
        analysis = super().analyze_scalar(scalar)
        if scalar.isprintable() and "##[" not in scalar and not scalar.lstrip().startswith("::"):
            return analysis
        analysis.allow_flow_plain = analysis.allow_block_plain = False
        analysis.allow_single_quoted = analysis.allow_block = False
        return analysis
