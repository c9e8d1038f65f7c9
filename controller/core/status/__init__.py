"""Sidecar entries: built, parsed and merged."""
