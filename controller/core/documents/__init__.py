"""YAML documents as typed values: nodes, scalars and manifest entries."""
