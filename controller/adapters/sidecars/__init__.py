"""Sidecars on disk: read and written whole."""
