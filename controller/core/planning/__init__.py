"""The planning rules: from manifests, records and live jobs to actions."""
