"""Plain data as YAML, whose texts are written so that escapes can take the place of characters."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.emitter import ScalarAnalysis


def format_yaml(data: Any, *, unicode: bool) -> str:
    """Return data as YAML; without ``unicode`` all of it is ASCII."""
    text: str = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=unicode, width=float("inf")
    )
    return text


class _Dumper(yaml.SafeDumper):
    """Puts in double quotes what may need an escape there, and no text on lines of its own.

    A line of a log that begins with a text from outside could be a command to what reads the log.
    """

    def analyze_scalar(self, scalar: str) -> ScalarAnalysis:
        """Return which styles a scalar may take: only double quotes where it is not harmless."""
        analysis = super().analyze_scalar(scalar)
        if scalar.isprintable() and "##[" not in scalar and not scalar.lstrip().startswith("::"):
            return analysis
        analysis.allow_flow_plain = analysis.allow_block_plain = False
        analysis.allow_single_quoted = analysis.allow_block = False
        return analysis
