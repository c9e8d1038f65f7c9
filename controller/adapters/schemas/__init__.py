"""The JSON Schemas that ship with the package, and their compiled readers."""
