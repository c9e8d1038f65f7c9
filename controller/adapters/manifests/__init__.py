"""Manifests on disk: found, read, checked and loaded."""
