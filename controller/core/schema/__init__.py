"""The JSON Schemas of manifests: built from the service model, and described for people."""
