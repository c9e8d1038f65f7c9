"""The decision table: from manifests, records and live jobs to actions."""
