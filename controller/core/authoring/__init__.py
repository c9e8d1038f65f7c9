"""Manifests and repositories written for people: drafts, skeletons and edits."""
